import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { close, listen } from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DnsDecision, NameRules } from "./decide-query.ts";
import { createDnsServer, type DropCause } from "./dns-server.ts";
import { toFrame } from "./tcp-frames.ts";
import { optBytes, queryBytes } from "./testing/query-bytes.ts";

const HOST = "127.0.0.1";
const PROXY = "172.30.0.2";

const ending: (() => unknown)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const end of ending.splice(0).toReversed()) await end();
});

async function start() {
  const decisions: DnsDecision[] = [];
  const drops: DropCause[] = [];
  const policy = { suffix: ".wild.test" };
  const rules: NameRules = {
    isExact: (host) => host === "allowed.test",
    isNameAllowed: (host) => host === "allowed.test" || host.endsWith(policy.suffix),
  };
  const dns = createDnsServer({
    host: HOST,
    port: 0,
    address: PROXY,
    readRules: () => rules,
    report: (decision) => decisions.push(decision),
    countDrop: (cause) => drops.push(cause),
  });
  const { server, host, port } = dns.listener;
  const [udpPort, tcpPort] = await Promise.all([dns.start(), listen(server, port, host)]);
  ending.push(async () => {
    dns.drain();
    await close(server, 1_000);
    await dns.close();
  });
  const resolver = new Resolver({ timeout: 5_000, tries: 1 });
  resolver.setServers([`${HOST}:${udpPort}`]);
  return { decisions, drops, policy, resolver, udpPort, tcpPort, dns };
}

let running: Awaited<ReturnType<typeof start>>;
beforeEach(async () => {
  running = await start();
});

/** A client of its own address, which counts what it gets. */
async function openUdp(address = HOST) {
  const socket = createSocket("udp4");
  const answers: Buffer[] = [];
  socket.on("message", (message) => answers.push(message));
  socket.bind(0, address);
  await once(socket, "listening");
  ending.push(() => socket.close());
  return {
    answers,
    send: (bytes: Uint8Array) => socket.send(bytes, running.udpPort, HOST),
    async ask(bytes: Uint8Array): Promise<Buffer> {
      socket.send(bytes, running.udpPort, HOST);
      const [message] = (await once(socket, "message")) as [Buffer];
      return message;
    },
  };
}

async function openTcp() {
  const socket = connect(running.tcpPort, HOST);
  ending.push(() => socket.destroy());
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return { socket, received: () => Buffer.concat(chunks) };
}

const ended = (socket: Socket) => vi.waitFor(() => expect(socket.destroyed).toBe(true), 5_000);

describe("a real resolver", () => {
  it("gets the proxy's address for what the rules allow, and no other", async () => {
    const { resolver } = running;
    expect(await resolver.resolve4("allowed.test", { ttl: true })).toEqual([{ address: PROXY, ttl: 30 }]);
    expect(await resolver.resolve4("a.wild.test")).toEqual([PROXY]);
    await expect(resolver.resolve6("allowed.test")).rejects.toMatchObject({ code: "ENODATA" });
    expect(running.decisions).toEqual([
      { name: "allowed.test", type: "A", outcome: "answered", reason: "allowed" },
      { name: "a.wild.test", type: "A", outcome: "answered", reason: "allowed" },
      { name: "allowed.test", type: "AAAA", outcome: "answered", reason: "allowed" },
    ]);
  });

  it.each([
    ["evil.test", "not_allowed"],
    ["payload.evil.test", "not_allowed"],
    ["metadata.google.internal", "special_name"],
    ["redis", "special_name"],
    ["4d79207365637265742069732034322e.wild.test", "dns_label_suspicious"],
    [`${"a".repeat(63)}.wild.test`, "dns_label_suspicious"],
  ])("is told at once that %s does not exist: %s", async (name, reason) => {
    await expect(running.resolver.resolve4(name)).rejects.toMatchObject({ code: "ENOTFOUND" });
    expect(running.decisions).toMatchObject([{ name, reason }]);
  });

  it.each(["TXT", "ANY", "CNAME", "MX", "SRV", "NS", "SOA", "CAA", "NAPTR"] as const)(
    "is told so for %s of an allowed name",
    async (type) => {
      await expect(running.resolver.resolve("allowed.test", type)).rejects.toMatchObject({
        code: "ENOTFOUND",
      });
      expect(running.decisions).toMatchObject([{ type, outcome: "refused", reason: "dns_type_denied" }]);
    },
  );

  it("is told so for the name of an address", async () => {
    await expect(running.resolver.reverse("93.184.216.34")).rejects.toMatchObject({ code: "ENOTFOUND" });
    expect(running.decisions).toMatchObject([{ type: "PTR", outcome: "nxdomain", reason: "not_allowed" }]);
  });

  it("meets a changed policy with its next query", async () => {
    await expect(running.resolver.resolve4("a.new.test")).rejects.toMatchObject({ code: "ENOTFOUND" });
    running.policy.suffix = ".new.test";
    expect(await running.resolver.resolve4("a.new.test")).toEqual([PROXY]);
  });
});

