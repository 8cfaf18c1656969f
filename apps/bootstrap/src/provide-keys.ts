import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { issueAgentToken } from "@claws/agent-token";
import { SessionId } from "@claws/contracts";
import { provideCertificates } from "./certificates.ts";
import { provideInspectionAuthority } from "./inspection-authority.ts";
import { EVERYBODY_IN_THE_CONTAINER, KeyVolume } from "./key-volume.ts";
import { provideRedisUsers } from "./redis-users.ts";
import type { Settings } from "./settings.ts";
import { provideSigningKeys } from "./signing-keys.ts";

export interface Provided {
  readonly renewedCertificates: readonly string[];
  readonly sessions: Readonly<Record<string, string>>;
}

/**
 * Makes what is missing and keeps what is there: running it again, or after a crash at any step, ends
 * in the same complete state. Each run opens a new session for every agent.
 */
export async function provideKeys(settings: Settings): Promise<Provided> {
  const volumeOf = (name: string) => new KeyVolume(join(settings.OUT_DIR, name));
  const renewedCertificates = await provideCertificates(volumeOf);
  await provideInspectionAuthority(volumeOf);
  provideRedisUsers(volumeOf);
  const tokenKey = provideSigningKeys(volumeOf);

  const sessions: Record<string, string> = {};
  for (const agent of settings.AGENTS) {
    const session = SessionId.parse(randomBytes(18).toString("base64url"));
    const token = await issueAgentToken(tokenKey, {
      agent,
      session,
      audience: ["broker", "model-gateway", "egress-filter"],
      lifetimeSeconds: settings.AGENT_TOKEN_DAYS * 86_400,
    });
    volumeOf(`agent-${agent}`).write("token", token, EVERYBODY_IN_THE_CONTAINER);
    sessions[agent] = session;
  }
  return { renewedCertificates, sessions };
}
