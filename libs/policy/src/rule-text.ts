import type { EgressRule } from "@claws/contracts";

/** A rule in words, for refusals and records: never a value that a header must have. */
export function describeRule({ action, host, port, methods, paths, headers, inspect }: EgressRule): string {
  const parts = [`${action} ${host}:${port}`];
  if (methods !== undefined) parts.push(`for ${methods.join(", ")}`);
  if (paths !== undefined) parts.push(`at ${paths.join(", ")}`);
  if (headers !== undefined) parts.push(`by headers ${Object.keys(headers).join(", ")}`);
  if (inspect === true) parts.push("inspected");
  return parts.join(" ");
}
