import { type EgressCaller, EgressQuestion, type EgressQuestionRequest } from "@claws/contracts";
import type { Logger, ServiceClient } from "@claws/service-kit";
import { formatAuthority } from "../authority.ts";
import { type Caller, nameOf } from "../caller.ts";
import type { Opening } from "../judge.ts";
import type { LivePolicy } from "../live-policy.ts";
import type { AskPerson } from "../pipeline.ts";
import type { EgressRequest } from "../read-request.ts";
import type { Refused } from "../refusal.ts";
import { createSessionGrants, type GrantedDestination, keyOf } from "./session-grants.ts";

export interface Questions {
  readonly ask: AskPerson;
  /** Ends every wait with a refusal. */
  close(): void;
}

export interface QuestionsParts {
  readonly client: ServiceClient;
  readonly policy: Pick<LivePolicy, "current">;
  readonly logger: Logger;
  /** For tests: how often the list of what sessions may is read. */
  readonly reloadMs?: number;
}

/** How a question ended; `full` and `unanswerable` are about asking, the rest about the answer. */
type Ending = "once" | "session" | "always" | "deny" | "expired" | "full" | "unanswerable";

interface OpenQuestion {
  readonly caller: string;
  readonly ending: Promise<Ending>;
  waiting: number;
}

const LONGEST_POLL_MS = 25_000;
const POLL_GRACE_MS = 2_000;
/** The gateway ends a question by its own clock, and hears of it within a second. */
const EXPIRY_GRACE_MS = 1_500;
/** Requests that may wait for one answer: each holds a connection. */
const MOST_WAITING = 64;
/** A no is remembered here for a moment, so that asking in a loop does not reach the gateway each time. */
const DENIAL_HOLDS_MS = 5_000;
const MOST_DENIALS = 1_000;

/**
 * Asks a person, through approval-gateway, about what an `ask` rule names. Requests of one session for one destination
 * wait for one answer; a yes covers those that wait for it, and later ones where it was said for longer than once.
 * Whatever goes wrong is a no.
 */
export function createQuestions({ client, policy, logger, reloadMs }: QuestionsParts): Questions {
  const grants = createSessionGrants({ client, logger, ...(reloadMs === undefined ? {} : { reloadMs }) });
  const open = new Map<string, OpenQuestion>();
  const denied = new Map<string, number>();
  const stopping = new AbortController();

  async function pose(request: EgressQuestionRequest): Promise<Ending> {
    const { signal } = stopping;
    const deadline = performance.now() + request.expireAfterSeconds * 1_000 + EXPIRY_GRACE_MS;
    let answer = await client.call(EgressQuestion, {
      method: "POST",
      path: "/v1/egress/questions",
      body: request,
      signal,
    });
    while (answer.ok && answer.value.state === "open") {
      const remaining = Math.ceil(deadline - performance.now());
      if (remaining <= 0) return "expired";
      const waitMs = Math.min(LONGEST_POLL_MS, remaining);
      answer = await client.call(EgressQuestion, {
        method: "GET",
        path: `/v1/egress/questions/${answer.value.id}?waitMs=${waitMs}`,
        timeoutMs: waitMs + POLL_GRACE_MS,
        signal,
      });
    }
    if (answer.ok) return answer.value.state === "open" ? "expired" : answer.value.state;
    const { code, detail } = answer.problem;
    if (code === "rate_limited") return "full";
    if (!signal.aborted) logger.warn({ code, detail }, "a person cannot be asked");
    return "unanswerable";
  }

  function askOnce(
    destination: GrantedDestination,
    caller: EgressCaller,
    request: EgressRequest,
    opening: Opening,
  ): OpenQuestion | undefined {
    const { seconds, maxOpen } = policy.current().egress.ask;
    const ofCaller = [...open.values()].filter((question) => question.caller === destination.caller);
    if (ofCaller.length >= maxOpen) return undefined;
    const key = keyOf(destination);
    const ending = pose({
      caller,
      host: request.host,
      port: request.port,
      method: request.method.slice(0, 32),
      rule: opening.key ?? "",
      expireAfterSeconds: seconds,
      maxOpen,
    }).then((ended) => {
      // Before anybody who waits goes on: who comes later asks anew.
      open.delete(key);
      if (ended === "session") grants.add(destination);
      if (ended === "deny") rememberDenial(denied, key);
      return ended;
    });
    const question: OpenQuestion = { caller: destination.caller, ending, waiting: 0 };
    open.set(key, question);
    return question;
  }

  async function ask(caller: Caller, request: EgressRequest, opening: Opening): Promise<Refused | undefined> {
    const refuse = (ending: Ending) => refusalOf(ending, request, opening, policy);
    // What the stack itself does is in the profile; nobody is asked about it.
    if (caller.kind === "service") return refuse("deny");
    const { host, port } = request;
    const destination = { caller: nameOf(caller), session: caller.session, host, port };
    if (grants.has(destination)) return undefined;
    const key = keyOf(destination);
    if ((denied.get(key) ?? 0) > performance.now()) return refuse("deny");

    const question = open.get(key) ?? askOnce(destination, caller, request, opening);
    if (question === undefined || question.waiting >= MOST_WAITING) return refuse("full");
    question.waiting++;
    return refuse(await question.ending);
  }

  return {
    ask,
    close() {
      stopping.abort();
      grants.close();
    },
  };
}

function rememberDenial(denied: Map<string, number>, key: string): void {
  const now = performance.now();
  if (denied.size >= MOST_DENIALS) for (const [old, until] of denied) if (until <= now) denied.delete(old);
  if (denied.size < MOST_DENIALS) denied.set(key, now + DENIAL_HOLDS_MS);
}

function refusalOf(
  ending: Ending,
  request: EgressRequest,
  { rule, key }: Opening,
  policy: Pick<LivePolicy, "current">,
): Refused | undefined {
  const destination = formatAuthority(request);
  const { seconds, maxOpen } = policy.current().egress.ask;
  switch (ending) {
    case "once":
    case "session":
    case "always":
      return undefined;
    case "deny":
      return {
        reason: "ask_denied",
        detail: `${destination} is refused, a person said no: do something else, or ask the operator why`,
        rule,
        key,
      };
    case "expired":
      return {
        reason: "ask_timeout",
        detail: `${destination} is refused, nobody answered in ${seconds} s: send it again when an operator is there`,
        rule,
        key: "egress.ask.seconds",
      };
    case "full":
      return {
        reason: "ask_full",
        detail: `${destination} is refused, too much waits for a person already (at most ${maxOpen} questions of one caller): wait for the answers`,
        rule,
        key: "egress.ask.maxOpen",
      };
    case "unanswerable":
      return {
        reason: "dependency_down",
        detail: `${destination} is refused, no person can be asked (approval-gateway does not answer): try again, or see ./claws status`,
        rule,
        key,
        retryAfterMs: 1_000,
      };
  }
}
