import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createHelloReader, MAX_HELLO_BYTES } from "./read-client-hello.ts";
import {
  buildClientHello,
  buildHelloMessage,
  extension,
  record,
  vector,
  wrapInMessage,
  wrapInRecords,
} from "./testing/build-client-hello.ts";
import { cutAt, inPieces, readAll } from "./testing/read-all.ts";

const SEED = { seed: 8446 };
const MESSAGE = buildHelloMessage();
const HELLO = buildClientHello();
const READ = { ok: true, hello: { serverName: "allowed.test", hasEch: false, alpn: [] } };

/** A hello of exactly this many bytes, its one record header included. */
function helloOf(size: number): Buffer {
  const empty = buildClientHello({ extraExtensions: [extension(21)] });
  return buildClientHello({ extraExtensions: [extension(21, Buffer.alloc(size - empty.length))] });
}

/** Says how many bytes it took until the reading was there, and what it was. */
function decidedAfter(bytes: Buffer): [bytes: number, verdict: string] {
  const reader = createHelloReader();
  for (let at = 0; at < bytes.length; at += 1) {
    const reading = reader.push(bytes.subarray(at, at + 1));
    if (reading) return [at + 1, reading.ok ? "read" : reading.reason];
  }
  return [bytes.length, "incomplete"];
}

