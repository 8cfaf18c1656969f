import { takeDown } from "../commands/down.ts";
import { bringUp } from "../commands/up.ts";
import { runProgram } from "../run-program.ts";
import { readStack, type Stack } from "../stack/stack.ts";
import { type Bench, createReport, type Figure, medianOf, round } from "./bench.ts";

const RUNS = 3;
/** Time for start-up garbage to be collected and servers to be connected before memory is read. */
const SETTLE_MS = 20_000;

/** From built images: time until everything is healthy, and the idle memory of all our containers together. */
export const benchFootprint: Bench = async (base, { say, environment }) => {
  const stack = readStack(base.root, {
    ...environment,
    CLAWS_PROJECT: "claws-bench",
    CLAWS_CONSOLE_PORT: "0",
    CLAWS_LOGS_PORT: "0",
    AGENT_IMAGE: "",
  });
  await bringUp(stack, ["filtered"], { say });
  const seconds: number[] = [];
  const megabytes: number[] = [];
  try {
    for (let run = 0; run < RUNS; run++) {
      await takeDown(stack, { volumes: true });
      const startedAt = performance.now();
      await bringUp(stack, ["filtered"], { say });
      seconds.push((performance.now() - startedAt) / 1_000);
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
      megabytes.push(await readMemoryMb(stack));
    }
  } finally {
    await takeDown(stack, { volumes: true });
  }
  return createReport("footprint", [
    figure("cold_start_s", "s", seconds),
    figure("idle_memory_mb", "MB", megabytes),
  ]);
};

function figure(id: string, unit: string, values: readonly number[]): Figure {
  return {
    id,
    unit,
    ours: round(medianOf(values), 1),
    peer: null,
    better: "lower",
    runs: values.length,
    spread: [round(Math.min(...values), 1), round(Math.max(...values), 1)],
  };
}

/** The sum of what `docker stats` shows for every container of the deployment, MCP servers included. */
async function readMemoryMb(stack: Stack): Promise<number> {
  const filters = [
    `label=com.docker.compose.project=${stack.project}`,
    `label=claws.project=${stack.project}`,
  ];
  const ids = await Promise.all(
    filters.map(async (filter) =>
      (await runProgram("docker", ["ps", "--quiet", "--filter", filter])).stdout
        .split("\n")
        .filter((id) => id !== ""),
    ),
  );
  const { stdout } = await runProgram("docker", [
    "stats",
    "--no-stream",
    "--format",
    "{{.MemUsage}}",
    ...ids.flat(),
  ]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .reduce((sum, line) => sum + readSize(line.split("/")[0] ?? ""), 0);
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1e-6,
  KiB: 1024 / 1e6,
  MiB: 1024 ** 2 / 1e6,
  GiB: 1024 ** 3 / 1e6,
};

function readSize(text: string): number {
  const match = /^([\d.]+)([A-Za-z]+)$/.exec(text.trim());
  return Number(match?.[1] ?? 0) * (UNITS[match?.[2] ?? ""] ?? 0);
}
