import { AgentId, ServerName, ServerSpec } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { type ContainerContext, createContainerSpec } from "./create-container-spec.ts";

const IMAGE_ID = `sha256:${"a".repeat(64)}`;
const CONTEXT: ContainerContext = {
  project: "claws-test",
  server: ServerName.parse("files"),
  agent: AgentId.parse("researcher"),
  imageId: IMAGE_ID,
  user: "10001:10001",
  workspace: { type: "bind", source: "/home/ada/project" },
};

function specOf(overrides: Partial<ServerSpec> = {}): ServerSpec {
  return { image: "claws/files:dev", args: [], mounts: [], environment: {}, memoryMb: 64, ...overrides };
}

describe("the container of an MCP server", () => {
  it("has exactly these walls", () => {
    expect(createContainerSpec(specOf(), CONTEXT)).toEqual({
      Image: IMAGE_ID,
      User: "10001:10001",
      Env: [],
      Labels: {
        "claws.project": "claws-test",
        "claws.server": "files",
        "claws.agent": "researcher",
        "com.docker.compose.project": "",
        "com.docker.compose.service": "",
      },
      Tty: false,
      OpenStdin: true,
      StdinOnce: true,
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      HostConfig: {
        NetworkMode: "none",
        ReadonlyRootfs: true,
        Privileged: false,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges:true"],
        PidsLimit: 128,
        Memory: 67_108_864,
        MemorySwap: 67_108_864,
        NanoCpus: 1_000_000_000,
        OomScoreAdj: 500,
        Ulimits: [
          { Name: "nofile", Soft: 1_024, Hard: 1_024 },
          { Name: "core", Soft: 0, Hard: 0 },
        ],
        IpcMode: "private",
        Tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=16m" },
        Mounts: [],
        Init: true,
        AutoRemove: true,
        RestartPolicy: { Name: "no" },
        LogConfig: { Type: "none", Config: {} },
      },
    });
  });

  it("gets the arguments and the environment of the policy, and nothing else", () => {
    const spec = specOf({ args: ["/workspace"], environment: { MODE: "a=b", LANG: "C" } });
    expect(createContainerSpec(spec, CONTEXT)).toMatchObject({
      Cmd: ["/workspace"],
      Env: ["MODE=a=b", "LANG=C"],
    });
  });

  it.each([
    [
      "the workspace",
      { source: "workspace", target: "/workspace", readOnly: false },
      "bind",
      "/home/ada/project",
    ],
    [
      "the workspace, read-only",
      { source: "workspace", target: "/w", readOnly: true },
      "bind",
      "/home/ada/project",
    ],
    [
      "a volume",
      { source: "volume:notes", target: "/data", readOnly: false },
      "volume",
      "claws-test_mcp-notes",
    ],
  ] as const)("mounts %s", (_what, mount, type, source) => {
    expect(createContainerSpec(specOf({ mounts: [mount] }), CONTEXT).HostConfig.Mounts).toEqual([
      {
        Type: type,
        Source: source,
        Target: mount.target,
        ReadOnly: mount.readOnly,
        ...(type === "bind" ? { BindOptions: { Propagation: "rprivate" } } : {}),
      },
    ]);
  });

  it("is not made when the workspace is needed and not known", () => {
    const spec = specOf({ mounts: [{ source: "workspace", target: "/workspace", readOnly: true }] });
    expect(() => createContainerSpec(spec, { ...CONTEXT, workspace: undefined })).toThrow("workspace");
  });
});
