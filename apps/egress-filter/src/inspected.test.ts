import { once } from "node:events";
import { connect as connectTls } from "node:tls";
import type { EgressQuestion, EgressRule } from "@claws/contracts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startTlsOrigin } from "./inspect/testing/start-tls-origin.ts";
import { openTunnel, problemOf, readToEnd, sendRaw } from "./testing/raw-client.ts";
import { PUBLIC_ADDRESS, startFilter } from "./testing/start-filter.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

const HOST = "origin.test";
const SECRET = "the-real-value-of-the-key-0123456789";

async function start(rule: Partial<EgressRule> = {}, answer: EgressQuestion["state"] = "expired") {
  const origin = await startTlsOrigin({ address: PUBLIC_ADDRESS, host: HOST });
  const filter = await startFilter({
    egress: {
      mode: "allowlist",
      rules: [
        { action: "allow", host: HOST, port: origin.port, inspect: true, key: "egress.rules[0]", ...rule },
      ],
    },
    names: { [HOST]: [PUBLIC_ADDRESS] },
    extraAuthority: origin.authority.certificate,
    secrets: { API_KEY: SECRET },
  });
  filter.neighbours.answer = answer;
  ending.push(filter.stop, origin.stop);
  const authority = `${HOST}:${origin.port}`;

  async function ask(bytes: string, trusts = true): Promise<string> {
    const tunnel = await openTunnel(filter.port, authority);
    const ca = trusts ? { ca: filter.inspectionAuthority.certificate } : {};
    const client = connectTls({ socket: tunnel, servername: HOST, ...ca });
    client.on("error", () => client.destroy());
    client.write(bytes);
    return readToEnd(client).catch(() => "");
  }
  const request = (head: string, more = "", body = "") =>
    `${head} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;
  return { origin, filter, ask, request, authority };
}

describe("a tunnel that a rule looks into", () => {
  it("is judged request by request", async () => {
    const { origin, filter, ask, request } = await start({ methods: ["GET"], paths: ["/v1/"] });
    expect(await ask(request("GET /v1/a"))).toMatch(/^HTTP\/1\.1 200 /);
    expect(await ask(request("GET /v2/a"))).toContain('"reason":"path_denied"');
    expect(await ask(request("POST /v1/a"))).toContain('"reason":"method_denied"');
    expect(origin.seen.map(({ url }) => url)).toEqual(["/v1/a"]);
    const decided = await filter.decisions(6);
    expect(decided.map(({ outcome, detail }) => [outcome, detail?.["method"]])).toEqual([
      ["allow", "CONNECT"],
      ["allow", "GET"],
      ["allow", "CONNECT"],
      ["deny", "GET"],
      ["allow", "CONNECT"],
      ["deny", "POST"],
    ]);
  });

  it("answers 421 to a request for another host", async () => {
    const { origin, ask } = await start();
    expect(await ask("GET / HTTP/1.1\r\nHost: evil.test\r\nConnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 421 /,
    );
    expect(origin.seen).toHaveLength(0);
  });

  it("takes nothing in the clear, which nobody would look into", async () => {
    const { origin, filter, authority } = await start();
    const line = `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`;
    expect(problemOf(await sendRaw(filter.port, line))).toMatchObject({ reason: "not_tls" });
    const tunnel = await openTunnel(filter.port, authority);
    tunnel.write(`GET / HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    expect(await readToEnd(tunnel).catch(() => "")).not.toContain("200");
    expect(origin.sockets).toHaveLength(0);
  });

  it("swaps a placeholder for the credential, which nobody here ever sees", async () => {
    const credential = {
      header: "authorization",
      scheme: "Bearer",
      secret: "API_KEY",
      mode: "swap",
    } as const;
    const { origin, filter, ask, request } = await start({ credential });
    expect(await ask(request("GET /", "Authorization: Bearer claws-secret-API_KEY\r\n"))).toMatch(/ 200 /);
    expect(origin.seen[0]?.headers["authorization"]).toBe(`Bearer ${SECRET}`);
    expect(await ask(request("GET /", "Authorization: Bearer another\r\n"))).toContain("credential_denied");
    expect(await ask(request("GET /", "X-Api-Key: another\r\n"))).toContain("credential_denied");
    expect(origin.seen).toHaveLength(1);
    await vi.waitFor(() => expect(filter.logged("egress closed").length).toBeGreaterThan(1));
    expect(JSON.stringify([filter.neighbours.events, filter.logged("egress decided")])).not.toContain(SECRET);
  });

  it("lets no secret out in a body, and says what was found without it", async () => {
    const { origin, filter, ask, request } = await start();
    const token = ["gh", "p_", "q7Zp2XvB9kLm4TnR8sWd3YfH6jGc1EaU5oQi"].join("");
    expect(await ask(request("POST /", "Content-Type: text/plain\r\n", `here it is: ${token}`))).toContain(
      "dlp_blocked",
    );
    expect(JSON.stringify(origin.seen)).not.toContain(token);
    await vi.waitFor(() => {
      const found = filter.neighbours.events.filter(({ event }) => event === "egress.found");
      expect(found).toMatchObject([{ detail: { found: "github-token", action: "block" } }]);
      expect(JSON.stringify(found)).not.toContain(token);
    });
  });

  it("asks a person once for all that is in it", async () => {
    const { filter, ask, request, authority } = await start({ action: "ask" }, "once");
    const line = `GET / HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
    const answer = await ask(`${line}${request("GET /again")}`);
    expect(answer.match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
    expect(filter.neighbours.questions).toHaveLength(1);
  });

  it("that the client does not trust says so in the log", async () => {
    const { filter, ask, request } = await start();
    expect(await ask(request("GET /"), false)).toBe("");
    await vi.waitFor(() => expect(filter.logged("egress closed")[0]).toMatchObject({ reason: "tls_failed" }));
  });

  it("is closed when the policy says so", async () => {
    const { filter, authority } = await start();
    const tunnel = await openTunnel(filter.port, authority);
    const client = connectTls({
      socket: tunnel,
      servername: HOST,
      ca: filter.inspectionAuthority.certificate,
    });
    client.on("error", () => client.destroy());
    await once(client, "secureConnect");
    filter.changePolicy({ egress: { mode: "allowlist", rules: [] } });
    await readToEnd(client).catch(() => "");
    expect(client.destroyed || client.readableEnded).toBe(true);
  });
});
