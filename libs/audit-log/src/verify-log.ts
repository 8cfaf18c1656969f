import { AuditRecord, type Sha256Hex } from "@claws/contracts";
import { GENESIS_HASH, hashRecord, writeLine } from "./seal-record.ts";

/** Either the whole chain holds, or the first line (from 1) where it does not, and why. */
export type Verification =
  | { readonly ok: true; readonly records: number; readonly lastHash: Sha256Hex }
  | { readonly ok: false; readonly line: number; readonly reason: string };

/**
 * Checks every line of a log against the one before it. What it cannot see is a log that was cut off at
 * the end between two records: for that, compare the last hash with one that was kept elsewhere.
 * `visit` gets each record that holds, in order.
 */
export async function verifyLog(
  lines: AsyncIterable<string>,
  visit: (record: AuditRecord) => void = () => {},
): Promise<Verification> {
  let records = 0;
  let lastHash = GENESIS_HASH;
  for await (const line of lines) {
    const checked = checkLine(line, records + 1, lastHash);
    if (typeof checked === "string") return { ok: false, line: records + 1, reason: checked };
    visit(checked);
    lastHash = checked.hash;
    records += 1;
  }
  return { ok: true, records, lastHash };
}

/** The record, or the reason why this line cannot be number `seq` after `previous`. */
function checkLine(line: string, seq: number, previous: Sha256Hex): AuditRecord | string {
  const document = parseJson(line);
  if (document === undefined) return "not JSON: the line is damaged or was cut off";
  const parsed = AuditRecord.safeParse(document);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    return `not an audit record: ${issue?.path.join(".") || "record"}: ${issue?.message}`;
  }
  const record = parsed.data;
  if (record.seq !== seq)
    return `sequence number ${record.seq} where ${seq} belongs: a line is missing or extra`;
  if (record.previous !== previous) return "does not follow the record before it: wrong previous hash";
  const { hash, ...unsealed } = record;
  if (hashRecord(unsealed) !== hash) return "its content does not match its hash: it was changed";
  // One spelling per record (RFC 8785), else a duplicate key could show readers what the hash does not cover.
  if (writeLine(record) !== line) return "not in canonical form: it was rewritten";
  return record;
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
