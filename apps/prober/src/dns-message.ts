/** Types of RFC 1035 that are asked for. */
export const RECORD_TYPES = { A: 1, NS: 2, TXT: 16 } as const;
export type RecordType = keyof typeof RECORD_TYPES;

export interface DnsAnswer {
  readonly rcode: number;
  /** Records in the answer section, by the header's word. */
  readonly records: number;
  /** Of the A records. */
  readonly addresses: readonly string[];
}

const HEADER_BYTES = 12;
const RECURSION_DESIRED = 0x0100;
const IS_RESPONSE = 0x8000;
const CLASS_IN = 1;
const POINTER = 0xc0;

/** One question (RFC 1035 §4); the name "" is the root. */
export function writeQuery(id: number, name: string, type: RecordType): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(id, 0);
  header.writeUInt16BE(RECURSION_DESIRED, 2);
  header.writeUInt16BE(1, 4);
  const labels = name.split(".").filter((label) => label !== "");
  const encoded = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label, "latin1")]);
  const tail = Buffer.from([0, 0, RECORD_TYPES[type], 0, CLASS_IN]);
  return Buffer.concat([header, ...encoded, tail]);
}

/** Reads the answer to the query with this id; undefined when it is none, or ends before it should. */
export function readAnswer(id: number, message: Uint8Array): DnsAnswer | undefined {
  const view = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  if (view.length < HEADER_BYTES || view.readUInt16BE(0) !== id) return undefined;
  const flags = view.readUInt16BE(2);
  if ((flags & IS_RESPONSE) === 0) return undefined;
  const records = view.readUInt16BE(6);
  const head = { rcode: flags & 0x0f, records };
  let offset: number | undefined = HEADER_BYTES;
  for (let questions = view.readUInt16BE(4); questions > 0; questions--) {
    const end = skipName(view, offset);
    if (end === undefined) return undefined;
    offset = end + 4;
  }
  const addresses: string[] = [];
  for (let left = records; left > 0; left--) {
    const record = readRecord(view, offset);
    if (record === undefined) return undefined;
    if (record.address !== undefined) addresses.push(record.address);
    offset = record.end;
  }
  return { ...head, addresses };
}

function readRecord(view: Buffer, start: number): { end: number; address?: string } | undefined {
  const offset = skipName(view, start);
  if (offset === undefined || offset + 10 > view.length) return undefined;
  const length = view.readUInt16BE(offset + 8);
  const end = offset + 10 + length;
  if (end > view.length) return undefined;
  const isAddress = view.readUInt16BE(offset) === RECORD_TYPES.A && length === 4;
  return isAddress ? { end, address: [...view.subarray(offset + 10, end)].join(".") } : { end };
}

/** Where the name ends; it is not followed, so a compression loop is no loop here. */
function skipName(view: Buffer, start: number): number | undefined {
  for (let offset = start; offset < view.length; ) {
    const length = view.readUInt8(offset);
    if ((length & POINTER) === POINTER) return offset + 2;
    if (length === 0) return offset + 1;
    offset += length + 1;
  }
  return undefined;
}
