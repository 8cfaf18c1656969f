import * as z from "zod";
import { ClawsError } from "../claws-error.ts";
import { EVERY_PROFILE, type Stack } from "./stack.ts";

const Container = z.object({
  Service: z.string(),
  Name: z.string(),
  State: z.string(),
  Health: z.string().default(""),
  ExitCode: z.number().default(0),
});
export type Container = z.infer<typeof Container>;

/** The project's containers as Compose sees them, one-shots included. */
export async function listContainers(stack: Stack): Promise<Container[]> {
  const { code, stdout, stderr } = await stack.compose([...EVERY_PROFILE, "ps", "--all", "--format", "json"]);
  if (code !== 0)
    throw new ClawsError(`the containers cannot be listed: ${stderr.trim().split("\n").at(-1) ?? ""}`);
  return stdout
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((line) => {
      const parsed: unknown = JSON.parse(line);
      return z.array(Container).parse(Array.isArray(parsed) ? parsed : [parsed]);
    });
}

const isOneShot = ({ Service }: Container) =>
  Service === "bootstrap" || Service === "policy" || Service.startsWith("profile-");

/** What still keeps the stack from being up, per container; empty when all is well. */
export function findUnhealthy(containers: readonly Container[]): Container[] {
  return containers.filter((container) =>
    isOneShot(container)
      ? container.State !== "exited" || container.ExitCode !== 0
      : container.State !== "running" || container.Health !== "healthy",
  );
}

/** Waits until every container is healthy; names those that are not when the time is over. */
export async function waitUntilHealthy(stack: Stack, timeoutMs: number): Promise<number> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const containers = await listContainers(stack);
    const unhealthy = findUnhealthy(containers);
    if (containers.length > 0 && unhealthy.length === 0) return containers.length;
    if (Date.now() > end) {
      const names = unhealthy.map(({ Service, State, Health }) => `${Service} (${Health || State})`);
      const words = await lastWords(stack, unhealthy[0]?.Service ?? "");
      throw new ClawsError(
        `not healthy after ${timeoutMs / 1_000} s: ${names.join(", ")}. The last words of the first: ${words}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** A container's last log line, its message alone where the line is one of ours. */
export async function lastWords(stack: Stack, service: string): Promise<string> {
  const { stdout } = await stack.compose(["logs", "--no-log-prefix", "--tail", "1", service]);
  try {
    return (JSON.parse(stdout.slice(stdout.indexOf("{"))) as { msg: string }).msg;
  } catch {
    return stdout.trim() || "none";
  }
}
