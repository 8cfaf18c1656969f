import { join } from "node:path";
import { agentNetworkOf, DEFAULT_PROJECT } from "@claws/contracts";
import { ClawsError } from "../claws-error.ts";
import type { ProgramOptions, ProgramResult } from "../run-program.ts";
import { runInteractive, runProgram } from "../run-program.ts";
import { readDotEnv } from "./dot-env.ts";
import { readSocketUser } from "./socket-user.ts";
import { readWorkspaceUser } from "./workspace-user.ts";

export const PROFILES = ["basic", "filtered", "airgap"] as const;
export type ProfileName = (typeof PROFILES)[number];

/** One deployment: the repository, the Compose project, and the settings that go with it. */
export interface Stack {
  readonly root: string;
  readonly project: string;
  readonly consolePort: number;
  readonly logsPort: number;
  readonly settings: Readonly<NodeJS.ProcessEnv>;
  /** Files on top of docker-compose.yml; e2e adds one that brings hosts for its own test network. */
  readonly overlays: readonly string[];
  compose(args: readonly string[], options?: ProgramOptions): Promise<ProgramResult>;
  composeInteractive(args: readonly string[]): Promise<number>;
  /** The same deployment with some settings more, or others. */
  with(settings: NodeJS.ProcessEnv): Stack;
}

const ALL_PROFILES = "*";
const AIRGAP = "docker-compose.airgap.yml";

/** Reads a deployment's settings: the environment goes over `.env`, as Compose itself has it. */
export function readStack(root: string, environment: NodeJS.ProcessEnv): Stack {
  const settings: NodeJS.ProcessEnv = { ...readDotEnv(join(root, ".env")), ...environment };
  const socket = settings["CLAWS_DOCKER_SOCKET"] || "/var/run/docker.sock";
  const { uid, gid } = readWorkspaceUser(settings["WORKSPACE"], root);
  const project = settings["CLAWS_PROJECT"] || DEFAULT_PROJECT;
  const network = agentNetworkOf(project);
  const env: NodeJS.ProcessEnv = {
    ...readSocketUser(socket),
    CLAWS_AGENT_NET: network.prefix,
    CLAWS_AGENT_BRIDGE: network.bridge,
    CLAWS_UID: String(uid),
    CLAWS_GID: String(gid),
    ...settings,
  };
  delete env["COMPOSE_PROFILES"];
  const overlays = (settings["CLAWS_OVERLAYS"] ?? "").split(":").filter((file) => file !== "");
  const files = ["docker-compose.yml", ...overlays].flatMap((file) => ["-f", file]);
  const base = ["compose", "--project-directory", root, ...files];
  return {
    root,
    overlays,
    project,
    consolePort: readPort(settings, "CLAWS_CONSOLE_PORT", 8082),
    logsPort: readPort(settings, "CLAWS_LOGS_PORT", 8081),
    settings: env,
    compose: (args, options) => runProgram("docker", [...base, ...args], { cwd: root, env, ...options }),
    composeInteractive: (args) => runInteractive("docker", [...base, ...args], { cwd: root, env }),
    with: (more) => readStack(root, { ...settings, ...more }),
  };
}

/** An empty setting is one that is not set, as Compose has it. */
function readPort(settings: NodeJS.ProcessEnv, variable: string, byDefault: number): number {
  const text = settings[variable] || String(byDefault);
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new ClawsError(
    `${variable}: ${JSON.stringify(text)} is not a port: choose 1 to 65535, or 0 for a free one`,
  );
}

/** The same deployment with the files that its profile needs: air-gapped has one of its own on top. */
export function withProfile(stack: Stack, profile: ProfileName): Stack {
  if (profile !== "airgap" || stack.overlays.includes(AIRGAP)) return stack;
  return stack.with({ CLAWS_OVERLAYS: [AIRGAP, ...stack.overlays].join(":") });
}

/** Compose arguments that mean every service, whichever profile it belongs to. */
export const EVERY_PROFILE = ["--profile", ALL_PROFILES] as const;
