import { array, assert, integer, nat, property, string, tuple, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Answer,
  formatType,
  readQuery,
  toAddressRecord,
  writeAnswer,
  writeError,
} from "./dns-message.ts";
import { optBytes, queryBytes, words } from "./testing/query-bytes.ts";

const SEED = { seed: 20_260_301 };
const label = (length: number) => "a".repeat(length);

function queryOf(bytes: Uint8Array) {
  const reading = readQuery(bytes);
  if (!reading.ok) throw new Error(`not read: ${reading.code}`);
  return reading.query;
}

describe("a query", () => {
  it("is read with its header, name and type", () => {
    const bytes = queryBytes({ name: "WWW.Allowed.test", type: 28 });
    expect(readQuery(bytes)).toEqual({
      ok: true,
      query: {
        id: 0x1234,
        opcode: 0,
        isRecursionDesired: true,
        labels: ["WWW", "Allowed", "test"],
        name: "www.allowed.test",
        type: 28,
        question: bytes.subarray(12),
        hasEdns: false,
      },
    });
  });

  it.each([
    ["the root", [], ""],
    ["the longest name", [label(63), label(63), label(63), label(61)], "a"],
    ["127 labels", Array.from({ length: 127 }, () => "a"), "a"],
    ["a dot inside a label", ["evil.test", "wild", "test"], String.raw`evil\046test.wild.test`],
    ["a NUL", ["evil\0", "test"], String.raw`evil\000.test`],
    ["an escape sequence", ["\u001b[2J", "test"], String.raw`\027\0912j.test`],
    ["a line feed", ["a\nb", "test"], String.raw`a\010b.test`],
    ["a backslash", ["\\046", "test"], String.raw`\092046.test`],
    ["bytes above ASCII", ["\u00ff\u00e9", "test"], String.raw`\255\233.test`],
  ])("may ask for %s", (_case, labels, start) => {
    const query = queryOf(queryBytes({ name: labels }));
    expect(query.labels).toEqual(labels);
    expect(query.name.startsWith(start)).toBe(true);
    expect(query.name).toMatch(/^[a-z0-9_\\.-]*$/);
  });

  it.each([
    ["EDNS", optBytes()],
    ["a small size", optBytes({ size: 0 })],
    [
      "a cookie and padding",
      optBytes({ options: Buffer.concat([words(10, 8), Buffer.alloc(8), words(12, 0)]) }),
    ],
    ["options that are none", optBytes({ options: Buffer.from("junk!") })],
  ])("may come with %s", (_case, rest) => {
    expect(queryOf(queryBytes({ rest })).hasEdns).toBe(true);
  });

  it.each([
    ["nothing", Buffer.alloc(0)],
    ["half a header", queryBytes().subarray(0, 11)],
    ["a response", queryBytes({ flags: 0x8180 })],
    ["a response of another opcode", queryBytes({ flags: 0xa800 })],
  ])("%s is not answered at all", (_case, bytes) => {
    expect(readQuery(bytes)).toEqual({ ok: false, code: "unanswerable" });
  });

  it.each([
    ["FORMERR", "a header alone", queryBytes().subarray(0, 12)],
    ["FORMERR", "no question", queryBytes({ counts: [0, 0, 0, 0] })],
    [
      "FORMERR",
      "two questions",
      Buffer.concat([queryBytes({ counts: [2, 0, 0, 0] }), queryBytes().subarray(12)]),
    ],
    ["FORMERR", "65535 questions", queryBytes({ counts: [65_535, 0, 0, 0] })],
    ["FORMERR", "an answer", queryBytes({ counts: [1, 1, 0, 0], rest: Buffer.alloc(11) })],
    ["FORMERR", "an authority", queryBytes({ counts: [1, 0, 1, 0], rest: Buffer.alloc(11) })],
    ["FORMERR", "a byte too many", queryBytes({ counts: [1, 0, 0, 0], rest: Buffer.of(0) })],
    ["FORMERR", "a type cut short", queryBytes().subarray(0, -3)],
    ["FORMERR", "a name without end", queryBytes().subarray(0, -5)],
    ["FORMERR", "a label of 64", queryBytes({ name: [label(64), "test"] })],
    ["FORMERR", "a name of 256", queryBytes({ name: [label(63), label(63), label(63), label(62)] })],
    ["FORMERR", "128 labels", queryBytes({ name: Array.from({ length: 128 }, () => "a") })],
    ["FORMERR", "a pointer to itself", pointing(0xc00c)],
    ["FORMERR", "a pointer to the header", pointing(0xc000)],
    ["FORMERR", "a pointer forward", pointing(0xc010)],
    ["FORMERR", "a pointer behind a label", pointing(0xc00c, "a")],
    ["FORMERR", "an extended label (0x40)", pointing(0x4001)],
    ["FORMERR", "a bit-string label (0x41)", pointing(0x4101)],
    ["FORMERR", "a reserved label (0x80)", pointing(0x8001)],
    ["FORMERR", "an OPT that is missing", queryBytes({ counts: [1, 0, 0, 1] })],
    ["FORMERR", "an OPT cut short", queryBytes({ rest: optBytes().subarray(0, -1) })],
    [
      "FORMERR",
      "an OPT that announces more",
      queryBytes({ rest: Buffer.concat([optBytes().subarray(0, -1), Buffer.of(9)]) }),
    ],
    ["FORMERR", "a byte after the OPT", queryBytes({ rest: Buffer.concat([optBytes(), Buffer.of(0)]) })],
    [
      "FORMERR",
      "two OPTs",
      queryBytes({ counts: [1, 0, 0, 2], rest: Buffer.concat([optBytes(), optBytes()]) }),
    ],
    [
      "FORMERR",
      "another record than OPT",
      queryBytes({ rest: Buffer.concat([Buffer.of(0), words(1, 1, 0, 0, 0)]) }),
    ],
    ["FORMERR", "an OPT with a name", queryBytes({ rest: Buffer.concat([Buffer.of(1, 97), optBytes()]) })],
    ["BADVERS", "EDNS version 1", queryBytes({ rest: optBytes({ version: 1 << 0 }) })],
    ["REFUSED", "class CH", queryBytes({ name: "version.bind", type: 16, classCode: 3 })],
    ["REFUSED", "class ANY", queryBytes({ classCode: 255 })],
    ["NOTIMP", "an inverse query", queryBytes({ flags: 0x0800 })],
    ["NOTIMP", "a status query", queryBytes({ flags: 0x1000 })],
    ["NOTIMP", "NOTIFY", queryBytes({ flags: 0x2000 })],
    ["NOTIMP", "an update", queryBytes({ flags: 0x2800 })],
  ])("is %s with %s", (code, _case, bytes) => {
    expect(readQuery(bytes)).toMatchObject({ ok: false, code, header: { id: 0x1234 } });
  });

  it("is read back as it was put together, whatever bytes its labels hold", () => {
    const labels = array(string({ minLength: 1, maxLength: 20, unit: "binary-ascii" }), { maxLength: 11 });
    assert(
      property(labels, nat(65_535), nat(65_535), (name, type, id) => {
        const query = queryOf(queryBytes({ name, type, id }));
        expect(query).toMatchObject({ labels: name, type, id });
        expect(query.name).toMatch(/^[a-z0-9_\\.-]*$/);
      }),
      SEED,
    );
  });
});

