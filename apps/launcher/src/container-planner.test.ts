import { AgentId, ServerName, type ServerSpec } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { createContainerPlanner } from "./container-planner.ts";
import type { MountSource } from "./create-container-spec.ts";

const AGENT = AgentId.parse("researcher");

function start(workspace: MountSource | undefined) {
  const asked: string[] = [];
  const planner = createContainerPlanner({
    engine: {
      ensureVolume: async (name, labels) => void asked.push(`volume ${name} ${JSON.stringify(labels)}`),
      mountSource: async (container, target) => (asked.push(`mount ${container} ${target}`), workspace),
    },
    doors: {
      async open(agent, server) {
        asked.push(`door ${agent} ${server}`);
        const close = async () => void asked.push("closed");
        return { network: "n", resolver: "10.0.0.2", proxyUrl: "http://u:p@egress-filter:3128", close };
      },
    },
    project: "claws-test",
    user: "10001:10001",
    ownContainer: "0123456789ab",
    workspaceMount: "/mnt/workspace",
  });
  const planWith = (parts: Partial<ServerSpec>) => {
    const spec = { image: "files:dev", args: [], mounts: [], environment: {}, memoryMb: 64, ...parts };
    return planner.plan(
      { name: ServerName.parse("files"), spec, imageId: `sha256:${"a".repeat(64)}` },
      AGENT,
    );
  };
  const plan = async (...mounts: ServerSpec["mounts"]) => (await planWith({ mounts })).spec;
  return { plan, planWith, asked };
}

const WORKSPACE = { source: "workspace", target: "/workspace", readOnly: true } as const;

describe("planning a container", () => {
  it("asks the engine for nothing when the server mounts nothing", async () => {
    const { plan, asked } = start(undefined);
    expect((await plan()).HostConfig.Mounts).toEqual([]);
    expect(asked).toEqual([]);
  });

  it("gives the server the volume that is the workspace of the launcher, looked up once", async () => {
    const { plan, asked } = start({ type: "volume", source: "claws-test_workspace" });
    await plan(WORKSPACE);
    expect((await plan(WORKSPACE)).HostConfig.Mounts).toEqual([
      { Type: "volume", Source: "claws-test_workspace", Target: "/workspace", ReadOnly: true },
    ]);
    expect(asked).toEqual(["mount 0123456789ab /mnt/workspace"]);
  });

  it("makes a volume of the project, once for two mounts of it", async () => {
    const { plan, asked } = start(undefined);
    const mount = { source: "volume:outbox", readOnly: false };
    await plan({ ...mount, target: "/a" }, { ...mount, target: "/b" });
    expect(asked).toEqual(['volume claws-test_mcp-outbox {"claws.project":"claws-test"}']);
  });

  it("refuses a server that needs the workspace when the launcher has none", async () => {
    const { plan } = start(undefined);
    await expect(plan(WORKSPACE)).rejects.toThrow("server_unavailable: nothing is mounted at /mnt/workspace");
  });

  const rule = { action: "allow", host: "a.example", port: 443, key: "servers.files.egress[0]" } as const;

  it("opens a way out for a server with a grant, and closes it when the container is gone", async () => {
    const { planWith, asked } = start(undefined);
    const { spec, release } = await planWith({ egress: [rule] });
    expect(spec.HostConfig.NetworkMode).toBe("n");
    expect(asked).toEqual(["door researcher files"]);
    await release();
    expect(asked).toEqual(["door researcher files", "closed"]);
  });

  it.each([[undefined], [[]]])("opens none with the grant %j", async (egress) => {
    const { planWith, asked } = start(undefined);
    const { spec, release } = await planWith(egress === undefined ? {} : { egress });
    await release();
    expect(spec.HostConfig.NetworkMode).toBe("none");
    expect(asked).toEqual([]);
  });

  it("opens none for a server that cannot be started anyway", async () => {
    const { planWith, asked } = start(undefined);
    await expect(planWith({ egress: [rule], mounts: [WORKSPACE] })).rejects.toThrow("server_unavailable");
    expect(asked).not.toContain("door researcher files");
  });
});
