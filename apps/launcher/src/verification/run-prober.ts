import { Probe } from "@claws/contracts";
import * as z from "zod";
import type { ContainerSpec } from "../create-container-spec.ts";
import { createDemultiplexer } from "../demultiplexer.ts";
import { type Engine, EngineError } from "../engine.ts";

export const PROBER_PATIENCE_MS = 15_000;
const MAX_REPORT_BYTES = 1024 * 1024;
const MAX_COMPLAINT_CHARACTERS = 300;

/** What the prober printed, or in words why there is nothing to read. */
export type ProberResult =
  | { readonly ok: true; readonly probes: Probe[] }
  | { readonly ok: false; readonly reason: string };

export type ProberEngine = Pick<Engine, "attach" | "createContainer" | "remove" | "start">;

/** Runs one prober to its end and removes it. Rejects with `EngineError` when the engine does not play along. */
export async function runProber(
  engine: ProberEngine,
  spec: ContainerSpec,
  patienceMs: number = PROBER_PATIENCE_MS,
): Promise<ProberResult> {
  const container = await engine.createContainer(spec);
  try {
    const { text, complaint, isWhole } = await readOutput(engine, container, patienceMs);
    const probes = isWhole ? readProbes(text) : undefined;
    if (probes !== undefined) return { ok: true, probes };
    const said = complaint === "" ? "nothing" : complaint;
    return {
      ok: false,
      reason: `the prober gave no report in ${patienceMs / 1_000} s; it complained of: ${said}`,
    };
  } finally {
    await engine.remove(container);
  }
}

async function readOutput(engine: ProberEngine, container: string, patienceMs: number) {
  const stdio = await engine.attach(container);
  const chunks: Buffer[] = [];
  let bytes = 0;
  let complaint = "";
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const demultiplexer = createDemultiplexer((chunk) => {
    complaint = `${complaint}${chunk.toString("utf8")}`.slice(-MAX_COMPLAINT_CHARACTERS);
  });
  const timer = setTimeout(() => resolve(false), patienceMs);
  demultiplexer.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes > MAX_REPORT_BYTES) resolve(false);
  });
  demultiplexer.on("error", () => resolve(false));
  demultiplexer.on("end", () => resolve(true));
  stdio.on("error", () => resolve(false));
  stdio.pipe(demultiplexer);
  try {
    await engine.start(container);
    const isWhole = await promise;
    return { text: Buffer.concat(chunks).toString("utf8"), complaint: complaint.trim(), isWhole };
  } finally {
    clearTimeout(timer);
    stdio.destroy();
  }
}

function readProbes(text: string): Probe[] | undefined {
  try {
    const parsed = z.array(Probe).min(1).safeParse(JSON.parse(text));
    return parsed.data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The one failure of an engine that a report may name. */
export function summaryOf(error: unknown): string {
  if (error instanceof EngineError) return error.summary;
  throw error;
}
