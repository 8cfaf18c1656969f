import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { PassThrough } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import { peekClientHello } from "./peek-client-hello.ts";
import { MAX_HELLO_BYTES } from "./read-client-hello.ts";
import { buildClientHello, record } from "./testing/build-client-hello.ts";
import { inPieces } from "./testing/read-all.ts";

const HELLO = buildClientHello({ keyShareBytes: 1_216, alpn: ["h2"] });
const NO_HEAD = Buffer.alloc(0);
const READ = { ok: true, hello: { serverName: "allowed.test", hasEch: false, alpn: ["h2"] } };
const LATER = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 251));

const ending: (() => void)[] = [];
afterEach(() => {
  for (const end of ending.splice(0)) end();
});

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ending.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function connectTo(port: number): Socket {
  const client = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: true });
  client.on("error", () => client.destroy());
  ending.push(() => client.destroy());
  return client;
}

/** Both ends of one connection on loopback: the client's, and the one that is looked at. */
async function openPair(): Promise<{ client: Socket; socket: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const client = connectTo(await listen(server));
  const [socket] = (await once(server, "connection")) as [Socket];
  socket.on("error", () => socket.destroy());
  ending.push(() => socket.destroy());
  return { client, socket };
}

/** What `connect` gives beside a request with these bytes right behind it. */
async function openConnect(pipelined: Buffer): Promise<{ client: Socket; socket: Socket; head: Buffer }> {
  const server = createHttpServer();
  const client = connectTo(await listen(server));
  client.write(
    Buffer.concat([
      Buffer.from("CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:443\r\n\r\n"),
      pipelined,
    ]),
  );
  const [, socket, head] = (await once(server, "connect")) as [IncomingMessage, Socket, Buffer];
  socket.on("error", () => socket.destroy());
  ending.push(() => socket.destroy());
  return { client, socket, head };
}

/** Everything that the caller gets to send on: the bytes of the result, and then what the socket still has. */
async function forwardedFrom(socket: Socket, bytes: Buffer): Promise<Buffer> {
  const upstream = new PassThrough({ highWaterMark: 1_000 });
  upstream.write(bytes);
  socket.pipe(upstream);
  return buffer(upstream);
}

function bytesOf(result: Awaited<ReturnType<typeof peekClientHello>>): Buffer {
  if (!result.ok) throw new Error(`${result.reason}: ${result.detail}`);
  return result.bytes;
}

function listenersOf(socket: Socket): Record<string, number> {
  return Object.fromEntries(socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]));
}

