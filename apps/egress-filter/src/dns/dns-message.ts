import ipaddr from "ipaddr.js";

/** What every answer repeats of its query. */
export interface QueryHeader {
  readonly id: number;
  readonly opcode: number;
  readonly isRecursionDesired: boolean;
}

/** One question of class IN. */
export interface DnsQuery extends QueryHeader {
  /** One character per byte, as it was sent. */
  readonly labels: readonly string[];
  /** Lower case, no trailing dot, every byte that no host name has as `\DDD` (RFC 1035, 5.1). */
  readonly name: string;
  readonly type: number;
  /** The question's own bytes, a view: repeated in the answer as they are, upper and lower case kept. */
  readonly question: Uint8Array;
  readonly hasEdns: boolean;
}

export type ErrorCode = "FORMERR" | "NOTIMP" | "REFUSED" | "BADVERS";

export type QueryReading =
  | { readonly ok: true; readonly query: DnsQuery }
  | { readonly ok: false; readonly code: ErrorCode; readonly header: QueryHeader }
  /** No query at all. An answer would be one more packet for a loop of two servers. */
  | { readonly ok: false; readonly code: "unanswerable" };

/** An address as an answer carries it. */
export interface AddressRecord {
  readonly type: typeof RecordType.A | typeof RecordType.AAAA;
  readonly data: Uint8Array;
}

export type Answer =
  | { readonly code: "NXDOMAIN" | "REFUSED" }
  /** Without a record this is "no data": the name exists, the type does not (RFC 2308, section 2.2). */
  | { readonly code: "NOERROR"; readonly record?: AddressRecord };

export const RecordType = { A: 1, PTR: 12, AAAA: 28, OPT: 41, SVCB: 64, HTTPS: 65 } as const;

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [RecordType.A, "A"],
  [2, "NS"],
  [5, "CNAME"],
  [6, "SOA"],
  [10, "NULL"],
  [RecordType.PTR, "PTR"],
  [15, "MX"],
  [16, "TXT"],
  [RecordType.AAAA, "AAAA"],
  [33, "SRV"],
  [35, "NAPTR"],
  [RecordType.SVCB, "SVCB"],
  [RecordType.HTTPS, "HTTPS"],
  [255, "ANY"],
  [257, "CAA"],
]);

const CLASS_IN = 1;
const HEADER_SIZE = 12;
/** Root name, type, class, TTL and length of an OPT record (RFC 6891, section 6.1.2). */
const OPT_SIZE = 11;
const MAX_NAME_BYTES = 255;
const MAX_LABEL_BYTES = 63;
/** What we take over UDP: no fragments on any path (DNS flag day 2020). */
export const MAX_UDP_QUERY = 1232;
/** Seconds. The address stays the same while the container lives; a short time costs nothing on a bridge. */
const TTL = 30;
const QUESTION_POINTER = 0xc000 | HEADER_SIZE;
const RCODES = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;

/** A number in a name that a person reads: `TXT`, or `TYPE65280` (RFC 3597) for what has no name here. */
export function formatType(type: number): string {
  return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}

/** Throws on what is no address: for settings, not for traffic. */
export function toAddressRecord(address: string): AddressRecord {
  const parsed = ipaddr.parse(address);
  const type = parsed.kind() === "ipv4" ? RecordType.A : RecordType.AAAA;
  return { type, data: Uint8Array.from(parsed.toByteArray()) };
}

/**
 * Reads one query (RFC 1035 section 4, with EDNS(0), RFC 6891) and nothing beside it: one question, no
 * pointer in its name, no other record than one OPT, no byte after it. Any bytes have a reading.
 */
export function readQuery(message: Uint8Array): QueryReading {
  if (message.length < HEADER_SIZE) return { ok: false, code: "unanswerable" };
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const flags = view.getUint16(2);
  if (flags & 0x8000) return { ok: false, code: "unanswerable" };
  const header = {
    id: view.getUint16(0),
    opcode: (flags >> 11) & 0xf,
    isRecursionDesired: (flags & 0x0100) !== 0,
  };
  const fail = (code: ErrorCode): QueryReading => ({ ok: false, code, header });
  if (header.opcode !== 0) return fail("NOTIMP");
  const [questions, answers, authorities, additional] = [4, 6, 8, 10].map((at) => view.getUint16(at));
  if (questions !== 1 || answers !== 0 || authorities !== 0) return fail("FORMERR");

  const name = readName(message);
  if (!name || name.end + 4 > message.length) return fail("FORMERR");
  const type = view.getUint16(name.end);
  const end = name.end + 4;

  const edns = readEdns(view, end, additional ?? 0);
  if (edns === "malformed") return fail("FORMERR");
  if (edns === "unknown version") return fail("BADVERS");
  if (view.getUint16(name.end + 2) !== CLASS_IN) return fail("REFUSED");
  const { labels } = name;
  const question = message.subarray(HEADER_SIZE, end);
  const query = { labels, name: formatName(labels), type, question, hasEdns: edns === "present" };
  return { ok: true, query: { ...header, ...query } };
}

