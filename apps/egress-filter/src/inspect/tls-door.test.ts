import { once } from "node:events";
import { connect as connectTcp, createServer, type Socket } from "node:net";
import { connect, rootCertificates, type ConnectionOptions } from "node:tls";
import { createInspectionAuthority, issueHostCertificate } from "@claws/certificates";
import { listen } from "@claws/service-kit";
import { afterEach, describe, expect, it } from "vitest";
import { createHostDoors } from "./host-doors.ts";
import { type ClientHandshake, createTlsDoor, type TlsDoor } from "./tls-door.ts";

const ending: (() => void)[] = [];
afterEach(() => ending.splice(0).forEach((end) => end()));

const authority = await createInspectionAuthority();
const issued = await issueHostCertificate(authority, "allowed.test");

/** Meets each client at the door, with as much of its ClientHello in `head` as is asked for. */
async function startDoor(door: TlsDoor, headBytes = Number.POSITIVE_INFINITY) {
  const handshakes: Promise<ClientHandshake>[] = [];
  const server = createServer({ allowHalfOpen: true }, (client: Socket) => {
    client.on("error", () => undefined);
    ending.push(() => client.destroy());
    client.once("data", (chunk: Buffer) => {
      client.pause();
      const cut = Math.min(headBytes, chunk.length);
      if (cut < chunk.length) client.unshift(chunk.subarray(cut));
      handshakes.push(door(client, chunk.subarray(0, cut)));
    });
  });
  const port = await listen(server, 0, "127.0.0.1");
  ending.push(() => server.close());
  const dial = (options: ConnectionOptions = {}) => {
    const socket = connect({
      host: "127.0.0.1",
      port,
      servername: "allowed.test",
      ca: authority.certificate,
      ...options,
    });
    socket.on("error", () => undefined);
    ending.push(() => socket.destroy());
    return socket;
  };
  return { port, handshakes, dial };
}

describe("the TLS door of a host", () => {
  it.each([
    [["h2", "http/1.1"], "h2"],
    [["http/1.1"], "http/1.1"],
    [["h2"], "h2"],
    [undefined, false],
  ])("for a client of %j agrees on %j", async (ALPNProtocols, protocol) => {
    const { handshakes, dial } = await startDoor(createTlsDoor(issued));
    const socket = dial(ALPNProtocols ? { ALPNProtocols } : {});
    await once(socket, "secureConnect");
    expect(socket.alpnProtocol).toBe(protocol);
    expect(await handshakes[0]).toMatchObject({ ok: true, isHttp2: protocol === "h2" });
  });

  it.each([0, 1, 5, 43, 200])("takes a ClientHello of which %d bytes were read", async (headBytes) => {
    const { handshakes, dial } = await startDoor(createTlsDoor(issued), headBytes);
    const socket = dial();
    await once(socket, "secureConnect");
    const handshake = await handshakes[0];
    if (!handshake?.ok) throw new Error("no handshake");
    handshake.socket.end("hello");
    expect(String(await once(socket, "data"))).toBe("hello");
  });

  it("keeps clients at the same door apart", async () => {
    const { handshakes, dial } = await startDoor(createTlsDoor(issued));
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = dial();
        await once(socket, "secureConnect");
        return socket;
      }),
    );
    const met = await Promise.all(handshakes);
    const ports = met.map((handshake) => (handshake.ok ? handshake.socket.remotePort : 0));
    expect(new Set(ports)).toEqual(new Set(sockets.map(({ localPort }) => localPort)));
  });

  it("sees one of Node's leave, which verifies after the handshake and sends no alert", async () => {
    const { handshakes, dial } = await startDoor(createTlsDoor(issued));
    const socket = dial({ ca: [...rootCertificates] });
    const { promise, resolve } = Promise.withResolvers<NodeJS.ErrnoException>();
    socket.once("error", resolve);
    expect((await promise).code).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED/);
    const handshake = await handshakes[0];
    // Both happen: its last message is on the way or is not.
    if (handshake?.ok) await once(handshake.socket.resume(), "close");
    else expect(handshake).toMatchObject({ kind: "left" });
  });

  it.each([
    [48, "unknown_ca"],
    [42, "bad_certificate"],
    [46, "certificate_unknown"],
  ])("tells the alert %d apart as %s", async (alert, meaning) => {
    const { port, handshakes } = await startDoor(createTlsDoor(issued));
    // A ClientHello of TLS 1.2 without extensions but SNI: its answer comes in the clear, and so may the alert.
    const client = connectTcp(port, "127.0.0.1");
    client.on("error", () => undefined);
    ending.push(() => client.destroy());
    client.write(clientHello12());
    await once(client, "data");
    client.write(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, alert]));
    expect(await handshakes[0]).toEqual({
      ok: false,
      kind: "refused",
      detail: `the client refused our certificate: ${meaning}`,
    });
  });

  it.each([
    ["no common version", { maxVersion: "TLSv1.1", minVersion: "TLSv1.1" } as const],
    ["no common protocol", { ALPNProtocols: ["spdy/3"] }],
  ])("tells a handshake with %s apart from a refusal", async (_case, options) => {
    const { handshakes, dial } = await startDoor(createTlsDoor(issued));
    const socket = dial({ ciphers: "ALL@SECLEVEL=0", ...options });
    await once(socket, "error");
    expect(await handshakes[0]).toMatchObject({ ok: false, kind: "failed" });
  });

  it("sees a client that leaves, and one that does not go on", async () => {
    const { port, handshakes } = await startDoor(createTlsDoor(issued, 200));
    const leaving = connectTcp(port, "127.0.0.1");
    leaving.write(clientHello12());
    await once(leaving, "data");
    leaving.destroy();
    expect(await handshakes[0]).toMatchObject({ ok: false, kind: expect.stringMatching(/left|failed/) });
    const silent = connectTcp(port, "127.0.0.1");
    ending.push(() => silent.destroy());
    silent.write(clientHello12().subarray(0, 20));
    await once(silent, "close");
    expect(await handshakes[1]).toMatchObject({ ok: false, kind: "failed" });
  });
});

