import { describe, expect, it } from "vitest";
import { namesLoopback } from "./resolv-conf.ts";

describe("a resolv.conf", () => {
  it.each([
    ["nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n", true],
    ["# nameserver 127.0.0.53\nnameserver 192.0.2.1\n", false],
    ["nameserver 192.0.2.1\nnameserver 127.0.0.1\n", true],
    ["nameserver\t::1", true],
    ["nameserver 10.127.0.1\n", false],
    ["search 127.0.0.1\n", false],
    ["", false],
  ])("%j names a loopback address: %s", (text, expected) => expect(namesLoopback(text)).toBe(expected));
});
