/** A hello as a client of today sends it, and the ways in which one can be wrong. */
export interface HelloOptions {
  /** Host names in one server_name extension, byte for byte (latin1); an empty list leaves the extension out. */
  readonly serverNames?: readonly string[];
  /** The server_name extension comes twice. */
  readonly duplicateServerName?: boolean;
  /** An encrypted_client_hello of the outer kind; a real one looks no different. */
  readonly ech?: boolean;
  /** Protocols of ALPN; an empty list leaves the extension out. */
  readonly alpn?: readonly string[];
  /** Bytes of the key share, which stands before server_name: 32 is X25519, 1216 is X25519MLKEM768. */
  readonly keyShareBytes?: number;
  /** Made-up cipher suite, extensions, group, version and protocol, as browsers send them (RFC 8701). */
  readonly grease?: boolean;
  /** Cuts the handshake message into records with fragments of this many bytes. */
  readonly fragmentBytes?: number;
  /** Whole extensions that come last. */
  readonly extraExtensions?: readonly Buffer[];
}

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const X25519 = 0x001d;
const X25519_MLKEM768 = 0x11ec;
const GREASE = 0x1a1a;
const OTHER_GREASE = 0x2a2a;

/** The records of a TLS 1.3 ClientHello: well-formed, and the same for the same options. */
export function buildClientHello(options: HelloOptions = {}): Buffer {
  return wrapInRecords(buildHelloMessage(options), options.fragmentBytes);
}

/** The handshake message alone. */
export function buildHelloMessage(options: HelloOptions = {}): Buffer {
  const grease = options.grease ?? false;
  const extensions = [...(grease ? [extension(GREASE)] : []), ...extensionsOf(options)];
  // A last GREASE extension of one byte, as Chromium has it.
  if (grease) extensions.push(extension(OTHER_GREASE, Buffer.from([0])));
  return wrapInMessage(
    Buffer.concat([
      uint16(0x0303),
      filler(32),
      vector(1, filler(32)),
      vector(2, ...[...(grease ? [GREASE] : []), 0x1301, 0x1302, 0x1303, 0xc02f].map(uint16)),
      vector(1, Buffer.from([0])),
      vector(2, ...extensions, ...(options.extraExtensions ?? [])),
    ]),
  );
}

/** Puts the four bytes before the body that make it a ClientHello. */
export function wrapInMessage(body: Buffer): Buffer {
  return Buffer.concat([Buffer.from([CLIENT_HELLO]), vector(3, body)]);
}

/** One record, or one for every fragment of this many bytes. */
export function wrapInRecords(message: Buffer, fragmentBytes = message.length): Buffer {
  const records: Buffer[] = [];
  for (let at = 0; at < message.length; at += fragmentBytes) {
    records.push(record(HANDSHAKE, message.subarray(at, at + fragmentBytes)));
  }
  return Buffer.concat(records);
}

export function record(type: number, fragment: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, 3, 1]), vector(2, fragment)]);
}

export function extension(type: number, content: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([uint16(type), vector(2, content)]);
}

/** A server_name extension with these host names. */
export function serverNameExtension(names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    Buffer.concat([Buffer.from([0]), vector(2, Buffer.from(name, "latin1"))]),
  );
  return extension(0, vector(2, ...entries));
}

/** The parts, after their total length in this many bytes. */
export function vector(lengthSize: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(lengthSize);
  length.writeUIntBE(content.length, 0, lengthSize);
  return Buffer.concat([length, content]);
}

export function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function extensionsOf(options: HelloOptions): Buffer[] {
  const { serverNames = ["allowed.test"], alpn = [], keyShareBytes = 32, grease = false } = options;
  const group = keyShareBytes === 32 ? X25519 : X25519_MLKEM768;
  const groups = [...(grease ? [GREASE] : []), group, ...(group === X25519 ? [] : [X25519])];
  const greaseShare = grease ? [uint16(GREASE), vector(2, Buffer.from([0]))] : [];
  const greaseProtocol = grease && alpn.length > 0 ? [vector(1, uint16(GREASE))] : [];
  const protocols = alpn.map((protocol) => vector(1, Buffer.from(protocol, "latin1")));
  const name = serverNames.length > 0 ? [serverNameExtension(serverNames)] : [];
  return [
    extension(51, vector(2, ...greaseShare, uint16(group), vector(2, filler(keyShareBytes)))),
    ...name,
    ...(options.duplicateServerName ? name : []),
    extension(10, vector(2, ...groups.map(uint16))),
    extension(13, vector(2, ...[0x0403, 0x0804, 0x0401].map(uint16))),
    extension(43, vector(1, ...[...(grease ? [GREASE] : []), 0x0304, 0x0303].map(uint16))),
    ...(alpn.length > 0 ? [extension(16, vector(2, ...greaseProtocol, ...protocols))] : []),
    ...(options.ech ? [extension(0xfe0d, outerEch())] : []),
  ];
}

/** ECHClientHello of type outer (RFC 9849 section 5): suite, config id, encapsulated key, payload. */
function outerEch(): Buffer {
  const suite = Buffer.concat([uint16(0x0001), uint16(0x0001)]);
  return Buffer.concat([
    Buffer.from([0]),
    suite,
    Buffer.from([7]),
    vector(2, filler(32)),
    vector(2, filler(144)),
  ]);
}

/** Stands for random bytes and keys, and is no small number for any of them. */
function filler(length: number): Buffer {
  return Buffer.alloc(length, "0123456789abcdef");
}