describe("doors of hosts", () => {
  it("are made once for all who come at the same time, and kept", async () => {
    const hosts: string[] = [];
    const doorOf = createHostDoors(authority, {
      issue: async (by, host) => {
        hosts.push(host);
        return issueHostCertificate(by, host);
      },
    });
    const doors = await Promise.all([doorOf("a.test"), doorOf("a.test"), doorOf("b.test"), doorOf("a.test")]);
    expect(new Set(doors).size).toBe(2);
    expect(await doorOf("a.test")).toBe(doors[0]);
    expect(hosts).toEqual(["a.test", "b.test"]);
  });

  it("are given up when too many, the one that was used longest ago first, and when too old", async () => {
    const hosts: string[] = [];
    let time = 0;
    const doorOf = createHostDoors(authority, {
      most: 2,
      ttlMs: 1_000,
      now: () => time,
      issue: async (by, host) => {
        hosts.push(host);
        return issueHostCertificate(by, host);
      },
    });
    for (const host of ["a.test", "b.test", "a.test", "c.test", "a.test", "b.test"]) await doorOf(host);
    expect(hosts).toEqual(["a.test", "b.test", "c.test", "b.test"]);
    time = 1_000;
    await doorOf("b.test");
    expect(hosts).toHaveLength(5);
  });

  it("that could not be made are tried again", async () => {
    let isBroken = true;
    const doorOf = createHostDoors(authority, {
      issue: async (by, host) => {
        if (isBroken) throw new Error("no");
        return issueHostCertificate(by, host);
      },
    });
    await expect(doorOf("a.test")).rejects.toThrow("no");
    isBroken = false;
    expect(await doorOf("a.test")).toBeTypeOf("function");
  });
});

/** RFC 5246 section 7.4.1.2, with SNI, one group and one signature algorithm. */
function clientHello12(): Buffer {
  const name = Buffer.from("allowed.test");
  const extension = (type: number, body: Buffer) =>
    Buffer.concat([Buffer.from([type >> 8, type & 255, body.length >> 8, body.length & 255]), body]);
  const sni = Buffer.concat([Buffer.from([0, name.length + 3, 0, 0, name.length]), name]);
  const extensions = Buffer.concat([
    extension(0, sni),
    extension(10, Buffer.from([0, 2, 0, 23])),
    extension(11, Buffer.from([1, 0])),
    extension(13, Buffer.from([0, 2, 4, 3])),
  ]);
  const body = Buffer.concat([
    Buffer.from([3, 3]),
    Buffer.alloc(32, 7),
    Buffer.from([0, 0, 2, 0xc0, 0x2b, 1, 0, extensions.length >> 8, extensions.length & 255]),
    extensions,
  ]);
  const handshake = Buffer.concat([Buffer.from([1, 0, body.length >> 8, body.length & 255]), body]);
  return Buffer.concat([Buffer.from([22, 3, 1, handshake.length >> 8, handshake.length & 255]), handshake]);
}
