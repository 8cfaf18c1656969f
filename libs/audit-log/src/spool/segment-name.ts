import { RecordId } from "@claws/contracts";

/** A spool file: which life of the service wrote it, and the number of its first line. */
export interface SegmentName {
  /** Counts the lives of the service, so that names sort in the order of writing. */
  readonly life: number;
  readonly first: number;
  readonly spool: string;
}

/** `egress-filter.000001.000000000001.<uuid>.jsonl` */
export function writeSegmentName(name: string, { life, first, spool }: SegmentName): string {
  return `${name}.${String(life).padStart(6, "0")}.${String(first).padStart(12, "0")}.${spool}.jsonl`;
}

/** Undefined for a file that is not of the spool called `name`. */
export function readSegmentName(name: string, file: string): SegmentName | undefined {
  const [owner, life = "", first = "", spool, end, ...rest] = file.split(".");
  if (owner !== name || end !== "jsonl" || rest.length > 0) return undefined;
  if (!/^\d{6,15}$/.test(life) || !/^\d{12,15}$/.test(first)) return undefined;
  if (Number(first) < 1 || !RecordId.safeParse(spool).success) return undefined;
  return { life: Number(life), first: Number(first), spool: spool ?? "" };
}