/** A name that ends with these two bytes in place of a length. */
function pointing(pointer: number, ...labels: string[]): Buffer {
  const front = queryBytes({ name: labels }).subarray(0, -5);
  return Buffer.concat([front, words(pointer, 1, 1)]);
}

describe("any bytes", () => {
  const seeds = [
    queryBytes(),
    queryBytes({ name: "a.b.c.wild.test", type: 28, rest: optBytes() }),
    queryBytes({
      name: [label(63), label(63), label(63), label(61)],
      rest: optBytes({ options: Buffer.alloc(300) }),
    }),
    pointing(0xc00c),
  ];
  const records = [toAddressRecord("172.30.0.2"), toAddressRecord("2001:db8::2")];

  /** Reading and answering are one path in the server, so they are tried as one. */
  function tryAll(bytes: Uint8Array): void {
    const reading = readQuery(bytes);
    if (!reading.ok) {
      if (reading.code === "unanswerable") return;
      const error = writeError(reading.header, reading.code);
      expect(error.length).toBeLessThanOrEqual(bytes.length + (reading.code === "BADVERS" ? 11 : 0));
      return;
    }
    const answers: Answer[] = [
      { code: "NXDOMAIN" },
      { code: "NOERROR" },
      ...records.map((record) => ({ code: "NOERROR", record }) as const),
    ];
    for (const answer of answers) {
      const message = writeAnswer(reading.query, answer);
      expect(message.length).toBeLessThanOrEqual(Math.min(310, bytes.length + 28));
      expect(message.readUInt16BE(0)).toBe(reading.query.id);
      expect(message.readUInt16BE(2) & 0x8000).toBe(0x8000);
      // An answer that came back as a query would keep two servers busy for ever.
      expect(readQuery(message)).toEqual({ ok: false, code: "unanswerable" });
    }
  }

  it("have a reading, random ones", () => {
    assert(
      property(uint8Array({ maxLength: 600 }), (bytes) => tryAll(bytes)),
      { ...SEED, numRuns: 5_000 },
    );
  });

  it("have a reading, random ones behind a good header", () => {
    const header = queryBytes().subarray(0, 12);
    assert(
      property(uint8Array({ maxLength: 600 }), (bytes) => tryAll(Buffer.concat([header, bytes]))),
      { ...SEED, numRuns: 5_000 },
    );
  });

  it("have a reading, real queries with some bytes changed, cut and repeated", () => {
    const change = tuple(nat(700), integer({ min: 0, max: 255 }));
    assert(
      property(
        nat(seeds.length - 1),
        array(change, { maxLength: 6 }),
        nat(700),
        nat(40),
        (seed, changes, cut, more) => {
          const bytes = Buffer.from(seeds[seed] ?? queryBytes());
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          tryAll(Buffer.concat([bytes.subarray(0, cut), bytes.subarray(0, more)]));
          tryAll(bytes);
        },
      ),
      { ...SEED, numRuns: 5_000 },
    );
  });

  it.each([0x00, 0x01, 0x3f, 0x41, 0xc0, 0xff])(
    "have a reading, 64 KiB of %i behind a good header",
    (value) => {
      tryAll(Buffer.concat([queryBytes().subarray(0, 12), Buffer.alloc(65_523, value)]));
      tryAll(Buffer.alloc(65_535, value));
    },
  );

  it("have a reading in a view of a larger buffer, and nothing outside it is read", () => {
    const whole = Buffer.concat([Buffer.alloc(7, 0xff), queryBytes(), optBytes()]);
    expect(readQuery(whole.subarray(7, -11)).ok).toBe(true);
    expect(readQuery(whole.subarray(7, -12)).ok).toBe(false);
  });
});