describe("the reader of a ClientHello", () => {
  it.each([
    ["in one piece", [HELLO]],
    ["byte by byte", inPieces(HELLO, 1)],
    [
      "with empty pieces between",
      [Buffer.alloc(0), HELLO.subarray(0, 3), Buffer.alloc(0), HELLO.subarray(3)],
    ],
    ...[1, 2, 3, 4, 5].map((size): [string, Buffer[]] => [
      `in records of ${size}, byte by byte`,
      inPieces(wrapInRecords(MESSAGE, size), 1),
    ]),
    [
      "in a record of 1 and one of the rest",
      [wrapInRecords(MESSAGE.subarray(0, 1)), wrapInRecords(MESSAGE.subarray(1))],
    ],
    ["with records of TLS 1.0 and 1.2", [HELLO.with(2, 3)].map((bytes) => Buffer.from(bytes))],
  ])("reads it %s", (_how, pieces) => {
    expect(readAll(pieces)).toEqual(READ);
  });

  it.each<[string, Buffer, number, string]>([
    ["SSH", Buffer.from("SSH-2.0-x\r\n"), 1, "not_tls"],
    ["HTTP", Buffer.from("GET / HTTP/1.1\r\n"), 1, "not_tls"],
    ["the preface of HTTP/2", Buffer.from("PRI * HTTP/2.0\r\n"), 1, "not_tls"],
    ["a hello of SSLv2", Buffer.from("802e0100020015000000100100800200", "hex"), 1, "not_tls"],
    ["an alert", record(21, Buffer.from([2, 40])), 1, "not_tls"],
    ["application data", record(23, Buffer.alloc(32)), 1, "not_tls"],
    ["a record of another major version", Buffer.from([22, 2, 1, 0, 5]), 2, "not_tls"],
    ["a record of SSL 3.0", Buffer.from([22, 3, 0, 0, 5]), 3, "not_tls"],
    ["a record of TLS 1.4", Buffer.from([22, 3, 4, 0, 5]), 3, "not_tls"],
    ["an empty record", record(22, Buffer.alloc(0)), 5, "sni_unreadable"],
    [
      "an empty record in the middle",
      Buffer.concat([wrapInRecords(MESSAGE.subarray(0, 9)), record(22, Buffer.alloc(0))]),
      19,
      "sni_unreadable",
    ],
    [
      "an alert in the middle",
      Buffer.concat([wrapInRecords(MESSAGE.subarray(0, 9)), record(21, Buffer.from([1, 0]))]),
      15,
      "not_tls",
    ],
    ["a ServerHello", record(22, Buffer.from([2, 0, 0, 40])), 6, "not_tls"],
    ["a HelloRequest", record(22, Buffer.alloc(4)), 6, "not_tls"],
    ["a record longer than TLS allows", Buffer.from([22, 3, 1, 0x40, 1]), 5, "hello_too_large"],
    ["a record that ends beyond the cap", Buffer.from([22, 3, 1, 0x3f, 0xfc]), 5, "hello_too_large"],
    ["a message of 16 MiB", record(22, Buffer.from([1, 255, 255, 255])), 9, "hello_too_large"],
    ["a message that ends beyond the cap", record(22, Buffer.from([1, 0, 0x3f, 0xf8])), 9, "hello_too_large"],
    [
      "a message shorter than its record",
      record(22, Buffer.concat([MESSAGE, Buffer.alloc(1)])),
      9,
      "sni_unreadable",
    ],
    ["a second hello in the same record", record(22, Buffer.concat([MESSAGE, MESSAGE])), 9, "sni_unreadable"],
    [
      "a message shorter than its last record",
      Buffer.concat([
        wrapInRecords(MESSAGE.subarray(0, 99)),
        record(22, Buffer.concat([MESSAGE.subarray(99), Buffer.alloc(1)])),
      ]),
      109,
      "sni_unreadable",
    ],
    ["a message without a body", wrapInRecords(wrapInMessage(Buffer.alloc(0))), 9, "sni_unreadable"],
  ])("decides on %s as soon as it can", (_what, bytes, after, verdict) => {
    expect(decidedAfter(Buffer.concat([bytes, Buffer.alloc(200, 22)]))).toEqual([after, verdict]);
    expect(readAll([bytes])).toMatchObject({ ok: false, reason: verdict });
  });

  it("reads a hello of exactly the cap, in any pieces, and none that is longer", () => {
    const largest = helloOf(MAX_HELLO_BYTES);
    expect(largest).toHaveLength(MAX_HELLO_BYTES);
    expect(readAll([largest])).toEqual(READ);
    expect(decidedAfter(largest)).toEqual([MAX_HELLO_BYTES, "read"]);
    expect(decidedAfter(helloOf(MAX_HELLO_BYTES + 1))).toEqual([5, "hello_too_large"]);
  });

  it("counts the headers of records: a hello that fits may be cut too finely", () => {
    const cut = wrapInRecords(helloOf(4_000).subarray(5), 1);
    const [after, verdict] = decidedAfter(cut);
    expect(verdict).toBe("hello_too_large");
    expect(after).toBeLessThanOrEqual(MAX_HELLO_BYTES);
  });

  it("ends at the cap in the middle of a record's header too", () => {
    const message = helloOf(MAX_HELLO_BYTES).subarray(5);
    const cut = Buffer.concat([wrapInRecords(message.subarray(0, -2)), wrapInRecords(message.subarray(-2))]);
    expect(decidedAfter(cut)).toEqual([MAX_HELLO_BYTES, "hello_too_large"]);
    expect(readAll([cut])).toMatchObject({ ok: false, reason: "hello_too_large" });
  });

  it("keeps what it was given, and what follows up to the cap", () => {
    const reader = createHelloReader();
    const more = Buffer.alloc(3 * MAX_HELLO_BYTES, 23);
    expect(reader.push(HELLO)).toEqual(READ);
    expect(reader.push(more)).toEqual(READ);
    expect(reader.bytes()).toEqual(Buffer.concat([HELLO, more]).subarray(0, MAX_HELLO_BYTES));
  });

  it("writes into nobody's memory but its own", () => {
    const slab = Buffer.concat([HELLO, Buffer.alloc(100, 9)]);
    const reader = createHelloReader();
    reader.push(slab.subarray(0, 50));
    reader.push(HELLO.subarray(50));
    expect(slab).toEqual(Buffer.concat([HELLO, Buffer.alloc(100, 9)]));
    expect(reader.bytes()).toEqual(HELLO);
  });
});

