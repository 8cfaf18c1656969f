import { describe, expect, it } from "vitest";
import { matchesHost, readHostPattern } from "./host-pattern.ts";

describe("a host pattern", () => {
  it.each([
    ["example.org", "example.org", true],
    ["example.org", "www.example.org", false],
    ["example.org", "example.org.evil.test", false],
    ["example.org", "example-org", false],
    ["*.example.org", "www.example.org", true],
    ["*.example.org", "a.b.example.org", false],
    ["*.example.org", "example.org", false],
    ["*.example.org", "evilexample.org", false],
    ["*.example.org", ".example.org", false],
    ["**.example.org", "www.example.org", true],
    ["**.example.org", "a.b.c.example.org", true],
    ["**.example.org", "example.org", false],
    ["**.example.org", "evilexample.org", false],
    ["mock-api", "mock-api", true],
    ["mock-api", "mock-api.test", false],
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.10", false],
    ["[2001:db8::1]", "[2001:db8::1]", true],
    ["[2001:db8::1]", "[2001:db8::10]", false],
    ["xn--bcher-kva.example", "xn--bcher-kva.example", true],
    ["_acme.example.org", "_acme.example.org", true],
  ])("%s means %s: %s", (pattern, host, expected) => {
    expect(matchesHost(pattern, host)).toBe(expected);
  });

  it.each([
    "",
    "*",
    "**",
    "*.",
    "***.example.org",
    "*example.org",
    "www.*.org",
    "a.*",
    "*.*.example.org",
    "Example.org",
    "example.org.",
    "example..org",
    "example.org:443",
    "https://example.org",
    "user@example.org",
    "example.org/path",
    "bücher.example",
    "exa mple.org",
    "exam!ple.org",
    "-a.example",
    `${"a".repeat(64)}.example`,
    `${"a.".repeat(126)}ab`,
    "127.1",
    "0x7f.0.0.1",
    "017.0.0.1",
    "2130706433",
    "1.2.3.256",
    "2001:db8::1",
    "[2001:DB8::1]",
    "[2001:db8:0::1]",
    "[fe80::1%eth0]",
    "[example.org]",
    "*.192.0.2.1",
  ])("is refused with a reason when it is %j", (pattern) => {
    expect(readHostPattern(pattern)).toMatchObject({ ok: false, reason: expect.stringContaining(pattern) });
    expect(matchesHost(pattern, pattern)).toBe(false);
  });

  it("may have the longest label and the longest name that DNS has", () => {
    expect(readHostPattern(`${"a".repeat(63)}.example`)).toMatchObject({ ok: true });
    expect(readHostPattern(`${"a.".repeat(126)}a`)).toMatchObject({ ok: true });
  });
});
