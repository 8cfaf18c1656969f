import { ClawsError } from "../claws-error.ts";
import { runProgram } from "../run-program.ts";
import { EVERY_PROFILE, type Stack, withProfile } from "../stack/stack.ts";

/** Removes what `up` started, whichever profile it was, and what the launcher started for it. */
export async function takeDown(stack: Stack, options: { readonly volumes: boolean }): Promise<void> {
  const whole = withProfile(stack, "airgap");
  for (const deployment of [stack, whole]) {
    const { code, stderr } = await deployment.compose([
      ...EVERY_PROFILE,
      "down",
      "--remove-orphans",
      "--timeout",
      "10",
      ...(options.volumes ? ["--volumes"] : []),
    ]);
    if (code !== 0)
      throw new ClawsError(`the stack could not be taken down: ${stderr.trim().split("\n").at(-1) ?? ""}`);
  }
  const label = ["--filter", `label=claws.project=${stack.project}`];
  const left = await runProgram("docker", ["ps", "--all", "--quiet", ...label]);
  const containers = left.stdout.split("\n").filter((id) => id !== "");
  if (containers.length > 0) await runProgram("docker", ["rm", "--force", ...containers]);
  if (options.volumes) {
    const volumes = (await runProgram("docker", ["volume", "ls", "--quiet", ...label])).stdout
      .split("\n")
      .filter((name) => name !== "");
    if (volumes.length > 0) await runProgram("docker", ["volume", "rm", ...volumes]);
  }
}
