import { generateKeyPairSync, randomBytes } from "node:crypto";
import { issueAgentToken, issueServerCredential, type TokenToIssue } from "@claws/agent-token";
import { AgentId, type EgressCaller, ServerName, SessionId } from "@claws/contracts";
import { beforeEach, describe, expect, it } from "vitest";
import {
  type CallerVerdict,
  createProxyAuthentication,
  type ProxyAuthentication,
} from "./proxy-authentication.ts";

const newKeys = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicPem: publicKey.export({ type: "spki", format: "pem" }).toString(),
  };
};
const keys = newKeys();
const serverKey = randomBytes(32);
const main = AgentId.parse("main");
const web = ServerName.parse("web");
const session = SessionId.parse("session-0123456789");
const run = SessionId.parse("run-0123456789abcdef");

const basic = (username: string, password: string) =>
  `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
const tokenOf = (change: Partial<TokenToIssue> = {}, key = keys.privatePem) =>
  issueAgentToken(key, {
    agent: main,
    session,
    audience: ["broker", "egress-filter"],
    lifetimeSeconds: 3_600,
    ...change,
  });
const serverHeader = (change: { server?: ServerName; expiresAt?: number; key?: Buffer } = {}) => {
  const { server = web, expiresAt = Math.floor(Date.now() / 1_000) + 3_600, key = serverKey } = change;
  const { username, password } = issueServerCredential(key, { server, run, expiresAt });
  return { header: basic(username, password), username, password };
};

let known: (caller: EgressCaller) => boolean;
let passedMs: number;
let authenticate: ProxyAuthentication;
beforeEach(async () => {
  known = (caller) => (caller.kind === "agent" ? caller.agent === main : caller.server === web);
  passedMs = 0;
  authenticate = await createProxyAuthentication({
    tokenPublicKeyPem: keys.publicPem,
    serverKey,
    isKnownCaller: (caller) => known(caller),
    now: () => Date.now() + passedMs,
  });
});

describe("an agent at the proxy", () => {
  const caller = { kind: "agent", agent: "main", session };

  it.each([
    ["Basic", async () => basic("main", await tokenOf())],
    ["Bearer", async () => `Bearer ${await tokenOf()}`],
  ])("is known by its token, sent as %s", async (_how, header) => {
    expect(await authenticate(await header())).toEqual({ ok: true, caller });
  });

  const unsigned = (claims: object, header: object = { alg: "none", typ: "at+jwt" }) =>
    [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const claims = () => {
    const now = Math.floor(Date.now() / 1_000);
    return { iss: "sandbox-claws", sub: "main", sid: session, aud: "egress-filter", iat: now, exp: now + 60 };
  };

  it.each<[string, () => Promise<string | undefined> | string | undefined, string]>([
    ["nothing", () => undefined, "no Proxy-Authorization"],
    [
      "a token for the other doors alone",
      async () => basic("main", await tokenOf({ audience: ["broker"] })),
      "'aud'",
    ],
    ["an expired token", async () => basic("main", await tokenOf({ lifetimeSeconds: -1 })), "expired"],
    [
      "a token of another stack",
      async () => basic("main", await tokenOf({}, newKeys().privatePem)),
      "signature",
    ],
    ["another agent's name", async () => basic("other", await tokenOf()), "the user name another"],
    ["no name", async () => basic("", await tokenOf()), "the user name another"],
    ["its name in upper case", async () => basic("MAIN", await tokenOf()), "the user name another"],
    [
      "a server's name before its token",
      async () => basic("server.web", await tokenOf()),
      "server's credential",
    ],
    ["a token that nobody signed", () => basic("main", `${unsigned(claims())}.`), "not a token"],
    ["the same as Bearer", () => `Bearer ${unsigned(claims())}.`, "not a token"],
    [
      "a token signed with the public key as an HMAC key",
      () => basic("main", `${unsigned(claims(), { alg: "HS256", typ: "at+jwt" })}.AAAA`),
      "not a token",
    ],
    [
      "an agent that the profile does not have",
      async () => basic("b", await tokenOf({ agent: AgentId.parse("b") })),
      "gives no way out to agent b",
    ],
    ["a colon more", async () => basic("main", `${await tokenOf()}:x`), "one colon"],
    ["a huge token", async () => basic("main", (await tokenOf()).padEnd(9_000, "A")), "longer than"],
  ])("is refused with %s", async (_what, header, detail) => {
    expect(await authenticate(await header())).toEqual({
      ok: false,
      detail: expect.stringContaining(detail),
    });
  });
});

describe("a server at the proxy", () => {
  it("is known by the credential of its run", async () => {
    expect(await authenticate(serverHeader().header)).toEqual({
      ok: true,
      caller: { kind: "server", server: "web", session: run },
    });
  });

  it.each<[string, () => string, string]>([
    [
      "a server without a grant",
      () => serverHeader({ server: ServerName.parse("mail") }).header,
      "no way out to server mail",
    ],
    [
      "another server's name",
      () => basic("server.mail", serverHeader().password),
      "not issued by this stack",
    ],
    ["an agent's name", () => basic("main", serverHeader().password), "agent's token is refused"],
    [
      "a key of another stack",
      () => serverHeader({ key: randomBytes(32) }).header,
      "not issued by this stack",
    ],
    [
      "an expired credential",
      () => serverHeader({ expiresAt: Math.floor(Date.now() / 1_000) }).header,
      "expired",
    ],
    ["its password as Bearer", () => `Bearer ${serverHeader().password}`, "agent's token is refused"],
    ["a colon more", () => basic("server.web", `${serverHeader().password}:x`), "one colon"],
  ])("is refused with %s", async (_what, header, detail) => {
    expect(await authenticate(header())).toEqual({ ok: false, detail: expect.stringContaining(detail) });
  });
});

describe("an agent's token that was verified", () => {
  const isAtOnce = (verdict: CallerVerdict | Promise<CallerVerdict>) => !(verdict instanceof Promise);

  it("is known at once the next time, for a minute", async () => {
    const header = basic("main", await tokenOf());
    const first = authenticate(header);
    expect(isAtOnce(first)).toBe(false);
    expect(authenticate(header)).toBeInstanceOf(Promise);
    const verdict = await first;
    expect(authenticate(header)).toEqual(verdict);
    passedMs = 61_000;
    expect(isAtOnce(authenticate(header))).toBe(false);
  });

  it("counts for nothing once the profile does not know the agent any more, and counts again after", async () => {
    const header = basic("main", await tokenOf());
    await authenticate(header);
    const before = known;
    known = () => false;
    expect(authenticate(header)).toMatchObject({ ok: false });
    known = before;
    expect(authenticate(header)).toMatchObject({ ok: true });
  });

  it("makes no other header good", async () => {
    const header = basic("main", await tokenOf());
    await authenticate(header);
    expect(
      await authenticate(basic("other", Buffer.from(header.slice(6), "base64").toString().slice(5))),
    ).toEqual({
      ok: false,
      detail: expect.stringContaining("the user name another"),
    });
  });
});

it("a server's credential that was verified is refused after its end all the same", async () => {
  const { header } = serverHeader({ expiresAt: Math.floor(Date.now() / 1_000) + 30 });
  expect(await authenticate(header)).toMatchObject({ ok: true });
  passedMs = 31_000;
  expect(await authenticate(header)).toMatchObject({ ok: false });
});
