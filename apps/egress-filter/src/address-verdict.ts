import { type AddressClassifier, canonicalAddress, isInRanges } from "./address-class.ts";

export type AddressVerdict =
  | { readonly ok: true; readonly addresses: readonly [string, ...string[]] }
  | {
      readonly ok: false;
      /** The answer that spoilt it: for the log and the audit, never for the agent. */
      readonly address: string;
      readonly reason: string;
      readonly isGrantable: boolean;
    };

/**
 * Judges all addresses of a name at once. One that is neither public nor granted refuses the name: an
 * answer that mixes public and private is rebinding or a mistake, and dialling the rest would hide it.
 */
export function decideAddresses(
  answers: readonly string[],
  granted: readonly string[],
  classify: AddressClassifier,
): AddressVerdict {
  const accepted: string[] = [];
  for (const address of answers) {
    const { kind, isGrantable } = classify(address);
    const canonical = canonicalAddress(address);
    const isOpen = kind === "public" || (isGrantable && isInRanges(address, granted));
    if (!isOpen || canonical === undefined) {
      return { ok: false, address, reason: `the address is ${kind}`, isGrantable };
    }
    accepted.push(canonical);
  }
  const [first, ...others] = accepted;
  if (first === undefined)
    return { ok: false, address: "", reason: "there is no address", isGrantable: false };
  return { ok: true, addresses: [first, ...others] };
}
