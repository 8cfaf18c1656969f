import type { CompiledPolicy, EgressRule } from "@claws/contracts";
import { type EgressRemark, lintEgressRules } from "./egress-lint.ts";
import { createEgressRules } from "./egress-rules.ts";
import { readHostPattern } from "./host-pattern.ts";
import { placeRules } from "./place-rules.ts";
import { isAddressLiteral, isSpecialName } from "./special-name.ts";
import { diffOfSplice } from "./splice-diff.ts";

/** A destination that was reached, as often as it was with this method. */
export interface ObservedDestination {
  readonly host: string;
  readonly port: number;
  /** `CONNECT` for a tunnel. */
  readonly method: string;
  /** Where it could be read. */
  readonly path?: string;
  readonly count: number;
  /** ISO 8601. */
  readonly firstSeen: string;
  readonly lastSeen: string;
}

export interface ProposedRule {
  readonly rule: EgressRule;
  readonly count: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** Why the rule cannot go in without `acknowledge`, or at all; it is commented out in the diff. */
  readonly remarks: readonly EgressRemark[];
}

export interface EgressProposal {
  readonly rules: readonly ProposedRule[];
  /** What a person should know before applying the diff. */
  readonly remarks: readonly string[];
  /** Unified diff of the profile; empty when there is nothing to put in. */
  readonly diff: string;
}

/** The profile that is to be changed: its path from the repository on, and its text. */
export interface ProfileFile {
  readonly path: string;
  readonly text: string;
}

/** Enough for a person to read; an agent that wanders must not bury what matters. */
const MAX_RULES = 200;
const MIN_SIBLINGS = 6;

/**
 * Turns what was reached into the fewest and narrowest rules that a profile lacks for it: exact hosts, and
 * methods where they could be read. Changes nothing; a wildcard is only ever suggested.
 */
export function proposeRules(
  observed: readonly ObservedDestination[],
  policy: CompiledPolicy,
  file: ProfileFile,
): EgressProposal {
  const remarks: string[] = [];
  const sound = observed.filter(isSound);
  if (sound.length < observed.length)
    remarks.push(`left out, since not in canonical form: ${observed.length - sound.length}`);

  const rules = createEgressRules(policy.egress);
  const lacking: Gathered[] = [];
  for (const gathered of gather(sound).values()) {
    const { host, port } = gathered;
    const denials = [...gathered.methods].filter((method) => {
      const decision = rules.decide({ host, port, method, path: "/" });
      if (decision.outcome === "deny" && decision.reason === "deny_rule")
        remarks.push(`${host}:${port} (${method}) is left out: ${decision.rule ?? ""} (${decision.key})`);
      return decision.outcome === "deny" && decision.reason !== "deny_rule";
    });
    if (denials.length > 0) lacking.push({ ...gathered, methods: new Set(denials) });
  }
  lacking.sort((one, other) => other.count - one.count);
  if (lacking.length > MAX_RULES)
    remarks.push(`only the ${MAX_RULES} most used of ${lacking.length} destinations are proposed`);
  const proposed = lacking
    .slice(0, MAX_RULES)
    .map((gathered) => propose(gathered, policy))
    .sort((one, other) => compareHosts(one.rule, other.rule));

  for (const { rule, remarks: found } of proposed) {
    for (const { code, message } of found) remarks.push(`commented out: ${message} (${code})`);
    if (isAddressLiteral(rule.host))
      remarks.push(`${rule.host} is an address: a rule with the name says more`);
    if (isSpecialName(rule.host))
      remarks.push(`${rule.host} is a special name: its rule needs addresses, the range that it leads to`);
  }
  remarks.push(...suggestWildcards(proposed, policy));
  if (proposed.length === 0) return { rules: [], remarks, diff: "" };

  const lines = proposed.map((one) => ({ text: writeRule(one), isComment: one.remarks.length > 0 }));
  const placement = placeRules(file.text, lines);
  if (!placement.ok) {
    remarks.push(
      `${file.path} is left as it is, ${placement.reason}; the rules: ${lines.map(({ text }) => text).join("; ")}`,
    );
    return { rules: proposed, remarks, diff: "" };
  }
  return { rules: proposed, remarks, diff: diffOfSplice(file.path, file.text, placement.splice) };
}

