import { AgentId, type CompiledPolicy, EGRESS_REASONS, type EgressRule } from "@claws/contracts";
import type { EgressDecision, EgressDenial, EgressPermit, EgressQuery } from "./egress-decision.ts";
import { type EgressRemark, lintEgressRules } from "./egress-lint.ts";
import { createEgressRules, type EgressRules } from "./egress-rules.ts";
import { type EgressTarget, readEgressTarget } from "./egress-target.ts";
import { readPath } from "./read-path.ts";
import { type RuleHolder, ruleListOf } from "./rule-list.ts";

export interface ExplainOptions {
  /** Of the request; `GET` unless said otherwise. */
  readonly method?: string;
  /** Agent `main` unless said otherwise. */
  readonly caller?: RuleHolder;
}

export type EgressExplanation =
  | {
      readonly ok: true;
      readonly target: EgressTarget;
      /** What comes of it in the end: of the tunnel and of the request inside, the one that decides. */
      readonly decision: EgressDecision;
      readonly remarks: readonly EgressRemark[];
      readonly lines: readonly string[];
    }
  | { readonly ok: false; readonly reason: string };

/**
 * Says what the policy makes of a destination, by which rule, what to change, and what nobody will see of it.
 * Nothing is resolved: to which addresses a name leads is judged when it is used.
 */
export function explainEgress(
  policy: CompiledPolicy,
  text: string,
  { method = "GET", caller = { kind: "agent", agent: AgentId.parse("main") } }: ExplainOptions = {},
): EgressExplanation {
  const reading = readEgressTarget(text);
  if (!reading.ok) return reading;
  const { target } = reading;
  const list = ruleListOf(policy, caller);
  if (list === undefined) return { ok: false, reason: explainNoWayOut(policy, caller) };

  const steps = decideSteps(createEgressRules(list), target, {
    method: method.toUpperCase(),
    headers: headersAsWanted(list.rules),
  });
  const decision = decisive(steps);
  const remarks = remarksOn(policy, target, decision);
  const lines = [
    ...steps.flatMap(({ what, decision }) => describeStep(what, decision)),
    ...(decision.outcome === "deny"
      ? describeCure(decision, target, remarks)
      : describePermit(decision, target)),
    ...remarks.map(({ code, message }) => `remark: ${message} (${code})`),
  ];
  return { ok: true, target, decision, remarks, lines };
}

interface Step {
  readonly what: string;
  readonly decision: EgressDecision;
}

/** The questions that egress-filter would ask the rules, in their order, until one is answered with no. */
function decideSteps(
  rules: EgressRules,
  target: EgressTarget,
  { method, headers }: Required<Pick<EgressQuery, "method" | "headers">>,
): [Step, ...Step[]] {
  const { host, port, path = "/" } = target;
  const request = (): Step => ({
    what: `${method} ${withoutQuery(path)}${target.isTunnel ? ", inside the tunnel" : ` at ${host}:${port}`}`,
    decision: rules.decide({ host, port, method, path, headers }),
  });
  if (!target.isTunnel) return [request()];

  const decision = rules.decide({ host, port, method: "CONNECT" });
  const tunnel: Step = { what: `CONNECT ${host}:${port}`, decision };
  if (decision.outcome === "deny" || decision.through === "opaque" || target.path === undefined)
    return [tunnel];
  if (decision.through === "readable" && target.isTls === true)
    return [tunnel, { what: "TLS, inside the tunnel", decision: refuseTls(decision) }];
  return [tunnel, request()];
}

/** The headers that the caller will send are not known: they are taken to be as the rules want them. */
function headersAsWanted(rules: readonly EgressRule[]): NonNullable<EgressQuery["headers"]> {
  const wanted = new Map(
    rules.filter(({ action }) => action !== "deny").flatMap(({ headers = {} }) => Object.entries(headers)),
  );
  return (name) => wanted.get(name)?.slice(0, 1) ?? [];
}

/** One no is enough, and then one question; else the last word counts. */
function decisive(steps: readonly [Step, ...Step[]]): EgressDecision {
  const decisions = steps.map(({ decision }) => decision);
  const find = (outcome: EgressDecision["outcome"]) => decisions.find((one) => one.outcome === outcome);
  return find("deny") ?? find("ask") ?? decisions.at(-1) ?? steps[0].decision;
}

