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

export interface ContainerPlanner {
  /** Looks up and makes what the server's mounts need; returns what the engine is to create. */
  plan(server: LaunchableServer, agent: AgentId): Promise<ContainerSpec>;
}

export interface ContainerPlannerOptions {
  readonly engine: Pick<Engine, "ensureVolume" | "mountSource">;
  readonly project: string;
  readonly user: string;
  /** The launcher's own container, and where the workspace is mounted in it. */
  readonly ownContainer: string;
  readonly workspaceMount: string;
}

export function createContainerPlanner(options: ContainerPlannerOptions): ContainerPlanner {
  const { engine, project, user, ownContainer, workspaceMount } = options;
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
      return createContainerSpec(spec, {
        project,
        server,
        agent,
        imageId,
        user,
        workspace: needsWorkspace ? await findWorkspace() : undefined,
      });
    },
  };
}
