import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type EgressProposal, proposeRules } from "@claws/policy";
import { toVisibleString } from "@claws/visible-text";
import { ClawsError } from "../claws-error.ts";
import { checkProfile, readProfileName } from "../stack/preflight.ts";
import { type Stack, withProfile } from "../stack/stack.ts";
import { readObservedEgress } from "./observed-egress.ts";

export interface LearnFlags {
  readonly profile?: string;
  readonly since?: string;
}

const RECORDS = 100_000;

/** Reads the audit log for where agents went, and proposes what a profile lacks for it. Changes nothing. */
export async function learnRules(stack: Stack, flags: LearnFlags, now = new Date()): Promise<EgressProposal> {
  const since = readSince(flags.since, now);
  const profile = readProfileName(flags.profile === undefined ? [] : [flags.profile]);
  const policy = checkProfile(withProfile(stack, profile), profile);
  const path = join(stack.settings["CLAWS_PROFILES"] || "profiles", `${profile}.yaml`);

  const tail = ["run", "--rm", "--no-deps", "-T", "auditor", "tail", String(RECORDS)];
  const { code, stdout, stderr } = await stack.compose(tail);
  if (code !== 0) {
    const last = stdout.trim().split("\n").at(-1) || stderr.trim().split("\n").at(-1) || `exit code ${code}`;
    throw new ClawsError(`the audit log cannot be read: ${last}`);
  }
  const observed = readObservedEgress(stdout.split("\n"), since);
  if (observed.length === 0)
    throw new ClawsError("no destination was reached yet: run the agent for a while with ./claws up basic");
  return proposeRules(observed, policy, { path, text: readFileSync(resolve(stack.root, path), "utf8") });
}

/** The remarks as comments before the diff, which `git apply` and `patch` pass over. */
export function describeProposal({ remarks, diff }: EgressProposal): string {
  const comments = remarks.map((remark) => `# ${toVisibleString(remark)}`);
  return [...comments, diff === "" ? "# nothing to put in" : diff.trimEnd()].join("\n");
}

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90m`, `24h`, `7d`, or a date. */
export function readSince(text: string | undefined, now: Date): Date {
  if (text === undefined) return new Date(0);
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  if (count !== undefined && unit !== undefined)
    return new Date(now.getTime() - Number(count) * UNITS[unit as keyof typeof UNITS]);
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? new Date(text) : new Date(Number.NaN);
  if (Number.isNaN(date.getTime()))
    throw new ClawsError(`--since ${JSON.stringify(text)}: give 90m, 24h, 7d or a date like 2026-11-01`);
  return date;
}
