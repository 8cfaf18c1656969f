import * as z from "zod";
import { ClawsError } from "../claws-error.ts";
import type { Stack } from "../stack/stack.ts";
import { type Bench, type BenchReport, createReport, type Figure } from "./bench.ts";
import { withEgressDeployment } from "./egress-deployment.ts";

const VERDICTS = ["PASS", "LENIENT", "OPAQUE", "REACH", "REFUSED"] as const;
const Attack = z.object({ id: z.string(), group: z.string(), cls: z.string() });
/** One line of e2e/vectors/run-attacks.ts. */
const AttackLine = z.union([
  Attack.extend({ verdict: z.enum(VERDICTS), seen: z.string(), asWritten: z.boolean() }),
  Attack.extend({ skipped: z.string() }),
]);
type AttackLine = z.infer<typeof AttackLine>;
type JudgedLine = Extract<AttackLine, { verdict: string }>;

/** How many vectors of a group ended in each verdict, on each side. */
export interface ScoreRow {
  readonly group: string;
  readonly n: number;
  readonly ours: Readonly<Record<string, number>>;
  readonly squid: Readonly<Record<string, number>>;
}

export interface ScoreBoard extends BenchReport {
  readonly score: readonly ScoreRow[];
  readonly failures: readonly {
    readonly id: string;
    readonly cls: string;
    readonly of: "ours" | "squid";
    readonly verdict: string;
    readonly seen: string;
  }[];
  /** Ours that hold, with another status or reason than the corpus names. */
  readonly otherwise: readonly { readonly id: string; readonly seen: string }[];
  readonly skipped: readonly { readonly id: string; readonly where: string }[];
}

/** The attack corpus against egress-filter and Squid, with every destination there is recorded. */
export const benchEgressAttacks: Bench = (base, options) =>
  withEgressDeployment(
    base,
    options,
    { profiles: "egress-attacks", overlays: ["e2e/bench/compose.egress-attacks.yml"] },
    async (deployment) => {
      options.say("attacking egress-filter");
      const ours = await attack(deployment, "egress-filter.agent");
      options.say("attacking Squid");
      const squid = await attack(deployment, "squid.agent");
      return createScoreBoard(ours, squid);
    },
  );

async function attack(deployment: Stack, proxy: string): Promise<AttackLine[]> {
  const program = ["/usr/local/bin/node", "/bench/vectors/run-attacks.ts", proxy];
  const { code, stdout, stderr } = await deployment.compose(["exec", "-T", "bench-load", ...program]);
  if (code !== 0) throw new ClawsError(`the attacks on ${proxy} did not run: ${stderr.trim()}`);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => AttackLine.parse(JSON.parse(line)));
}

export function createScoreBoard(ours: readonly AttackLine[], squid: readonly AttackLine[]): ScoreBoard {
  const [mine, theirs] = [ours.filter(isJudged), squid.filter(isJudged)];
  const groups = [...new Set(mine.map(({ group }) => group))];
  const failuresOf = (of: "ours" | "squid", lines: readonly JudgedLine[]) =>
    lines
      .filter(({ verdict }) => verdict !== "PASS")
      .map(({ id, cls, verdict, seen }) => ({ id, cls, of, verdict, seen }));
  return {
    ...createReport("egress-attacks", [countPassed(mine, theirs)]),
    score: groups.map((group) => ({
      group,
      n: mine.filter((line) => line.group === group).length,
      ours: countVerdicts(mine, group),
      squid: countVerdicts(theirs, group),
    })),
    failures: [...failuresOf("ours", mine), ...failuresOf("squid", theirs)],
    otherwise: mine
      .filter(({ verdict, asWritten }) => verdict === "PASS" && !asWritten)
      .map(({ id, seen }) => ({ id, seen })),
    skipped: ours.flatMap((line) => ("skipped" in line ? [{ id: line.id, where: line.skipped }] : [])),
  };
}

function isJudged(line: AttackLine): line is JudgedLine {
  return "verdict" in line;
}

function countVerdicts(lines: readonly JudgedLine[], group: string): Record<string, number> {
  const of = lines.filter((line) => line.group === group);
  return Object.fromEntries(
    VERDICTS.map((verdict) => [verdict.toLowerCase(), of.filter((line) => line.verdict === verdict).length]),
  );
}

function countPassed(mine: readonly JudgedLine[], theirs: readonly JudgedLine[]): Figure {
  const passedOf = (lines: readonly JudgedLine[]) => lines.filter(({ verdict }) => verdict === "PASS").length;
  const ours = passedOf(mine);
  return {
    id: "attacks_passed",
    unit: `of ${mine.length}`,
    ours,
    peer: "Squid 5.7 of Debian, strictly configured",
    theirs: passedOf(theirs),
    better: "higher",
    runs: 1,
    spread: [ours, ours],
  };
}
