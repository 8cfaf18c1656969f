import * as z from "zod";
import { ClawsError } from "../claws-error.ts";
import { waitUntilHealthy } from "../stack/health.ts";
import type { Stack } from "../stack/stack.ts";
import { type Bench, type BenchReport, createReport, type Figure, medianOf, round } from "./bench.ts";
import { readResidentMib, runInContainer, withEgressDeployment } from "./egress-deployment.ts";

const ROUNDS = 5;
const SQUID = "Squid 5.7 of Debian, same limits";
const DIRECT = "without a proxy";
const OPEN_TUNNELS = 500;
const FEW = 5_000;
const MANY = 100_000;
/** Time for sockets to close and the garbage of a burst to be collected before memory is read. */
const SETTLE_MS = 5_000;

const Values = z.object({ ours: z.number(), squid: z.number(), direct: z.number().optional() });
const Round = z.record(z.string(), Values);
type Round = z.infer<typeof Round>;
type Side = keyof z.infer<typeof Values>;

/**
 * CONNECT, throughput, plain HTTP and memory of egress-filter beside Squid and beside no proxy at all: the
 * same client, origin, bytes and limits, in interleaved rounds of one run.
 */
export const benchEgress: Bench = (base, options) =>
  withEgressDeployment(base, options, { profiles: "egress-bench" }, async (deployment) => {
    const { say } = options;
    say(`measuring ${ROUNDS} rounds with one worker`);
    const oneWorker = await measureRounds(deployment, [], say);
    const memory = await measureMemory(deployment, say);
    say(`measuring ${ROUNDS} rounds with two workers`);
    await restartWithWorkers(deployment, 2);
    const twoWorkers = await measureRounds(deployment, ["tunnels_per_s"], say);
    return createEgressReport(oneWorker, twoWorkers, memory);
  });

function createEgressReport(
  oneWorker: readonly Round[],
  twoWorkers: readonly Round[],
  memory: readonly Figure[],
): BenchReport {
  return createReport("egress", [
    compare("connect_p50", "ms", "lower", oneWorker, "connect_p50", "squid"),
    compare("tunnels_per_s", "1/s", "higher", oneWorker, "tunnels_per_s", "squid"),
    compare("tunnels_per_s_2_workers", "1/s", "higher", twoWorkers, "tunnels_per_s", "squid"),
    compare("throughput", "Gbit/s", "higher", oneWorker, "throughput", "squid"),
    compare("http_rps", "1/s", "higher", oneWorker, "http_rps", "squid"),
    ...memory,
    compare("connect_p50_direct", "ms", "lower", oneWorker, "connect_p50", "direct"),
    compare("throughput_direct", "Gbit/s", "higher", oneWorker, "throughput", "direct"),
  ]);
}

async function measureRounds(
  deployment: Stack,
  figures: readonly string[],
  say: (line: string) => void,
): Promise<Round[]> {
  let done = 0;
  const lines = await runInContainer(
    deployment,
    "bench-load",
    "egress-load",
    ["rounds", String(ROUNDS), ...figures],
    { onLine: () => say(`round ${++done} of ${ROUNDS}`) },
  );
  return lines.map((line) => Round.parse(line));
}

async function measureMemory(deployment: Stack, say: (line: string) => void): Promise<Figure[]> {
  say(`holding ${OPEN_TUNNELS} tunnels open`);
  const ours = await residentWhileHolding(deployment, "ours", "egress-filter");
  const theirs = await residentWhileHolding(deployment, "squid", "squid");
  say(`opening and closing ${MANY} tunnels`);
  const after = async (count: number) => {
    await runInContainer(deployment, "bench-load", "egress-load", ["many", "ours", String(count)]);
    await pause(SETTLE_MS);
    return readResidentMib(deployment, "egress-filter");
  };
  const few = await after(FEW);
  const many = await after(MANY - FEW);
  return [
    { ...mebibytes("rss_500_tunnels_mib", ours), peer: SQUID, theirs: round(theirs, 1) },
    mebibytes("rss_growth_100k_mib", many - few),
  ];
}

/** Resident memory while the tunnels are open, after a while; all of them must still be open then. */
async function residentWhileHolding(deployment: Stack, target: string, service: string): Promise<number> {
  const holdSeconds = 8;
  const readAt = Promise.withResolvers<number>();
  const onLine = (line: string) => {
    if (!line.includes('"open"')) return;
    setTimeout(() => {
      readResidentMib(deployment, service).then(readAt.resolve, readAt.reject);
    }, SETTLE_MS);
  };
  const args = ["hold", target, String(OPEN_TUNNELS), String(holdSeconds)];
  const lines = await runInContainer(deployment, "bench-load", "egress-load", args, { onLine });
  const { stillOpen } = z.object({ stillOpen: z.number() }).parse(lines.at(-1));
  if (stillOpen < OPEN_TUNNELS)
    throw new ClawsError(`only ${stillOpen} of ${OPEN_TUNNELS} tunnels through ${service} stayed open`);
  return readAt.promise;
}

/** Gives egress-filter another number of workers, and as many processors: nothing else is touched. */
async function restartWithWorkers(deployment: Stack, workers: number): Promise<void> {
  const changed = deployment.with({
    CLAWS_EGRESS_WORKERS: String(workers),
    CLAWS_EGRESS_CPUS: `${workers}.0`,
  });
  const up = ["--profile", "filtered", "up", "--detach", "--no-build", "--no-deps", "egress-filter"];
  const { code, stderr } = await changed.compose(up);
  if (code !== 0) throw new ClawsError(`egress-filter did not restart: ${stderr.trim()}`);
  await waitUntilHealthy(changed, 60_000);
}

function compare(
  id: string,
  unit: string,
  better: Figure["better"],
  rounds: readonly Round[],
  measure: string,
  peer: Exclude<Side, "ours">,
): Figure {
  const of = (side: Side) => rounds.map((figures) => figures[measure]?.[side] ?? Number.NaN);
  const mine = of("ours");
  const ours = medianOf(mine);
  const theirs = medianOf(of(peer));
  return {
    id,
    unit,
    ours: round(ours),
    peer: peer === "squid" ? SQUID : DIRECT,
    theirs: round(theirs),
    ratio: round(ours / theirs),
    better,
    runs: mine.length,
    spread: [round(Math.min(...mine)), round(Math.max(...mine))],
  };
}

function mebibytes(id: string, value: number): Figure {
  const ours = round(value, 1);
  return { id, unit: "MiB", ours, peer: null, better: "lower", runs: 1, spread: [ours, ours] };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
