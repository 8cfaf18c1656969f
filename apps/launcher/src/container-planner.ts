import type { AgentId } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import {
  type ContainerSpec,
  createContainerSpec,
  type MountSource,
  volumeNameOf,
} from "./create-container-spec.ts";
import type { Engine } from "./engine.ts";
import type { LaunchableServer } from "./server-catalogue.ts";
import type { ServerDoors } from "./server-door.ts";

export interface PlannedContainer {
  readonly spec: ContainerSpec;
  /** Gives back what was made for this run alone. To be called when the container is removed; never rejects. */
  readonly release: () => Promise<void>;
}

export interface ContainerPlanner {
  /** Looks up and makes what the server's mounts and its way out need; returns what the engine is to create. */
  plan(server: LaunchableServer, agent: AgentId): Promise<PlannedContainer>;
}

export interface ContainerPlannerOptions {
  readonly engine: Pick<Engine, "ensureVolume" | "mountSource">;
  readonly doors: ServerDoors;
  readonly project: string;
  readonly user: string;
  /** The launcher's own container, and where the workspace is mounted in it. */
  readonly ownContainer: string;
  readonly workspaceMount: string;
}

export function createContainerPlanner(options: ContainerPlannerOptions): ContainerPlanner {
  const { engine, doors, project, user, ownContainer, workspaceMount } = options;
  let workspace: MountSource | undefined;

  /**
   * The workspace is what is mounted in the launcher itself: the engine wants a path on its own machine,
   * which no setting inside a container can know.
   */
  async function findWorkspace(): Promise<MountSource> {
    workspace ??= await engine.mountSource(ownContainer, workspaceMount);
    if (workspace !== undefined) return workspace;
    throw ProblemError.of("server_unavailable", {
      service: "launcher",
      detail: `nothing is mounted at ${workspaceMount} of launcher's container ${ownContainer}: mount the workspace there, and leave its host name to Docker`,
    });
  }

  return {
    async plan({ name: server, spec, imageId }, agent) {
      const sources = new Set(spec.mounts.map(({ source }) => source));
      const needsWorkspace = sources.delete("workspace");
      for (const source of sources) {
        await engine.ensureVolume(volumeNameOf(source, project), { "claws.project": project });
      }
      const workspace = needsWorkspace ? await findWorkspace() : undefined;
      const door = (spec.egress ?? []).length > 0 ? await doors.open(agent, server) : undefined;
      return {
        spec: createContainerSpec(spec, { project, server, agent, imageId, user, workspace, door }),
        release: async () => door?.close(),
      };
    },
  };
}
