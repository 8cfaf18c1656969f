import { AuditEvent, MAX_AUDIT_EVENT_BYTES } from "@claws/contracts";
import { isSealable } from "../seal-record.ts";

/** An event as a line of a spool file, with its length in bytes. */
export interface EventLine {
  readonly event: AuditEvent;
  readonly line: string;
  readonly bytes: number;
}

/**
 * Undefined for what the auditor would refuse (too long, not of the schema, text that is not Unicode). In
 * the spool it would stand in the way of every event that follows, and so close the door for good.
 */
export function writeEvent(event: AuditEvent, at: string): EventLine | undefined {
  const parsed = AuditEvent.safeParse({ at, ...event });
  if (!parsed.success) return undefined;
  const line = `${JSON.stringify(parsed.data)}\n`;
  const bytes = Buffer.byteLength(line);
  if (bytes > MAX_AUDIT_EVENT_BYTES) return undefined;
  // JSON.stringify writes half a surrogate pair as an escape: only such a line needs the slow look.
  if (line.includes("\\ud") && !isSealable(parsed.data)) return undefined;
  return { event: parsed.data, line, bytes };
}
