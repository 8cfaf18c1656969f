import type { Finding } from "@claws/contracts";

/** What a finding says of the rule behind it. */
export type RuleFacts = Pick<Finding, "category" | "severity" | "confidence"> & { readonly id: string };

/** One place in one string where a rule applies; offsets are UTF-16 units, the end exclusive. */
export interface Match {
  readonly rule: RuleFacts;
  readonly start: number;
  readonly end: number;
  /** Encodings that the detector itself saw through; empty for plain text. */
  readonly decodedBy: readonly string[];
}

/** Looks at one string. `name` is the member name that the string stands under, if it has one. */
export interface Detector {
  readonly detect: (text: string, name: string | undefined) => Match[];
}

export type DetectorSet = readonly Detector[];
