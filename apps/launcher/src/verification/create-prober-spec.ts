import type { ContainerSpec } from "../create-container-spec.ts";

export interface ProberContext {
  readonly project: string;
  /** Content id. */
  readonly imageId: string;
  /** The container whose network namespace is probed. */
  readonly target: string;
  /** `uid:gid`, never root. */
  readonly user: string;
  /** The volume with the agent's token, mounted where the agent has it. */
  readonly tokenVolume: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

export const TOKEN_DIRECTORY = "/run/claws";
export const PROBER_LABEL = "claws.prober";
const MEGABYTE = 1024 * 1024;

/** Our own prober in somebody else's network namespace, and in nothing else of theirs. */
export function createProberSpec(context: ProberContext): ContainerSpec {
  const { project, imageId, target, user, tokenVolume, environment } = context;
  return {
    Image: imageId,
    User: user,
    Env: Object.entries(environment).map(([name, value]) => `${name}=${value}`),
    Labels: {
      "claws.project": project,
      [PROBER_LABEL]: "true",
      // An image that Compose built carries Compose's labels, and would count as a container of a project's.
      "com.docker.compose.project": "",
      "com.docker.compose.service": "",
    },
    Tty: false,
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    HostConfig: {
      NetworkMode: `container:${target}`,
      ReadonlyRootfs: true,
      Privileged: false,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges:true"],
      PidsLimit: 64,
      Memory: 160 * MEGABYTE,
      // Equal to Memory: no swap.
      MemorySwap: 160 * MEGABYTE,
      NanoCpus: 1_000_000_000,
      Ulimits: [
        { Name: "nofile", Soft: 4_096, Hard: 4_096 },
        { Name: "core", Soft: 0, Hard: 0 },
      ],
      IpcMode: "private",
      Mounts:
        tokenVolume === undefined
          ? []
          : [
              {
                Type: "volume",
                Source: tokenVolume,
                Target: TOKEN_DIRECTORY,
                ReadOnly: true,
                VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: "", Options: {} } },
              },
            ],
      Init: true,
      AutoRemove: true,
      RestartPolicy: { Name: "no" },
      LogConfig: { Type: "none", Config: {} },
    },
  };
}
