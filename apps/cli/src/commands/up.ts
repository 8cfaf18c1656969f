import { existsSync } from "node:fs";
import { ClawsError } from "../claws-error.ts";
import { createLoginLink, publishedPort } from "../operator-client.ts";
import { runProgram } from "../run-program.ts";
import { isBuilt, rememberBuilt } from "../stack/build-stamp.ts";
import { checkEngine } from "../stack/check-engine.ts";
import { ensureEngine } from "../stack/engine.ts";
import { lastWords, listContainers, waitUntilHealthy } from "../stack/health.ts";
import { buildImages, ensureBaseImages, listImages } from "../stack/images.ts";
import { checkDisk, checkPorts, checkProfile, checkUser, readProfileName } from "../stack/preflight.ts";
import { type ProfileName, type Stack, withProfile } from "../stack/stack.ts";
import { prepareWorkspace } from "../stack/workspace-user.ts";
import { awaitVerified } from "./await-verified.ts";
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
  const checked = withProfile(base, profile);
  const policy = checkProfile(checked, profile);
  checkUser(checked);
  prepareWorkspace(checked.settings["WORKSPACE"], checked.root);
  await ensureEngine(checked.root);
  await checkEngine(checked, profile, say);
  await makeRoom(checked, profile, say);
  await checkDiskOfEngine();
  const images = await provideImages(checked, profile, say);
  const stack = checked.with({ ...images, CLAWS_POLICY_HASH: policy.hash });
  say(`starting profile ${profile}`);
  await start(stack, profile);
  try {
    const containers = await waitUntilHealthy(stack, HEALTHY_WITHIN_MS);
    say(`${containers} containers are up and healthy`);
    await awaitVerified(stack, { isRequired: policy.egress.requireVerification, say });
  } catch (error) {
    await takeDown(base, { volumes: false });
    throw error;
  }
  return { stack, profile };
}

/** Another profile's containers are taken down first: Compose would leave them running beside the new ones. */
async function makeRoom(stack: Stack, profile: ProfileName, say: UpOptions["say"]): Promise<void> {
  const running = await listContainers(stack);
  const other = running.find(
    ({ Service }) => Service.startsWith("profile-") && Service !== `profile-${profile}`,
  );
  if (other !== undefined) {
    say(`taking profile ${other.Service.slice("profile-".length)} down first`);
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

/** Builds what is missing or older than its sources. Returns the settings under which stand-ins are found. */
async function provideImages(
  stack: Stack,
  profile: ProfileName,
  say: UpOptions["say"],
): Promise<NodeJS.ProcessEnv> {
  if (isBuilt(stack, profile) && (await areAllPresent(await listImages(stack, profile)))) return {};
  const standIns = await ensureBaseImages(stack);
  say("building images (the first time takes a few minutes)");
  await buildImages(stack.with(standIns), profile);
  rememberBuilt(stack, profile);
  return standIns;
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
  return `${failed} refused to start the stack: ${await lastWords(stack, failed)}`;
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