describe("an answer", () => {
  const question = queryBytes({ name: "aLLoWed.test" });
  const header = (flags: number, ...counts: number[]) => words(0x1234, flags, 1, ...counts);

  it("carries an IPv4 address", () => {
    expect(
      writeAnswer(queryOf(question), { code: "NOERROR", record: toAddressRecord("172.30.0.2") }),
    ).toEqual(
      Buffer.concat([
        header(0x8580, 1, 0, 0),
        question.subarray(12),
        words(0xc00c, 1, 1, 0, 30, 4),
        Buffer.of(172, 30, 0, 2),
      ]),
    );
  });

  it("carries an IPv6 address", () => {
    const asked = queryBytes({ type: 28 });
    expect(writeAnswer(queryOf(asked), { code: "NOERROR", record: toAddressRecord("2001:db8::2") })).toEqual(
      Buffer.concat([
        header(0x8580, 1, 0, 0),
        asked.subarray(12),
        words(0xc00c, 28, 1, 0, 30, 16, 0x2001, 0xdb8, 0, 0, 0, 0, 0, 2),
      ]),
    );
  });

  it.each([
    ["NOERROR", 0x8580],
    ["NXDOMAIN", 0x8583],
    ["REFUSED", 0x8585],
  ] as const)("is %s without a record", (code, flags) => {
    const expected = Buffer.concat([header(flags, 0, 0, 0), question.subarray(12)]);
    expect(writeAnswer(queryOf(question), { code })).toEqual(expected);
  });

  it("speaks EDNS to who speaks it", () => {
    const asked = queryBytes({ rest: optBytes({ size: 4096, options: Buffer.alloc(50) }) });
    const expected = Buffer.concat([header(0x8583, 0, 0, 1), queryBytes().subarray(12), optBytes()]);
    expect(writeAnswer(queryOf(asked), { code: "NXDOMAIN" })).toEqual(expected);
  });

  it("asks for no recursion where none was desired", () => {
    expect(writeAnswer(queryOf(queryBytes({ flags: 0 })), { code: "NXDOMAIN" }).readUInt16BE(2)).toBe(0x8483);
  });

  it.each([
    ["FORMERR", [0x8581, 0, 0, 0, 0], Buffer.alloc(0)],
    ["REFUSED", [0x8585, 0, 0, 0, 0], Buffer.alloc(0)],
    ["NOTIMP", [0x8584, 0, 0, 0, 0], Buffer.alloc(0)],
    ["BADVERS", [0x8580, 0, 0, 0, 1], optBytes({ version: 0x0100 })],
  ] as const)("is %s to what is no plain query", (code, rest, opt) => {
    const error = writeError({ id: 0x1234, opcode: 0, isRecursionDesired: true }, code);
    expect(error).toEqual(Buffer.concat([words(0x1234, ...rest), opt]));
  });
});

it.each([
  [1, "A"],
  [16, "TXT"],
  [255, "ANY"],
  [65_280, "TYPE65280"],
])("type %i is written %s", (type, name) => expect(formatType(type)).toBe(name));

it("an address of the settings that is none is an error at start", () => {
  expect(() => toAddressRecord("egress-filter.agent")).toThrow();
});
