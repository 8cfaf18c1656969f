import { MicroUsd } from "@claws/contracts";

const DOLLARS = /^(\d{1,9})(?:\.(\d{1,6}))?$/;

/** Reads `10`, `"10.00"` or `0.000015` US dollars exactly; undefined for anything else, never a rounded value. */
export function readUsd(text: string): MicroUsd | undefined {
  const match = DOLLARS.exec(text);
  if (!match) return undefined;
  const [, whole = "", fraction = ""] = match;
  return MicroUsd.parse(Number(whole) * 1_000_000 + Number(fraction.padEnd(6, "0")));
}
