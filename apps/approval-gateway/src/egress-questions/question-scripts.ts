import { defineScript, type ScriptReply } from "@claws/redis-kit";
import { QUESTION_LUA } from "./question-lua.ts";
import { readStoredQuestion, type StoredQuestion } from "./stored-question.ts";

/** Why a step is refused. */
const REASONS = ["not_found", "mismatch", "expired", "decided", "full"] as const;
export type QuestionRefusal = (typeof REASONS)[number];

export type QuestionStep =
  | { readonly outcome: "ok"; readonly stored: StoredQuestion }
  /** Only of `check`: nothing is open or holds, so a new question would be opened. */
  | { readonly outcome: "free" }
  | { readonly outcome: "refused"; readonly reason: QuestionRefusal };

function readStep(reply: ScriptReply): QuestionStep {
  const [outcome, second] = Array.isArray(reply) ? (reply as readonly ScriptReply[]) : [];
  if (outcome === "ok" && second !== undefined) return { outcome, stored: readStoredQuestion(second) };
  if (outcome === "free") return { outcome };
  const reason = REASONS.find((known) => known === second);
  if (outcome === "refused" && reason !== undefined) return { outcome, reason };
  throw new Error("a step of a question gave an unknown reply");
}

/**
 * Opens a question, or finds what is there of the same caller and destination: an answer that holds, or the
 * open question.
 * KEYS: record. ARGV: mode, id, target, caller, its name, host, port, method, rule, lifetime ms, most open.
 */
export const askScript = defineScript({
  name: "ask",
  lua: `${QUESTION_LUA}
local MAX_LISTED = 500
local mode, id, target, name = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local standing = redis.call("GET", standing_key(target))
if standing then
  local held = load(standing)
  if held and (held.state == "session" or held.state == "deny") then return found(standing) end
end
local open = redis.call("GET", open_key(target))
if open then
  local held = load(open)
  if held and held.state == "open" then return found(open) end
end
for _, due in ipairs(redis.call("ZRANGEBYSCORE", waiting_of(name), "-inf", now)) do
  if not load(due) then redis.call("ZREM", waiting_of(name), due) end
end
if redis.call("ZCARD", waiting_of(name)) >= tonumber(ARGV[11]) then return refuse("full") end
if mode ~= "act" then return {"free"} end

local lifetime = tonumber(ARGV[10])
redis.call("HSET", KEYS[1], "id", id, "target", target, "caller", ARGV[4], "name", name, "host", ARGV[6],
  "port", ARGV[7], "method", ARGV[8], "rule", ARGV[9], "askedAt", now, "expiresAt", now + lifetime)
redis.call("PEXPIRE", KEYS[1], lifetime + KEEP_MS)
redis.call("SET", open_key(target), id, "PX", lifetime)
redis.call("ZADD", WAITING, now + lifetime, id)
redis.call("ZADD", waiting_of(name), now + lifetime, id)
redis.call("PEXPIRE", waiting_of(name), lifetime + KEEP_MS)
redis.call("ZADD", NEWEST, now, id)
redis.call("ZREMRANGEBYRANK", NEWEST, 0, -1 - MAX_LISTED)
enter(id, { target = target, name = name }, "open")
return found(id)
`,
  readReply: readStep,
});

/**
 * A person's answer, once; with mode `check` only says whether it would be taken.
 * KEYS: record. ARGV: mode, id, answer, host, port, operator, seal, how long a yes for the session and a no hold in ms.
 */
export const answerScript = defineScript({
  name: "answer",
  lua: `${QUESTION_LUA}
local ANSWERS = { once = true, session = true, always = true, deny = true }
local mode, id, answer = ARGV[1], ARGV[2], ARGV[3]
if not ANSWERS[answer] then return redis.error_reply("ERR unknown answer") end
local held = load(id)
if not held then return refuse("not_found") end
if held.host ~= ARGV[4] or held.port ~= ARGV[5] then return refuse("mismatch") end
if held.state == "expired" then return refuse("expired") end
if held.state ~= "open" then return refuse("decided") end
if mode == "act" then
  redis.call("HSET", KEYS[1], "by", ARGV[6], "seal", ARGV[7], "answeredAt", now)
  enter(id, held, answer)
  if answer == "session" then
    redis.call("SET", standing_key(held.target), id, "PX", ARGV[8])
    redis.call("ZADD", GRANTS, now + tonumber(ARGV[8]), id)
  elseif answer == "deny" then
    redis.call("SET", standing_key(held.target), id, "PX", ARGV[9])
  end
end
return found(id)
`,
  readReply: readStep,
});

/** One question by id. ARGV: id. */
export const readQuestionScript = defineScript<StoredQuestion | undefined>({
  name: "read-question",
  lua: `${QUESTION_LUA}
if not load(ARGV[1]) then return false end
return found(ARGV[1])
`,
  readReply(reply) {
    if (reply === null) return undefined;
    const step = readStep(reply);
    if (step.outcome === "ok") return step.stored;
    throw new Error("reading a question gave an unknown reply");
  },
});

/** Newest first. ARGV: `open` or `all`, how many at most. */
export const listQuestionsScript = defineScript({
  name: "list-questions",
  lua: `${QUESTION_LUA}
local only_open, count = ARGV[1] == "open", tonumber(ARGV[2])
local list = {}
for _, id in ipairs(redis.call("ZREVRANGE", NEWEST, 0, -1)) do
  local held = load(id)
  if not held then
    redis.call("ZREM", NEWEST, id)
  elseif held.state == "open" or not only_open then
    if #list >= count then break end
    table.insert(list, redis.call("HGETALL", record_key(id)))
  end
end
return list
`,
  readReply(reply) {
    if (!Array.isArray(reply)) throw new Error("list-questions gave no list");
    return (reply as readonly ScriptReply[]).map(readStoredQuestion);
  },
});

/** A yes for a session, and until when it holds in milliseconds since the epoch. */
export interface StoredGrant {
  readonly stored: StoredQuestion;
  readonly until: number;
}

/** What was allowed for a session and still holds, newest first. ARGV: how many at most. */
export const listGrantsScript = defineScript<readonly StoredGrant[]>({
  name: "list-grants",
  lua: `${QUESTION_LUA}
redis.call("ZREMRANGEBYSCORE", GRANTS, "-inf", now)
local entries = redis.call("ZREVRANGE", GRANTS, 0, tonumber(ARGV[1]) - 1, "WITHSCORES")
local list = {}
for place = 1, #entries, 2 do
  local held = load(entries[place])
  if held and held.state == "session" then
    table.insert(list, {redis.call("HGETALL", record_key(entries[place])), entries[place + 1]})
  end
end
return list
`,
  readReply(reply) {
    if (!Array.isArray(reply)) throw new Error("list-grants gave no list");
    return (reply as readonly ScriptReply[]).map((entry) => {
      const [fields, until] = Array.isArray(entry) ? (entry as readonly ScriptReply[]) : [];
      if (fields === undefined || !Number.isSafeInteger(Number(until))) throw new Error("a grant has no end");
      return { stored: readStoredQuestion(fields), until: Number(until) };
    });
  },
});

/** Expires what is due, so that pages and waiting requests hear of it. */
export const expireQuestionsScript = defineScript<void>({
  name: "expire-questions",
  lua: `${QUESTION_LUA}
for _, id in ipairs(redis.call("ZRANGEBYSCORE", WAITING, "-inf", now, "LIMIT", 0, 100)) do
  if not load(id) then redis.call("ZREM", WAITING, id) end
end
return 1
`,
  readReply: () => undefined,
});
