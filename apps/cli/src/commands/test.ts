import { join } from "node:path";
import { ClawsError } from "../claws-error.ts";
import { runInteractive, runProgram } from "../run-program.ts";
import { ensureEngine } from "../stack/engine.ts";
import { ensureBaseImages } from "../stack/images.ts";
import type { Stack } from "../stack/stack.ts";

export interface TestOptions {
  readonly say: (line: string) => void;
  readonly environment: NodeJS.ProcessEnv;
}

interface Tally {
  passed: number;
  failed: number;
}

const SUITES = ["unit", "e2e"] as const;

/**
 * Runs everything, or one suite, and prints `N passed, N failed` over all of it as the last line. A check
 * that cannot run counts as failed.
 */
export async function runTests(
  stack: Stack,
  suite: string | undefined,
  options: TestOptions,
): Promise<number> {
  if (suite !== undefined && !SUITES.some((known) => known === suite)) {
    throw new ClawsError(
      `there is no suite ${suite}: choose one of ${SUITES.join(", ")}, or none for everything`,
    );
  }
  const { say, environment } = options;
  const tally: Tally = { passed: 0, failed: 0 };
  const check = async (name: string, command: string, args: readonly string[]) => {
    say(name);
    const code = await runInteractive(command, args, { cwd: stack.root, env: environment });
    if (code === 0) tally.passed++;
    else tally.failed++;
  };
  const bin = (name: string) => join(stack.root, "node_modules/.bin", name);

  if (suite === undefined) {
    await check("format", bin("biome"), ["format", "."]);
    await check("lint", bin("oxlint"), ["--type-aware", "--deny-warnings"]);
    await check("shell scripts", "sh", [join(stack.root, "tools/shellcheck.sh")]);
    await check("project references", process.execPath, ["tools/tsconfigs.ts", "--check"]);
    await check("types", bin("tsc"), ["-b"]);
  }
  if (suite === undefined || suite === "unit") {
    await check("redis for the tests", "sh", [join(stack.root, "tools/redis-server.sh")]);
    add(tally, await runVitest(stack, "unit", "vitest.config.ts", options));
  }
  if (suite === undefined || suite === "e2e") {
    const { startedPid } = await ensureEngine(stack.root);
    try {
      await ensureBaseImages(stack);
      add(tally, await runVitest(stack, "end to end, on the real engine", "e2e/vitest.config.ts", options));
    } finally {
      if (startedPid !== undefined) await stopEngine(startedPid);
    }
  }
  process.stdout.write(`${tally.passed} passed, ${tally.failed} failed\n`);
  return tally.failed === 0 && tally.passed > 0 ? 0 : 1;
}

function add(tally: Tally, more: Tally): void {
  tally.passed += more.passed;
  tally.failed += more.failed;
}

/** Runs vitest with its own report on the terminal, and reads the counts from its JSON report. */
async function runVitest(
  stack: Stack,
  name: string,
  config: string,
  { say, environment }: TestOptions,
): Promise<Tally> {
  say(name);
  const report = join(stack.root, ".claws", `report-${config.replaceAll(/\W+/g, "-")}.json`);
  await runProgram("rm", ["-f", report]);
  const code = await runInteractive(
    join(stack.root, "node_modules/.bin/vitest"),
    ["run", "--config", config, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`],
    { cwd: stack.root, env: environment },
  );
  const { stdout } = await runProgram("cat", [report]);
  if (stdout === "") return { passed: 0, failed: 1 };
  const { numPassedTests, numFailedTests, numTotalTests } = JSON.parse(stdout) as Record<string, number>;
  const passed = numPassedTests ?? 0;
  // Skipped tests and suites that did not load count as failed: what did not run proved nothing.
  const failed = Math.max(numFailedTests ?? 0, (numTotalTests ?? 0) - passed, code === 0 ? 0 : 1);
  return { passed, failed };
}

async function stopEngine(pid: number): Promise<void> {
  process.kill(pid, "SIGTERM");
  for (let tries = 0; tries < 100; tries++) {
    if ((await runProgram("kill", ["-0", String(pid)])).code !== 0) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new ClawsError(`the Docker engine that was started for the tests (pid ${pid}) does not end`);
}
