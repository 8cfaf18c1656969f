import { setImmediate } from "node:timers/promises";
import { type AuditBatch, AuditBatchReceipt } from "@claws/contracts";
import { writeSync } from "node:fs";
import { createAuditSpool } from "../audit-spool.ts";

/**
 * Appends numbered events to the spool in `directory` and ships them to the auditor at `url`, until it is
 * killed. Each number for which `append` said true is a line on its standard output, written at once.
 */
const [directory = "", url = "", life = ""] = process.argv.slice(2);

async function ship(batch: AuditBatch) {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(batch) }).catch(() => undefined);
  if (response?.status !== 200) return { ok: false } as const;
  return { ok: true, ...AuditBatchReceipt.parse(await response.json()) } as const;
}

const spool = createAuditSpool({ directory, name: "egress-filter", ship, maxLagMs: 60_000 });
for (let number = 1; ; number += 1) {
  const subject = `${life}:${number}`;
  const detail = { padding: "ö".repeat(number % 200) };
  if (spool.append({ event: "egress.decided", outcome: "allow", subject, detail }))
    writeSync(1, `${subject}\n`);
  if (number % 20 === 0) await setImmediate();
}
