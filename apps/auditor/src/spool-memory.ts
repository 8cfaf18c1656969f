import type { AuditRecord } from "@claws/contracts";

/** How far each spool has come into the log. What it knows follows from the records alone, in their order. */
export interface SpoolMemory {
  /** The highest number in the log; undefined for a spool that it does not know. */
  through(service: string, spool: string): number | undefined;
  /** A record is on disk. */
  note(record: Pick<AuditRecord, "service" | "spool" | "spoolSeq">): void;
}

/** Of each service: a service that opens many spools makes only its own forgotten. */
const MAX_SPOOLS = 1_000;

export function createSpoolMemory(): SpoolMemory {
  const services = new Map<string, Map<string, number>>();
  return {
    through: (service, spool) => services.get(service)?.get(spool),
    note({ service, spool, spoolSeq }) {
      if (spool === undefined || spoolSeq === undefined) return;
      const spools = services.get(service) ?? new Map<string, number>();
      services.set(service, spools);
      // Set anew, so that the map's order is that of the last records.
      spools.delete(spool);
      spools.set(spool, spoolSeq);
      const [oldest] = spools.keys();
      if (spools.size > MAX_SPOOLS && oldest !== undefined) spools.delete(oldest);
    },
  };
}
