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
  door: undefined,
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

describe("the container of a server with a way out", () => {
  const rule = { action: "allow", host: "a.example", port: 443, key: "servers.files.egress[0]" } as const;
  const door = {
    network: "claws-test_tool-researcher-files",
    resolver: "10.214.0.2",
    proxyUrl: "http://server.files:secret@egress-filter:3128",
  };
  const make = (spec: Partial<ServerSpec>) => createContainerSpec(specOf(spec), { ...CONTEXT, door });

  it("differs from any other in its network, its resolver and its environment alone", () => {
    const { Env, HostConfig, ...rest } = make({ egress: [rule] });
    const { Env: otherEnv, HostConfig: otherHost, ...otherRest } = createContainerSpec(specOf(), CONTEXT);
    expect(rest).toEqual(otherRest);
    expect(HostConfig).toEqual({ ...otherHost, NetworkMode: door.network, Dns: [door.resolver] });
    expect(otherEnv).toEqual([]);
    expect(Env?.sort()).toEqual([
      `HTTPS_PROXY=${door.proxyUrl}`,
      `HTTP_PROXY=${door.proxyUrl}`,
      "NODE_USE_ENV_PROXY=1",
      "NO_PROXY=",
      `http_proxy=${door.proxyUrl}`,
      `https_proxy=${door.proxyUrl}`,
      "no_proxy=",
    ]);
  });

  it("has each variable once, and the policy's own value of none of these", () => {
    const environment = { HTTP_PROXY: "http://evil:1", NO_PROXY: "*", MODE: "x" };
    const { Env = [] } = make({ egress: [rule], environment });
    expect(Env).toContain("MODE=x");
    expect(Env.filter((variable) => /^(HTTP|NO)_PROXY=/.test(variable)).sort()).toEqual([
      `HTTP_PROXY=${door.proxyUrl}`,
      "NO_PROXY=",
    ]);
  });

  it("trusts the authority of TLS inspection where one of its rules inspects", () => {
    const { Env, HostConfig } = make({ egress: [rule, { ...rule, inspect: true }] });
    expect(HostConfig.Mounts).toEqual([
      { Type: "volume", Source: "claws-test_keys-agent-trust", Target: "/run/claws-trust", ReadOnly: true },
    ]);
    expect(Env).toContain("SSL_CERT_FILE=/run/claws-trust/ca-certificates.crt");
    expect(Env).toContain("NODE_EXTRA_CA_CERTS=/run/claws-trust/inspection-ca.crt");
  });
});
