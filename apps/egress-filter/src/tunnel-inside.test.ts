import { once } from "node:events";
import type { Socket } from "node:net";
import { createServer as createTlsServer, connect as connectTls } from "node:tls";
import { createStackIdentities } from "@claws/certificates";
import type { EgressRule } from "@claws/contracts";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  buildClientHello,
  extension,
  type HelloOptions,
  record,
} from "./client-hello/testing/build-client-hello.ts";
import { openTunnel, readToEnd } from "./testing/raw-client.ts";
import { PUBLIC_ADDRESS, type RunningFilter, startFilter } from "./testing/start-filter.ts";
import { startHttpOrigin, startOrigin } from "./testing/start-origin.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

/** An origin that keeps every byte that reached it, and answers the first. */
async function startSink() {
  const received: Buffer[] = [];
  const origin = await startOrigin(PUBLIC_ADDRESS, (socket) => {
    socket.on("data", (chunk: Buffer) => {
      received.push(chunk);
      socket.write("seen");
    });
    socket.on("end", () => socket.end());
  });
  ending.push(origin.stop);
  return { port: origin.port, bytes: () => Buffer.concat(received) };
}

async function startFor(port: number, rule: Partial<EgressRule> = {}): Promise<RunningFilter> {
  const filter = await startFilter({
    egress: {
      mode: "allowlist",
      rules: [{ action: "allow", host: "allowed.test", port, key: "egress.rules[0]", ...rule }],
    },
    names: { "allowed.test": [PUBLIC_ADDRESS] },
  });
  ending.push(filter.stop);
  return filter;
}

async function closeOf(filter: RunningFilter): Promise<Record<string, unknown>> {
  await vi.waitFor(() => expect(filter.logged("egress closed")).toHaveLength(1));
  return filter.logged("egress closed")[0] ?? {};
}

const hello = (options: HelloOptions = {}) => buildClientHello({ serverNames: ["allowed.test"], ...options });

