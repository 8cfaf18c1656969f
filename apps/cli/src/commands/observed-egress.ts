import type { ObservedDestination } from "@claws/policy";
import * as z from "zod";

/** As much of an audit record as matters here; records of older versions have no `caller`. */
const EgressRecord = z.object({
  event: z.literal("egress.decided"),
  outcome: z.literal("allow"),
  subject: z.string(),
  agent: z.string(),
  time: z.iso.datetime(),
  at: z.iso.datetime().optional(),
  detail: z.object({ method: z.string(), door: z.literal("agents") }),
});

/** Where agents went by the audit log's JSON lines, counted by destination and method. */
export function readObservedEgress(lines: Iterable<string>, since = new Date(0)): ObservedDestination[] {
  const seen = new Map<string, ObservedDestination>();
  for (const line of lines) {
    const record = readRecord(line);
    if (record === undefined) continue;
    const { subject, detail, at = record.time } = record;
    const separator = subject.lastIndexOf(":");
    if (separator < 1 || Date.parse(at) < since.getTime()) continue;
    const key = `${subject} ${detail.method}`;
    const known = seen.get(key);
    seen.set(key, {
      host: subject.slice(0, separator),
      port: Number(subject.slice(separator + 1)),
      method: detail.method,
      count: (known?.count ?? 0) + 1,
      firstSeen: known !== undefined && known.firstSeen < at ? known.firstSeen : at,
      lastSeen: known !== undefined && known.lastSeen > at ? known.lastSeen : at,
    });
  }
  return [...seen.values()];
}

/** Most lines are about something else; one that is cut off at the front of the log's tail is no JSON. */
function readRecord(line: string): z.infer<typeof EgressRecord> | undefined {
  if (!line.includes('"egress.decided"')) return undefined;
  try {
    const record = EgressRecord.safeParse(JSON.parse(line));
    return record.success ? record.data : undefined;
  } catch {
    return undefined;
  }
}
