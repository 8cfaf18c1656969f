import { createHash } from "node:crypto";
import { type AuditEvent, type AuditRecord, Sha256Hex } from "@claws/contracts";
import { canonicalJson } from "./canonical-json.ts";

/** What stands in `previous` of the first record. */
export const GENESIS_HASH: Sha256Hex = Sha256Hex.parse("0".repeat(64));

/** The auditor's part of a record: where it stands in the chain, when, and who asked. */
export interface RecordPosition {
  readonly seq: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly service: string;
  readonly previous: Sha256Hex;
  /** Where it stands in the spool that it came through. */
  readonly spool?: string;
  readonly spoolSeq?: number;
}

/** Makes the record that follows `previous`. Throws on text that is not Unicode (a lone surrogate). */
export function sealRecord(event: AuditEvent, position: RecordPosition): AuditRecord {
  const unsealed = { ...event, ...position };
  return { ...unsealed, hash: hashRecord(unsealed) };
}

/** SHA-256 of the canonical JSON (RFC 8785) of a record without its `hash`. */
export function hashRecord(unsealed: Omit<AuditRecord, "hash">): Sha256Hex {
  const hash = createHash("sha256").update(canonicalJson(unsealed)).digest("hex");
  return hash as Sha256Hex;
}

/** The record's line in the log, without the line break. There is one spelling of each record. */
export function writeLine(record: AuditRecord): string {
  return canonicalJson(record);
}

/** Whether an event can be sealed: RFC 8785 has no form for text that is not Unicode. */
export function isSealable(event: AuditEvent): boolean {
  // JSON.stringify writes half a surrogate pair as an escape: only such a text needs the slow look.
  if (!JSON.stringify(event).includes("\\ud")) return true;
  try {
    canonicalJson(event);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}
