export interface QueryParts {
  readonly id?: number;
  readonly flags?: number;
  readonly counts?: readonly [number, number, number, number];
  /** A host name, or labels byte by byte. */
  readonly name?: string | readonly string[];
  readonly type?: number;
  readonly classCode?: number;
  /** What follows the question. */
  readonly rest?: Uint8Array;
}

const RECURSION_DESIRED = 0x0100;

/** A query as a client would send it, or one part wrong: every field can be overridden. */
export function queryBytes(parts: QueryParts = {}): Buffer {
  const {
    id = 0x1234,
    flags = RECURSION_DESIRED,
    name = "allowed.test",
    type = 1,
    classCode = 1,
    rest,
  } = parts;
  const [questions, answers, authorities, additional] = parts.counts ?? [1, 0, 0, rest ? 1 : 0];
  return Buffer.concat([
    words(id, flags, questions, answers, authorities, additional),
    nameBytes(typeof name === "string" ? name.split(".").filter(Boolean) : name),
    words(type, classCode),
    rest ?? Buffer.alloc(0),
  ]);
}

/** An OPT record (RFC 6891) with these option bytes. */
export function optBytes({ size = 1232, version = 0, options = Buffer.alloc(0) } = {}): Buffer {
  return Buffer.concat([Buffer.of(0), words(41, size, version, 0, options.length), options]);
}

export function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
}

function nameBytes(labels: readonly string[]): Buffer {
  const parts = labels.map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, "latin1")]));
  return Buffer.concat([...parts, Buffer.of(0)]);
}