describe("any bytes", () => {
  const options = fc.record({
    serverNames: fc.constantFrom(["allowed.test"], [], ["Evil.Test"], ["a.test", "b.test"], ["a\0b"]),
    duplicateServerName: fc.boolean(),
    ech: fc.boolean(),
    alpn: fc.constantFrom([], ["h2"], ["h2", "http/1.1"]),
    keyShareBytes: fc.constantFrom(32, 1_216),
    grease: fc.boolean(),
    fragmentBytes: fc.integer({ min: 1, max: 600 }),
  });
  const hello = options.map(buildClientHello);
  const cuts = fc.array(fc.nat(2_000), { maxLength: 20 });

  /** A valid hello with a few bytes changed, cut off or put in: what hostile input looks like after line one. */
  const mutated = fc
    .tuple(
      hello,
      fc.array(fc.tuple(fc.nat(400), fc.nat(2), fc.nat(255)), { minLength: 1, maxLength: 6 }),
      fc.option(fc.nat(2_000)),
    )
    .map(([bytes, edits, end]) => {
      const result = [...bytes];
      for (const [at, removed, value] of edits) result.splice(at % result.length, removed, value);
      return Buffer.from(result.slice(0, end ?? result.length));
    });
  const random = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes));
  const disguised = random.map((bytes) => wrapInRecords(wrapInMessage(bytes)));
  const withExtensions = random.map((bytes) =>
    wrapInRecords(
      wrapInMessage(
        Buffer.concat([
          Buffer.from([3, 3]),
          Buffer.alloc(33),
          vector(2, Buffer.alloc(2)),
          vector(1, Buffer.alloc(1)),
          vector(2, bytes),
        ]),
      ),
    ),
  );
  const hostile = fc.oneof(mutated, random, disguised, withExtensions);

  it("of a hello, however they are cut, are read the same", () => {
    fc.assert(
      fc.property(hello, cuts, (bytes, places) => {
        const whole = readAll([bytes]);
        expect(whole).toBeDefined();
        expect(
          readAll(
            cutAt(
              bytes,
              places.map((place) => place % bytes.length),
            ),
          ),
        ).toEqual(whole);
        expect(readAll(inPieces(bytes, 1))).toEqual(whole);
      }),
      { ...SEED, numRuns: 200 },
    );
  });

  it("however hostile end in one of the readings, the same for every cut", () => {
    fc.assert(
      fc.property(hostile, cuts, (bytes, places) => {
        const whole = readAll([bytes]);
        expect([undefined, "read", "not_tls", "sni_unreadable", "hello_too_large"]).toContain(
          whole?.ok ? "read" : whole?.reason,
        );
        expect(
          readAll(
            cutAt(
              bytes,
              places.map((place) => place % (bytes.length + 1)),
            ),
          ),
        ).toEqual(whole);
        if (whole?.ok) expect(whole.hello.serverName ?? "none").toMatch(/^[a-z0-9_.-]{1,253}$/);
      }),
      { ...SEED, numRuns: 3_000 },
    );
  });

  it("without end are decided at the cap, and no more of them are kept", () => {
    const endless = fc.oneof(
      hostile,
      fc
        .integer({ min: 1, max: 40 })
        .map((size) => wrapInRecords(Buffer.from([1, 0, 0x3f, 0xf0, ...Buffer.alloc(60)]), size)),
    );
    fc.assert(
      fc.property(endless, fc.integer({ min: 1, max: 40_000 }), (bytes, size) => {
        const reader = createHelloReader();
        const filling = Buffer.alloc(2 * MAX_HELLO_BYTES, record(22, Buffer.alloc(11)));
        let reading: unknown;
        let kept = 0;
        for (const piece of inPieces(Buffer.concat([bytes, filling]), size)) {
          reading = reader.push(piece);
          kept = Math.max(kept, reader.bytes().length);
        }
        expect(kept).toBeLessThanOrEqual(MAX_HELLO_BYTES);
        expect(reading).toBeDefined();
      }),
      { ...SEED, numRuns: 300 },
    );
  });
});
