import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { askProxy } from "./ask-proxy.ts";
import { connectTcp } from "./connect-tcp.ts";
import { sendUdp } from "./send-udp.ts";

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ending.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** A port on which nobody listens any more. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  return port;
}

describe("an attempt", () => {
  it("finds a TCP listener", async () => {
    const port = await listen(createServer());
    expect((await connectTcp("127.0.0.1", port)).outcome).toEqual({ kind: "answered" });
  });

  it("tells a refusal from silence", async () => {
    const port = await freePort();
    expect((await connectTcp("127.0.0.1", port)).outcome).toEqual({ kind: "refused" });
    expect((await sendUdp("127.0.0.1", port, Buffer.from("x"))).outcome).toEqual({ kind: "refused" });
  });

  it("finds a UDP listener, and hears what it says", async () => {
    const server = createSocket("udp4");
    server.on("message", (message, sender) =>
      server.send(`${message.toString()} back`, sender.port, sender.address),
    );
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    ending.push(() => server.close());
    const { outcome, answer } = await sendUdp("127.0.0.1", server.address().port, Buffer.from("x"));
    expect([outcome.kind, answer?.toString()]).toEqual(["answered", "x back"]);
  });

  it("waits for no listener that says nothing", async () => {
    const server = createSocket("udp4");
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    ending.push(() => server.close());
    const { outcome } = await sendUdp("127.0.0.1", server.address().port, Buffer.from("x"));
    expect(outcome).toEqual({ kind: "silent" });
  });

  it("says what the kernel said of a place without a way", async () => {
    expect((await connectTcp("fe80::1%lo", 80)).outcome.kind).not.toBe("answered");
  });
});

describe("a request to the proxy", () => {
  it("is sent as it was written, and its refusal read to the end", async () => {
    let received = "";
    const body = JSON.stringify({ reason: "private_ip" });
    const server = createServer((socket) => {
      socket.on("data", (chunk) => {
        received += chunk.toString();
        socket.write(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 5)}`);
        setTimeout(() => socket.write(body.slice(5)), 20);
      });
      socket.on("error", () => socket.destroy());
    });
    const request = { line: "CONNECT 10.0.0.1:443", host: "10.0.0.1:443", authorization: "Basic x" };
    expect(await askProxy("127.0.0.1", await listen(server), request)).toMatchObject({
      status: 403,
      reason: "private_ip",
      outcome: { kind: "answered" },
    });
    expect(received).toBe(
      "CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: 10.0.0.1:443\r\nProxy-Authorization: Basic x\r\n\r\n",
    );
  });

  it("that gets no answer has no status", async () => {
    const server = createServer((socket) => void socket.on("error", () => socket.destroy()));
    const reply = await askProxy("127.0.0.1", await listen(server), { line: "CONNECT a:1", host: "a:1" });
    expect([reply.status, reply.outcome.kind]).toEqual([undefined, "silent"]);
  });
});
