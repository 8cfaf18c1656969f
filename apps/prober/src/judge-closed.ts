import { isIPv4 } from "node:net";
import { type Attempt, formatAttempt } from "./attempt.ts";
import { nextHopOf } from "./ipv4.ts";
import type { Route } from "./namespace.ts";

/** What the kernel knew after the attempts were over. */
export interface Evidence {
  readonly routes: readonly Route[];
  /** By address, from the ARP table. */
  readonly neighbours: ReadonlyMap<string, "present" | "absent">;
}

export interface Judgement {
  readonly passed: boolean;
  readonly happened: string;
}

/**
 * Whether no packet left. Silence alone proves nothing: what was dropped further on was sent. It counts where
 * nobody on the link answers for the next hop, as behind the bridge without an address that old engines still
 * route to.
 */
export function isClosed({ address, outcome }: Attempt, { routes, neighbours }: Evidence): boolean {
  if (outcome.kind === "unreachable") return true;
  if (outcome.kind !== "silent" || !isIPv4(address)) return false;
  const hop = nextHopOf(address, routes);
  return hop === undefined || neighbours.get(hop) === "absent";
}

/** For addresses that no packet may get to. */
export function judgeClosed(attempts: readonly Attempt[], evidence: Evidence): Judgement {
  return judge(
    attempts,
    (attempt) => isClosed(attempt, evidence),
    ({ outcome }) => (outcome.kind === "silent" ? "nobody at the next hop" : codeOf(outcome)),
  );
}

/** For members of one's own network, which are there: closed is a port that does not answer. */
export function judgeShut(attempts: readonly Attempt[]): Judgement {
  return judge(
    attempts,
    ({ outcome }) => outcome.kind !== "answered" && outcome.kind !== "odd",
    ({ outcome }) => codeOf(outcome),
  );
}

/** For what must be there, one of them at the least. */
export function judgeOpen(attempts: readonly Attempt[]): Judgement {
  if (attempts.length === 0) return { passed: false, happened: "nobody is there" };
  return judge(
    attempts,
    ({ outcome }) => outcome.kind === "answered",
    ({ outcome }) => codeOf(outcome),
  );
}

const codeOf = (outcome: Attempt["outcome"]) => ("code" in outcome ? outcome.code : outcome.kind);
const isAnswered = ({ outcome }: Attempt) => outcome.kind === "answered";
const SHOWN = 4;

function judge(
  attempts: readonly Attempt[],
  isFine: (attempt: Attempt) => boolean,
  describe: (attempt: Attempt) => string,
): Judgement {
  // What answered says most; a report has room for a few.
  const wrong = attempts
    .filter((attempt) => !isFine(attempt))
    .sort((one, other) => Number(isAnswered(other)) - Number(isAnswered(one)));
  if (wrong.length > 0) {
    const more = wrong.length > SHOWN ? `, and ${wrong.length - SHOWN} more` : "";
    return { passed: false, happened: `${wrong.slice(0, SHOWN).map(formatAttempt).join(", ")}${more}` };
  }
  const counts = Map.groupBy(attempts, describe);
  const kinds = [...counts].map(([what, those]) => `${those.length} × ${what}`);
  return { passed: true, happened: kinds.join(", ") || "nothing to try" };
}
