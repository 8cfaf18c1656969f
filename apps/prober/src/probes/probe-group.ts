import type { Probe } from "@claws/contracts";
import type { Judgement } from "../judge-closed.ts";

/** A probe before it is known from where it was made. */
export type Finding = Omit<Probe, "from">;

/** What is tried, and what must come of it; the numbers are those of the shared corpus. */
export interface Claim {
  readonly id: string;
  readonly tried: string;
  readonly expected: string;
}

const MAX_TEXT = 300;

export function toFinding(claim: Claim, { passed, happened }: Judgement): Finding {
  return { ...claim, tried: clip(claim.tried), happened: clip(happened), passed };
}

function clip(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text;
}
