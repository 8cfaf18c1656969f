import { issueServerCredential } from "@claws/agent-token";
import { ServerName, SessionId } from "@claws/contracts";
import { afterEach, describe, expect, it } from "vitest";
import { problemOf, sendRaw } from "./testing/raw-client.ts";
import { PUBLIC_ADDRESS, SESSION, startFilter } from "./testing/start-filter.ts";
import { startHttpOrigin } from "./testing/start-origin.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function startBoth() {
  const origin = await startHttpOrigin(PUBLIC_ADDRESS);
  const rule = (host: string, key: string) => ({ action: "allow", host, port: origin.port, key }) as const;
  const server = { image: "x", args: [], mounts: [], environment: {}, memoryMb: 64 };
  const filter = await startFilter({
    egress: { mode: "allowlist", rules: [rule("agent.test", "egress.rules[0]")] },
    servers: { web: { ...server, egress: [rule("server.test", "servers.web.egress[0]")] }, quiet: server },
    names: { "agent.test": [PUBLIC_ADDRESS], "server.test": [PUBLIC_ADDRESS] },
  });
  ending.push(filter.stop, origin.stop);
  const ask = (host: string, headers: string) =>
    sendRaw(
      filter.port,
      `GET http://${host}:${origin.port}/ HTTP/1.1\r\nHost: ${host}:${origin.port}\r\nConnection: close\r\n${headers}\r\n`,
    );
  const credentialOf = (name: string, expiresAt = Math.floor(Date.now() / 1_000) + 60) => {
    const { username, password } = issueServerCredential(filter.serverKey, {
      server: ServerName.parse(name),
      run: SessionId.parse("run-0123456789abcdef"),
      expiresAt,
    });
    return `Proxy-Authorization: Basic ${Buffer.from(`${username}:${password}`).toString("base64")}\r\n`;
  };
  return { origin, filter, ask, credentialOf };
}

const basic = (text: string) => `Proxy-Authorization: Basic ${Buffer.from(text).toString("base64")}\r\n`;

describe("who asks", () => {
  it("is an agent with its session, by its token", async () => {
    const { filter, ask } = await startBoth();
    expect((await ask("agent.test", `Proxy-Authorization: ${filter.credentials}\r\n`)).status).toBe(200);
    expect(await filter.decisions(1)).toMatchObject([
      { agent: "main", session: SESSION, detail: { caller: "agent:main" } },
    ]);
  });

  it("is a server with a grant on its own network alone, and no agent there", async () => {
    const { filter, ask, credentialOf } = await startBoth();
    expect((await ask("server.test", credentialOf("web"))).status).toBe(407);
    expect(filter.logged("proxy credentials refused")).toHaveLength(0);
  });

  it.each([
    ["nothing", () => "X-Nothing: 1\r\nProxy-Authorization-Not: x\r\n"],
    ["another scheme", () => "Proxy-Authorization: Digest x\r\n"],
    ["no base64", () => "Proxy-Authorization: Basic !!!\r\n"],
    ["a token of nobody", () => basic("main:abc.def.ghi")],
    ["the name of a session that is not its own", (own: string) => basic(`other:${passwordOf(own)}`)],
    ["a server's name with an agent's token", (own: string) => basic(`server.web:${passwordOf(own)}`)],
    ["two headers", (own: string) => `Proxy-Authorization: ${own}\r\nProxy-Authorization: ${own}\r\n`],
  ])("is not known by %s: 407 and nothing else", async (_case, headers) => {
    const { origin, filter, ask } = await startBoth();
    const answer = await ask("agent.test", headers(filter.credentials));
    expect(answer.status).toBe(407);
    expect(answer.head).toMatch(/proxy-authenticate: Basic realm=/i);
    expect(problemOf(answer)).toMatchObject({
      code: "proxy_credentials",
      reason: "auth",
      detail: "the proxy credentials are missing or not valid: use HTTP_PROXY as it is set in this container",
    });
    expect(origin.sockets).toHaveLength(0);
    expect(filter.queries).toEqual([]);
  });

  it.each([
    ["of a server with a grant, on the agents' network", "web", undefined],
    ["of a server without a grant", "quiet", undefined],
    ["of a server that the policy does not know", "stranger", undefined],
    ["that has expired", "web", 1],
  ])("is not known by a credential %s", async (_case, name, expiresAt) => {
    const { ask, credentialOf } = await startBoth();
    expect((await ask("server.test", credentialOf(name, expiresAt))).status).toBe(407);
  });

  it("is asked in every request, also on a connection that was used before", async () => {
    const { filter, origin } = await startBoth();
    const line = `GET http://agent.test:${origin.port}/ HTTP/1.1\r\nHost: agent.test:${origin.port}\r\n`;
    const answer = await sendRaw(
      filter.port,
      `${line}Proxy-Authorization: ${filter.credentials}\r\n\r\n${line}Connection: close\r\n\r\n`,
    );
    expect(answer.body).toContain("HTTP/1.1 407");
  });

  it("never reaches the destination", async () => {
    const { origin, filter, ask } = await startBoth();
    await ask("agent.test", `Proxy-Authorization: ${filter.credentials}\r\n`);
    expect(Object.keys(origin.seen[0]?.headers ?? {})).not.toContain("proxy-authorization");
  });
});

function passwordOf(credentials: string): string {
  return Buffer.from(credentials.slice("Basic ".length), "base64").toString("utf8").split(":")[1] ?? "";
}
