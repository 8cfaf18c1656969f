import type { AgentId, ServerMount, ServerName, ServerSpec } from "@claws/contracts";
import type { ContainerCreateOptions, HostConfig, MountSettings } from "dockerode";
import type { ServerDoor } from "./server-door.ts";

/** The engine's own shape for creating a container; nothing but this module fills it in. */
export type ContainerSpec = ContainerCreateOptions & { readonly HostConfig: HostConfig };

/** A place on the engine's machine that can be mounted: a directory or a named volume. */
export interface MountSource {
  readonly type: "bind" | "volume";
  readonly source: string;
}

export interface ContainerContext {
  readonly project: string;
  readonly server: ServerName;
  readonly agent: AgentId;
  /** Content id: a tag could have moved since it was looked at. */
  readonly imageId: string;
  /** `uid:gid` */
  readonly user: string;
  /** The workspace as the engine knows it; undefined when no mount of this server needs it. */
  readonly workspace: MountSource | undefined;
  /** Undefined for a server that the policy gives no way out: it has no network at all. */
  readonly door: Omit<ServerDoor, "close"> | undefined;
}

const MEGABYTE = 1024 * 1024;

/** Labels by which the launcher finds its own containers again, and people theirs. */
export function createLabels({
  project,
  server,
  agent,
}: Pick<ContainerContext, "project" | "server" | "agent">) {
  return { "claws.project": project, "claws.server": server, "claws.agent": agent };
}

/**
 * An image that Compose built carries Compose's labels, and its containers inherit them: without this,
 * another project's `down` would take our servers for its own.
 */
const NOT_OF_COMPOSE = { "com.docker.compose.project": "", "com.docker.compose.service": "" };

/** What the engine is told to run for one server: everything from the policy, nothing from the caller. */
export function createContainerSpec(spec: ServerSpec, context: ContainerContext): ContainerSpec {
  return {
    Image: context.imageId,
    User: context.user,
    // The image's own arguments apply when the policy gives none.
    ...(spec.args.length > 0 ? { Cmd: [...spec.args] } : {}),
    Env: Object.entries(createEnvironment(spec, context)).map(([name, value]) => `${name}=${value}`),
    Labels: { ...createLabels(context), ...NOT_OF_COMPOSE },
    Tty: false,
    OpenStdin: true,
    StdinOnce: true,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: createHostConfig(spec, context),
  };
}

/** A server with a way out finds it in the usual variables, and nothing of the policy can point elsewhere. */
function createEnvironment(spec: ServerSpec, { door }: ContainerContext): Record<string, string> {
  if (door === undefined) return spec.environment;
  const proxy = Object.fromEntries(PROXY_VARIABLES.map((name) => [name, door.proxyUrl]));
  return {
    ...spec.environment,
    ...proxy,
    NO_PROXY: "",
    no_proxy: "",
    NODE_USE_ENV_PROXY: "1",
    ...(isInspected(spec) ? TRUST_ENVIRONMENT : {}),
  };
}

const PROXY_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];

/** Where bootstrap puts the certificate of TLS inspection; without it, an inspected host is not trusted. */
const TRUST = { volume: "keys-agent-trust", target: "/run/claws-trust" };
const BUNDLE = `${TRUST.target}/ca-certificates.crt`;
const TRUST_ENVIRONMENT = {
  NODE_EXTRA_CA_CERTS: `${TRUST.target}/inspection-ca.crt`,
  SSL_CERT_FILE: BUNDLE,
  REQUESTS_CA_BUNDLE: BUNDLE,
  CURL_CA_BUNDLE: BUNDLE,
  GIT_SSL_CAINFO: BUNDLE,
};

function isInspected({ egress = [] }: ServerSpec): boolean {
  return egress.some(({ inspect }) => inspect === true);
}

/** The walls around an MCP server. There is no setting that lowers one. */
export function createHostConfig(spec: ServerSpec, context: ContainerContext): HostConfig {
  const memory = spec.memoryMb * MEGABYTE;
  return {
    NetworkMode: context.door?.network ?? "none",
    // No name of outside is asked of anybody else.
    ...(context.door === undefined ? {} : { Dns: [context.door.resolver] }),
    ReadonlyRootfs: true,
    Privileged: false,
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges:true"],
    PidsLimit: 128,
    Memory: memory,
    // Equal to Memory: no swap.
    MemorySwap: memory,
    NanoCpus: 1_000_000_000,
    // Under memory pressure the machine gives up a server before anything that guards it.
    OomScoreAdj: 500,
    Ulimits: [
      { Name: "nofile", Soft: 1_024, Hard: 1_024 },
      { Name: "core", Soft: 0, Hard: 0 },
    ],
    IpcMode: "private",
    Tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=16m" },
    Mounts: [
      ...spec.mounts.map((mount) => createMount(mount, context)),
      ...(context.door !== undefined && isInspected(spec) ? [createTrustMount(context)] : []),
    ],
    Init: true,
    AutoRemove: true,
    RestartPolicy: { Name: "no" },
    // Stdout is the protocol, with whatever the tools return: it belongs into no log.
    LogConfig: { Type: "none", Config: {} },
  };
}

function createMount(mount: ServerMount, context: ContainerContext): MountSettings {
  const { type, source } = sourceOf(mount, context);
  return {
    Type: type,
    Source: source,
    Target: mount.target,
    ReadOnly: mount.readOnly,
    ...(type === "bind" ? { BindOptions: { Propagation: "rprivate" as const } } : {}),
  };
}

function createTrustMount({ project }: ContainerContext): MountSettings {
  return { Type: "volume", Source: `${project}_${TRUST.volume}`, Target: TRUST.target, ReadOnly: true };
}

function sourceOf(mount: ServerMount, context: ContainerContext): MountSource {
  if (mount.source !== "workspace") {
    return { type: "volume", source: volumeNameOf(mount.source, context.project) };
  }
  if (context.workspace === undefined) throw new Error("a workspace mount needs to know the workspace");
  return context.workspace;
}

/** `volume:notes` of the policy is one volume of this project, shared by the servers that name it. */
export function volumeNameOf(source: string, project: string): string {
  return `${project}_mcp-${source.slice("volume:".length)}`;
}
