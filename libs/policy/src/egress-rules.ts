import type { CompiledPolicy, EgressReason, EgressRule } from "@claws/contracts";
import type { EgressDecision, EgressDenial, EgressPermit, EgressQuery } from "./egress-decision.ts";
import { HostIndex } from "./host-index.ts";
import { readHostPattern } from "./host-pattern.ts";
import { readPath } from "./read-path.ts";
import {
  makeReady,
  type Misfit,
  type ReadableRequest,
  type ReadyRule,
  USUAL_METHODS,
} from "./readable-rule.ts";
import { describeRule } from "./rule-text.ts";
import { isAddressLiteral, isSpecialName } from "./special-name.ts";

/** One caller's rules, made ready to be asked many times a second. */
export interface EgressRules {
  readonly decide: (query: EgressQuery) => EgressDecision;
  /** Whether some request to this host may be permitted, on whatever port: what the policy DNS answers for. */
  readonly couldReach: (host: string) => boolean;
}

export interface EgressRuleList {
  readonly mode: CompiledPolicy["egress"]["mode"];
  readonly rules: readonly EgressRule[];
  /** Where the list stands in the profile, and so where a missing rule would go. */
  readonly key?: string;
}

/** The rules that mean a host, apart by what they do. */
interface Named {
  readonly denying: readonly ReadyRule[];
  readonly opening: readonly ReadyRule[];
}

const PLAIN_HTTP_PORT = 80;
const PUBLIC_PORTS: readonly number[] = [PLAIN_HTTP_PORT, 443];
const PUBLIC_PERMIT = {
  opaque: { outcome: "allow", addresses: [], through: "opaque" },
  readable: { outcome: "allow", addresses: [], through: "readable" },
} as const satisfies Record<string, EgressPermit>;

/** How near a rule came to fitting, nearest first. */
const MISFITS: readonly Misfit[] = ["header_denied", "path_denied", "method_denied"];

/**
 * Compiles a list of rules. Deny rules win wherever they stand; then the first allow or ask rule that fits
 * decides; then, in `public` mode, any public host on port 80 or 443; then deny, with the nearest reason.
 *
 * A rule that cannot be read closes everything, since it may have been a deny rule.
 */
export function createEgressRules({
  mode,
  rules,
  key: listKey = "egress.rules",
}: EgressRuleList): EgressRules {
  const index = new HostIndex<ReadyRule>();
  for (const rule of rules) {
    const pattern = readHostPattern(rule.host);
    const ready = makeReady(rule);
    if (!pattern.ok || ready === undefined) return closedBy(rule);
    index.add(pattern.pattern, ready);
  }

  function find(host: string): Named {
    const means = index.find(host);
    if (means.length === 0) return { denying: [], opening: [] };
    // A wildcard is about the public network; who means a neighbour writes its name.
    const isByName = isSpecialName(host) || isAddressLiteral(host);
    return {
      denying: means.filter(({ rule }) => rule.action === "deny"),
      opening: means.filter(({ rule }) => rule.action !== "deny" && (!isByName || rule.host === host)),
    };
  }

  function isPublic(host: string): boolean {
    return mode === "public" && !isSpecialName(host);
  }

  function decide(query: EgressQuery): EgressDecision {
    const { host, port, method } = query;
    const named = find(host);
    const denying = named.denying.filter(({ rule }) => rule.port === port);
    const opening = named.opening.filter(({ rule }) => rule.port === port);
    const isOpenToAll = isPublic(host) && PUBLIC_PORTS.includes(port);
    if (method === "CONNECT") {
      const denier = denying.find(({ deniesTunnel }) => deniesTunnel);
      if (denier !== undefined) return deniedBy(denier, "a deny rule names this destination");
      return (
        decideTunnel({ opening, denier: denying[0], isOpenToAll, mayBePlain: port === PLAIN_HTTP_PORT }) ??
        refuseDestination(query, named.opening.length > 0)
      );
    }

    const path = query.path === undefined ? undefined : readPath(query.path);
    const request = { method, path: path?.ok === true ? path.path : undefined, headers: query.headers };
    const closing = denying.find(({ deniesAll }) => deniesAll);
    if (closing !== undefined) return deniedBy(closing, "a deny rule names this destination");
    const denier = denying.find(({ denies }) => denies(request));
    if (opening.length === 0 && !isOpenToAll && denier === undefined)
      return refuseDestination(query, named.opening.length > 0);
    if (path?.ok === false && (path.isTraversal || [...denying, ...opening].some(({ rule }) => rule.paths)))
      return {
        outcome: "deny",
        reason: path.reason,
        detail: path.detail,
        key: opening[0]?.rule.key ?? listKey,
      };
    if (denier !== undefined) return deniedBy(denier, "a deny rule means this request");
    return (
      decideRequest(request, opening) ??
      (isOpenToAll && USUAL_METHODS.includes(method)
        ? PUBLIC_PERMIT.readable
        : refuseRequest(request, opening))
    );
  }

  /** In public mode an address is no name to look up: the address check judges it afterwards. */
  function refuseDestination({ host, port }: EgressQuery, isNamed: boolean): EgressDenial {
    const deny = (reason: EgressReason, detail: string): EgressDenial => ({
      outcome: "deny",
      reason,
      detail,
      key: listKey,
    });
    if (isNamed) return deny("port_denied", `no rule for ${host} opens port ${port}`);
    if (isSpecialName(host))
      return deny("special_name", `${host} is a special name, and no rule has exactly this name`);
    if (mode === "public")
      return deny("port_denied", `without a rule only ports ${PUBLIC_PORTS.join(" and ")} are open`);
    if (isAddressLiteral(host)) return deny("ip_literal_denied", `no rule names the address ${host}`);
    return deny("not_allowed", `no rule names ${host}`);
  }

  function couldReach(host: string): boolean {
    const { denying, opening } = find(host);
    const ports = opening.map(({ rule }) => rule.port);
    if (isPublic(host)) ports.push(...PUBLIC_PORTS);
    const closed = denying.filter(({ deniesAll }) => deniesAll).map(({ rule }) => rule.port);
    return ports.some((port) => !closed.includes(port));
  }

  return { decide, couldReach };
}

