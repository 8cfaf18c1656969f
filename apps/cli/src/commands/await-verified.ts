import { ClawsError } from "../claws-error.ts";
import type { Stack } from "../stack/stack.ts";
import { describeFailure } from "./verification-table.ts";
import { awaitFirstVerification } from "./verify.ts";

/**
 * Waits until the stack has tried every way out. Where the profile wants the proof, its lack is an error that
 * names the holes; elsewhere it is said and no more.
 */
export async function awaitVerified(
  stack: Stack,
  { isRequired, say }: { readonly isRequired: boolean; readonly say: (line: string) => void },
): Promise<void> {
  const reason = await findReason(stack);
  if (reason === undefined) return say("verified: no way out but the doors");
  if (isRequired) throw new ClawsError(`the stack is not verified, so its doors stay closed: ${reason}`);
  say(`careful: this profile runs without the proof: ${reason}`);
}

async function findReason(stack: Stack): Promise<string | undefined> {
  try {
    const { passed, probes, failure } = await awaitFirstVerification(stack);
    if (passed) return undefined;
    const failures = probes.filter((probe) => !probe.passed).map(describeFailure);
    return [failure, ...failures].filter((line) => line !== undefined).join("\n");
  } catch (error) {
    if (error instanceof ClawsError) return error.message;
    throw error;
  }
}
