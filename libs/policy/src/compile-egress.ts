import type { CompiledPolicy, EgressRule } from "@claws/contracts";
import {
  destinationOf,
  type EgressRuleSource,
  type ProfileSource,
  readHostAndPort,
} from "./profile-schema.ts";

const MEGABYTE = 1_000_000;

/** The `egress` part of a profile, with sizes in bytes and every rule knowing where it stands. */
export function compileEgress(egress: ProfileSource["egress"]): CompiledPolicy["egress"] {
  const { mode, rules, quotas, ask, requireVerification } = egress;
  const bytes = (megabytes: number) => Math.round(megabytes * MEGABYTE);
  return {
    mode,
    rules: compileRules(rules, "egress.rules"),
    quotas: {
      requestsPerMinute: quotas.requestsPerMinute,
      connections: quotas.connections,
      uploadBytesPerSession: bytes(quotas.uploadMbPerSession),
      downloadBytesPerSession: bytes(quotas.downloadMbPerSession),
      uploadBytesPerHost: bytes(quotas.uploadMbPerHost),
      downloadBytesPerHost: bytes(quotas.downloadMbPerHost),
      idleSeconds: quotas.idleSeconds,
      totalSeconds: quotas.totalSeconds,
    },
    ask,
    requireVerification,
  };
}

/** Rules as people write them, compiled; `key` is where the list stands in the profile. */
export function compileRules(rules: readonly EgressRuleSource[], key: string): EgressRule[] {
  return rules.flatMap(({ allow, ask, deny, acknowledge: _read, ...rest }, index) => {
    const destination = readHostAndPort(destinationOf({ allow, ask, deny }));
    if (destination === undefined) return [];
    const action = deny !== undefined ? "deny" : ask !== undefined ? "ask" : "allow";
    return [{ action, ...destination, ...rest, key: `${key}[${index}]` } as const];
  });
}
