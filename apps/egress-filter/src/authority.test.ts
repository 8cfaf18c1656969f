import { describe, expect, it } from "vitest";
import { readAuthority } from "./authority.ts";

describe("an authority", () => {
  it.each([
    ["allowed.test:443", "allowed.test", 443],
    ["allowed.test:1", "allowed.test", 1],
    ["allowed.test:65535", "allowed.test", 65_535],
    ["ALLOWED.Test:443", "allowed.test", 443],
    ["allowed.test.:443", "allowed.test", 443],
    ["redis:6379", "redis", 6379],
    ["a_b.test:443", "a_b.test", 443],
    ["xn--bcher-kva.example:443", "xn--bcher-kva.example", 443],
    ["1password.com:443", "1password.com", 443],
    ["0x.example:443", "0x.example", 443],
    ["0xg:443", "0xg", 443],
    [`${"a".repeat(63)}.test:443`, `${"a".repeat(63)}.test`, 443],
    [`${"a.".repeat(126)}a:443`, `${"a.".repeat(126)}a`, 443],
  ])("%s is the name %s, port %i", (text, host, port) => {
    expect(readAuthority(text)).toEqual({ ok: true, authority: { host, port } });
  });

  it.each([
    ["93.184.216.34:443", "93.184.216.34", "93.184.216.34"],
    ["127.0.0.1:443", "127.0.0.1", "127.0.0.1"],
    ["[::1]:443", "[::1]", "::1"],
    ["[2606:4700:0:0::1111]:443", "[2606:4700::1111]", "2606:4700::1111"],
    ["[2606:4700::ABCD]:443", "[2606:4700::abcd]", "2606:4700::abcd"],
    ["[::ffff:127.0.0.1]:443", "[::ffff:7f00:1]", "::ffff:7f00:1"],
  ])("%s is the address %s", (text, host, literal) => {
    expect(readAuthority(text)).toEqual({ ok: true, authority: { host, port: 443, literal } });
  });

  it.each([
    "",
    ":443",
    "allowed.test",
    "allowed.test:",
    "allowed.test:0",
    "allowed.test:65536",
    "allowed.test:65979",
    "allowed.test:00443",
    "allowed.test:+443",
    "allowed.test:-1",
    "allowed.test: 443",
    "allowed.test:443x",
    "allowed.test:0x1bb",
    "allowed.test:443:22",
    "allowed.test..:443",
    ".allowed.test:443",
    "allowed..test:443",
    "[allowed.test]:443",
    "[[::1]]:443",
    "[::1:443",
    "::1:443",
    "[]:443",
    "[::1]x:443",
    "[fe80::1%eth0]:443",
    "[fe80::1%25eth0]:443",
    "[::ffff:127.0.0.1%x.wild.test]:443",
    "[::1]",
    "[v1.a]:443",
    "allowed%2etest:443",
    "evil%00.allowed.test:443",
    "evil\u0000.allowed.test:443",
    "\uff41llowed.test:443",
    "127\u30020\u30020\u30021:443",
    "bücher.example:443",
    "allowed.test@evil.test:443",
    "user:pass@allowed.test:443",
    "evil.test:443/allowed.test",
    "evil.test:443?allowed.test",
    "evil.test/:443",
    "evil.test#.allowed.test:443",
    "-a.test:443",
    "a-.test:443",
    " allowed.test:443",
    `${"a".repeat(64)}.test:443`,
    `${"a.".repeat(126)}ab:443`,
  ])("%j is malformed", (text) => {
    expect(readAuthority(text)).toMatchObject({ ok: false, reason: "bad_authority" });
  });

  it.each([
    "2130706433:443",
    "0x7f000001:443",
    "0X7F000001:443",
    "0x:443",
    "0:443",
    "127.1:443",
    "127.0.1:443",
    "0177.0.0.1:443",
    "00127.0.0.1:443",
    "0x7f.0.0.1:443",
    "127.0.0.1.:443",
    "127.0.0.256:443",
    "1.2.3.4.5:443",
    "allowed.test.1:443",
    "allowed.test.0x1:443",
  ])("%s is an address in disguise and denied as such", (text) => {
    expect(readAuthority(text)).toMatchObject({ ok: false, reason: "ip_literal_denied" });
  });

  it("takes the scheme's port only where the caller names one", () => {
    expect(readAuthority("allowed.test", 80)).toMatchObject({ authority: { port: 80 } });
    expect(readAuthority("allowed.test:8080", 80)).toMatchObject({ authority: { port: 8080 } });
    expect(readAuthority("allowed.test:", 80)).toMatchObject({ ok: false });
  });
});
