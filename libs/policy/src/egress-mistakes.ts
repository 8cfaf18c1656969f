import { compileRules } from "./compile-egress.ts";
import { lintEgressRules } from "./egress-lint.ts";
import { readPathPattern } from "./path-pattern.ts";
import {
  destinationOf,
  type EgressRuleSource,
  type ProfileSource,
  readHostAndPort,
} from "./profile-schema.ts";
import { isSpecialName } from "./special-name.ts";

export interface EgressMistake {
  /** Where in the profile: keys and indices. */
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Ports where nothing but TLS is spoken: what a rule says of requests there is judged by opening it. */
const TLS_PORTS: ReadonlySet<number> = new Set([443, 4443, 6443, 8443, 9443, 10_443]);

/** Egress rules, of whomever they are, that mean nothing, cannot be kept to, or hand out more than they say. */
export function findEgressMistakes(profile: ProfileSource): EgressMistake[] {
  const denying = profile.egress.rules.filter(({ deny }) => deny !== undefined);
  const ofCallers = (["agents", "servers"] as const).flatMap((kind) =>
    Object.entries(profile[kind]).flatMap(([name, { egress = [] }]) =>
      findInList(egress, [kind, name, "egress"], profile.models, denying),
    ),
  );
  return [...findInList(profile.egress.rules, ["egress", "rules"], profile.models, []), ...ofCallers];
}

function findInList(
  list: readonly EgressRuleSource[],
  path: readonly PropertyKey[],
  models: ProfileSource["models"],
  /** Deny rules that hold for this list too. */
  more: readonly EgressRuleSource[],
): EgressMistake[] {
  const structural = list.flatMap((rule, index) =>
    findInRule(rule).map(({ path: within, message }) => ({ path: [...path, index, ...within], message })),
  );
  const rules = compileRules(list, "");
  const remarks = lintEgressRules([...rules, ...compileRules(more, "more")], { models });
  const refused = remarks.flatMap(({ key, code, message, canBeAcknowledged }) => {
    const index = rules.findIndex((rule) => rule.key === key);
    if (canBeAcknowledged && list[index]?.acknowledge !== undefined) return [];
    const cure = canBeAcknowledged ? "; if it is meant, say why with acknowledge" : "";
    return [{ path: [...path, index], message: `${message} (${code})${cure}` }];
  });
  return [...structural, ...refused];
}

function findInRule(rule: EgressRuleSource): EgressMistake[] {
  const mistakes: EgressMistake[] = [];
  const report = (message: string, ...path: PropertyKey[]) => mistakes.push({ path, message });
  const { host = "", port = 0 } = readHostAndPort(destinationOf(rule)) ?? {};

  rule.paths?.forEach((text, index) => {
    const reading = readPathPattern(text);
    if (!reading.ok) report(reading.reason, "paths", index);
  });
  if (rule.deny !== undefined) {
    for (const key of ["credential", "inspect", "addresses"] as const)
      if (rule[key] !== undefined) report("means nothing in a deny rule", key);
    return mistakes;
  }
  if (host.startsWith("*") && isSpecialName(host.replace(/^\*\*?\./, "a.")))
    report(`no wildcard means a special name: name the hosts below ${host.replace(/^\*\*?\./, "")}`);
  if (rule.credential?.mode === "swap" && port === 80) {
    report("would send the real key in plain text: swap it on a TLS port", "credential");
    return mistakes;
  }
  if (rule.inspect === true && port === 80)
    report("opens TLS, and on port 80 there is none: take another port, or leave it out", "inspect");
  if (rule.inspect === true) return mistakes;
  if (rule.credential !== undefined)
    report("needs inspect: true, since it is put into requests that can be read", "credential");
  for (const key of ["paths", "headers"] as const)
    if (rule[key] !== undefined && TLS_PORTS.has(port))
      report(`needs inspect: true, since on port ${port} nobody sees them before TLS is opened`, key);
  return mistakes;
}
