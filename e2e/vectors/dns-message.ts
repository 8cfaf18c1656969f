import type { StubName } from "./policy.ts";

/** One question of a query (RFC 1035 section 4.1.2). */
export interface Question {
  readonly name: string;
  readonly type: number;
  /** Where it ends in the message. */
  readonly end: number;
}

export const TYPE_A = 1;
const TYPE_CNAME = 5;
const HEADER = 12;

/** Reads the first question; undefined when there is none that can be read. */
export function readQuestion(message: Buffer): Question | undefined {
  const labels: string[] = [];
  let at = HEADER;
  for (;;) {
    const length = message[at];
    if (length === undefined || length > 63) return undefined;
    at++;
    if (length === 0) break;
    labels.push(message.toString("latin1", at, at + length));
    at += length;
  }
  if (at + 4 > message.length) return undefined;
  return { name: labels.join("."), type: message.readUInt16BE(at), end: at + 4 };
}

/** Answers a question for A with the alias, if any, and these addresses; every other type with nothing. */
export function writeAnswer(
  query: Buffer,
  question: Question,
  { cname }: Pick<StubName, "cname">,
  addresses: readonly string[],
): Buffer {
  const records: Buffer[] = [];
  if (question.type === TYPE_A) {
    const owner = Buffer.from([0xc0, HEADER]);
    const target = cname === undefined ? owner : nameOf(cname);
    if (cname !== undefined) records.push(recordOf(owner, TYPE_CNAME, target));
    for (const address of addresses)
      records.push(recordOf(target, TYPE_A, Buffer.from(address.split(".").map(Number))));
  }
  const header = Buffer.alloc(HEADER);
  query.copy(header, 0, 0, 2);
  // A response, recursion desired and available, no error.
  header.writeUInt16BE(0x81_80, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([header, query.subarray(HEADER, question.end), ...records]);
}

function recordOf(owner: Buffer, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  // A time to live of 0: whoever asks again gets the next answer.
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([owner, fixed, data]);
}

function nameOf(name: string): Buffer {
  const labels = name
    .split(".")
    .map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, "latin1"));
  return Buffer.concat([...labels, Buffer.from([0])]);
}
