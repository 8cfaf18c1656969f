import { agentNetworkOf } from "@claws/contracts";
import { type Ran, ROOT, run } from "./run-program.ts";

/** One Compose project of the suite, driven as a user would: through `./claws` and `docker compose`. */
export interface Deployment {
  readonly project: string;
  readonly env: NodeJS.ProcessEnv;
  claws(args: readonly string[], options?: { env?: NodeJS.ProcessEnv; input?: string }): Promise<Ran>;
  compose(args: readonly string[], options?: { env?: NodeJS.ProcessEnv; input?: string }): Promise<Ran>;
  /** Runs a program inside the container of a service. */
  exec(service: string, command: readonly string[], input?: string): Promise<Ran>;
  /** Runs JavaScript in a service's container; most images have no shell, and an intruder would have Node. */
  evaluate(service: string, script: string): Promise<Ran>;
  containerOf(service: string): Promise<string>;
}

export function readDeployment(
  project: string,
  settings: NodeJS.ProcessEnv = {},
  files: readonly string[] = [],
): Deployment {
  const network = agentNetworkOf(project);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    CLAWS_CONSOLE_PORT: "0",
    CLAWS_LOGS_PORT: "0",
    CLAWS_AGENT_NET: network.prefix,
    CLAWS_AGENT_BRIDGE: network.bridge,
    CLAWS_OVERLAYS: files.join(":"),
    ...settings,
    CLAWS_PROJECT: project,
  };
  const composeFiles = ["docker-compose.yml", ...files].flatMap((file) => ["-f", file]);
  const deployment: Deployment = {
    project,
    env,
    claws: (args, options = {}) => run("./claws", args, { ...options, env: { ...env, ...options.env } }),
    compose: (args, options = {}) =>
      run("docker", ["compose", "--project-directory", ROOT, ...composeFiles, ...args], {
        ...options,
        env: { ...env, ...options.env },
      }),
    async exec(service, command, input) {
      const container = await deployment.containerOf(service);
      return run(
        "docker",
        ["exec", ...(input === undefined ? [] : ["-i"]), container, ...command],
        input === undefined ? {} : { input },
      );
    },
    evaluate: (service, script) =>
      deployment.exec(service, ["/usr/local/bin/node", "--input-type=module", "-e", script]),
    async containerOf(service) {
      const filters = [
        `label=com.docker.compose.project=${project}`,
        `label=com.docker.compose.service=${service}`,
      ];
      const { stdout } = await run("docker", [
        "ps",
        "--all",
        "--quiet",
        "--no-trunc",
        ...filters.flatMap((filter) => ["--filter", filter]),
      ]);
      const [container] = stdout.split("\n");
      if (container === undefined || container === "")
        throw new Error(`${project} has no container of ${service}`);
      return container;
    },
  };
  return deployment;
}

/** The deployment that most of the suite attacks: the default profile's topology with an internet of our own. */
export const e2e = readDeployment(
  "claws-e2e",
  { CLAWS_TEST_PREFIX: "198.51.100", CLAWS_PROFILES: "./e2e/profiles" },
  ["e2e/compose.e2e.yml", "e2e/compose.origins.yml"],
);

/** Repeats until the condition holds; fails with the last thing seen. For states, never for speed. */
export async function eventually<Value>(
  look: () => Promise<Value>,
  holds: (value: Value) => boolean,
  timeoutMs = 60_000,
): Promise<Value> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (Date.now() > end)
      throw new Error(`did not come about in ${timeoutMs} ms; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

/** The ids of every running container of a project, those of the launcher included. */
export async function runningContainers(project: string): Promise<string[]> {
  const labels = [`label=com.docker.compose.project=${project}`, `label=claws.project=${project}`];
  const lists = await Promise.all(
    labels.map((label) => run("docker", ["ps", "--quiet", "--no-trunc", "--filter", label])),
  );
  return lists.flatMap(({ stdout }) => stdout.split("\n")).filter((id) => id !== "");
}