describe("over UDP", () => {
  it.each([
    ["FORMERR", 1, queryBytes({ counts: [0, 0, 0, 0] })],
    ["FORMERR", 1, Buffer.concat([queryBytes(), Buffer.alloc(100)])],
    ["NOTIMP", 4, queryBytes({ flags: 0x2800 })],
    ["REFUSED", 5, queryBytes({ classCode: 3 })],
  ])("a query that is none of ours is %s", async (_code, rcode, bytes) => {
    const client = await openUdp();
    const answer = await client.ask(bytes);
    expect([answer.readUInt16BE(0), answer.readUInt16BE(2) & 0xf]).toEqual([0x1234, rcode]);
    expect(running.decisions).toEqual([
      { name: "", type: "", outcome: "refused", reason: "query_malformed" },
    ]);
  });

  it("noise gets no answer and does no harm", async () => {
    const client = await openUdp();
    const noise = [
      Buffer.alloc(0),
      Buffer.of(1),
      queryBytes({ flags: 0x8180 }),
      Buffer.alloc(1_233),
      Buffer.concat([queryBytes(), Buffer.alloc(60_000)]),
    ];
    for (const bytes of noise) client.send(bytes);
    const last = await client.ask(queryBytes({ id: 7, rest: optBytes() }));
    expect(last.readUInt16BE(0)).toBe(7);
    expect(client.answers).toHaveLength(1);
    await vi.waitFor(() => expect(running.drops).toHaveLength(noise.length));
    expect(running.drops.toSorted()).toEqual([
      "not_a_query",
      "not_a_query",
      "not_a_query",
      "oversize",
      "oversize",
    ]);
  });

  it("a flood is dropped without a word, and others are still served", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const flooder = await openUdp();
    for (let round = 0; round < 1_000; round += 1) await flooder.ask(queryBytes());
    expect(running.drops).toEqual([]);
    flooder.send(queryBytes());
    const other = await openUdp("127.0.0.2");
    await other.ask(queryBytes());
    expect(running.drops).toEqual(["flood"]);
    expect(flooder.answers).toHaveLength(1_000);
    expect(running.decisions).toHaveLength(1_001);
  });
});

