import { ClawsError } from "../claws-error.ts";
import { runProgram } from "../run-program.ts";
import { EVERY_PROFILE, type Stack, withProfile } from "../stack/stack.ts";

/** Removes what `up` started, whichever profile it was, and what the launcher started for it. */
export async function takeDown(stack: Stack, options: { readonly volumes: boolean }): Promise<void> {
  for (const deployment of [stack, withProfile(stack, "airgap")]) await composeDown(deployment, options);
  const label = ["--filter", `label=claws.project=${stack.project}`];
  const left = await runProgram("docker", ["ps", "--all", "--quiet", ...label]);
  const containers = left.stdout.split("\n").filter((id) => id !== "");
  if (containers.length > 0) await runProgram("docker", ["rm", "--force", ...containers]);
  await removeToolNetworks(label);
  if (options.volumes) {
    const volumes = (await runProgram("docker", ["volume", "ls", "--quiet", ...label])).stdout
      .split("\n")
      .filter((name) => name !== "");
    if (volumes.length > 0) await runProgram("docker", ["volume", "rm", ...volumes]);
  }
}

/** Networks that the launcher made for MCP servers. One that is still in use is named by the engine, and stays. */
async function removeToolNetworks(label: readonly string[]): Promise<void> {
  const { stdout } = await runProgram("docker", ["network", "ls", "--quiet", ...label]);
  const networks = stdout.split("\n").filter((id) => id !== "");
  if (networks.length > 0) await runProgram("docker", ["network", "rm", ...networks]);
}

/** The engine now and then counts a removed container as an endpoint of its network, mostly for a moment. */
const TRIES = 4;
const PAUSE_MS = 1_500;

async function composeDown(stack: Stack, { volumes }: { readonly volumes: boolean }): Promise<void> {
  const down = [
    ...EVERY_PROFILE,
    "down",
    "--remove-orphans",
    "--timeout",
    "10",
    ...(volumes ? ["--volumes"] : []),
  ];
  for (let tries = 1; ; tries++) {
    const { code, stderr } = await stack.compose(down);
    if (code === 0) return;
    const reason = stderr.trim().split("\n").at(-1) ?? "";
    if (!reason.includes("active endpoints"))
      throw new ClawsError(`the stack could not be taken down: ${reason}`);
    if (tries >= TRIES) return acceptLeakedEndpoint(stack, reason);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** An endpoint that the engine lost track of goes with its next restart; an empty network harms nobody. */
async function acceptLeakedEndpoint(stack: Stack, reason: string): Promise<void> {
  const label = `label=com.docker.compose.project=${stack.project}`;
  const left = await runProgram("docker", ["ps", "--all", "--quiet", "--filter", label]);
  if (left.code !== 0 || left.stdout !== "")
    throw new ClawsError(`the stack could not be taken down: ${reason}`);
  process.stderr.write(
    "claws: all containers are gone; the engine keeps an empty network until it is restarted\n",
  );
}
