import { describe, expect, it } from "vitest";
import { judgeClientHello } from "./judge-client-hello.ts";
import { createHelloReader } from "./read-client-hello.ts";
import { buildClientHello, extension, record } from "./testing/build-client-hello.ts";
import { inPieces, readAll } from "./testing/read-all.ts";

const TUNNEL = { host: "allowed.test" };
const PLAIN = buildClientHello();
const EARLY_DATA = Buffer.concat([
  buildClientHello({ extraExtensions: [extension(42), extension(41, Buffer.alloc(80, 1))] }),
  record(23, Buffer.alloc(1_200, 7)),
]);

function verdictOn(pieces: readonly Buffer[]): string {
  const reading = readAll(pieces);
  if (!reading) return "incomplete";
  const verdict = reading.ok ? judgeClientHello(reading.hello, TUNNEL) : reading;
  return verdict.ok ? "allow" : verdict.reason;
}

describe("in a tunnel to allowed.test", () => {
  it.each<[string, string, Buffer, string]>([
    ["TLS-01", "another name", buildClientHello({ serverNames: ["evil.test"] }), "sni_mismatch"],
    ["TLS-01", "a name below it", buildClientHello({ serverNames: ["x.allowed.test"] }), "sni_mismatch"],
    ["TLS-02", "no name", buildClientHello({ serverNames: [] }), "sni_missing"],
    ["TLS-03", "server_name twice", buildClientHello({ duplicateServerName: true }), "sni_unreadable"],
    [
      "TLS-04",
      "two names in one list",
      buildClientHello({ serverNames: ["allowed.test", "evil.test"] }),
      "sni_unreadable",
    ],
    [
      "TLS-05",
      "a NUL in the name",
      buildClientHello({ serverNames: ["allowed.test\0evil.test"] }),
      "sni_unreadable",
    ],
    ["TLS-08", "records of 5 bytes are put together", buildClientHello({ fragmentBytes: 5 }), "allow"],
    [
      "TLS-08",
      "records of 5 bytes hide no name",
      buildClientHello({ fragmentBytes: 5, serverNames: ["evil.test"] }),
      "sni_mismatch",
    ],
    ["TLS-09", "a post-quantum key share first", buildClientHello({ keyShareBytes: 1_216 }), "allow"],
    [
      "TLS-11",
      "ECH with a foreign outer name",
      buildClientHello({ ech: true, serverNames: ["cloudflare-ech.com"] }),
      "sni_mismatch",
    ],
    [
      "TLS-12",
      "GREASE, in ECH too",
      buildClientHello({ ech: true, grease: true, alpn: ["h2", "http/1.1"] }),
      "allow",
    ],
    ["TLS-13", "another protocol", Buffer.from("SSH-2.0-x\r\n"), "not_tls"],
    ["TLS-18", "early data behind the hello", EARLY_DATA, "allow"],
  ])("%s: %s", (_id, _what, bytes, verdict) => {
    expect(verdictOn([bytes])).toBe(verdict);
    expect(verdictOn(inPieces(bytes, 1))).toBe(verdict);
  });

  it("TLS-07: one byte per segment, nothing before the last and all of it after", () => {
    const pieces = inPieces(PLAIN, 1);
    expect(verdictOn(pieces.slice(0, -1))).toBe("incomplete");
    expect(verdictOn(pieces)).toBe("allow");
  });

  it("TLS-11, TLS-12: encrypted_client_hello is noticed whatever it is", () => {
    expect(readAll([buildClientHello({ ech: true })])).toMatchObject({ hello: { hasEch: true } });
    expect(readAll([PLAIN])).toMatchObject({ hello: { hasEch: false } });
  });

  it("TLS-13: another protocol is refused by its first byte", () => {
    expect(verdictOn([Buffer.from("S")])).toBe("not_tls");
  });

  it("TLS-18: early data is among the bytes to send on, to be counted there", () => {
    const reader = createHelloReader();
    reader.push(EARLY_DATA.subarray(0, 100));
    reader.push(EARLY_DATA.subarray(100));
    expect(reader.bytes()).toEqual(EARLY_DATA);
  });
});
