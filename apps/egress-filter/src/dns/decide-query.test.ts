import { array, assert, constantFrom, nat, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { decideQuery, type NameRules } from "./decide-query.ts";
import { readQuery, toAddressRecord } from "./dns-message.ts";
import { queryBytes } from "./testing/query-bytes.ts";

const HEX_HOST = "4d79207365637265742069732034322e.exact.test";
const EXACT = new Set(["allowed.test", "denied.test", "redis", "model.internal", "x.local", HEX_HOST]);
const DENIED = ["denied.wild.test", "denied.test"];
/** As a policy would be: exact names, any depth below wild.test, and everything below three special suffixes. */
const rules: NameRules = {
  isExact: (host) => EXACT.has(host),
  isNameAllowed: (host) =>
    !DENIED.includes(host) && (EXACT.has(host) || /\.(?:wild\.test|internal|local|onion|arpa)$/.test(host)),
};
const proxy = toAddressRecord("172.30.0.2");
const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  NULL: 10,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  SVCB: 64,
  HTTPS: 65,
  ANY: 255,
};

function decide(name: string | readonly string[], type: keyof typeof TYPES = "A", synthetic = proxy) {
  const reading = readQuery(queryBytes({ name, type: TYPES[type] }));
  if (!reading.ok) throw new Error(reading.code);
  return decideQuery(reading.query, rules, synthetic);
}

describe("a query for an allowed name", () => {
  it.each([
    "allowed.test",
    "ALLOWED.test",
    "a.wild.test",
    "a.b.wild.test",
    "redis",
    "model.internal",
    "x.local",
  ])("is answered with the proxy's address: %s", (name) => {
    expect(decide(name)).toEqual({
      decision: { name: name.toLowerCase(), type: "A", outcome: "answered", reason: "allowed" },
      answer: { code: "NOERROR", record: proxy },
    });
  });

  it.each(["AAAA", "HTTPS", "SVCB"] as const)("has no %s record", (type) => {
    const { decision, answer } = decide("allowed.test", type);
    expect(decision).toMatchObject({ outcome: "answered", reason: "allowed", type });
    expect(answer).toEqual({ code: "NOERROR" });
  });

  it("has an AAAA record and no A where the proxy has an IPv6 address", () => {
    const record = toAddressRecord("2001:db8::2");
    expect(decide("allowed.test", "AAAA", record).answer).toEqual({ code: "NOERROR", record });
    expect(decide("allowed.test", "A", record).answer).toEqual({ code: "NOERROR" });
  });

  it("is answered although it looks odd, if a rule names just it", () => {
    expect(decide(HEX_HOST).decision).toMatchObject({ outcome: "answered", reason: "allowed" });
  });
});

describe("a query is answered NXDOMAIN", () => {
  it.each([
    ["not_allowed", "evil.test"],
    ["not_allowed", "wild.test"],
    ["not_allowed", "denied.wild.test"],
    ["not_allowed", "denied.test"],
    ["not_allowed", "allowed.test.evil.test"],
    ["not_allowed", "allowed.test.test"],
    ["not_allowed", ""],
    ["not_allowed", "93.184.216.34"],
    ["not_allowed", "2130706433"],
    ["not_allowed", "0x7f000001"],
    ["not_allowed", "-a.wild.test"],
    ["special_name", "localhost"],
    ["special_name", "a.localhost"],
    ["special_name", "localhost.localdomain"],
    ["special_name", "metadata"],
    ["special_name", "metadata.google.internal"],
    ["special_name", "host.docker.internal"],
    ["special_name", "gateway.docker.internal"],
    ["special_name", "instance-data"],
    ["special_name", "instance-data.ec2.internal"],
    ["special_name", "mock-apis"],
    ["special_name", "printer.local"],
    ["special_name", "kubernetes.default.svc.cluster.local"],
    ["special_name", "router.home.arpa"],
    ["special_name", "duckduckgo.onion"],
  ] as const)("%s: %s", (reason, name) => {
    const { decision, answer } = decide(name);
    expect(answer).toEqual({ code: "NXDOMAIN" });
    expect(decision).toEqual({ name, type: "A", outcome: "nxdomain", reason });
  });

  it.each(["1.0.30.172.in-addr.arpa", `${"0.".repeat(31)}1.ip6.arpa`, "allowed.test"])(
    "PTR of %s",
    (name) => {
      expect(decide(name, "PTR")).toMatchObject({
        decision: { outcome: "nxdomain", reason: "not_allowed" },
        answer: { code: "NXDOMAIN" },
      });
    },
  );

  it.each(["TXT", "NULL", "ANY", "CNAME", "MX", "SRV", "NS"] as const)(
    "%s, of an allowed name too",
    (type) => {
      expect(decide("allowed.test", type)).toEqual({
        decision: {
          name: "allowed.test",
          type,
          outcome: "refused",
          reason: "dns_type_denied",
          indicator: "data_type",
        },
        answer: { code: "NXDOMAIN" },
      });
    },
  );

  it.each([
    ["long_label", `${"a".repeat(41)}.wild.test`],
    ["long_name", `${"word.".repeat(23)}wild.test`],
    ["encoded_label", "4d79207365637265742069732034322e.wild.test"],
    ["high_entropy_label", "yokjggentipicn2j7cxbhqv.wild.test"],
    ["encoded_label", "4d79207365637265742069732034322e.evil.test"],
    ["encoded_label", "4d79207365637265742069732034322e"],
  ])("with %s under a wildcard or not: %s", (indicator, name) => {
    for (const type of ["A", "AAAA", "HTTPS", "PTR"] as const) {
      expect(decide(name, type)).toEqual({
        decision: { name, type, outcome: "refused", reason: "dns_label_suspicious", indicator },
        answer: { code: "NXDOMAIN" },
      });
    }
  });

  it.each([
    [["evil.com\0", "wild", "test"], String.raw`evil\046com\000.wild.test`],
    [["x\r\nlevel=info", "wild", "test"], String.raw`x\013\010level\061info.wild.test`],
    [["allowed.test"], String.raw`allowed\046test`],
  ])("for labels with odd bytes, which are reported escaped", (labels, name) => {
    expect(decide(labels).decision).toMatchObject({ name, outcome: "refused", indicator: "odd_bytes" });
  });

  it("and reported with 253 characters at most", () => {
    const { decision } = decide(Array.from({ length: 4 }, () => "\u0001".repeat(60)));
    expect(decision.name).toHaveLength(253);
  });
});

it("an address is given only for a host that the rules allow, in its canonical form", () => {
  const label = string({
    minLength: 1,
    maxLength: 12,
    unit: constantFrom(..."a b 1 - _ . * \\ A Z \0".split(" ")),
  });
  const suffix = constantFrom(["wild", "test"], ["allowed", "test"], ["internal"], ["evil", "test"], []);
  assert(
    property(array(label, { maxLength: 4 }), suffix, nat(300), (labels, end, type) => {
      const reading = readQuery(queryBytes({ name: [...labels, ...end], type }));
      if (!reading.ok) throw new Error(reading.code);
      const { answer, decision } = decideQuery(reading.query, rules, proxy);
      const host = [...labels, ...end].join(".").toLowerCase();
      if (answer.code === "NOERROR") {
        expect(rules.isNameAllowed(host)).toBe(true);
        expect(host).toMatch(/^[a-z0-9_.-]+$/);
      }
      expect(answer.code === "NOERROR").toBe(decision.outcome === "answered");
    }),
    { seed: 20_260_303, numRuns: 2_000 },
  );
});
