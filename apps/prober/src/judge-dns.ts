import type { Consultation } from "./ask-dns.ts";
import type { Judgement } from "./judge-closed.ts";

const NXDOMAIN = 3;
/** SERVFAIL and REFUSED: Docker's own resolver says so where it may forward nothing. */
const NEGATIVE = new Set([2, NXDOMAIN, 5]);

/** For names and types that must lead nowhere: any record, and even "exists, but not so", came from outside. */
export function judgeUnknownNames(consultations: readonly Consultation[]): Judgement {
  const leaks = consultations.filter(
    ({ outcome, answer }) =>
      outcome.kind === "odd" || (answer !== undefined && (answer.records > 0 || !NEGATIVE.has(answer.rcode))),
  );
  return leaks.length > 0
    ? { passed: false, happened: list(leaks) }
    : { passed: true, happened: list(consultations) };
}

/** For a name that the policy allows: no address but the proxy's own. */
export function judgeAllowedName(consultations: readonly Consultation[], address: string): Judgement {
  const leaks = consultations.filter(({ answer }) => answer?.addresses.some((found) => found !== address));
  return leaks.length > 0
    ? { passed: false, happened: list(leaks) }
    : { passed: true, happened: list(consultations) };
}

/** A question that nobody answers may have left: who answers it must be known. */
export function judgeDnsAnswers(consultations: readonly Consultation[]): Judgement {
  const silent = consultations.filter(({ outcome }) => outcome.kind === "silent");
  return silent.length > 0
    ? { passed: false, happened: list(silent) }
    : { passed: true, happened: `all ${consultations.length} at once` };
}

function list(consultations: readonly Consultation[]): string {
  const counts = Map.groupBy(consultations, describe);
  return [...counts]
    .map(([what, those]) => (those.length === 1 ? what : `${those.length} × ${what}`))
    .join(", ");
}

const RCODES: Record<number, string> = { 0: "NOERROR", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED" };

function describe({ outcome, answer, name, type, transport }: Consultation): string {
  if (answer === undefined) return "code" in outcome ? outcome.code : outcome.kind;
  const rcode = RCODES[answer.rcode] ?? `rcode ${answer.rcode}`;
  if (answer.records === 0) return rcode;
  return `${type} ${name || "."} over ${transport}: ${answer.addresses.join(" ") || `${answer.records} records`}`;
}
