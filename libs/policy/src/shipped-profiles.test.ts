import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { CompiledPolicy } from "@claws/contracts";
import { type IPv4, type IPv6, isValid, parse, parseCIDR } from "ipaddr.js";
import { describe, expect, it } from "vitest";
import { compileProfile } from "./compile-profile.ts";

const PROFILES = join(import.meta.dirname, "../../../profiles");
const shipped = readdirSync(PROFILES).filter((name) => name.endsWith(".yaml"));

/** RFC 5737 and RFC 3849: where the hosts of our own tests live, which a user's stack must not reach. */
const DOCUMENTATION_RANGES = ["192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"];

type Range = readonly [IPv4 | IPv6, number];

const MAPPED_BITS = 96;

/** `::ffff:203.0.113.0/120` is an IPv4 range in other clothes. */
function readRange(text: string): Range {
  const [address, bits] = parseCIDR(text);
  if (address.kind() === "ipv4") return [address, bits];
  const six = address as IPv6;
  return six.isIPv4MappedAddress() && bits >= MAPPED_BITS
    ? [six.toIPv4Address(), bits - MAPPED_BITS]
    : [six, bits];
}

function doOverlap(one: string, other: string): boolean {
  const [a, aBits] = readRange(one);
  const [b, bBits] = readRange(other);
  if (a.kind() !== b.kind()) return false;
  const bits = Math.min(aBits, bBits);
  return a.kind() === "ipv4" ? (a as IPv4).match(b, bits) : (a as IPv6).match(b, bits);
}

/** The ranges that a policy opens although they are not public, and the addresses that it names as hosts. */
function grantedRanges({ egress, agents, servers }: CompiledPolicy): string[] {
  const ofCallers = [...Object.values(agents), ...Object.values(servers)].flatMap(
    ({ egress = [] }) => egress,
  );
  return [...egress.rules, ...ofCallers].flatMap(({ host, addresses = [] }) => {
    const bare = host.replace(/^\[(.*)\]$/, "$1");
    const own = isValid(bare) ? [`${bare}/${parse(bare).kind() === "ipv4" ? 32 : 128}`] : [];
    return [...own, ...addresses];
  });
}

function findDocumentationGrants(policy: CompiledPolicy): string[] {
  return grantedRanges(policy).filter((granted) =>
    DOCUMENTATION_RANGES.some((range) => doOverlap(granted, range)),
  );
}

function compile(text: string, name = "filtered"): CompiledPolicy {
  const compilation = compileProfile(name, text);
  if (!compilation.ok) throw new Error(JSON.stringify(compilation.mistakes));
  return compilation.policy;
}

describe("the shipped profiles", () => {
  it("are these", () => expect(shipped).toEqual(["airgap.yaml", "basic.yaml", "filtered.yaml"]));

  describe.each(shipped)("%s", (file) => {
    const read = () => compile(readFileSync(join(PROFILES, file), "utf8"), file.replace(".yaml", ""));

    it("compiles", () => expect(read().profile).toBe(file.replace(".yaml", "")));

    it("grants no documentation range", () => expect(findDocumentationGrants(read())).toEqual([]));

    it(`${file === "basic.yaml" ? "opens" : "keeps shut"} its doors before it is verified`, () => {
      expect(read().egress.requireVerification).toBe(file !== "basic.yaml");
    });

    it("holds examples that would compile, were they no comments", () => {
      const text = readFileSync(join(PROFILES, file), "utf8");
      const lines = text.split("\n").map((line) => line.replace(/^( {4})# (?=- \{|- allow| {2}\w+:)/, "$1"));
      const examples = compile(lines.join("\n")).egress.rules.length - read().egress.rules.length;
      expect(examples).toBe(file === "filtered.yaml" ? 4 : 0);
    });

    it("lets nothing above MEDIUM run without a person", () => {
      expect(["HIGH", "CRITICAL"]).toContain(read().tools.defaultRisk);
    });
  });
});

describe("the lint of documentation ranges", () => {
  const withAddresses = (range: string) =>
    compile(
      `version: 1\negress: { rules: [{ allow: "a.example:443", addresses: ["10.0.0.0/8", "${range}"] }] }\n`,
    );
  const ofAgent = (range: string) =>
    compile(
      `version: 1\nagents: { main: { egress: [{ allow: "a.example:443", addresses: ["${range}"] }] } }\n`,
    );
  const ofServer = (range: string) =>
    compile(
      `version: 1\nservers: { web: { image: x, egress: [{ allow: "a.example:443", addresses: ["${range}"] }] } }\n`,
    );
  const withHost = (host: string) => compile(`version: 1\negress: { rules: [{ allow: "${host}:443" }] }\n`);

  it.each([
    "192.0.2.0/24",
    "203.0.113.0/24",
    "203.0.113.7/32",
    "203.0.113.128/25",
    "203.0.112.0/23",
    "203.0.0.0/16",
    "198.51.100.255/32",
    "128.0.0.0/1",
    "0.0.0.0/0",
    "2001:db8::/32",
    "2001:db8:1::/48",
    "2001::/16",
    "::/0",
    "::ffff:203.0.113.0/120",
    "::ffff:0:0/96",
  ])("finds %s", (range) => expect(findDocumentationGrants(withAddresses(range))).toEqual([range]));

  it.each([
    "203.0.112.0/24",
    "203.0.114.0/24",
    "203.0.113.0/8".replace("203", "204"),
    "192.0.3.0/24",
    "198.51.101.0/24",
    "172.16.0.0/12",
    "0.0.0.0/1",
    "2001:db7::/32",
    "2001:db9::/32",
    "fc00::/7",
    "::ffff:10.0.0.0/104",
  ])("passes %s", (range) => expect(findDocumentationGrants(withAddresses(range))).toEqual([]));

  it.each([ofAgent, ofServer])("finds one that is granted to one caller alone", (compileWith) =>
    expect(findDocumentationGrants(compileWith("192.0.2.0/24"))).toEqual(["192.0.2.0/24"]),
  );

  it.each(["192.0.2.1", "[2001:db8::1]"])("finds the host %s", (host) =>
    expect(findDocumentationGrants(withHost(host))).toHaveLength(1),
  );

  it.each(["192.0.3.1", "[2001:db9::1]", "nodejs.org"])("passes the host %s", (host) =>
    expect(findDocumentationGrants(withHost(host))).toEqual([]),
  );
});
