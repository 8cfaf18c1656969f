import { ClawsError } from "../claws-error.ts";
import type { Stack } from "../stack/stack.ts";

/**
 * Compiles the running profile once more in the policy container, which leaves the old policy in force when there is a
 * mistake in it. egress-filter and rate-limiter read the new one within a second.
 */
export async function reloadEgress(stack: Stack): Promise<string> {
  const { code, stdout, stderr } = await stack.compose([
    "run",
    "--rm",
    "--no-deps",
    "-T",
    "policy",
    "reload",
  ]);
  const said = readMessage(stdout);
  if (code !== 0) throw new ClawsError(`${said ?? stderr.trim()}: the rules are what they were`);
  return "egress rules, quotas and limits are those of the profile now; anything else in it takes './claws up'";
}

function readMessage(stdout: string): string | undefined {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  try {
    return (JSON.parse(line) as { msg?: string }).msg;
  } catch {
    return undefined;
  }
}
