import { existsSync } from "node:fs";
import { ClawsError } from "../claws-error.ts";
import { createLoginLink, publishedPort } from "../operator-client.ts";
import { runProgram } from "../run-program.ts";
import { hashSources, isBuilt, rememberBuilt } from "../stack/build-stamp.ts";
import { ensureEngine } from "../stack/engine.ts";
import { listContainers, waitUntilHealthy } from "../stack/health.ts";
import { buildImages, ensureBaseImages, listImages } from "../stack/images.ts";
import { checkDisk, checkPorts, checkProfile, readProfileName } from "../stack/preflight.ts";
import { type ProfileName, type Stack, withProfile } from "../stack/stack.ts";
import { takeDown } from "./down.ts";

const HEALTHY_WITHIN_MS = 120_000;

export interface UpOptions {
  /** Say what is done while it is done. */
  readonly say: (line: string) => void;
}

/** Brings a profile up: checks, engine, images, containers, health. Leaves nothing running when it fails. */
export async function bringUp(
  base: Stack,
  names: readonly string[],
  { say }: UpOptions,
): Promise<{ stack: Stack; profile: ProfileName }> {
  const profile = readProfileName(names);
  const stack = withProfile(base, profile);
  checkProfile(stack, profile);
  await ensureEngine(stack.root);
  await makeRoom(stack, profile, say);
  await checkDiskOfEngine();
  await provideImages(stack, profile, say);
  say(`starting profile ${profile}`);
  await start(stack, profile);
  const containers = await waitUntilHealthy(stack, HEALTHY_WITHIN_MS).catch(async (error: unknown) => {
    await takeDown(base, { volumes: false });
    throw error;
  });
  say(`${containers} containers are up and healthy`);
  return { stack, profile };
}

/** Another profile's containers are taken down first: Compose would leave them running beside the new ones. */
async function makeRoom(stack: Stack, profile: ProfileName, say: UpOptions["say"]): Promise<void> {
  const running = await listContainers(stack);
  const other = running.find(
    ({ Service }) => Service.startsWith("policy-") && Service !== `policy-${profile}`,
  );
  if (other !== undefined) {
    say(`taking profile ${other.Service.slice("policy-".length)} down first`);
    await takeDown(stack, { volumes: false });
  }
  const publishes = running.some(({ Service, State }) => Service === "netguard" && State === "running");
  if (other === undefined && publishes) return;
  await checkPorts({ CLAWS_CONSOLE_PORT: stack.consolePort, CLAWS_LOGS_PORT: stack.logsPort });
}

async function checkDiskOfEngine(): Promise<void> {
  const { stdout } = await runProgram("docker", ["info", "--format", "{{.DockerRootDir}}"]);
  const path = stdout.trim();
  // An engine inside a VM keeps its images where this machine cannot look.
  if (path !== "" && existsSync(path)) checkDisk(path);
}

async function provideImages(stack: Stack, profile: ProfileName, say: UpOptions["say"]): Promise<void> {
  const hash = hashSources(stack.root, [...stack.overlays, stack.settings["AGENT_IMAGE"] ?? ""]);
  const key = [stack.project, profile].join("-");
  if (isBuilt(stack.root, key, hash) && (await areAllPresent(await listImages(stack, profile)))) return;
  await ensureBaseImages(stack);
  say("building images (the first time takes a few minutes)");
  await buildImages(stack, profile);
  rememberBuilt(stack.root, key, hash);
}

async function areAllPresent(images: readonly string[]): Promise<boolean> {
  return (await runProgram("docker", ["image", "inspect", "--format", "{{.Id}}", ...images])).code === 0;
}

async function start(stack: Stack, profile: ProfileName): Promise<void> {
  const { code, stderr } = await stack.compose([
    "--profile",
    profile,
    "up",
    "--detach",
    "--no-build",
    "--remove-orphans",
  ]);
  if (code === 0) return;
  const reason = await explain(stack, stderr);
  await takeDown(stack, { volumes: false });
  throw new ClawsError(reason);
}

/** The line that the failing container itself wrote says more than Compose's exit code. */
async function explain(stack: Stack, stderr: string): Promise<string> {
  const lines = stderr.trim().split("\n");
  const message =
    lines.findLast((line) => /error|didn't complete|conflict|no space/i.test(line)) ?? lines.at(-1) ?? "";
  const failed = /service "([\w-]+)" didn't complete/.exec(message)?.[1];
  if (failed === undefined) return `the stack did not start: ${message.trim()}`;
  const { stdout } = await stack.compose(["logs", "--no-log-prefix", "--tail", "1", failed]);
  return `${failed} refused to start the stack: ${readMessage(stdout)}`;
}

function readMessage(logLine: string): string {
  try {
    return (JSON.parse(logLine.slice(logLine.indexOf("{"))) as { msg: string }).msg;
  } catch {
    return logLine.trim();
  }
}

/** What to open and what to try, after the stack is up. */
export async function describeStack(stack: Stack): Promise<string> {
  const link = await createLoginLink(stack);
  const logs = await publishedPort(stack, 8081);
  return [
    "",
    `  console  ${link}`,
    "           (this link logs you in once; another one: ./claws login)",
    `  logs     http://127.0.0.1:${logs}`,
    "",
    "  try      ./claws tour                    every door and every wall, shown",
    "           ./claws shell                   a shell in the agent's container",
    '           ./claws run "list my files"     a task for the reference agent',
    "           ./claws approvals list          what waits for you",
    "           ./claws down                    stop and remove it",
    "",
  ].join("\n");
}
