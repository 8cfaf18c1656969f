import { describe, expect, it } from "vitest";
import { parseClientHello } from "./parse-client-hello.ts";
import {
  buildHelloMessage,
  extension,
  type HelloOptions,
  serverNameExtension,
  uint16,
  vector,
} from "./testing/build-client-hello.ts";

interface Fields {
  readonly version?: number;
  readonly sessionId?: Buffer;
  readonly cipherSuites?: Buffer;
  readonly compressions?: Buffer;
  readonly rest?: Buffer;
}

const NAME = serverNameExtension(["allowed.test"]);

function bodyOf(options: HelloOptions): Buffer {
  return buildHelloMessage(options).subarray(4);
}

function bodyWith(fields: Fields): Buffer {
  return Buffer.concat([
    uint16(fields.version ?? 0x0303),
    Buffer.alloc(32, 1),
    vector(1, fields.sessionId ?? Buffer.alloc(0)),
    vector(2, fields.cipherSuites ?? uint16(0x1301)),
    vector(1, fields.compressions ?? Buffer.from([0])),
    fields.rest ?? vector(2, NAME),
  ]);
}

/** A server_name extension around these bytes of a list. */
function serverName(list: Buffer): Buffer {
  return bodyWith({ rest: vector(2, extension(0, vector(2, list))) });
}

function named(kind: number, name: string): Buffer {
  return Buffer.concat([Buffer.from([kind]), vector(2, Buffer.from(name, "latin1"))]);
}

