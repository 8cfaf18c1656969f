import { generateKeyPairSync } from "node:crypto";
import { AgentId, SessionId } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { createTokenVerifier, issueAgentToken, readBearerToken } from "./agent-token.ts";

function keyPair() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
}

const agent = AgentId.parse("main");
const session = SessionId.parse("session-0123456789");

describe("agent tokens", () => {
  const keys = keyPair();
  const issue = (change: Partial<Parameters<typeof issueAgentToken>[1]> = {}) =>
    issueAgentToken(keys.privatePem, {
      agent,
      session,
      audience: ["broker"],
      lifetimeSeconds: 60,
      ...change,
    });

  it("name the agent and the session that the operator's side opened", async () => {
    const verify = await createTokenVerifier(keys.publicPem, "broker");
    expect(await verify(await issue())).toEqual({
      ok: true,
      identity: { agent, session },
      expiresAt: expect.closeTo(Date.now() / 1_000 + 60, -1),
    });
  });

  it("are refused at another door", async () => {
    const verify = await createTokenVerifier(keys.publicPem, "model-gateway");
    expect(await verify(await issue())).toMatchObject({
      ok: false,
      reason: expect.stringContaining("'aud'"),
    });
  });

  it("are refused after their time", async () => {
    const verify = await createTokenVerifier(keys.publicPem, "broker");
    expect(await verify(await issue({ lifetimeSeconds: -1 }))).toMatchObject({
      ok: false,
      reason: expect.stringContaining("expired"),
    });
  });

  it("are refused when another key signed them", async () => {
    const verify = await createTokenVerifier(keyPair().publicPem, "broker");
    expect(await verify(await issue())).toMatchObject({
      ok: false,
      reason: expect.stringContaining("signature"),
    });
  });

  it.each(["", "x", "a.b.c", `${Buffer.from('{"alg":"none"}').toString("base64url")}.e30.`])(
    "that are not tokens are refused: %j",
    async (token) => {
      const verify = await createTokenVerifier(keys.publicPem, "broker");
      expect((await verify(token)).ok).toBe(false);
    },
  );
});

describe("readBearerToken", () => {
  it.each([
    ["Bearer abc.def", "abc.def"],
    ["bearer abc", undefined],
    ["Bearer a b", undefined],
    ["Basic abc", undefined],
    [undefined, undefined],
  ])("%j gives %j", (header, expected) => expect(readBearerToken(header)).toBe(expected));
});
