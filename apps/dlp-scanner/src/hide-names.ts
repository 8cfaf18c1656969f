import type { Finding } from "@claws/contracts";

const HIDDEN = "[redacted]";

/**
 * Pointers go into logs, audit records and refusals, and are made of member names: one that is itself a
 * finding must not travel in them. `/keys/ghp_…/note` becomes `/keys/[redacted]/note`.
 */
export function hideNames(findings: readonly Finding[]): Finding[] {
  const hidden = new Set(findings.flatMap(({ path }) => (path.endsWith("#") ? [path.slice(0, -1)] : [])));
  return hidden.size === 0
    ? [...findings]
    : findings.map((finding) => ({ ...finding, path: hideSteps(finding.path, hidden) }));
}

function hideSteps(path: string, hidden: ReadonlySet<string>): string {
  let reached = "";
  const steps = path.split("/").map((step, index) => {
    reached = index === 0 ? step : `${reached}/${step}`;
    if (hidden.has(reached)) return HIDDEN;
    return step.endsWith("#") && hidden.has(reached.slice(0, -1)) ? `${HIDDEN}#` : step;
  });
  return steps.join("/");
}
