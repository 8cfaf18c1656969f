import * as z from "zod";
import { ClawsError } from "../claws-error.ts";
import { takeDown } from "../commands/down.ts";
import { readTourStack } from "../commands/tour.ts";
import { bringUp } from "../commands/up.ts";
import { runProgram } from "../run-program.ts";
import { type Bench, createReport, type Figure, round } from "./bench.ts";

const Distribution = z.object({
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  callsPerSecond: z.number(),
});
const Side = z.object({ runs: z.array(Distribution).min(1) });

/**
 * One tool of the same MCP server, called directly over stdio and through the broker with every gate on,
 * in interleaved rounds. The difference is what the gates add.
 */
export const benchBroker: Bench = async (base, { say, environment }) => {
  const deployment = readTourStack(base.root, environment).with({ CLAWS_PROFILES: "./e2e/profiles/bench" });
  await takeDown(deployment, { volumes: true });
  try {
    await bringUp(deployment, ["filtered"], { say });
    const script = ["/usr/local/bin/node", "/opt/claws/bench-calls.mjs"];
    const rounds = 5;
    const ours: z.infer<typeof Distribution>[] = [];
    const direct: z.infer<typeof Distribution>[] = [];
    for (let round = 0; round < rounds; round++) {
      const through = await deployment.compose(["exec", "-T", "agent", ...script, "broker"]);
      ours.push(...readSide(through.stdout, through.stderr));
      // The peer is the very container image that the launcher starts, under the same limits, without the stack.
      const alone = await runProgram("docker", [
        "run",
        "--rm",
        "-i",
        "--network",
        "none",
        "--read-only",
        "--cap-drop",
        "ALL",
        "--tmpfs",
        "/tmp",
        "--tmpfs",
        "/data:mode=1777",
        "--entrypoint",
        "/usr/local/bin/node",
        "sandbox-claws/mcp-fixture:local",
        "/app/bench-calls.mjs",
        "direct",
        "/app/server.mjs",
      ]);
      direct.push(...readSide(alone.stdout, alone.stderr));
    }
    return createReport(
      "broker",
      (["p50", "p95", "p99", "callsPerSecond"] as const).flatMap((id) => compare(id, ours, direct)),
    );
  } finally {
    await takeDown(deployment, { volumes: true });
  }
};

function readSide(stdout: string, stderr: string): z.infer<typeof Distribution>[] {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  if (!line.startsWith("{"))
    throw new ClawsError(`the bench gave no figures: ${stderr.trim() || stdout.trim()}`);
  return Side.parse(JSON.parse(line)).runs;
}

function compare(
  id: "p50" | "p95" | "p99" | "callsPerSecond",
  ours: readonly z.infer<typeof Distribution>[],
  direct: readonly z.infer<typeof Distribution>[],
): Figure[] {
  const median = (values: readonly number[]) =>
    [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  const mine = ours.map((run) => run[id]);
  const theirs = direct.map((run) => run[id]);
  const isRate = id === "callsPerSecond";
  const base: Figure = {
    id: isRate ? "calls_per_second" : `latency_${id}`,
    unit: isRate ? "1/s" : "ms",
    ours: round(median(mine)),
    peer: "the same server, called directly",
    theirs: round(median(theirs)),
    ratio: round(median(mine) / median(theirs)),
    better: isRate ? "higher" : "lower",
    runs: mine.length,
    spread: [round(Math.min(...mine)), round(Math.max(...mine))],
  };
  if (isRate) return [base];
  const added = mine.map((value, index) => value - (theirs[index] ?? 0));
  return [
    base,
    {
      id: `added_${id}`,
      unit: "ms",
      ours: round(median(added)),
      peer: null,
      better: "lower",
      runs: added.length,
      spread: [round(Math.min(...added)), round(Math.max(...added))],
    },
  ];
}