describe("what begins a tunnel", () => {
  it.each([
    ["another name", hello({ serverNames: ["evil.test"] }), "sni_mismatch"],
    ["no name", hello({ serverNames: [] }), "sni_missing"],
    ["a name twice", hello({ duplicateServerName: true }), "sni_unreadable"],
    ["two names", hello({ serverNames: ["allowed.test", "evil.test"] }), "sni_unreadable"],
    ["a NUL in the name", hello({ serverNames: ["allowed.test\u0000evil.test"] }), "sni_unreadable"],
    ["an outer name of somebody else", hello({ ech: true, serverNames: ["ech.test"] }), "sni_mismatch"],
    ["SSH", Buffer.from("SSH-2.0-x\r\n"), "not_tls"],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: allowed.test\r\n\r\n"), "not_tls"],
    [
      "a hello without end",
      hello({ extraExtensions: [extension(0x1234, Buffer.alloc(20_000))] }),
      "hello_too_large",
    ],
  ])("is closed before a byte goes on when it is %s", async (_case, bytes, reason) => {
    const sink = await startSink();
    const filter = await startFor(sink.port);
    const tunnel = await openTunnel(filter.port, `allowed.test:${sink.port}`);
    tunnel.end(bytes);
    await readToEnd(tunnel).catch(() => "");
    expect(await closeOf(filter)).toMatchObject({ reason, decision: "deny" });
    expect(sink.bytes()).toHaveLength(0);
  });

  it.each([
    ["in one piece", hello()],
    ["in many records", hello({ fragmentBytes: 5 })],
    ["with a post-quantum key share", hello({ keyShareBytes: 1216 })],
    ["with GREASE and ECH", hello({ grease: true, ech: true })],
    ["with early data behind it", Buffer.concat([hello(), record(23, Buffer.from("early"))])],
  ])("goes on as it was sent, %s", async (_case, bytes) => {
    const sink = await startSink();
    const filter = await startFor(sink.port);
    const tunnel = await openTunnel(filter.port, `allowed.test:${sink.port}`);
    tunnel.write(bytes);
    await once(tunnel, "data");
    tunnel.end();
    await readToEnd(tunnel);
    expect(sink.bytes()).toEqual(bytes);
  });

  it("is put together from single bytes", async () => {
    const sink = await startSink();
    const filter = await startFor(sink.port);
    const tunnel = await openTunnel(filter.port, `allowed.test:${sink.port}`);
    tunnel.setNoDelay(true);
    for (const byte of hello()) {
      tunnel.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    await once(tunnel, "data");
    tunnel.destroy();
    expect(sink.bytes()).toEqual(hello());
  });
});

describe("a server that asks for another hello", () => {
  const retry = Buffer.concat([
    Buffer.from([0x02, 0x00, 0x00, 0x2c, 0x03, 0x03]),
    Buffer.from("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c", "hex"),
    Buffer.from([0x00, 0x13, 0x01, 0x00, 0x00, 0x04, 0xaa, 0xaa, 0x00, 0x00]),
  ]);
  const compatibility = Buffer.from([0x14, 0x03, 0x03, 0x00, 0x01, 0x01]);

  async function startRetrying() {
    const received: Buffer[] = [];
    const origin = await startOrigin(PUBLIC_ADDRESS, (socket) => {
      socket.once("data", () => socket.write(record(22, retry)));
      socket.on("data", (chunk: Buffer) => received.push(chunk));
      socket.on("end", () => socket.end());
    });
    ending.push(origin.stop);
    return { port: origin.port, bytes: () => Buffer.concat(received) };
  }

  async function sendTwo(
    second: Buffer,
  ): Promise<{ filter: RunningFilter; bytes: () => Buffer; tunnel: Socket }> {
    const { port, bytes } = await startRetrying();
    const filter = await startFor(port);
    const tunnel = await openTunnel(filter.port, `allowed.test:${port}`);
    tunnel.on("error", () => tunnel.destroy());
    tunnel.write(hello());
    await once(tunnel, "data");
    tunnel.end(second);
    return { filter, bytes, tunnel };
  }

  it.each([
    ["at once", Buffer.alloc(0)],
    ["behind a compatibility record", compatibility],
  ])("gets one with the same name, %s", async (_case, before) => {
    const second = Buffer.concat([before, hello({ grease: true })]);
    const { bytes } = await sendTwo(second);
    await vi.waitFor(() => expect(bytes()).toEqual(Buffer.concat([hello(), second])));
  });

  it.each([
    ["another name", hello({ serverNames: ["evil.test"] }), "sni_mismatch"],
    [
      "another name behind a compatibility record",
      Buffer.concat([compatibility, hello({ serverNames: ["evil.test"] })]),
      "sni_mismatch",
    ],
    ["something else", Buffer.from("GET / HTTP/1.1\r\n"), "not_tls"],
  ])("does not get one with %s", async (_case, second, reason) => {
    const { filter, bytes } = await sendTwo(second);
    expect(await closeOf(filter)).toMatchObject({ reason });
    expect(bytes()).toEqual(hello());
  });

  it("is served by a real client and a real server", async () => {
    const identity = await (await createStackIdentities())("broker");
    const server = createTlsServer({ ...identity, ecdhCurve: "P-384", minVersion: "TLSv1.3" }, (socket) =>
      socket.end("secure"),
    );
    const { promise, resolve } = Promise.withResolvers<void>();
    server.listen({ port: 0, host: PUBLIC_ADDRESS }, resolve);
    await promise;
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    ending.push(async () => void server.close());
    const filter = await startFor(port);
    const tunnel = await openTunnel(filter.port, `allowed.test:${port}`);
    // The server knows only P-384, the client offers X25519 first: a HelloRetryRequest.
    const client = connectTls({
      socket: tunnel,
      servername: "allowed.test",
      rejectUnauthorized: false,
      ecdhCurve: "X25519:P-384",
    });
    expect(await readToEnd(client)).toBe("secure");
  });
});

describe("plain HTTP inside a tunnel", () => {
  async function start(rule: Partial<EgressRule> = {}) {
    const origin = await startHttpOrigin(PUBLIC_ADDRESS);
    ending.push(origin.stop);
    const filter = await startFor(origin.port, { methods: ["GET"], ...rule });
    const authority = `allowed.test:${origin.port}`;
    return { origin, filter, authority };
  }

  async function send(filter: RunningFilter, authority: string, bytes: string): Promise<string> {
    const tunnel = await openTunnel(filter.port, authority);
    tunnel.write(bytes);
    return readToEnd(tunnel);
  }

  it("is judged request by request and forwarded", async () => {
    const { origin, filter, authority } = await start();
    const answer = await send(
      filter,
      authority,
      `GET /a HTTP/1.1\r\nHost: ${authority}\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toContain("hello");
    expect(origin.seen).toMatchObject([{ method: "GET", url: "/a" }]);
    expect((await filter.decisions(2)).map(({ detail }) => detail?.["method"])).toEqual(["CONNECT", "GET"]);
  });

  it.each([
    ["another host", "Host: evil.test", "GET", "host_mismatch"],
    ["a method that the rule leaves out", "", "POST", "method_denied"],
  ])("with %s reaches nobody", async (_case, host, method, reason) => {
    const { origin, filter, authority } = await start();
    const line = host === "" ? `Host: ${authority}` : host;
    const answer = await send(
      filter,
      authority,
      `${method} / HTTP/1.1\r\n${line}\r\nContent-Length: 0\r\n\r\n`,
    );
    expect(answer).toContain(`"reason":"${reason}"`);
    expect(origin.sockets).toHaveLength(0);
  });

  it("cannot be TLS where the rule reads requests", async () => {
    const { origin, filter, authority } = await start();
    const tunnel = await openTunnel(filter.port, authority);
    tunnel.end(hello());
    await readToEnd(tunnel).catch(() => "");
    expect(await closeOf(filter)).toMatchObject({ reason: "unreadable" });
    expect(origin.sockets).toHaveLength(0);
  });
});
