import { join } from "node:path";
import { ClawsError } from "../claws-error.ts";
import { runProgram } from "../run-program.ts";

/** Gets Docker Engine, Compose and buildx where they are missing and may be installed, and starts the engine. */
export async function ensureEngine(root: string): Promise<{ startedPid?: number }> {
  const install = await runProgram("sh", [join(root, "docker/engine/install.sh")]);
  process.stderr.write(install.stderr);
  if (install.code !== 0) throw new ClawsError("Docker is missing: see the line above");
  const start = await runProgram("sh", [join(root, "docker/engine/start.sh")]);
  process.stderr.write(start.stderr);
  if (start.code !== 0) throw new ClawsError("the Docker engine does not run: see the line above");
  const pid = /^started (\d+)$/m.exec(start.stdout)?.[1];
  return pid === undefined ? {} : { startedPid: Number(pid) };
}
