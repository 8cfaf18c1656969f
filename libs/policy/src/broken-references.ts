import type * as z from "zod";
import { findEgressMistakes } from "./egress-mistakes.ts";
import { readHostPattern } from "./host-pattern.ts";
import type { ProfileSource } from "./profile-schema.ts";

/**
 * What a schema cannot say: names that point nowhere, hosts that no URL can have, egress rules that cannot
 * be kept to, and one model name offered twice. A pattern that means no tool is a mistake under `block` most of all: it blocks nothing.
 */
export function findBrokenReferences(profile: ProfileSource): z.core.$ZodIssue[] {
  const issues: z.core.$ZodIssue[] = [];
  const report = (path: PropertyKey[], message: string) =>
    issues.push({ code: "custom", path, message, input: undefined });

  const checkPattern = (pattern: string, path: PropertyKey[]) => {
    const unknown = findUnknownServer(profile, pattern);
    if (unknown !== undefined) report(path, unknown);
  };
  const checkLists = (lists: { allow: string[]; block: string[] }, path: PropertyKey[]) => {
    for (const list of ["allow", "block"] as const)
      lists[list].forEach((pattern, index) => checkPattern(pattern, [...path, list, index]));
  };
  checkLists(profile.tools, ["tools"]);
  for (const [agent, { tools }] of Object.entries(profile.agents))
    if (tools !== undefined) checkLists(tools, ["agents", agent, "tools"]);

  profile.tools.rules.forEach(({ match, constraints = {} }, index) => {
    const path = ["tools", "rules", index];
    checkPattern(match, [...path, "match"]);
    for (const [argument, { hosts = [] }] of Object.entries(constraints)) {
      hosts.forEach((host, position) => {
        const reading = readHostPattern(host);
        if (!reading.ok) report([...path, "constraints", argument, "hosts", position], reading.reason);
      });
    }
  });

  for (const { path, message } of findEgressMistakes(profile)) report([...path], message);

  const seen = new Set<string>();
  profile.models.forEach((provider, index) => {
    if (provider.baseUrl !== "mock" && provider.secret === undefined) {
      report(["models", index], "a provider that is not mock needs secret: the name of its key");
    }
    for (const [position, { name }] of provider.models.entries()) {
      if (seen.has(name))
        report(["models", index, "models", position, "name"], `model ${name} is offered twice`);
      seen.add(name);
    }
  });
  return issues;
}

/** Says so when a pattern of the form `server__tool` names a server that the profile does not have. */
export function findUnknownServer(
  { servers }: Pick<ProfileSource, "servers">,
  pattern: string,
): string | undefined {
  const separator = pattern.indexOf("__");
  const server = pattern.slice(0, Math.max(separator, 0));
  if (separator < 0 || server.includes("*") || Object.hasOwn(servers, server)) return undefined;
  return `${pattern} names a server that is not under servers`;
}
