import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { createUpstream } from "./upstream.ts";

/** Listens, and then never takes a connection: once its queue is full, nobody answers at its address. */
const SLEEPER = `
  const { parentPort } = require("node:worker_threads");
  const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });`;

let sleeper: Worker | undefined;
afterEach(() => sleeper?.terminate());

async function startSleeper(): Promise<number> {
  sleeper = new Worker(SLEEPER, { eval: true });
  const [port] = (await once(sleeper, "message")) as [number];
  return port;
}

describe("a connection to egress-filter", () => {
  it("is given up when nobody answers", async () => {
    const port = await startSleeper();
    const upstream = createUpstream({ host: "127.0.0.1", port, now: () => 0, connectTimeoutMs: 200 });
    const ends = Array.from({ length: 8 }, async () => {
      const socket = upstream.dial({ allowHalfOpen: false });
      return once(socket, "connect")
        .then(
          () => "queued",
          ({ code }: NodeJS.ErrnoException) => code,
        )
        .finally(() => socket.destroy());
    });
    expect(new Set(await Promise.all(ends))).toEqual(new Set(["queued", "ETIMEDOUT"]));
  });
});
