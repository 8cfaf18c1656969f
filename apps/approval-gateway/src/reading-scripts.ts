import { ApprovalState, EgressQuestion } from "@claws/contracts";
import { defineScript, type ScriptReply } from "@claws/redis-kit";
import { APPROVAL_LUA } from "./approval-lua.ts";
import { readStoredApproval, type StoredApproval } from "./stored-approval.ts";

function readOptional(reply: ScriptReply): StoredApproval | undefined {
  if (reply === null) return undefined;
  if (Array.isArray(reply) && reply[0] === "ok") return readStoredApproval(reply[1] as ScriptReply);
  throw new Error("reading an approval gave an unknown reply");
}

/** One approval by id. ARGV: id. */
export const readScript = defineScript({
  name: "read",
  lua: `${APPROVAL_LUA}
if not load(ARGV[1]) then return false end
return found(ARGV[1])
`,
  readReply: readOptional,
});

/** The pending or approved approval of a digest. ARGV: digest. */
export const findOpenScript = defineScript({
  name: "find-open",
  lua: `${APPROVAL_LUA}
local id = redis.call("GET", open_key(ARGV[1]))
local held = id and load(id)
if not held or not OPEN[held.state] then return false end
return found(id)
`,
  readReply: readOptional,
});

/** Newest first. ARGV: `open` or `all`, how many, how many bytes of calls at most. */
export const listScript = defineScript({
  name: "list",
  lua: `${APPROVAL_LUA}
local only_open, count, bytes = ARGV[1] == "open", tonumber(ARGV[2]), tonumber(ARGV[3])
local list = {}
for _, id in ipairs(redis.call("ZREVRANGE", NEWEST, 0, -1)) do
  local held = load(id)
  if not held then
    redis.call("ZREM", NEWEST, id)
  elseif OPEN[held.state] or not only_open then
    bytes = bytes - redis.call("HSTRLEN", record_key(id), "call")
    if #list >= count or bytes < 0 then break end
    table.insert(list, redis.call("HGETALL", record_key(id)))
  end
end
return list
`,
  readReply(reply) {
    if (!Array.isArray(reply)) throw new Error("list gave no list");
    return (reply as readonly ScriptReply[]).map(readStoredApproval);
  },
});

/** One change of state, of an approval or of a question about a destination, with its place in the stream of changes. */
export type Change = { readonly position: string; readonly id: string } & (
  | { readonly kind: "approval"; readonly state: ApprovalState }
  | { readonly kind: "question"; readonly state: EgressQuestion["state"] }
);

export interface Changes {
  readonly changes: readonly Change[];
  /** Where to go on reading. */
  readonly position: string;
}

/**
 * Expires what is due, then gives the changes after a position; with an empty one only the newest
 * position. ARGV: position.
 */
export const changesScript = defineScript<Changes>({
  name: "changes",
  lua: `${APPROVAL_LUA}
for _, id in ipairs(redis.call("ZRANGEBYSCORE", WAITING, "-inf", now, "LIMIT", 0, 100)) do
  if not load(id) then redis.call("ZREM", WAITING, id) end
end
if ARGV[1] == "" then
  local newest = redis.call("XREVRANGE", EVENTS, "+", "-", "COUNT", 1)
  return {newest[1] and newest[1][1] or "0-0", {}}
end
local entries = redis.call("XRANGE", EVENTS, "(" .. ARGV[1], "+", "COUNT", 500)
return {#entries > 0 and entries[#entries][1] or ARGV[1], entries}
`,
  readReply(reply) {
    const [position, entries] = Array.isArray(reply) ? (reply as readonly ScriptReply[]) : [];
    if (typeof position !== "string" || !Array.isArray(entries)) {
      throw new Error("changes gave an unknown reply");
    }
    return { position, changes: (entries as readonly ScriptReply[]).map(readChange) };
  },
});

function readChange(entry: ScriptReply): Change {
  const [position, fields] = Array.isArray(entry) ? (entry as readonly ScriptReply[]) : [];
  const [, id, , state, , kind = "approval"] = Array.isArray(fields)
    ? (fields as readonly ScriptReply[])
    : [];
  if (typeof position !== "string" || typeof id !== "string") throw new Error("a change has no id");
  return kind === "question"
    ? { position, id, kind, state: EgressQuestion.shape.state.parse(state) }
    : { position, id, kind: "approval", state: ApprovalState.parse(state) };
}
