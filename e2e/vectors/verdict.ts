import type { Expectation } from "./expectations.ts";
import { mayBeDialled, mayBeResolved } from "./policy.ts";
import type { Answered, Arrival, Observation } from "./scenario.ts";
import type { Group } from "./vectors.ts";

/**
 * `REACH`: something arrived where nothing may, be it a packet, a name in a query or a credential.
 * `OPAQUE`: it arrived at the allowed host, in a form that hides what it is.
 * `LENIENT`: taken or repaired although malformed, but only towards the allowed host.
 * `REFUSED`: good traffic that did not get through.
 */
export const VERDICTS = ["PASS", "LENIENT", "OPAQUE", "REACH", "REFUSED"] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Judged {
  readonly verdict: Verdict;
  /** What was seen, for a person. */
  readonly seen: string;
}

/** Judges by what arrived where; a status says what the proxy believes, and counts only where nothing else can. */
export function judge(group: Group, expectation: Expectation, observation: Observation): Judged {
  const elsewhere = observation.arrivals.find((arrival) => !mayBeDialled(arrival));
  if (elsewhere !== undefined) return { verdict: "REACH", seen: `connected to ${describe(elsewhere)}` };
  const asked = observation.queries.find((name) => !mayBeResolved(name));
  if (asked !== undefined) return { verdict: "REACH", seen: `asked a name server for ${asked}` };

  const leak = leakOf(expectation, observation);
  if (leak !== undefined) return { verdict: "OPAQUE", seen: leak };
  if (expectation.mustReach) return judgeGood(expectation, observation);

  const arrived = observation.arrivals.filter(({ total }) => total > 0);
  const [first] = arrived;
  if (!expectation.mayReach && first !== undefined) {
    return { verdict: group === "TLS" ? "OPAQUE" : "LENIENT", seen: `passed on ${describe(first)}` };
  }
  const overrun = overrunOf(expectation, observation);
  if (overrun !== undefined) return { verdict: "LENIENT", seen: overrun };
  if (expectation.mustEnd && observation.answers.some(isStillOpen))
    return { verdict: "LENIENT", seen: `not ended: ${summarise(observation.answers)}` };
  if (!expectation.mayReach && !expectation.status.includes(200) && observation.answers.some(isTaken))
    return { verdict: "LENIENT", seen: `taken: ${summarise(observation.answers)}` };
  return { verdict: "PASS", seen: summarise(observation.answers) };
}

/** Whether the answers are, in status and reason, exactly those that the corpus names: ours must be. */
export function isAsWritten({ status, reason }: Expectation, { answers }: Observation): boolean {
  return answers.every((answer) => {
    const isExpected = status.includes(answer.status ?? "closed");
    const carriesReason = answer.status !== null && answer.status >= 400 && answer.reason !== null;
    return isExpected && (!carriesReason || reason === undefined || reason.includes(answer.reason ?? ""));
  });
}

function judgeGood(expectation: Expectation, { arrivals, answers }: Observation): Judged {
  const seen = summarise(answers);
  const { mustReceive } = expectation;
  if (!arrivals.some(({ total }) => total > 0))
    return { verdict: "REFUSED", seen: `nothing arrived: ${seen}` };
  if (mustReceive !== undefined && !answers.some(({ text }) => text.includes(mustReceive)))
    return { verdict: "REFUSED", seen: `"${mustReceive}" did not come back: ${seen}` };
  if (!answers.every(({ status }) => expectation.status.includes(status ?? "closed")))
    return { verdict: "REFUSED", seen };
  return { verdict: "PASS", seen };
}

function leakOf(expectation: Expectation, { arrivals, answers }: Observation): string | undefined {
  const { mustNotArrive, mustNotReceive } = expectation;
  const arrival = arrivals.find(({ bytes }) => mustNotArrive !== undefined && bytes.includes(mustNotArrive));
  if (arrival !== undefined) return `passed on ${describe(arrival)}`;
  if (answers.some(({ text }) => mustNotReceive !== undefined && text.includes(mustNotReceive)))
    return `gave the client ${mustNotReceive}`;
  return undefined;
}

function overrunOf(
  { mostUp, mostDown }: Expectation,
  { arrivals, answers }: Observation,
): string | undefined {
  const up = arrivals.reduce((sum, { total }) => sum + total, 0);
  const down = answers.reduce((sum, { received }) => sum + received, 0);
  if (mostUp !== undefined && up > mostUp) return `${up} bytes went up, at most ${mostUp} may`;
  if (mostDown !== undefined && down > mostDown) return `${down} bytes came down, at most ${mostDown} may`;
  return undefined;
}

function isTaken({ status }: Answered): boolean {
  return status !== null && status < 400;
}

function isStillOpen({ status, closed }: Answered): boolean {
  return !closed && (status === null || status < 400);
}

function summarise(answers: readonly Answered[]): string {
  const seen = answers.map(({ status, reason, code, closed }) => {
    const why = reason ?? code;
    return `${status ?? "no answer"}${why === null ? "" : ` ${why}`}${closed ? ", closed" : ""}`;
  });
  return [...new Set(seen)].join("; ");
}

function describe({ address, port, bytes, total }: Arrival): string {
  return `${address}:${port} (${total} bytes: ${JSON.stringify(bytes.slice(0, 60))})`;
}
