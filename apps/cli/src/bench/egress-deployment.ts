import { ClawsError } from "../claws-error.ts";
import { takeDown } from "../commands/down.ts";
import { readTourStack } from "../commands/tour.ts";
import { bringUp } from "../commands/up.ts";
import { runProgram } from "../run-program.ts";
import type { Stack } from "../stack/stack.ts";
import type { BenchOptions } from "./bench.ts";

export interface EgressDeployment {
  /** A folder below e2e/profiles with a `filtered.yaml`. */
  readonly profiles: string;
  /** Compose files on top of the bench's own. */
  readonly overlays?: readonly string[];
}

const OVERLAY = "e2e/bench/compose.egress-bench.yml";

/** The default profile's topology with an internet of our own and Squid beside egress-filter; gone afterwards. */
export async function withEgressDeployment<Result>(
  base: Stack,
  { say, environment }: BenchOptions,
  { profiles, overlays = [] }: EgressDeployment,
  use: (deployment: Stack) => Promise<Result>,
): Promise<Result> {
  const deployment = readTourStack(base.root, environment).with({
    CLAWS_PROJECT: "claws-bench",
    CLAWS_OVERLAYS: [OVERLAY, ...overlays].join(":"),
    CLAWS_PROFILES: `./e2e/profiles/${profiles}`,
    CLAWS_TEST_PREFIX: "192.0.2",
    CLAWS_EGRESS_WORKERS: "1",
    CLAWS_EGRESS_CPUS: "1.0",
  });
  await takeDown(deployment, { volumes: true });
  try {
    const { stack } = await bringUp(deployment, ["filtered"], { say });
    return await use(stack);
  } finally {
    await takeDown(deployment, { volumes: true });
  }
}

/** Runs one of the bench's programs in a container; its lines of JSON, in their order. */
export async function runInContainer(
  deployment: Stack,
  service: string,
  script: string,
  args: readonly string[],
  options: { readonly input?: string; readonly onLine?: (line: string) => void } = {},
): Promise<unknown[]> {
  const command = ["exec", "-T", service, "/usr/local/bin/node", `/opt/claws/${script}.mjs`, ...args];
  const { code, stdout, stderr } = await deployment.compose(command, options);
  if (code !== 0) throw new ClawsError(`${script} ${args.join(" ")} failed: ${lastError(stderr)}`);
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as unknown);
}

/** Resident memory of all processes of a service's container, in MiB, as the engine's host counts it. */
export async function readResidentMib(deployment: Stack, service: string): Promise<number> {
  const container = (await deployment.compose(["ps", "--quiet", service])).stdout.trim();
  const { code, stdout, stderr } = await runProgram("docker", ["top", container, "-eo", "pid,rss"]);
  if (code !== 0) throw new ClawsError(`the memory of ${service} cannot be read: ${stderr.trim()}`);
  const kibibytes = stdout
    .trim()
    .split("\n")
    .slice(1)
    .reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[1]), 0);
  return kibibytes / 1_024;
}

function lastError(stderr: string): string {
  const lines = stderr.trim().split("\n");
  return lines.find((line) => /Error:/.test(line))?.trim() ?? lines.at(-1) ?? "it said nothing";
}