interface TunnelQuestion {
  readonly opening: readonly ReadyRule[];
  /** A deny rule for some requests alone. */
  readonly denier: ReadyRule | undefined;
  readonly isOpenToAll: boolean;
  /** On port 80 a tunnel may be held to plain HTTP, and then hides nothing. */
  readonly mayBePlain: boolean;
}

/**
 * The first rule that says how the tunnel is to be judged decides; rules that only plain HTTP can be judged
 * by come after. In public mode such rules restrict nothing, and the tunnel is opaque. A condition that nobody
 * could check inside is never passed over: not that of a deny rule, and not that of an ask rule that stands
 * before.
 */
function decideTunnel(question: TunnelQuestion): EgressDecision | undefined {
  const { opening, denier, isOpenToAll, mayBePlain } = question;
  const mayHide = denier === undefined || mayBePlain;
  const isPossible = ({ tunnel }: ReadyRule) => tunnel !== "opaque" || mayHide;
  const first = opening.find((rule) => rule.tunnel !== "readable" && isPossible(rule));
  if (first?.tunnel === "inspect") return permitInspected(first, question);
  if (first !== undefined) return hold(first.permit, opening.slice(0, opening.indexOf(first)), question);
  if (isOpenToAll && mayHide) return hold(PUBLIC_PERMIT, opening, question);
  const readable = opening.find(isPossible);
  if (readable !== undefined) return permitInspected(readable, question);
  if (denier === undefined || (opening.length === 0 && !isOpenToAll)) return undefined;
  return deniedBy(
    denier,
    "a deny rule cannot be kept to in a tunnel that is not looked into: inspect it, or deny all of it",
  );
}

/** An opaque tunnel, as far as the rules before it are not about something that it hides. */
function hold(
  permit: Readonly<Record<"opaque" | "readable", EgressPermit>>,
  before: readonly ReadyRule[],
  { denier, mayBePlain }: TunnelQuestion,
): EgressPermit {
  const asking = before.find(({ rule }) => rule.action === "ask");
  if (mayBePlain && (denier ?? asking) !== undefined) return permit.readable;
  return asking === undefined
    ? permit.opaque
    : { ...asking.permit.opaque, addresses: permit.opaque.addresses };
}

/** Whether a conditional ask rule means a request shows inside; until then another rule opens the tunnel. */
function permitInspected(decider: ReadyRule, { opening, isOpenToAll }: TunnelQuestion): EgressPermit {
  const { tunnel, rule, isConditional } = decider;
  if (rule.action !== "ask" || !isConditional) return decider.permit[tunnel];
  const other = opening.find(({ rule: { action } }) => action === "allow");
  if (other !== undefined) return other.permit[tunnel];
  return isOpenToAll ? { outcome: "allow", addresses: [], through: tunnel } : decider.permit[tunnel];
}

function decideRequest(request: ReadableRequest, opening: readonly ReadyRule[]): EgressPermit | undefined {
  const fitting = opening.find(({ misfit }) => misfit(request) === undefined);
  return fitting?.permit[fitting.rule.inspect === true ? "inspect" : "readable"];
}

/** Names the rule that came nearest, since that is the one to look at. */
function refuseRequest(request: ReadableRequest, opening: readonly ReadyRule[]): EgressDenial {
  for (const reason of MISFITS) {
    const nearest = opening.find(({ misfit }) => misfit(request) === reason);
    if (nearest === undefined) continue;
    return { outcome: "deny", reason, ...explainMisfit(reason, nearest, request), rule: nearest.text };
  }
  const detail = `without a rule, ${request.method} is not sent`;
  return { outcome: "deny", reason: "method_denied", detail, key: "egress.rules" };
}

function explainMisfit(reason: Misfit, { rule }: ReadyRule, { method }: ReadableRequest) {
  switch (reason) {
    case "method_denied":
      return { detail: `no rule for ${rule.host}:${rule.port} allows ${method}`, key: `${rule.key}.methods` };
    case "path_denied":
      return { detail: `no rule for ${rule.host}:${rule.port} allows this path`, key: `${rule.key}.paths` };
    case "header_denied":
      return { detail: "the headers are not as the rule wants them", key: `${rule.key}.headers` };
  }
}

function deniedBy({ rule, text }: ReadyRule, detail: string): EgressDenial {
  return { outcome: "deny", reason: "deny_rule", detail, rule: text, key: rule.key };
}

function closedBy(rule: EgressRule): EgressRules {
  const denial: EgressDenial = {
    outcome: "deny",
    reason: "deny_rule",
    detail: "a rule cannot be read, and as it may be a deny rule nothing is open",
    rule: describeRule(rule),
    key: rule.key,
  };
  return { decide: () => denial, couldReach: () => false };
}
