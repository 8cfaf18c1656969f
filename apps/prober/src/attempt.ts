/** What came of one packet or connection. */
export type Outcome =
  /** The other end accepted, or sent something back. */
  | { readonly kind: "answered" }
  /** The other end said no: the packet got there. */
  | { readonly kind: "refused" }
  /** The kernel knows no way there, and said so. */
  | { readonly kind: "unreachable"; readonly code: string }
  /** Nothing came back in time. */
  | { readonly kind: "silent" }
  /** Something that proves nothing. */
  | { readonly kind: "odd"; readonly code: string };

export interface Attempt {
  readonly protocol: "tcp" | "udp";
  readonly address: string;
  readonly port: number;
  readonly outcome: Outcome;
}

/** How long one attempt waits. A host that is there answers in less than a millisecond. */
export const PATIENCE_MS = 1_300;

const NO_WAY = new Set(["ENETUNREACH", "EHOSTUNREACH", "ENETDOWN", "EHOSTDOWN", "EAFNOSUPPORT"]);

/** Sorts the system's error codes. IPv6 without an address says EADDRNOTAVAIL; IPv4 says so when ports run out. */
export function readErrorCode(code: string, address: string): Outcome {
  if (code === "ECONNREFUSED") return { kind: "refused" };
  if (NO_WAY.has(code) || (code === "EADDRNOTAVAIL" && address.includes(":"))) {
    return { kind: "unreachable", code };
  }
  return { kind: "odd", code };
}

export function formatAttempt({ protocol, address, port, outcome }: Attempt): string {
  const place = address.includes(":") ? `[${address}]` : address;
  const what = "code" in outcome ? outcome.code : outcome.kind;
  return `${place}:${port}/${protocol} ${what}`;
}
