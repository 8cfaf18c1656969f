import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { e2e, eventually, runningContainers } from "./deployment.ts";
import { callTool } from "./agent.ts";
import { ROOT, run } from "./run-program.ts";

const Inspected = z.object({
  Id: z.string(),
  Config: z.object({
    User: z.string(),
    Labels: z.record(z.string(), z.string()),
    Healthcheck: z.object({ Test: z.array(z.string()) }).nullish(),
    Env: z.array(z.string()).nullish(),
  }),
  State: z.object({ Pid: z.number() }),
  HostConfig: z.object({
    ReadonlyRootfs: z.boolean(),
    Privileged: z.boolean(),
    CapDrop: z.array(z.string()).nullable(),
    CapAdd: z.array(z.string()).nullable(),
    SecurityOpt: z.array(z.string()).nullable(),
    PidsLimit: z.number().nullable(),
    Memory: z.number(),
    NanoCpus: z.number(),
    NetworkMode: z.string(),
    PidMode: z.string(),
    IpcMode: z.string(),
    UTSMode: z.string(),
    Devices: z.array(z.unknown()).nullable(),
    Init: z.boolean().nullish(),
    Tmpfs: z.record(z.string(), z.string()).nullish(),
    LogConfig: z.object({ Type: z.string(), Config: z.record(z.string(), z.string()) }),
    PortBindings: z.record(z.string(), z.array(z.object({ HostIp: z.string() })).nullable()).nullable(),
  }),
  Mounts: z.array(z.object({ Type: z.string(), Source: z.string().optional(), Destination: z.string() })),
});
type Inspected = z.infer<typeof Inspected>;

const Exceptions = z.array(
  z.strictObject({
    container: z.string(),
    rule: z.string(),
    reason: z.string().min(20),
    allows: z.array(z.string()).optional(),
    when: z.string().optional(),
  }),
);
const exceptions = Exceptions.parse(
  parse(readFileSync(join(ROOT, "docker/hardening-exceptions.yaml"), "utf8")),
);

const nameOf = ({ Config }: Inspected) =>
  Config.Labels["claws.server"] === undefined
    ? (Config.Labels["com.docker.compose.service"] ?? "unknown")
    : "mcp-server";

/** What every container of ours has, as a list: the name of the rule, and whether a container keeps it. */
const RULES: Record<string, (container: Inspected) => boolean | Promise<boolean>> = {
  "read-only-root": ({ HostConfig }) => HostConfig.ReadonlyRootfs,
  unprivileged: ({ HostConfig }) => !HostConfig.Privileged && (HostConfig.Devices ?? []).length === 0,
  user: ({ Config }) => /^[1-9]\d*(:\d+)?$/.test(Config.User),
  capabilities: ({ HostConfig }) =>
    (HostConfig.CapDrop ?? []).includes("ALL") && (HostConfig.CapAdd ?? []).length === 0,
  "no-new-privileges": ({ HostConfig }) =>
    (HostConfig.SecurityOpt ?? []).some((option) => /^no-new-privileges(:true)?$/.test(option)),
  seccomp: async ({ HostConfig, State }) =>
    !(HostConfig.SecurityOpt ?? []).some((option) => /unconfined/.test(option)) &&
    (await readStatus(State.Pid, "Seccomp")) === "2",
  pids: ({ HostConfig }) => (HostConfig.PidsLimit ?? 0) > 0,
  memory: ({ HostConfig }) => HostConfig.Memory > 0,
  cpu: ({ HostConfig }) => HostConfig.NanoCpus > 0,
  init: ({ HostConfig }) => HostConfig.Init === true,
  healthcheck: ({ Config }) => Config.Healthcheck != null && Config.Healthcheck.Test[0] !== "NONE",
  "log-rotation": ({ HostConfig }) =>
    HostConfig.LogConfig.Config["max-size"] !== undefined || HostConfig.LogConfig.Type === "none",
  "docker-socket": ({ Mounts }) =>
    Mounts.every(({ Source, Destination }) => !`${Source} ${Destination}`.includes("docker.sock")),
  "host-namespaces": ({ HostConfig }) =>
    HostConfig.PidMode === "" && HostConfig.UTSMode === "" && HostConfig.IpcMode !== "host",
  "network-namespace": ({ HostConfig }) =>
    !HostConfig.NetworkMode.startsWith("container:") && HostConfig.NetworkMode !== "host",
  tmpfs: ({ HostConfig }) =>
    Object.values(HostConfig.Tmpfs ?? {}).every(
      (options) => options.includes("noexec") && options.includes("nosuid"),
    ),
  ports: ({ HostConfig }) =>
    Object.values(HostConfig.PortBindings ?? {}).every((bindings) =>
      (bindings ?? []).every(({ HostIp }) => HostIp === "127.0.0.1"),
    ),
  "secrets-in-environment": ({ Config }) =>
    (Config.Env ?? []).every((variable) => !/(PASSWORD|SECRET|TOKEN|API_KEY)=./.test(variable)),
};

