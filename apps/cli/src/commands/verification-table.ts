import type { Probe, VerificationReport } from "@claws/contracts";
import { toVisibleString } from "@claws/visible-text";

/** 0: no way out was found; 1: one was, or a probe did not get its proof; 2: nothing could be tried. */
export function exitCodeOf({ passed, probes }: VerificationReport): 0 | 1 | 2 {
  if (passed) return 0;
  return probes.some((probe) => !probe.passed) ? 1 : 2;
}

const WIDTHS = { id: 24, from: 14, tried: 62, happened: 44 } as const;
type Column = keyof typeof WIDTHS;
const COLUMNS = Object.keys(WIDTHS) as Column[];

/** One line for each probe, what failed last and in full; names of containers are other people's words. */
export function writeVerificationTable({ probes, failure, passed }: VerificationReport): string {
  const [fine, failed] = [probes.filter((probe) => probe.passed), probes.filter((probe) => !probe.passed)];
  const heading = `  ${COLUMNS.map((column) => cell(column, column)).join("  ")}`;
  const summary = passed
    ? `✓ no other way out: ${probes.length} probes passed`
    : `✗ NOT VERIFIED: ${failed.length} of ${probes.length} probes failed`;
  return [
    heading.trimEnd(),
    ...fine.map((probe) => `✓ ${COLUMNS.map((column) => cell(column, probe[column])).join("  ")}`.trimEnd()),
    ...failed.map(describeFailure),
    ...(failure === undefined ? [] : [`✗ ${toVisibleString(failure)}`]),
    summary,
  ].join("\n");
}

export function describeFailure({ id, from, tried, expected, happened }: Probe): string {
  const text = `✗ ${id} from ${from}: ${tried}\n    expected ${expected}; happened ${happened}`;
  return text.split("\n").map(toVisibleString).join("\n");
}

function cell(column: Column, text: string): string {
  const width = WIDTHS[column];
  const visible = toVisibleString(text);
  return (visible.length > width ? `${visible.slice(0, width - 1)}…` : visible).padEnd(width);
}