interface Gathered {
  readonly host: string;
  readonly port: number;
  readonly methods: ReadonlySet<string>;
  readonly count: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
}

/** What was observed has been written by egress-filter, yet its hosts were chosen by the agent. */
function isSound({ host, port, method }: ObservedDestination): boolean {
  const reading = readHostPattern(host);
  const isHost = reading.ok && reading.pattern.kind === "exact";
  return isHost && Number.isInteger(port) && port >= 1 && port <= 65_535 && /^[A-Z]+$/.test(method);
}

function gather(observed: readonly ObservedDestination[]): Map<string, Gathered> {
  const destinations = new Map<string, Gathered>();
  for (const { host, port, method, count, firstSeen, lastSeen } of observed) {
    const name = `${host}:${port}`;
    const known = destinations.get(name);
    destinations.set(name, {
      host,
      port,
      methods: new Set([...(known?.methods ?? []), method]),
      count: (known?.count ?? 0) + count,
      firstSeen: known !== undefined && known.firstSeen < firstSeen ? known.firstSeen : firstSeen,
      lastSeen: known !== undefined && known.lastSeen > lastSeen ? known.lastSeen : lastSeen,
    });
  }
  return destinations;
}

function propose({ host, port, methods, ...seen }: Gathered, policy: CompiledPolicy): ProposedRule {
  const rule: EgressRule = {
    action: "allow",
    host,
    port,
    // Of a tunnel nothing more is known than that there was one.
    ...(methods.has("CONNECT") ? {} : { methods: [...methods].sort() }),
    key: "egress.rules",
  };
  return { rule, ...seen, remarks: lintEgressRules([rule], policy) };
}

/** Siblings stand together: by the labels from the right. */
function compareHosts(one: EgressRule, other: EgressRule): number {
  const reversed = ({ host, port }: EgressRule) => `${host.split(".").toReversed().join(".")}:${port}`;
  return reversed(one) < reversed(other) ? -1 : 1;
}

function suggestWildcards(proposed: readonly ProposedRule[], policy: CompiledPolicy): string[] {
  const bySuffix = Map.groupBy(
    proposed.filter(({ rule }) => !isAddressLiteral(rule.host) && rule.host.split(".").length > 2),
    ({ rule }) => `*${rule.host.slice(rule.host.indexOf("."))}:${rule.port}`,
  );
  return [...bySuffix].flatMap(([destination, siblings]) => {
    const [first] = siblings;
    if (first === undefined || siblings.length < MIN_SIBLINGS) return [];
    const host = destination.slice(0, destination.lastIndexOf(":"));
    const risks = lintEgressRules([{ ...first.rule, host }], policy).map(({ message }) => `; ${message}`);
    const names = `${siblings.length} hosts below ${host.slice(2)}`;
    return [
      `${names}: one rule { allow: "${destination}" } would do, and would also admit every other name there, whoever has it${risks.join("")}`,
    ];
  });
}

function writeRule({ rule, count, firstSeen, lastSeen, remarks }: ProposedRule): string {
  const { host, port, methods } = rule;
  const limit = methods === undefined ? "" : `, methods: [${methods.join(", ")}]`;
  const codes = remarks.map(({ code }) => `, ${code}`).join("");
  const seen = `${count === 1 ? "once" : `${count} times`}, ${dayOf(firstSeen)} to ${dayOf(lastSeen)}`;
  return `{ allow: "${host}:${port}"${limit} } # ${seen}${codes}`;
}

function dayOf(time: string): string {
  return /^\d{4}-\d{2}-\d{2}/.exec(time)?.[0] ?? "?";
}
