import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from "node:crypto";
import type { KeyVolume } from "./key-volume.ts";

const createSigningKey = () =>
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();

const createSharedKey = () => randomBytes(32).toString("base64url");

/** Public keys are derived anew each time, so a pinned key always fits the private one. */
const publicKeyOf = (privatePem: string) =>
  createPublicKey(createPrivateKey(privatePem)).export({ type: "spki", format: "pem" }).toString();

/**
 * The keys that sign: receipts (approval-gateway signs, broker pins), agent tokens (bootstrap signs,
 * every door pins), proxy credentials of MCP servers (launcher issues, egress-filter verifies) and the
 * operator's session cookie. Returns the agent tokens' private key.
 */
export function provideSigningKeys(volumeOf: (name: string) => KeyVolume): string {
  const receiptKey = volumeOf("approval-gateway").readOrCreate("receipt.key", createSigningKey);
  replace(volumeOf("broker"), "receipt.pub", publicKeyOf(receiptKey));

  const tokenKey = volumeOf("authority").readOrCreate("agent-token.key", createSigningKey);
  for (const door of ["broker", "model-gateway", "egress-filter"])
    replace(volumeOf(door), "agent-token.pub", publicKeyOf(tokenKey));

  const egressKey = volumeOf("launcher").readOrCreate("server-egress.key", createSharedKey);
  replace(volumeOf("egress-filter"), "server-egress.key", egressKey);

  volumeOf("front-door").readOrCreate("session.key", createSharedKey);
  return tokenKey;
}

function replace(volume: KeyVolume, name: string, content: string): void {
  if (volume.read(name) !== content) volume.write(name, content);
}
