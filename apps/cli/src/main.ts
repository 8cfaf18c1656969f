import { join } from "node:path";
import { ClawsError } from "./claws-error.ts";
import { createProgram } from "./program.ts";
import { readStack } from "./stack/stack.ts";

try {
  const root = join(import.meta.dirname, "../../..");
  await createProgram(readStack(root, process.env), process.env).parseAsync();
} catch (error) {
  if (!(error instanceof ClawsError)) throw error;
  process.stderr.write(`claws: ${error.message}\n`);
  process.exitCode = 1;
}