/**
 * At most 28 bytes longer than the query, and 310 in all: it fits every UDP answer, so it is never
 * truncated. Carries no SOA, so that nobody may keep a "no" beyond this answer (RFC 2308, section 5) and a
 * changed policy shows at once. `AA` is set because Docker's resolver turns an NXDOMAIN without it into
 * SERVFAIL, which clients try again; `RA` because others take an empty answer without it for a referral.
 */
export function writeAnswer(query: DnsQuery, answer: Answer): Buffer {
  const record = answer.code === "NOERROR" ? answer.record : undefined;
  const sizes = { record: record ? 12 + record.data.length : 0, opt: query.hasEdns ? OPT_SIZE : 0 };
  const message = Buffer.alloc(HEADER_SIZE + query.question.length + sizes.record + sizes.opt);
  writeHeader(message, query, RCODES[answer.code]);
  message.writeUInt16BE(1, 4);
  message.writeUInt16BE(record ? 1 : 0, 6);
  message.set(query.question, HEADER_SIZE);
  if (record) writeRecord(message, HEADER_SIZE + query.question.length, record);
  if (query.hasEdns) writeOpt(message, 0);
  return message;
}

/** Never longer than what it answers, except for the record that says which EDNS version is known. */
export function writeError(header: QueryHeader, code: ErrorCode): Buffer {
  const message = Buffer.alloc(HEADER_SIZE + (code === "BADVERS" ? OPT_SIZE : 0));
  writeHeader(message, header, RCODES[code] & 0xf);
  if (code === "BADVERS") writeOpt(message, RCODES[code] >> 4);
  return message;
}

function readName(message: Uint8Array): { labels: string[]; end: number } | undefined {
  const labels: string[] = [];
  let at = HEADER_SIZE;
  for (;;) {
    const length = message[at];
    // Above 63 it is a pointer, or a kind of label that never came to be (RFC 6891, section 5).
    if (length === undefined || length > MAX_LABEL_BYTES) return undefined;
    const next = at + 1 + length;
    if (next > message.length || next - HEADER_SIZE > MAX_NAME_BYTES) return undefined;
    if (length === 0) return { labels, end: next };
    labels.push(String.fromCharCode(...message.subarray(at + 1, next)));
    at = next;
  }
}

/** Options (cookies, padding, client subnet) are passed over: they go nowhere from here. */
function readEdns(view: DataView, start: number, count: number) {
  const rest = view.byteLength - start;
  if (count === 0) return rest === 0 ? "absent" : "malformed";
  if (count > 1 || rest < OPT_SIZE) return "malformed";
  const isOpt = view.getUint8(start) === 0 && view.getUint16(start + 1) === RecordType.OPT;
  if (!isOpt || view.getUint16(start + 9) !== rest - OPT_SIZE) return "malformed";
  return view.getUint8(start + 6) === 0 ? "present" : "unknown version";
}

function formatName(labels: readonly string[]): string {
  return labels.map(escapeLabel).join(".").toLowerCase();
}

function escapeLabel(label: string): string {
  return label.replace(
    /[^A-Za-z0-9_-]/g,
    (character) => `\\${String(character.charCodeAt(0)).padStart(3, "0")}`,
  );
}

function writeHeader(message: Buffer, { id, opcode, isRecursionDesired }: QueryHeader, rcode: number): void {
  message.writeUInt16BE(id, 0);
  message.writeUInt16BE(0x8480 | (opcode << 11) | (isRecursionDesired ? 0x0100 : 0) | rcode, 2);
}

function writeRecord(message: Buffer, at: number, { type, data }: AddressRecord): void {
  message.writeUInt16BE(QUESTION_POINTER, at);
  message.writeUInt16BE(type, at + 2);
  message.writeUInt16BE(CLASS_IN, at + 4);
  message.writeUInt32BE(TTL, at + 6);
  message.writeUInt16BE(data.length, at + 10);
  message.set(data, at + 12);
}

/** The last record, so it is placed from the end. */
function writeOpt(message: Buffer, extendedRcode: number): void {
  const at = message.length - OPT_SIZE;
  message.writeUInt16BE(1, 10);
  message.writeUInt16BE(RecordType.OPT, at + 1);
  message.writeUInt16BE(MAX_UDP_QUERY, at + 3);
  message.writeUInt8(extendedRcode, at + 5);
}