describe("over TCP", () => {
  it("answers come in the order of the queries, as they arrive in pieces or together", async () => {
    const { socket, received } = await openTcp();
    const stream = Buffer.concat([1, 2, 3].map((id) => toFrame(queryBytes({ id }))));
    socket.setNoDelay(true);
    for (const byte of stream.subarray(0, 40)) socket.write(Buffer.of(byte));
    socket.write(stream.subarray(40));
    const size = 2 + queryBytes().length + 16;
    await vi.waitFor(() => expect(received()).toHaveLength(3 * size));
    expect([0, 1, 2].map((index) => received().readUInt16BE(index * size + 2))).toEqual([1, 2, 3]);
    expect(running.decisions).toHaveLength(3);
  });

  it("a query that is followed by the end is answered", async () => {
    const { socket, received } = await openTcp();
    socket.end(toFrame(queryBytes()));
    await ended(socket);
    expect(received().readUInt16BE(2)).toBe(0x1234);
  });

  it.each([
    ["oversize", "a length beyond 4096", Buffer.of(0x10, 0x01)],
    ["oversize", "another protocol", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
    ["not_a_query", "an empty message", Buffer.of(0, 0)],
    ["not_a_query", "a response", toFrame(queryBytes({ flags: 0x8180 }))],
  ])("is cut off with %s: %s", async (cause, _case, bytes) => {
    const { socket, received } = await openTcp();
    socket.write(bytes);
    await ended(socket);
    expect(received()).toHaveLength(0);
    expect(running.drops).toEqual([cause]);
  });

  it("a message that is not whole after 5 s ends the connection, however often a byte comes", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const accepted = once(running.dns.listener.server, "connection");
    const { socket } = await openTcp();
    const [peer] = (await accepted) as [Socket];
    for (const byte of toFrame(queryBytes()).subarray(0, 5)) {
      expect(running.drops).toEqual([]);
      socket.write(Buffer.of(byte));
      await once(peer, "data");
      vi.advanceTimersByTime(1_000);
    }
    vi.useRealTimers();
    await ended(socket);
    expect(running.drops).toEqual(["idle"]);
  });

  it("who asks and does not read is cut off before the answers fill the memory", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const { server } = running.dns.listener;
    const accepted = once(server, "connection");
    const socket = connect(running.tcpPort, HOST);
    ending.push(() => socket.destroy());
    socket.on("error", () => undefined).pause();
    const [peer] = (await accepted) as [Socket];
    const name = Array.from({ length: 3 }, () => "a".repeat(63));
    const batch = Buffer.concat(Array.from({ length: 1_000 }, () => toFrame(queryBytes({ name }))));
    // The kernel's own buffers come first: some megabytes.
    for (let round = 1; round <= 100 && !peer.destroyed; round += 1) {
      socket.write(batch);
      const isDone = () => peer.destroyed || running.decisions.length === round * 1_000;
      while (!isDone()) await new Promise((resolve) => setImmediate(resolve));
      vi.advanceTimersByTime(10_000);
    }
    expect(running.drops).toEqual(["unread"]);
  });

  it("has room for 32, and for one more when one has left", async () => {
    const open = await Promise.all(Array.from({ length: 32 }, openTcp));
    for (const { socket } of open) socket.write(toFrame(queryBytes()));
    await vi.waitFor(() => expect(running.decisions).toHaveLength(32));
    const late = await openTcp();
    await ended(late.socket);
    expect(running.drops).toEqual(["connections"]);

    open[0]?.socket.destroy();
    await vi.waitFor(async () => {
      const { socket, received } = await openTcp();
      socket.end(toFrame(queryBytes()));
      await ended(socket);
      expect(received()).not.toHaveLength(0);
    });
  });

  it("ends when the service drains", async () => {
    const { socket } = await openTcp();
    socket.write(toFrame(queryBytes()));
    await vi.waitFor(() => expect(running.decisions).toHaveLength(1));
    running.dns.drain();
    await ended(socket);
  });
});

it("a port that is taken is an error that says which", async () => {
  const options = {
    host: HOST,
    port: running.udpPort,
    address: PROXY,
    readRules: () => ({ isExact: () => false, isNameAllowed: () => false }),
    report: () => undefined,
    countDrop: () => undefined,
  };
  const second = createDnsServer(options);
  await expect(second.start()).rejects.toThrow(`cannot listen on ${HOST}:${running.udpPort}/udp`);
  await second.close();
});
