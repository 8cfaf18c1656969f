import { lookup } from "node:dns/promises";
import { type AgentId, type AuditEvent, type CompiledPolicy, SessionId } from "@claws/contracts";
import type { Logger, Metrics } from "@claws/service-kit";
import type { DnsDecision, NameRules } from "./dns/decide-query.ts";
import { createDnsJournal } from "./dns/dns-journal.ts";
import { createDnsServer, type DnsServer, type DropCause } from "./dns/dns-server.ts";
import type { LivePolicy } from "./live-policy.ts";
import type { Settings } from "./settings.ts";

export interface DnsSideParts {
  readonly settings: Settings;
  readonly policy: LivePolicy;
  readonly append: (event: AuditEvent) => boolean;
  readonly logger: Logger;
  readonly registry: Metrics;
}

export interface DnsSide {
  /** The resolver of the agents' network. */
  readonly forAgents: DnsServer;
  /** One for an MCP server's network: it has no names to give, since all goes through the proxy by name. */
  forServers(address: string): DnsServer;
}

/** The only resolvers that agents and MCP servers have. */
export async function createDnsSide(parts: DnsSideParts): Promise<DnsSide> {
  const { settings, policy, append, logger, registry } = parts;
  const journal = createDnsJournal(logger, registry);
  const { address } = await lookup(settings.DNS_LISTEN_HOST, { family: 4 });

  function report(agent: AgentId | undefined) {
    return (decision: DnsDecision) => {
      if (journal.decided(decision)) append(eventOf(decision, agent));
    };
  }
  const shared = { port: settings.DNS_LISTEN_PORT, countDrop: (cause: DropCause) => journal.dropped(cause) };
  return {
    forAgents: createDnsServer({
      ...shared,
      host: settings.DNS_LISTEN_HOST,
      address,
      readRules: () => readNameRules(policy, settings.AGENT_ID),
      report: report(settings.AGENT_ID),
    }),
    forServers: (host) =>
      createDnsServer({
        ...shared,
        host,
        address: host,
        readRules: () => NO_NAMES,
        report: report(undefined),
      }),
  };
}

/** Rules are an agent's, whatever its session. */
const ANY_SESSION = SessionId.parse("any-session-of-it");
const NO_NAMES: NameRules = { isNameAllowed: () => false, isExact: () => false };

function readNameRules(policy: LivePolicy, agent: AgentId): NameRules {
  const rules = policy.rulesOf({ kind: "agent", agent, session: ANY_SESSION });
  const named = namesIn(policy.current(), agent);
  return {
    isNameAllowed: (host) => rules?.couldReach(host) ?? false,
    isExact: (host) => named.includes(host),
  };
}

function namesIn({ agents, egress }: CompiledPolicy, agent: AgentId): string[] {
  const rules = agents[agent]?.egress ?? egress.rules;
  return rules.filter(({ action }) => action !== "deny").map(({ host }) => host);
}

function eventOf(decision: DnsDecision, agent: AgentId | undefined): AuditEvent {
  const { name, type, outcome, reason, indicator } = decision;
  return {
    event: "dns.decided",
    outcome: outcome === "answered" ? "allow" : "deny",
    subject: name === "" ? "(unreadable)" : name,
    at: new Date().toISOString(),
    ...(agent === undefined ? {} : { agent }),
    detail: { type, outcome, reason, ...(indicator === undefined ? {} : { indicator }) },
  };
}
