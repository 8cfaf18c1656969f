import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { openTlsTunnel } from "./testing/raw-client.ts";
import { PUBLIC_ADDRESS, startFilter } from "./testing/start-filter.ts";
import { startTlsLikeOrigin } from "./testing/start-origin.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

const MEBIBYTE = 1_048_576;

/** A different byte at every place of every stream, so that one in the wrong place shows. */
function* patternOf(seed: number, mebibytes: number): Generator<Buffer> {
  for (let index = 0; index < mebibytes * 4; index++) {
    const block = Buffer.alloc(MEBIBYTE / 4);
    for (let offset = 0; offset < block.length; offset += 4) {
      block.writeUInt32LE((seed * 2_654_435_761 + index * 40_503 + offset) >>> 0, offset);
    }
    yield block;
  }
}

function hashOf(blocks: Iterable<Buffer>): string {
  const hash = createHash("sha256");
  for (const block of blocks) hash.update(block);
  return hash.digest("hex");
}

async function pour(socket: Socket, blocks: Iterable<Buffer>): Promise<void> {
  for (const block of blocks) {
    if (!socket.write(block)) await new Promise((resolve) => socket.once("drain", resolve));
  }
  socket.end();
}

/** Reads everything, with pauses that fill every buffer on the way. */
async function readSlowly(socket: Socket, everyMs: number): Promise<string> {
  const hash = createHash("sha256");
  let sinceBreak = 0;
  for await (const chunk of socket) {
    hash.update(chunk as Buffer);
    sinceBreak += (chunk as Buffer).length;
    if (sinceBreak < MEBIBYTE) continue;
    sinceBreak = 0;
    await pause(everyMs);
  }
  return hash.digest("hex");
}

async function start(serve: (socket: Socket) => void) {
  const origin = await startTlsLikeOrigin(PUBLIC_ADDRESS, serve);
  const filter = await startFilter({
    egress: {
      mode: "allowlist",
      rules: [{ action: "allow", host: "allowed.test", port: origin.port, key: "egress.rules[0]" }],
    },
    names: { "allowed.test": [PUBLIC_ADDRESS] },
  });
  ending.push(filter.stop, origin.stop);
  return () => openTlsTunnel(filter.port, `allowed.test:${origin.port}`);
}

describe("bytes in a tunnel", { timeout: 60_000 }, () => {
  it.each([0, 3, 20])(
    "come down as they were sent, to clients that pause for %i ms, several at a time",
    async (everyMs) => {
      let count = 0;
      const open = await start((socket) => void pour(socket, patternOf(++count, 6)));
      const tunnels: Socket[] = [];
      for (let index = 0; index < 4; index++) tunnels.push(await open());
      const hashes = await Promise.all(tunnels.map((tunnel, index) => readSlowly(tunnel, everyMs + index)));
      expect(hashes).toEqual([1, 2, 3, 4].map((seed) => hashOf(patternOf(seed, 6))));
    },
  );

  it("go up as they were sent, to a destination that pauses", async () => {
    const received: Promise<string>[] = [];
    const open = await start(
      (socket) => void received.push(readSlowly(socket, 5).finally(() => socket.end())),
    );
    const tunnels = [await open(), await open()];
    await Promise.all(tunnels.map((tunnel, index) => pour(tunnel.resume(), patternOf(index, 6))));
    expect(await Promise.all(received)).toEqual([0, 1].map((seed) => hashOf(patternOf(seed, 6))));
  });

  it("are those of the tunnel that comes after another one in the same buffer", async () => {
    let count = 0;
    const open = await start((socket) => void pour(socket, patternOf(++count, 1)));
    for (let seed = 1; seed <= 5; seed++) {
      expect(await readSlowly(await open(), 0)).toBe(hashOf(patternOf(seed, 1)));
    }
  });
});
