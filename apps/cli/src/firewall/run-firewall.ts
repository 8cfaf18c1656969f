import { readFileSync } from "node:fs";
import { ClawsError } from "../claws-error.ts";
import { runProgram } from "../run-program.ts";
import {
  type Backend,
  chooseBackend,
  type FirewallCommand,
  type HostPrograms,
  writeFirewallRules,
} from "./firewall-rules.ts";

/** The machine's own programs, also those that are not on every user's path. */
function withSystemPath(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, PATH: `${environment["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin` };
}

async function has(program: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  return (await runProgram(program, ["--version"], { env: withSystemPath(environment) })).code === 0;
}

/** `ufw status` asks for root; its configuration does not. */
function isUfwActive(): boolean {
  try {
    return /^ENABLED=["']?yes/im.test(readFileSync("/etc/ufw/ufw.conf", "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

async function readHostPrograms(environment: NodeJS.ProcessEnv): Promise<HostPrograms> {
  const [hasNft, hasIptables] = await Promise.all([has("nft", environment), has("iptables", environment)]);
  return { ufwIsActive: isUfwActive(), hasNft, hasIptables };
}

/** The backend that this machine's firewall has. */
export async function findBackend(environment: NodeJS.ProcessEnv): Promise<Backend> {
  const backend = chooseBackend(await readHostPrograms(environment));
  if (backend !== undefined) return backend;
  throw new ClawsError(
    "this machine has neither nft nor iptables: install the package nftables, or choose what to print with --backend",
  );
}

/** Puts the rules in place; a second time changes nothing. */
export async function applyFirewall(backend: Backend, environment: NodeJS.ProcessEnv): Promise<void> {
  requireRoot("apply");
  await change(writeFirewallRules(backend).apply, backend, environment);
}

/** Takes the rules away, those of every backend when none is named. Returns where it looked. */
export async function removeFirewall(
  named: Backend | undefined,
  environment: NodeJS.ProcessEnv,
): Promise<readonly Backend[]> {
  requireRoot("remove");
  const { hasNft, hasIptables } = await readHostPrograms(environment);
  const found = [...(hasNft ? (["nftables"] as const) : []), ...(hasIptables ? (["iptables"] as const) : [])];
  const backends = named === undefined ? found : [named];
  for (const backend of backends) await change(writeFirewallRules(backend).remove, backend, environment);
  return backends;
}

function requireRoot(verb: string): void {
  if (process.platform !== "linux")
    throw new ClawsError(
      "the bridges are not on this machine but in the engine's virtual machine: nothing to do here",
    );
  if (process.getuid?.() !== 0)
    throw new ClawsError(
      `firewall ${verb} needs root: run 'sudo ./claws firewall ${verb}', or give an administrator what './claws firewall print' prints`,
    );
}

async function change(
  { command, args, input }: FirewallCommand,
  backend: Backend,
  environment: NodeJS.ProcessEnv,
): Promise<void> {
  const env = withSystemPath(environment);
  const { code, stderr } = await runProgram(command, args, input === undefined ? { env } : { env, input });
  if (code === 0) return;
  const reason = stderr.trim().split("\n").slice(0, 3).join(" | ");
  throw new ClawsError(
    `the host firewall could not be changed with ${backend}: ${reason}. Another backend: --backend ${backend === "nftables" ? "iptables" : "nftables"}`,
  );
}
