import type { CompiledPolicy, EgressRule } from "@claws/contracts";
import { matchesHost, readHostPattern } from "./host-pattern.ts";

/** Where a request wants to go: a canonical host, a port, and the method (`CONNECT` for a tunnel). */
export interface EgressDestination {
  readonly host: string;
  readonly port: number;
  readonly method: string;
}

/** What the rules say of a destination, before any name is resolved. `key` is where to change it. */
export type EgressDecision =
  | {
      readonly outcome: "allow";
      readonly reason: string;
      readonly rule?: string;
      readonly key?: string;
      /** Ranges of non-public addresses that the deciding rule accepts for this host. */
      readonly addresses: readonly string[];
    }
  | { readonly outcome: "deny"; readonly reason: string; readonly rule?: string; readonly key: string };

type EgressPolicy = CompiledPolicy["egress"];

const RULES_KEY = "egress.rules";
const PUBLIC_PORTS: readonly number[] = [80, 443];

/**
 * Judges a destination by the rules alone. Deny rules win wherever they stand; then the first allow rule
 * that matches decides; then, in `public` mode, any dotted host on port 80 or 443; then deny.
 */
export function decideEgress(policy: EgressPolicy, destination: EgressDestination): EgressDecision {
  const unreadable = policy.rules.find((rule) => !readHostPattern(rule.host).ok);
  if (unreadable) return byRule("deny", "a rule cannot be read", unreadable);

  const matching = policy.rules.filter((rule) => matchesDestination(rule, destination));
  const denying = matching.find((rule) => rule.action === "deny");
  if (denying) return byRule("deny", "a deny rule matched", denying);
  const allowing = matching.find((rule) => rule.action === "allow");
  if (allowing) return byRule("allow", "an allow rule matched", allowing);

  switch (policy.mode) {
    case "public":
      return decideUnnamed(destination);
    case "allowlist":
      return deny(explainNoMatch(policy.rules, destination));
    default:
      return deny("the policy has no mode that is known");
  }
}

/** Public mode, no rule: single labels are names of neighbours, so only a rule may open one. */
function decideUnnamed({ host, port }: EgressDestination): EgressDecision {
  if (!host.startsWith("[") && !host.includes(".")) {
    return deny("a host without a dot is reached only by a rule that names it");
  }
  if (!PUBLIC_PORTS.includes(port)) {
    return deny(`without a rule only ports ${PUBLIC_PORTS.join(" and ")} are open`);
  }
  return { outcome: "allow", reason: "every public host is allowed", addresses: [] };
}

function matchesDestination(rule: EgressRule, { host, port, method }: EgressDestination): boolean {
  return matchesHost(rule.host, host) && rule.port === port && (rule.methods?.includes(method) ?? true);
}

function explainNoMatch(rules: readonly EgressRule[], { host, port, method }: EgressDestination): string {
  const isKnown = rules.some((rule) => rule.action === "allow" && matchesHost(rule.host, host));
  return isKnown ? `no rule matched: none for this host allows ${method} on port ${port}` : "no rule matched";
}

function deny(reason: string): EgressDecision {
  return { outcome: "deny", reason, key: RULES_KEY };
}

function byRule(outcome: "allow" | "deny", reason: string, rule: EgressRule): EgressDecision {
  const decided = { reason, rule: textOf(rule), key: rule.key };
  return outcome === "allow"
    ? { outcome, ...decided, addresses: rule.addresses ?? [] }
    : { outcome, ...decided };
}

function textOf({ action, host, port, methods }: EgressRule): string {
  const limit = methods ? ` for ${methods.join(", ")}` : "";
  return `${action} ${host}:${port}${limit}`;
}