/** A tunnel for plain HTTP does not carry what nobody could judge. */
function refuseTls({ rule, key, matched }: EgressPermit): EgressDenial {
  const condition = matched?.paths ? "path_denied" : matched?.methods ? "method_denied" : "header_denied";
  return {
    outcome: "deny",
    reason: condition,
    detail: "the conditions of the rule cannot be judged inside of TLS, which therefore is not carried",
    ...(rule === undefined ? {} : { rule }),
    key: `${key ?? "egress.rules"}.inspect`,
  };
}

const OUTCOMES = { allow: "allowed", ask: "a person is asked", deny: "denied" } as const;

const THROUGH = {
  opaque: "as a tunnel that nobody looks into",
  inspect: "with TLS opened",
  readable: "as plain HTTP alone",
} as const;

function describeStep(what: string, decision: EgressDecision): string[] {
  if (decision.outcome === "deny")
    return [
      `${what}: denied, ${decision.reason}: ${decision.detail}`,
      ...(decision.rule === undefined ? [] : [`  by ${decision.key}: ${decision.rule}`]),
    ];
  const by =
    decision.rule === undefined
      ? "by egress.mode: public, and no rule"
      : `by ${decision.key}: ${decision.rule}`;
  return [`${what}: ${OUTCOMES[decision.outcome]}, ${THROUGH[decision.through]}`, `  ${by}`];
}

function describeCure(
  denial: EgressDenial,
  target: EgressTarget,
  remarks: readonly EgressRemark[],
): string[] {
  const { reason, rule, key } = denial;
  if (reason === "path_ambiguous") return [`to change: the request. ${EGRESS_REASONS.path_ambiguous}`];
  if (rule !== undefined) return [`to change: ${key}`];
  if (remarks.some(({ canBeAcknowledged }) => !canBeAcknowledged))
    return ["to change: nothing, see the remark"];
  const also = [
    ...(reason === "special_name" ? ['addresses: ["its range"]'] : []),
    ...(remarks.length === 0 ? [] : ['acknowledge: "why"']),
  ];
  const suggestion = [`allow: "${target.host}:${target.port}"`, ...also].join(", ");
  const limit =
    reason === "ip_literal_denied"
      ? "; loopback, link-local and metadata addresses stay closed all the same"
      : "";
  return [`to change: ${key}, for instance by { ${suggestion} }${limit}`];
}

function describePermit({ matched, addresses, through }: EgressPermit, target: EgressTarget): string[] {
  const lines: string[] = [];
  if (through === "opaque" && target.port === 80)
    lines.push("plain HTTP in the tunnel is judged request by request; TLS in it is not looked into");
  else if (through === "opaque")
    lines.push(
      "not judged: methods, paths, headers and content, since the tunnel is opaque. Judged: the TLS name, the addresses, the bytes",
    );
  if (through === "readable" && target.isTunnel && target.isTls === undefined)
    lines.push("not carried: TLS, since the rule's conditions could not be judged inside of it");
  if (matched?.headers !== undefined)
    lines.push(`judged when it is sent: the headers ${Object.keys(matched.headers).join(", ")}`);
  if (matched?.credential !== undefined) {
    const { header, secret, mode } = matched.credential;
    const use = { pin: "must carry the secret", swap: "gets in place of a placeholder the secret" }[mode];
    lines.push(`the header ${header} ${use} ${secret}`);
  }
  lines.push(
    addresses.length === 0
      ? "then: every address that the name leads to must be public"
      : `then: every address that the name leads to must be public or in ${addresses.join(", ")}`,
  );
  return lines;
}

/** On the rule that decided; for what no rule opens, on the rule that would. */
function remarksOn(
  policy: CompiledPolicy,
  { host, port }: EgressTarget,
  decision: EgressDecision,
): EgressRemark[] {
  const matched = decision.outcome === "deny" ? undefined : decision.matched;
  if (decision.outcome === "deny" && decision.rule !== undefined) return [];
  const rule = matched ?? { action: "allow", host, port, key: "" };
  return lintEgressRules([rule], policy);
}

function explainNoWayOut({ agents, servers }: CompiledPolicy, holder: RuleHolder): string {
  if (holder.kind === "agent")
    return `the profile has no agent ${holder.agent}; it has ${Object.keys(agents).join(", ")}`;
  return Object.hasOwn(servers, holder.server)
    ? `server ${holder.server} has no network: there are no rules under servers.${holder.server}.egress`
    : `the profile has no server ${holder.server}`;
}

/** What stands in a query may be a secret, and no rule looks at it. */
function withoutQuery(path: string): string {
  const reading = readPath(path);
  return reading.ok ? reading.path : JSON.stringify(path.split("?", 1)[0]);
}