describe("the body of a ClientHello", () => {
  it.each<[string, Buffer, object]>([
    ["of TLS 1.3", bodyOf({}), { serverName: "allowed.test", hasEch: false, alpn: [] }],
    ["of TLS 1.0", bodyWith({ version: 0x0301 }), { serverName: "allowed.test" }],
    ["without an extension block", bodyWith({ rest: Buffer.alloc(0) }), { serverName: undefined, alpn: [] }],
    ["with an empty extension block", bodyWith({ rest: uint16(0) }), { serverName: undefined }],
    ["without a name", bodyOf({ serverNames: [] }), { serverName: undefined }],
    ["with a name in capitals", bodyOf({ serverNames: ["ALLOWED.Test"] }), { serverName: "allowed.test" }],
    ["with an underscore", bodyOf({ serverNames: ["_a.b_c.test"] }), { serverName: "_a.b_c.test" }],
    ["with one label", bodyOf({ serverNames: ["redis"] }), { serverName: "redis" }],
    [
      "with an IDNA name",
      bodyOf({ serverNames: ["xn--bcher-kva.example"] }),
      { serverName: "xn--bcher-kva.example" },
    ],
    [
      "with the longest name",
      bodyOf({ serverNames: [`${"a.".repeat(126)}a`] }),
      { serverName: `${"a.".repeat(126)}a` },
    ],
    [
      "with numbers before the last label",
      bodyOf({ serverNames: ["1.2.3.4.test"] }),
      { serverName: "1.2.3.4.test" },
    ],
    ["with protocols", bodyOf({ alpn: ["h2", "http/1.1"] }), { alpn: ["h2", "http/1.1"] }],
    [
      "with GREASE",
      bodyOf({ grease: true, alpn: ["h2"] }),
      { serverName: "allowed.test", alpn: ["\x1a\x1a", "h2"] },
    ],
    [
      "with ECH of the inner kind",
      bodyOf({ extraExtensions: [extension(0xfe0d, Buffer.from([1]))] }),
      { hasEch: true },
    ],
    ["with an empty ECH", bodyOf({ extraExtensions: [extension(0xfe0d)] }), { hasEch: true }],
    [
      "with an unknown extension",
      bodyOf({ extraExtensions: [extension(0xabcd, Buffer.alloc(9))] }),
      { serverName: "allowed.test" },
    ],
  ])("%s is read", (_what, body, hello) => {
    expect(parseClientHello(body)).toMatchObject({ ok: true, hello });
  });

  it.each<[string, Buffer]>([
    ["that is empty", Buffer.alloc(0)],
    ["of SSL 3.0", bodyWith({ version: 0x0300 })],
    ["of a version that TLS 1.3 forbids here", bodyWith({ version: 0x0304 })],
    ["with a session id of 33 bytes", bodyWith({ sessionId: Buffer.alloc(33) })],
    ["without cipher suites", bodyWith({ cipherSuites: Buffer.alloc(0) })],
    ["with half a cipher suite", bodyWith({ cipherSuites: Buffer.alloc(3) })],
    ["without compression methods", bodyWith({ compressions: Buffer.alloc(0) })],
    ["with a byte behind the extensions", Buffer.concat([bodyWith({}), Buffer.alloc(1)])],
    ["with one byte of an extension block", bodyWith({ rest: Buffer.alloc(1) })],
    ["with an extension block cut short", bodyWith({}).subarray(0, -1)],
    ["with a byte behind the last extension", bodyWith({ rest: vector(2, NAME, Buffer.alloc(1)) })],
    ["with an extension longer than the block", bodyWith({ rest: vector(2, NAME, uint16(7), uint16(1)) })],
    ["with server_name twice", bodyOf({ duplicateServerName: true })],
    ["with another extension twice", bodyOf({ extraExtensions: [extension(0xabcd), extension(0xabcd)] })],
    ["with ECH twice", bodyOf({ ech: true, extraExtensions: [extension(0xfe0d)] })],
    ["with an empty server_name", bodyWith({ rest: vector(2, extension(0)) })],
    ["with an empty list of names", serverName(Buffer.alloc(0))],
    ["with two names", serverName(Buffer.concat([named(0, "allowed.test"), named(0, "evil.test")]))],
    [
      "with a name and one of another kind",
      serverName(Buffer.concat([named(0, "allowed.test"), named(1, "x")])),
    ],
    ["with a name of another kind", serverName(named(1, "allowed.test"))],
    ["with a byte behind the name", serverName(Buffer.concat([named(0, "allowed.test"), Buffer.alloc(1)]))],
    [
      "with a byte behind the list of names",
      bodyWith({
        rest: vector(2, extension(0, Buffer.concat([vector(2, named(0, "allowed.test")), Buffer.alloc(1)]))),
      }),
    ],
    [
      "with a name longer than its list",
      bodyWith({ rest: vector(2, extension(0, vector(2, Buffer.from([0, 0, 9, 97])))) }),
    ],
    ["with an empty list of protocols", bodyOf({ extraExtensions: [extension(16, uint16(0))] })],
    ["with an empty protocol", bodyOf({ extraExtensions: [extension(16, vector(2, Buffer.alloc(1)))] })],
    [
      "with a protocol cut short",
      bodyOf({ extraExtensions: [extension(16, vector(2, Buffer.from([3, 104, 50])))] }),
    ],
  ])("%s is refused", (_what, body) => {
    expect(parseClientHello(body)).toMatchObject({ ok: false, reason: "sni_unreadable" });
  });

  it.each([
    "",
    ".",
    "allowed.test.",
    ".allowed.test",
    "allowed..test",
    "allowed.test\0",
    "allowed.test\0evil.test",
    "allowed.test\n",
    " allowed.test",
    "allowed.test:443",
    "allowed.test/",
    "user@allowed.test",
    "*.allowed.test",
    "allow%65d.test",
    "-a.test",
    "a-.test",
    "bücher.example",
    "\xe1llowed.test",
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.0x1",
    "0177.0.0.1",
    "::1",
    "[::1]",
    "fe80::1%eth0",
    `${"a".repeat(64)}.test`,
    `${"a.".repeat(126)}ab`,
    "a".repeat(12_000),
  ])("with the name %j is refused", (name) => {
    expect(parseClientHello(bodyOf({ serverNames: [name] }))).toMatchObject({
      ok: false,
      reason: "sni_unreadable",
    });
  });

  it("cut short anywhere is refused or names nobody, never somebody else", () => {
    const body = bodyOf({ alpn: ["h2"], ech: true });
    for (let end = 0; end < body.length; end += 1) {
      const reading = parseClientHello(body.subarray(0, end));
      // The one cut that leaves a hello is the one before the extensions.
      if (reading.ok) expect(reading.hello.serverName).toBeUndefined();
      else expect(reading.reason).toBe("sni_unreadable");
    }
  });
});
