import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import {
  type ConnectionOptions,
  connect as connectTls,
  createServer as createTlsServer,
  type Server as TlsServer,
} from "node:tls";
import { createStackIdentities } from "@claws/certificates";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HelloReading } from "./client-hello.ts";
import { createHelloReader } from "./read-client-hello.ts";
import { buildClientHello } from "./testing/build-client-hello.ts";
import { readAll } from "./testing/read-all.ts";

/** What Node's own client (OpenSSL) writes first, as the reader takes it. */
async function readClientOf(options: ConnectionOptions): Promise<HelloReading | undefined> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const client = connectTls({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
  client.on("error", () => client.destroy());
  const [socket] = (await once(server, "connection")) as [Socket];
  try {
    const reader = createHelloReader();
    for await (const chunk of socket) {
      const reading = reader.push(chunk as Buffer);
      if (reading) return reading;
    }
    return undefined;
  } finally {
    client.destroy();
    socket.destroy();
    server.close();
  }
}

describe("the hello of a client that runs here", () => {
  it.each<[string, ConnectionOptions, object]>([
    ["as it is", { servername: "allowed.test" }, { serverName: "allowed.test", alpn: [] }],
    [
      "with protocols",
      { servername: "allowed.test", ALPNProtocols: ["h2", "http/1.1"] },
      { serverName: "allowed.test", alpn: ["h2", "http/1.1"] },
    ],
    ["of TLS 1.2", { servername: "allowed.test", maxVersion: "TLSv1.2" }, { serverName: "allowed.test" }],
    ["of TLS 1.3", { servername: "allowed.test", minVersion: "TLSv1.3" }, { serverName: "allowed.test" }],
    [
      "with a post-quantum key share",
      { servername: "allowed.test", ecdhCurve: "X25519MLKEM768" },
      { serverName: "allowed.test" },
    ],
    ["to an address", {}, { serverName: undefined }],
  ])("%s is read", async (_what, options, hello) => {
    expect(await readClientOf(options)).toMatchObject({ ok: true, hello });
  });
});

describe("beside a server that runs here", () => {
  let server: TlsServer;
  let named: string[] = [];

  beforeAll(async () => {
    const identityOf = await createStackIdentities();
    server = createTlsServer({
      ...(await identityOf("egress-filter")),
      SNICallback(name, done) {
        named.push(name);
        done(null);
      },
    });
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  });
  afterAll(() => {
    server.close();
  });

  /** The names that OpenSSL saw in these bytes, and the first byte of its answer. */
  async function showToServer(bytes: Buffer): Promise<{ names: string[]; answer: number | undefined }> {
    named = [];
    const socket = connectTcp({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
    socket.setEncoding("latin1").end(bytes);
    const answer = await text(socket).catch(() => "");
    return { names: named, answer: answer === "" ? undefined : answer.charCodeAt(0) };
  }

  it.each([
    ["plain", buildClientHello()],
    ["in small records", buildClientHello({ fragmentBytes: 5 })],
    ["with GREASE and ECH", buildClientHello({ grease: true, ech: true, alpn: ["h2"] })],
  ])("a hello of the builder, %s, starts a handshake", async (_what, hello) => {
    expect(await showToServer(hello)).toEqual({ names: ["allowed.test"], answer: 22 });
  });

  it("no hello is read with another name than the server sees", async () => {
    const hello = fc
      .record({
        serverNames: fc.constantFrom(["allowed.test"], ["allowed.test", "evil.test"], ["allowed.test\0x"]),
        duplicateServerName: fc.constantFrom(false, false, true),
        ech: fc.boolean(),
        fragmentBytes: fc.constantFrom(5, 100, 4_000),
      })
      .map(buildClientHello);
    const edits = fc.array(fc.tuple(fc.nat(400), fc.nat(1), fc.nat(255)), { maxLength: 3 });
    let agreed = 0;
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(hello, edits, async (bytes, places) => {
        const changed = [...bytes];
        for (const [at, removed, value] of places) changed.splice(at % changed.length, removed, value);
        const hostile = Buffer.from(changed);
        const { names } = await showToServer(hostile);
        const reading = readAll([hostile]);
        for (const name of names) {
          if (!reading?.ok) refused += 1;
          else expect(reading.hello.serverName).toBe(name.toLowerCase());
          if (reading?.ok) agreed += 1;
        }
      }),
      { seed: 6066, numRuns: 400 },
    );
    // Both happened often enough to say something.
    expect(agreed).toBeGreaterThan(20);
    expect(refused).toBeGreaterThan(0);
  });
});
