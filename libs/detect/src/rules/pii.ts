import type { DetectionRule } from "../detection-rule.ts";
import { passesMod97, trimIban } from "./iban.ts";
import { isPaymentCard } from "./payment-card.ts";

/** Numbers that were printed in advertisements, and so are everybody's. */
const ADVERTISED_SSN = ["078-05-1120", "219-09-9999"];

function trimEmail(matched: string): string {
  return matched.replace(/[.-]{1,253}$/, "");
}

function hasMailDomain(address: string): boolean {
  const labels = address.slice(address.lastIndexOf("@") + 1).split(".");
  return (
    labels.length >= 2 &&
    labels.every((label) => label.length > 0 && label.length <= 63) &&
    /^[A-Za-z]{2,24}$/.test(labels.at(-1) ?? "")
  );
}

/** Personal data that has a form of its own; names and addresses have none and are not looked for. */
export const PII_RULES: readonly DetectionRule[] = [
  {
    id: "us-ssn",
    category: "pii",
    severity: "high",
    confidence: 0.85,
    // Areas 000, 666 and 900-999, group 00 and serial 0000 were never issued.
    pattern: /(?<![\d-])(?!000|666|9)\d{3}([ -])(?!00)\d{2}\1(?!0000)\d{4}(?![\d-])/g,
    validate: (matched) => !ADVERTISED_SSN.includes(matched.replace(/ /g, "-")),
  },
  {
    id: "payment-card",
    category: "pii",
    severity: "high",
    confidence: 0.9,
    // As issuers print it: one run, groups of four, or 4-6-4 and 4-6-5. Other groups are parts of UUIDs.
    pattern:
      /(?<![\dA-Za-z])(?<!\d\.)(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|\d{4}([ -])\d{6}\2\d{4,5})(?![\dA-Za-z])/g,
    validate: isPaymentCard,
  },
  {
    id: "iban",
    category: "pii",
    severity: "high",
    confidence: 0.95,
    pattern: /(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}/gi,
    trim: trimIban,
    validate: passesMod97,
  },
  {
    id: "email-address",
    category: "pii",
    severity: "low",
    confidence: 0.6,
    // RFC 5321, 4.5.3.1: 64 octets before the at sign, 255 behind it.
    pattern: /(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9.-]{3,253}/g,
    trim: trimEmail,
    validate: hasMailDomain,
  },
];
