/** The corpus's policy, as far as sinks and verdicts need it. */
export const ALLOWED_ADDRESS = "93.184.216.34";
export const ALLOWED_PORTS: readonly number[] = [443, 80];

/** Squid asks for the name of its own loopback address now and then; no attacker chose that. */
const OWN_LOOPBACK = "1.0.0.127.in-addr.arpa";

/** Whether the policy lets a proxy ask for this name: allowed.test and one label below wild.test. */
export function mayBeResolved(name: string): boolean {
  if (name === OWN_LOOPBACK) return true;
  return /^(?:allowed|[a-z0-9_-]+\.wild)\.test$/.test(name.toLowerCase().replace(/\.$/, ""));
}

/** Whether anything may arrive there at all. */
export function mayBeDialled({
  address,
  port,
}: {
  readonly address: string;
  readonly port: number;
}): boolean {
  return address === ALLOWED_ADDRESS && ALLOWED_PORTS.includes(port);
}

/**
 * What the byte quotas of the bench's profile allow (e2e/profiles/egress-attacks), and how much may pass
 * before a limit bites.
 */
export const BUDGET = { uploadBytes: 1_048_576, downloadBytes: 8 * 1_048_576, slack: 65_536 } as const;

/** Answers of the stub name server; a list of lists answers each query for A with the next one. */
export interface StubName {
  readonly cname?: string;
  readonly addresses: readonly (readonly string[])[];
}

const STUB_NAMES: Readonly<Record<string, StubName>> = {
  "rebind.wild.test": { addresses: [[ALLOWED_ADDRESS], ["127.0.0.1"]] },
  "mixed.wild.test": { addresses: [[ALLOWED_ADDRESS, "10.0.0.1"]] },
  "c.wild.test": { cname: "metadata.google.internal", addresses: [["169.254.169.254"]] },
  "c2.wild.test": { cname: "host.docker.internal", addresses: [["172.17.0.1"]] },
};

/** Whatever the policy allows leads to the one address; every other name leads to an attacker's. */
export function answerFor(name: string): StubName {
  const known = STUB_NAMES[name.toLowerCase()];
  if (known !== undefined) return known;
  return { addresses: [[mayBeResolved(name) ? ALLOWED_ADDRESS : "198.51.100.66"]] };
}
