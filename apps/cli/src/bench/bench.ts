import { cpus, totalmem } from "node:os";
import type { Stack } from "../stack/stack.ts";

/** One measured figure: the median of interleaved runs, ours beside the peer's where there is one. */
export interface Figure {
  readonly id: string;
  readonly unit: string;
  readonly ours: number;
  readonly peer: string | null;
  readonly theirs?: number;
  readonly ratio?: number;
  readonly better: "lower" | "higher";
  readonly runs: number;
  /** Smallest and largest of our runs. */
  readonly spread: readonly [number, number];
}

export interface BenchReport {
  readonly bench: string;
  readonly machine: { readonly cpus: number; readonly memoryGb: number; readonly node: string };
  readonly figures: readonly Figure[];
}

export interface BenchOptions {
  readonly say: (line: string) => void;
  readonly environment: NodeJS.ProcessEnv;
}

export type Bench = (stack: Stack, options: BenchOptions) => Promise<BenchReport>;

export function createReport(bench: string, figures: readonly Figure[]): BenchReport {
  return {
    bench,
    machine: { cpus: cpus().length, memoryGb: Math.round(totalmem() / 1e9), node: process.version },
    figures,
  };
}

export function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
