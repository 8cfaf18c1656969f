import type { CompiledPolicy, EgressRule } from "@claws/contracts";
import { matchesHost } from "./host-pattern.ts";
import { haveCommonHost } from "./label-pattern.ts";
import {
  DNS_OVER_HTTPS,
  DROPS,
  ECH_FRONTS,
  MODEL_PROVIDERS,
  PUBLISHING_REGISTRIES,
  SHARED_DOMAINS,
  SHARED_HOSTS,
  TWO_LABEL_SUFFIXES,
} from "./risky-hosts.ts";

/** What a rule hands out beyond what it seems to say. Codes are stable. */
export interface EgressRemark {
  /** Where the rule stands in the profile. */
  readonly key: string;
  readonly code:
    | "own_model"
    | "model_provider"
    | "shared_domain"
    | "shared_host"
    | "public_suffix"
    | "drop"
    | "dns_over_https"
    | "ech_front"
    | "publishing_registry";
  readonly message: string;
  /** Whether `acknowledge` on the rule lifts it. */
  readonly canBeAcknowledged: boolean;
}

export interface LintContext {
  /** The profile's models: their hosts are model-gateway's alone. */
  readonly models: readonly Pick<CompiledPolicy["models"][number], "baseUrl">[];
}

/** What resolvers over HTTPS are called by habit: `doh.example.org`. */
const DOH_NAME = /^doh\d*[.-]/;

type Finding = Omit<EgressRemark, "key">;

const READING_METHODS: readonly string[] = ["GET", "HEAD"];

/**
 * Finds allow and ask rules that hand out more than a destination: a way round model-gateway, a place where
 * anybody can collect what leaves, a resolver that nobody watches. Deny rules of the same list are heeded: what
 * they close, a wildcard does not hand out.
 */
export function lintEgressRules(rules: readonly EgressRule[], { models }: LintContext): EgressRemark[] {
  const ownHosts = models.flatMap(({ baseUrl }) => (baseUrl === "mock" ? [] : [new URL(baseUrl).hostname]));
  const closing = rules.filter(
    ({ action, methods, paths, headers }) => action === "deny" && !methods && !paths && !headers,
  );
  return rules
    .filter(({ action }) => action !== "deny")
    .flatMap((rule) => {
      const isClosed = (host: string) =>
        closing.some((deny) => deny.port === rule.port && matchesHost(deny.host, host));
      return findingsOf(rule, ownHosts, isClosed).map((finding) => ({ key: rule.key, ...finding }));
    });
}

function findingsOf(
  rule: EgressRule,
  ownHosts: readonly string[],
  isClosed: (host: string) => boolean,
): Finding[] {
  const { host, port } = rule;
  const wildcard = /^(\*\*?)\.(.+)$/.exec(host);
  /** The first host of a list that the rule means, in words; undefined when it means none. */
  const mentionOf = (patterns: readonly string[]): string | undefined => {
    const met = patterns.find((pattern) => haveCommonHost(host, pattern) && !(wildcard && isClosed(pattern)));
    return met === undefined || met === host ? met : `${wildcard ? `${host} also means ` : ""}${met}`;
  };

  const own = mentionOf(ownHosts);
  if (own !== undefined) return [{ code: "own_model", message: explainOwn(own), canBeAcknowledged: false }];
  if (wildcard?.[2] !== undefined && isPublicSuffix(wildcard[2]))
    return [remark("public_suffix", `${host} means names that anybody registers: name the domain`)];

  const isLimited = isLimitedToPaths(rule);
  const shared =
    wildcard?.[2] === undefined ? undefined : findSharedDomain(wildcard[2], wildcard[1] === "**");
  const mentions: readonly [Finding["code"], string | undefined, string][] = [
    ["model_provider", mentionOf(MODEL_PROVIDERS), PROVIDER],
    ["shared_domain", shared && `${host} means names below ${shared}`, "which anybody rents: name the hosts"],
    ["drop", isLimited ? undefined : mentionOf(DROPS), `where anybody leaves and collects data: ${LIMIT}`],
    [
      "shared_host",
      isLimited || wildcard ? undefined : mentionOf(SHARED_HOSTS),
      `everybody's storage: ${LIMIT}`,
    ],
    ["dns_over_https", DOH_NAME.test(host) ? host : mentionOf(DNS_OVER_HTTPS), RESOLVER],
    ["ech_front", mentionOf(ECH_FRONTS), "the outer name of encrypted handshakes: any site may be behind it"],
    ["publishing_registry", isReadOnly(rule) ? undefined : mentionOf(PUBLISHING_REGISTRIES), REGISTRY],
  ];
  return mentions.flatMap(([code, mention, why]) =>
    mention === undefined ? [] : [remark(code, `${mention}, ${why}`)],
  );

  function explainOwn(mention: string): string {
    const cure = wildcard ? `name the hosts, or deny that one on port ${port}` : "take the rule out";
    return `${mention}, a model of this profile, which only model-gateway may reach: ${cure}`;
  }
}

const PROVIDER = "a model provider, past model-gateway with its budget and DLP: put it under models";
const LIMIT = "limit the rule by paths with inspect, or take it out";
const RESOLVER = "a DNS resolver over HTTPS: names that are asked for there carry data out";
const REGISTRY = "where packages are published too: limit the rule to methods [GET, HEAD] with inspect";

function remark(code: Finding["code"], message: string): Finding {
  return { code, message, canBeAcknowledged: true };
}

function isPublicSuffix(suffix: string): boolean {
  return !suffix.includes(".") || TWO_LABEL_SUFFIXES.has(suffix);
}

/** A shared domain that the wildcard reaches from above, or stands at, or stands among its services. */
function findSharedDomain(suffix: string, isAnyDepth: boolean): string | undefined {
  return Object.entries(SHARED_DOMAINS).find(([domain, labels]) => {
    if (suffix === domain) return true;
    if (domain.endsWith(`.${suffix}`)) return isAnyDepth;
    if (!suffix.endsWith(`.${domain}`)) return false;
    return suffix.slice(0, -domain.length - 1).split(".").length <= labels;
  })?.[0];
}

/** A rule with paths opens no tunnel that is not looked into, so they hold wherever it matters. */
function isLimitedToPaths({ paths }: EgressRule): boolean {
  return paths?.every((path) => path !== "/" && !path.startsWith("/*")) === true;
}

/** So does a rule with methods, when CONNECT is not among them. */
function isReadOnly({ methods }: EgressRule): boolean {
  return methods?.every((method) => READING_METHODS.includes(method)) === true;
}