describe("peeking at a ClientHello", () => {
  it("waits for its last byte, and loses none of what follows", async () => {
    const { client, socket } = await openPair();
    const peeking = peekClientHello(socket, NO_HEAD);
    for (const piece of inPieces(HELLO, 7)) {
      client.write(piece);
      await turn();
    }
    const result = await peeking;
    expect(result).toMatchObject(READ);
    client.end(LATER);
    expect(await forwardedFrom(socket, bytesOf(result))).toEqual(Buffer.concat([HELLO, LATER]));
  });

  it("takes what comes in the same segment, and the end of the stream stays to be told", async () => {
    const { client, socket } = await openPair();
    client.end(Buffer.concat([HELLO, LATER]));
    const result = await peekClientHello(socket, NO_HEAD);
    expect(result).toMatchObject(READ);
    expect(bytesOf(result).length).toBeLessThanOrEqual(MAX_HELLO_BYTES);
    expect(await forwardedFrom(socket, bytesOf(result))).toEqual(Buffer.concat([HELLO, LATER]));
  });

  it("accepts a client that says its hello and nothing more", async () => {
    const { client, socket } = await openPair();
    client.end(HELLO);
    const result = await peekClientHello(socket, NO_HEAD);
    await turn();
    expect(await forwardedFrom(socket, bytesOf(result))).toEqual(HELLO);
  });

  it("leaves the socket paused and without listeners of its own", async () => {
    const { client, socket } = await openPair();
    const before = listenersOf(socket);
    client.write(HELLO);
    const result = await peekClientHello(socket, NO_HEAD);
    expect(listenersOf(socket)).toEqual(before);
    expect(socket.isPaused()).toBe(true);

    client.write("later");
    await vi.waitFor(() => expect(socket.readableLength).toBe(5));
    client.end();
    expect((await forwardedFrom(socket, bytesOf(result))).subarray(HELLO.length)).toEqual(
      Buffer.from("later"),
    );
  });

  it("refuses what is not TLS by its first byte, and leaves the answer to the caller", async () => {
    const { client, socket } = await openPair();
    const before = listenersOf(socket);
    client.write("S");
    expect(await peekClientHello(socket, NO_HEAD)).toMatchObject({ ok: false, reason: "not_tls" });
    expect(listenersOf(socket)).toEqual(before);
    socket.end("no");
    expect((await buffer(client)).toString()).toBe("no");
  });

  it("takes no more than the cap of a hello that never ends", async () => {
    const { client, socket } = await openPair();
    const endless = Buffer.concat([
      record(22, Buffer.from([1, 0, 0x20, 0])),
      ...Array<Buffer>(20_000).fill(record(22, Buffer.alloc(1))),
    ]);
    client.write(endless);
    expect(await peekClientHello(socket, NO_HEAD)).toMatchObject({ ok: false, reason: "hello_too_large" });
    expect(socket.readableLength).toBeGreaterThanOrEqual(socket.bytesRead - MAX_HELLO_BYTES);
  });

  it.each([
    ["nothing", NO_HEAD],
    ["half a hello", HELLO.subarray(0, 600)],
  ])("gives up on a client that sent %s in time, and leaves it connected", async (_what, sent) => {
    const { client, socket } = await openPair();
    const before = listenersOf(socket);
    client.write(sent);
    expect(await peekClientHello(socket, NO_HEAD, { timeoutMs: 20 })).toMatchObject({
      ok: false,
      reason: "hello_timeout",
    });
    expect(listenersOf(socket)).toEqual(before);
    expect(socket.destroyed).toBe(false);
  });

  it("counts the time of the whole hello, not of its pieces", async () => {
    const { client, socket } = await openPair();
    const dripping = setInterval(() => client.write(HELLO.subarray(0, 1)), 5);
    ending.push(() => clearInterval(dripping));
    client.write(record(22, Buffer.from([1, 0, 0x20, 0])).with(4, 255));
    expect(await peekClientHello(socket, NO_HEAD, { timeoutMs: 60 })).toMatchObject({
      reason: "hello_timeout",
    });
  });

  it.each<[string, (client: Socket) => void, RegExp]>([
    ["half-closes", (client) => client.end(), /before its TLS ClientHello was complete$/],
    ["resets", (client) => client.resetAndDestroy(), /before its TLS ClientHello was complete$/],
  ])("ends when the client %s in the middle of it", async (_how, leave, detail) => {
    const { client, socket } = await openPair();
    const before = listenersOf(socket);
    const peeking = peekClientHello(socket, NO_HEAD);
    client.write(HELLO.subarray(0, 600));
    await vi.waitFor(() => expect(socket.bytesRead).toBe(600));
    leave(client);
    const result = await peeking;
    expect(result).toMatchObject({ ok: false, reason: "closed" });
    expect(result.ok ? "" : result.detail).toMatch(detail);
    if (!socket.destroyed) expect(listenersOf(socket)).toEqual(before);
  });

  it("ends when we close the socket ourselves, and when it was closed before", async () => {
    const { socket } = await openPair();
    const peeking = peekClientHello(socket, NO_HEAD);
    socket.destroy();
    expect(await peeking).toMatchObject({ ok: false, reason: "closed" });
    expect(await peekClientHello(socket, HELLO)).toMatchObject({ ok: false, reason: "closed" });
  });
});

describe("the head of CONNECT", () => {
  it.each([
    ["is empty", 0],
    ["holds one byte", 1],
    ["holds half of the hello", 600],
    ["holds the hello", HELLO.length],
  ])("that %s comes first", async (_what, early) => {
    const { client, socket, head } = await openConnect(HELLO.subarray(0, early));
    expect(head).toHaveLength(early);
    const peeking = peekClientHello(socket, head);
    client.end(Buffer.concat([HELLO.subarray(early), LATER]));
    const result = await peeking;
    expect(result).toMatchObject(READ);
    expect(await forwardedFrom(socket, bytesOf(result))).toEqual(Buffer.concat([HELLO, LATER]));
  });

  it("may be longer than a hello may be: what follows the hello is sent on", async () => {
    const { client, socket, head } = await openConnect(Buffer.concat([HELLO, LATER]));
    expect(head.length).toBeGreaterThan(MAX_HELLO_BYTES);
    client.end();
    const result = await peekClientHello(socket, head);
    expect(await forwardedFrom(socket, bytesOf(result))).toEqual(Buffer.concat([HELLO, LATER]));
  });

  it.each([
    ["the hello", HELLO, { ok: true }],
    ["half of it", HELLO.subarray(0, 600), { ok: false, reason: "closed" }],
    ["nothing", NO_HEAD, { ok: false, reason: "closed" }],
  ])("with %s counts although the client ended before anybody looked", async (_what, early, expected) => {
    const { client, socket, head } = await openConnect(early);
    client.end();
    // The caller decides in the meantime, and Node tells the end to nobody.
    await vi.waitFor(() => expect(socket.readableEnded).toBe(true));
    const result = await peekClientHello(socket, head);
    expect(result).toMatchObject(expected);
    if (result.ok) expect(await forwardedFrom(socket, result.bytes)).toEqual(early);
  });

  it("with another protocol is refused without reading on", async () => {
    const { socket, head } = await openConnect(Buffer.from("SSH-2.0-x\r\n"));
    expect(await peekClientHello(socket, head)).toMatchObject({ ok: false, reason: "not_tls" });
  });
});
