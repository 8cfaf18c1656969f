import { once } from "node:events";
import { request as httpRequest } from "node:http";
import type { EgressRule } from "@claws/contracts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { problemOf, sendRaw } from "./testing/raw-client.ts";
import { PUBLIC_ADDRESS, startFilter } from "./testing/start-filter.ts";
import { startHttpOrigin, startOrigin } from "./testing/start-origin.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function startBoth(rule: Partial<EgressRule> = {}, answer?: Parameters<typeof startHttpOrigin>[1]) {
  const origin = await startHttpOrigin(PUBLIC_ADDRESS, answer);
  const filter = await startFilter({
    egress: {
      mode: "allowlist",
      rules: [{ action: "allow", host: "allowed.test", port: origin.port, key: "egress.rules[0]", ...rule }],
    },
    names: { "allowed.test": [PUBLIC_ADDRESS] },
  });
  ending.push(filter.stop, origin.stop);
  const authority = `allowed.test:${origin.port}`;
  const send = (method: string, path: string, headers = "", body = "") =>
    sendRaw(
      filter.port,
      `${method} http://${authority}${path} HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n${headers}\r\n${body}`,
    );
  return { origin, filter, authority, send };
}

describe("a forwarded request", () => {
  it("reaches the origin with its path as sent and its answer comes back", async () => {
    const { origin, filter, authority, send } = await startBoth();
    const answer = await send("GET", "/a/b%2fc?x=http://evil.test/../y");
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining("hello") });
    expect(answer.head.toLowerCase()).toContain("x-origin: yes");
    expect(origin.seen).toMatchObject([
      { method: "GET", url: "/a/b%2fc?x=http://evil.test/../y", headers: { host: authority } },
    ]);
    expect(filter.queries).toEqual(["allowed.test"]);
    expect(await filter.decisions(1)).toMatchObject([{ outcome: "allow", detail: { method: "GET" } }]);
    await vi.waitFor(() => expect(filter.logged("egress closed")).toHaveLength(1));
    const { bytesUp, bytesDown } = filter.logged("egress closed")[0] ?? {};
    expect(bytesUp).toBeGreaterThan("GET /".length);
    expect(bytesDown).toBeGreaterThan("hello".length);
  });

  it("loses what was meant for the proxy, on the way there and back", async () => {
    const { origin, send } = await startBoth({}, (_request, response) => {
      response.setHeader("proxy-authenticate", "Basic");
      response.setHeader("connection", "close, x-hop");
      response.setHeader("x-hop", "1");
      response.setHeader("x-end", "1");
      response.end("ok");
    });
    const secret = "Proxy-Connection: keep-alive\r\nTE: trailers\r\n";
    const answer = await send(
      "GET",
      "/",
      `${secret}Connection: X-Private\r\nX-Private: 1\r\nX-Public: 1\r\n`,
    );
    const [seen] = origin.seen;
    expect(seen?.headers).toMatchObject({ "x-public": "1" });
    expect(Object.keys(seen?.headers ?? {}).sort()).toEqual(["connection", "host", "x-public"]);
    expect(seen?.headers.connection).toBe("keep-alive");
    expect(answer.head).toMatch(/x-end/i);
    expect(answer.head).not.toMatch(/x-hop: |proxy-authenticate/i);
  });

  it.each([
    ["POST", "Content-Length: 5\r\n", "hello", "hello"],
    ["POST", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello"],
    ["DELETE", "Content-Length: 5\r\n", "hello", "hello"],
    ["DELETE", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello"],
    ["OPTIONS", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", "hello"],
    ["DELETE", "", "", ""],
  ])("%s with %j carries its body in one request", async (method, headers, body, received) => {
    const { origin, send } = await startBoth();
    expect((await send(method, "/", headers, body)).status).toBe(200);
    expect(origin.seen).toMatchObject([{ method, body: received }]);
  });

  it("cannot hide another request, with a method that is not allowed, in its body", async () => {
    const { origin, send } = await startBoth({ methods: ["DELETE"] });
    const hidden = "POST /hidden HTTP/1.1\r\nHost: allowed.test\r\nContent-Length: 0\r\n\r\n";
    const body = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;
    expect((await send("DELETE", "/", "Transfer-Encoding: chunked\r\n", body)).status).toBe(200);
    expect(origin.seen.map(({ method, url }) => `${method} ${url}`)).toEqual(["DELETE /"]);
  });

  it("drops trailers", async () => {
    const { origin, send } = await startBoth();
    await send("POST", "/", "Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\nHost: evil.test\r\n\r\n");
    expect(origin.seen).toMatchObject([{ body: "a", headers: { host: expect.stringContaining("allowed") } }]);
  });

  it("is not judged by a header that Connection takes out of it", async () => {
    const { origin, send } = await startBoth({ headers: { "x-tenant": ["mine"] } });
    expect((await send("GET", "/", "X-Tenant: mine\r\n")).status).toBe(200);
    const refused = await send("GET", "/", "X-Tenant: mine\r\nConnection: X-Tenant\r\n");
    expect(problemOf(refused)).toMatchObject({ reason: "header_denied" });
    expect(origin.seen).toHaveLength(1);
  });

  it("that lasts for longer than one may is ended, however busy it is", async () => {
    const origin = await startHttpOrigin(PUBLIC_ADDRESS, (_request, response) => {
      const beat = setInterval(() => response.write("."), 50);
      response.once("close", () => clearInterval(beat));
    });
    const filter = await startFilter({
      egress: {
        mode: "allowlist",
        rules: [{ action: "allow", host: "allowed.test", port: origin.port, key: "egress.rules[0]" }],
        quotas: { totalSeconds: 1 },
      },
      names: { "allowed.test": [PUBLIC_ADDRESS] },
    });
    ending.push(filter.stop, origin.stop);
    const authority = `allowed.test:${origin.port}`;
    await sendRaw(filter.port, `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
    await vi.waitFor(() => expect(filter.logged("egress closed")[0]).toMatchObject({ reason: "total_time" }));
  });

  it("with hundreds of headers is refused, whatever they hide", async () => {
    const { origin, send } = await startBoth();
    expect(problemOf(await send("GET", "/", "a: b\r\n".repeat(300)))).toMatchObject({
      reason: "bad_request",
    });
    expect(origin.sockets).toHaveLength(0);
  });

  it("goes nowhere, and ends nothing else, while rate-limiter is away", async () => {
    const { origin, filter, send } = await startBoth();
    expect((await send("GET", "/")).status).toBe(200);
    filter.neighbours.grant = ({ requests }) => ({ requests, upBytes: 0, downBytes: 0, refused: [] });
    const big = "x".repeat(60_000);
    const statuses: number[] = [];
    for (let round = 0; round < 12; round++) {
      statuses.push((await send("POST", "/", `Content-Length: ${big.length}\r\n`, big)).status);
    }
    expect(statuses.some((status) => status >= 400)).toBe(true);
    expect(origin.seen.length).toBeLessThan(13);
  });

  it("with a method that the rule leaves out is refused before a query", async () => {
    const { origin, filter, send } = await startBoth({ methods: ["GET"] });
    expect((await send("GET", "/")).status).toBe(200);
    const refused = await send("POST", "/", "Content-Length: 0\r\n");
    expect(refused.status).toBe(403);
    expect(refused.head).toContain("application/problem+json");
    expect(problemOf(refused)).toMatchObject({ reason: "method_denied" });
    expect(origin.seen).toHaveLength(1);
    expect(filter.queries).toHaveLength(1);
  });

  it("passes a redirect on and judges what follows by itself", async () => {
    const { send } = await startBoth({}, (_request, response) => {
      response.writeHead(302, { location: "http://evil.test/" }).end();
    });
    expect(await send("GET", "/")).toMatchObject({
      status: 302,
      head: expect.stringMatching(/location: http:\/\/evil\.test\//i),
    });
  });

  it("by the dozen at once needs no more connections than requests, and none fails", async () => {
    const { origin, filter, authority } = await startBoth();
    const get = () =>
      sendRaw(
        filter.port,
        `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`,
      );
    for (let round = 0; round < 10; round++) {
      const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await get()).status));
      expect(statuses).toEqual(Array(12).fill(200));
    }
    expect(origin.seen).toHaveLength(120);
    expect(origin.sockets.length).toBeLessThanOrEqual(12);
  });

  it("uses a connection to the origin again, and is judged by itself all the same", async () => {
    const { origin, filter, authority } = await startBoth();
    const get = () =>
      sendRaw(
        filter.port,
        `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`,
      );
    expect([(await get()).status, (await get()).status]).toEqual([200, 200]);
    expect(origin.seen).toHaveLength(2);
    expect(origin.sockets).toHaveLength(1);
    expect(await filter.decisions(2)).toHaveLength(2);
  });
});

/** An origin that answers whatever it is asked with these bytes and ends. */
async function askRawOrigin(bytes: string) {
  const origin = await startOrigin(
    PUBLIC_ADDRESS,
    (socket) => void socket.once("data", () => socket.end(bytes)),
  );
  const rule = { action: "allow", host: "allowed.test", port: origin.port, key: "egress.rules[0]" } as const;
  const filter = await startFilter({
    egress: { mode: "allowlist", rules: [rule] },
    names: { "allowed.test": [PUBLIC_ADDRESS] },
  });
  ending.push(filter.stop, origin.stop);
  const authority = `allowed.test:${origin.port}`;
  return sendRaw(filter.port, `GET http://${authority}/ HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
}

describe("when somebody leaves in the middle", () => {
  it.each([
    ["before the answer", false],
    ["during the answer", true],
  ])("the agent %s, the connection to the origin is closed", async (_case, isAnswering) => {
    const { origin, filter, authority } = await startBoth({}, (_request, response) => {
      if (isAnswering) response.write("first part");
    });
    const outgoing = httpRequest({
      host: "127.0.0.1",
      port: filter.port,
      path: `http://${authority}/`,
      headers: { host: authority, "proxy-authorization": filter.credentials },
    });
    const answered = isAnswering ? once(outgoing, "response") : undefined;
    outgoing.on("error", () => undefined).end();
    await vi.waitFor(() => expect(origin.seen).toHaveLength(1));
    const [upstream] = origin.sockets;
    if (!upstream) throw new Error("the origin was reached");
    const closed = once(upstream, "close");
    await answered;
    outgoing.destroy();
    await closed;
    await vi.waitFor(() => expect(filter.logged("egress closed")).toHaveLength(1));
  });

  it("the origin before its answer, the agent reads why", async () => {
    const answer = await askRawOrigin("");
    expect(problemOf(answer)).toMatchObject({ status: 502, code: "destination_unreachable" });
  });

  it("the origin during its answer, the agent is not left waiting for the rest", async () => {
    const answer = await askRawOrigin("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    expect(answer).toMatchObject({ status: 200, body: "hello" });
  });

  it.each([
    ["a control character in its status", "HTTP/1.1 200 O\u0001K\r\nContent-Length: 2\r\n\r\nok", 200],
    ["a status of 0", "HTTP/1.1 000 zero\r\nContent-Length: 2\r\n\r\nok", 502],
    ["a status below 100", "HTTP/1.1 099 low\r\nContent-Length: 2\r\n\r\nok", 502],
  ])("an answer with %s harms nobody", async (_case, bytes, status) => {
    expect((await askRawOrigin(bytes)).status).toBe(status);
  });

  it.each([
    ["two framings", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
    ["a switch of protocols", "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"],
    ["no HTTP at all", "SSH-2.0-OpenSSH\r\n"],
  ])("an answer with %s does not pass", async (_case, bytes) => {
    expect(problemOf(await askRawOrigin(bytes))).toMatchObject({ code: "destination_unreachable" });
  });
});
