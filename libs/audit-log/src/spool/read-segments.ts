import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AuditEvent, MAX_AUDIT_EVENT_BYTES } from "@claws/contracts";
import { isSealable } from "../seal-record.ts";
import { readSegmentName, type SegmentName } from "./segment-name.ts";

/** What an earlier life of the service left behind in one file. */
export interface LeftSegment extends SegmentName {
  readonly path: string;
  readonly lines: readonly { readonly event: AuditEvent; readonly bytes: number }[];
}

/** The files that are left of the spool called `name`, oldest first. Throws what the system says. */
export function readSegments(directory: string, name: string): LeftSegment[] {
  return readdirSync(directory)
    .flatMap((file) => {
      const read = readSegmentName(name, file);
      return read === undefined ? [] : [{ ...read, path: join(directory, file) }];
    })
    .sort((a, b) => a.life - b.life || a.first - b.first)
    .map((segment) => ({ ...segment, lines: readSegment(segment.path, segment) }));
}

/**
 * The whole lines of a file. What follows the last line break was cut off by a crash, and `append` never
 * said that it was there. A damaged line keeps its number, and the log says that it was damaged: one that
 * the auditor refuses would stand in the way of all that follow.
 */
function readSegment(path: string, { spool, first }: SegmentName): LeftSegment["lines"] {
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line, index) => {
    const bytes = Buffer.byteLength(line) + 1;
    const event = readEvent(line);
    if (event !== undefined && bytes <= MAX_AUDIT_EVENT_BYTES) return { event, bytes };
    const damaged: AuditEvent = {
      event: "audit.damaged",
      outcome: "failed",
      subject: `${spool} ${first + index}`,
      detail: { bytes },
    };
    return { event: damaged, bytes: JSON.stringify(damaged).length };
  });
}

function readEvent(line: string): AuditEvent | undefined {
  try {
    const { data } = AuditEvent.safeParse(JSON.parse(line));
    return data !== undefined && isSealable(data) ? data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}