async function readStatus(pid: number, field: string): Promise<string | undefined> {
  const { stdout } = await run("cat", [`/proc/${pid}/status`]);
  return new RegExp(`^${field}:\\s*(\\S+)`, "m").exec(stdout)?.[1];
}

let containers: Inspected[];
beforeAll(async () => {
  // A tool's container is there once its server was needed.
  await eventually(
    () => callTool("fs__list_directory", { path: "/workspace" }),
    ({ status }) => status === 200,
  );
  const ids = await runningContainers(e2e.project);
  const { stdout } = await run("docker", ["inspect", ...ids]);
  containers = z.array(Inspected).parse(JSON.parse(stdout));
});

describe("every running container", () => {
  it("is one that we know, and all kinds are there", () => {
    const names = new Set(containers.map(nameOf));
    for (const name of [
      "agent",
      "agent-door",
      "broker",
      "egress-filter",
      "launcher",
      "redis",
      "netguard",
      "front-door",
      "dozzle",
      "mcp-server",
    ])
      expect(names).toContain(name);
    expect(names).not.toContain("unknown");
  });

  it.each(Object.keys(RULES))("keeps the rule %s, but for the listed exceptions", async (rule) => {
    const keeps = RULES[rule];
    const breaking: string[] = [];
    for (const container of containers) {
      if ((await keeps?.(container)) !== true) breaking.push(nameOf(container));
    }
    const allowed = new Set(
      exceptions.filter((exception) => exception.rule === rule).map(({ container }) => container),
    );
    expect([...new Set(breaking)].filter((name) => !allowed.has(name))).toEqual([]);
  });

  it("needs each exception that is unconditional", async () => {
    const needless: string[] = [];
    for (const { container: name, rule, when } of exceptions) {
      if (when !== undefined) continue;
      const ours = containers.filter((container) => nameOf(container) === name);
      const broken = await Promise.all(
        ours.map(async (container) => (await RULES[rule]?.(container)) === false),
      );
      if (!broken.includes(true)) needless.push(`${name}: ${rule}`);
    }
    expect(needless).toEqual([]);
  });

  it("adds only the capabilities that an exception names", () => {
    for (const container of containers) {
      const allowed =
        exceptions.find(({ container: name, rule }) => rule === "capabilities" && name === nameOf(container))
          ?.allows ?? [];
      const added = (container.HostConfig.CapAdd ?? []).map((capability) => capability.replace(/^CAP_/, ""));
      expect({
        name: nameOf(container),
        added: added.filter((capability) => !allowed.includes(capability)),
      }).toEqual({ name: nameOf(container), added: [] });
    }
  });

  it("has no capability in effect in its kernel either, netguard aside", async () => {
    for (const container of containers.filter((candidate) => nameOf(candidate) !== "netguard")) {
      expect({ name: nameOf(container), bounding: await readStatus(container.State.Pid, "CapBnd") }).toEqual({
        name: nameOf(container),
        bounding: "0000000000000000",
      });
    }
  });
});

describe("an intruder in a container", () => {
  it.each(["agent", "agent-door", "broker", "egress-filter", "launcher"])(
    "cannot write to the root of %s",
    async (service) => {
      const { stdout } = await e2e.evaluate(
        service,
        `
      import { writeFileSync } from "node:fs";
      try { writeFileSync("/owned", "x"); console.log("written"); } catch (error) { console.log(error.code); }`,
      );
      expect(stdout.trim()).toMatch(/EROFS|EACCES/);
    },
  );

  it("cannot run what it wrote to /tmp", async () => {
    const { code, stderr } = await e2e.exec("agent", [
      "sh",
      "-c",
      "cp /bin/true /tmp/x && chmod +x /tmp/x && /tmp/x",
    ]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/Permission denied/);
  });

  it("cannot become another user", async () => {
    const { stdout } = await e2e.exec("agent", ["sh", "-c", "grep NoNewPrivs /proc/self/status"]);
    expect(stdout).toMatch(/NoNewPrivs:\s*1/);
  });
});
