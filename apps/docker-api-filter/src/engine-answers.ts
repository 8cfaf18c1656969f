import * as z from "zod";

/**
 * What of the engine's answers goes on: an object schema drops every key that it does not name, so a
 * field that a later engine adds stays hidden until somebody puts it here. `Env`, commands, mounts,
 * network addresses and the output of health checks are left out, since secrets end up in them.
 */
export const FullId = z.string().regex(/^[0-9a-f]{64}$/);

const LabelMap = z
  .record(z.string(), z.string())
  .nullish()
  .transform((labels) => labels ?? {});

export const ListedContainer = z.object({
  Id: FullId,
  Names: z.array(z.string()).nullish(),
  Image: z.string().optional(),
  ImageID: z.string().optional(),
  Created: z.number().optional(),
  State: z.string().optional(),
  Status: z.string().optional(),
  Labels: LabelMap,
});
export type ListedContainer = z.infer<typeof ListedContainer>;

export const InspectedContainer = z.object({
  Id: FullId,
  Name: z.string(),
  Created: z.string().optional(),
  Platform: z.string().optional(),
  RestartCount: z.number().optional(),
  State: z.object({
    Status: z.string().optional(),
    Running: z.boolean().optional(),
    Paused: z.boolean().optional(),
    Restarting: z.boolean().optional(),
    OOMKilled: z.boolean().optional(),
    Dead: z.boolean().optional(),
    ExitCode: z.number().optional(),
    StartedAt: z.string().optional(),
    FinishedAt: z.string().optional(),
    Health: z.object({ Status: z.string(), FailingStreak: z.number().optional() }).nullish(),
  }),
  Config: z.object({ Image: z.string().optional(), Tty: z.boolean().optional(), Labels: LabelMap }),
  // Dozzle dereferences HostConfig without asking whether it is there.
  HostConfig: z
    .object({
      Memory: z.number().optional(),
      NanoCpus: z.number().optional(),
      RestartPolicy: z.object({ Name: z.string() }).optional(),
      LogConfig: z.object({ Type: z.string() }).optional(),
    })
    .default({}),
});
export type InspectedContainer = z.infer<typeof InspectedContainer>;

export const EngineInfo = z.object({
  ID: z.string().optional(),
  Name: z.string().optional(),
  NCPU: z.number().optional(),
  MemTotal: z.number().optional(),
  ServerVersion: z.string().optional(),
  OperatingSystem: z.string().optional(),
  OSType: z.string().optional(),
  Containers: z.number().optional(),
  ContainersRunning: z.number().optional(),
  ContainersPaused: z.number().optional(),
  ContainersStopped: z.number().optional(),
});

export const EngineVersion = z.object({
  Version: z.string().optional(),
  ApiVersion: z.string().optional(),
  MinAPIVersion: z.string().optional(),
  Os: z.string().optional(),
  Arch: z.string().optional(),
  Platform: z.object({ Name: z.string() }).optional(),
  Components: z.array(z.object({ Name: z.string(), Version: z.string() })).nullish(),
});

export const ContainerEvent = z.object({
  Type: z.literal("container"),
  Action: z.string(),
  Actor: z.object({ ID: FullId, Attributes: z.record(z.string(), z.string()) }),
  scope: z.string().optional(),
  time: z.number().optional(),
  timeNano: z.number().optional(),
});
