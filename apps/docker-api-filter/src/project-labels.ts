export type Labels = Readonly<Record<string, string>>;

/** Labels by which viewers group and name. Compose's others hold paths of the host. */
const SHOWN = new Set([
  "com.docker.compose.project",
  "com.docker.compose.service",
  "com.docker.compose.container-number",
  "com.docker.compose.oneoff",
]);
const SHOWN_PREFIXES = ["dev.dozzle.", "claws."];

/** Whether a container is of our Compose project, or was started by the launcher for it. */
export function isOfProject(labels: Labels, project: string): boolean {
  return labels["com.docker.compose.project"] === project || labels["claws.project"] === project;
}

export function selectLabels(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).filter(
      ([name]) => SHOWN.has(name) || SHOWN_PREFIXES.some((prefix) => name.startsWith(prefix)),
    ),
  );
}
