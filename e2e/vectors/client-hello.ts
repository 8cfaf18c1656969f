/** What a ClientHello of the corpus says; everything else in it is plain and valid. */
export interface HelloParts {
  /** One entry per server_name extension, each with its host names (latin1); none: no SNI. */
  readonly serverNames: readonly (readonly string[])[];
  /** Bytes of key shares in front of the SNI, as a post-quantum client sends them. */
  readonly keyShareBytes?: number;
  /** An encrypted_client_hello extension (RFC 9849): of this size, or none. */
  readonly encryptedHelloBytes?: number;
  readonly hasEarlyData?: boolean;
  /** Handshake bytes per TLS record; all in one by default. */
  readonly recordBytes?: number;
}

const EXTENSION = {
  serverName: 0,
  supportedGroups: 10,
  signatureAlgorithms: 13,
  earlyData: 42,
  supportedVersions: 43,
  pskModes: 45,
  keyShare: 51,
  encryptedHello: 0xfe_0d,
} as const;
const X25519MLKEM768 = 0x11_ec;

/** Builds a ClientHello (RFC 8446 section 4.1.2) in its records, as latin1. Not by the code that it tests. */
export function buildHello(parts: HelloParts): string {
  const extensions = [
    extension(EXTENSION.supportedVersions, vector8(u16(0x03_04), u16(0x03_03))),
    extension(EXTENSION.supportedGroups, vector16(u16(X25519MLKEM768), u16(0x00_1d))),
    extension(EXTENSION.signatureAlgorithms, vector16(u16(0x04_03), u16(0x08_04))),
    extension(EXTENSION.pskModes, vector8(Buffer.from([1]))),
    extension(EXTENSION.keyShare, vector16(keyShare(parts.keyShareBytes ?? 32))),
    ...parts.serverNames.map((names) => extension(EXTENSION.serverName, vector16(...names.map(hostName)))),
    ...(parts.encryptedHelloBytes === undefined
      ? []
      : [extension(EXTENSION.encryptedHello, encryptedHello(parts.encryptedHelloBytes))]),
    ...(parts.hasEarlyData ? [extension(EXTENSION.earlyData, Buffer.alloc(0))] : []),
  ];
  const body = Buffer.concat([
    u16(0x03_03),
    Buffer.alloc(32, 0x5a),
    vector8(Buffer.alloc(32, 0xa5)),
    vector16(u16(0x13_01), u16(0x13_02), u16(0xc0_2f)),
    vector8(Buffer.from([0])),
    vector16(...extensions),
  ]);
  const handshake = Buffer.concat([Buffer.from([1]), u24(body.length), body]);
  return toRecords(22, handshake, parts.recordBytes ?? handshake.length).toString("latin1");
}

/** Encrypted early data that follows a hello in the first flight. */
export function buildEarlyData(length: number): string {
  return toRecords(23, Buffer.alloc(length, 0x42), length).toString("latin1");
}

function toRecords(type: number, content: Buffer, size: number): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < content.length; at += size) {
    const fragment = content.subarray(at, at + size);
    records.push(Buffer.from([type, 3, 1]), u16(fragment.length), fragment);
  }
  return Buffer.concat(records);
}

function hostName(name: string): Buffer {
  return Buffer.concat([Buffer.from([0]), vector16(Buffer.from(name, "latin1"))]);
}

function keyShare(length: number): Buffer {
  return Buffer.concat([u16(length > 32 ? X25519MLKEM768 : 0x00_1d), vector16(Buffer.alloc(length, 9))]);
}

function encryptedHello(length: number): Buffer {
  const suite = Buffer.from([0, 0, 1, 0, 1, 0x77]);
  return Buffer.concat([suite, vector16(Buffer.alloc(32, 3)), vector16(Buffer.alloc(length, 4))]);
}

function extension(type: number, content: Buffer): Buffer {
  return Buffer.concat([u16(type), vector16(content)]);
}

function vector8(...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([content.length]), content]);
}

function vector16(...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([u16(content.length), content]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function u24(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes.subarray(1);
}
