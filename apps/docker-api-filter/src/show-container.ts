import type { InspectedContainer, ListedContainer } from "./engine-answers.ts";
import { isOfProject, selectLabels } from "./project-labels.ts";

/** Those of the engine's containers that are ours, as a viewer may see them. */
export function showList(containers: readonly ListedContainer[], project: string) {
  return containers
    .filter(({ Labels }) => isOfProject(Labels, project))
    .map((container) => ({
      ...container,
      Labels: selectLabels(container.Labels),
      Command: "",
      Ports: [],
      Mounts: [],
    }));
}

/** One container as a viewer may see it; empty lists stand where client libraries expect a list. */
export function showInspected(container: InspectedContainer) {
  return {
    ...container,
    Config: { ...container.Config, Labels: selectLabels(container.Config.Labels), Env: [] },
    Mounts: [],
    NetworkSettings: { Networks: {} },
  };
}
