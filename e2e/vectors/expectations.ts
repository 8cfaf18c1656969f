import { BUDGET } from "./policy.ts";

/** What must come of a vector: `expect` and `reason` of the corpus, for a machine. */
export interface Expectation {
  /** Any of these; `closed` is an end without an answer. In a tunnel: the answer to CONNECT. */
  readonly status: readonly (number | "closed")[];
  /** Any of these, where the answer can carry one. */
  readonly reason?: readonly string[];
  /** Whether anything may arrive at the allowed host; at any other place nothing ever may. */
  readonly mayReach: boolean;
  /** Good traffic: it must arrive, and refusing it is a fault as well. */
  readonly mustReach?: true;
  /** The proxy must end the connection within the time that the scenario listens. */
  readonly mustEnd?: true;
  /** No destination may see this, nor the client that. */
  readonly mustNotArrive?: string;
  readonly mustNotReceive?: string;
  /** Bytes that the client must get, and the most that may go up or down in all connections together. */
  readonly mustReceive?: string;
  readonly mostUp?: number;
  readonly mostDown?: number;
}

const refused = (status: Expectation["status"], ...reason: readonly string[]): Expectation => ({
  status,
  reason,
  mayReach: false,
});
/** The tunnel may be answered with 200, since its handshake comes after that; it must not go on. */
const tunnelEnded = (...reason: readonly string[]): Expectation => ({
  status: [200, 403, 421],
  reason,
  mayReach: false,
  mustEnd: true,
});
const passed = (...status: readonly number[]): Expectation => ({ status, mayReach: true, mustReach: true });
const tolerated = (status: Expectation["status"], ...reason: readonly string[]): Expectation => ({
  status,
  reason,
  mayReach: true,
});

function each(group: string, numbers: string, expectation: Expectation): Record<string, Expectation> {
  return Object.fromEntries(numbers.split(" ").map((number) => [`${group}-${number}`, expectation]));
}

/** One entry for every vector that goes through a proxy. */
export const EXPECTATIONS: Readonly<Record<string, Expectation>> = {
  ...each(
    "IP4",
    "01 02 04 06 08 09 12 13 14 16 17 19 20 21 23 24 25 26 29",
    refused([403], "ip_literal_denied"),
  ),
  ...each(
    "IP6",
    "02 04 05 06 07 11 14 15 16 18 19 20 21 22",
    refused([403, 400], "ip_literal_denied", "bad_authority"),
  ),

  "NAME-02": passed(200),
  ...each("NAME", "03 10 12 14 21", refused([403], "not_allowed")),
  // A single label, and so a special name as well.
  "NAME-11": refused([403], "not_allowed", "special_name"),
  ...each(
    "NAME",
    "04 07 08 16 18 19 20 23 24 27 28 30 33 34 35 37",
    refused([400], "bad_authority", "bad_request"),
  ),
  ...each("NAME", "38 40", refused([403], "port_denied", "not_allowed")),
  "NAME-41": tolerated([200, 403], "port_denied", "not_allowed"),

  "REQ-01": refused([400], "host_missing"),
  "REQ-02": refused([400, 421], "host_mismatch"),
  "REQ-03": refused([400], "host_duplicate"),
  "REQ-04": refused([400, 505, "closed"], "http_version", "bad_request"),
  "REQ-05": refused([400, 505], "bad_request", "http_version"),
  // Rewriting Host to the target is as good as a refusal; a mismatch that is passed on is neither.
  "REQ-09": { ...tolerated([421, 400, 200], "host_mismatch"), mustNotArrive: "evil.test" },
  "REQ-10": refused([400], "not_absolute"),
  "REQ-11": refused([400], "host_duplicate"),
  "REQ-12": { ...tolerated([400, 505, 200], "host_missing", "http_version"), mustNotArrive: "HTTP/1.0" },
  "REQ-13": refused([400, 505, "closed"], "http_version", "bad_request"),
  "REQ-14": refused([505, 400], "http_version", "bad_request"),
  "REQ-16": refused([400], "bad_request", "bad_authority"),
  "REQ-18": refused([400], "scheme"),
  "REQ-19": refused([400], "scheme"),
  // The corpus's policy names no methods, so this one is as good as any other; a rule with methods refuses it.
  "REQ-24": tolerated([403, 400, 200], "method", "method_denied"),
  "REQ-28": refused([400, 403], "path_ambiguous"),
  "REQ-29": refused([400, 403], "path_ambiguous"),
  "REQ-30": refused([400, 403], "path_ambiguous"),
  // Without a rule for paths it may pass, but as it was sent.
  "REQ-31": {
    ...tolerated([403, 400, 200], "path_denied", "path_ambiguous"),
    mustNotArrive: "GET /v1/admin",
  },
  "REQ-32": refused([400, 403], "path_ambiguous"),
  "REQ-33": refused([400, 403], "path_ambiguous"),
  "REQ-34": passed(302),

  ...each("SMG", "01 02 04 08 10 12 13 27 30", refused([400], "bad_framing", "bad_request")),
  // The body breaks after the head was good, so the head may have arrived; the body must not be completed.
  "SMG-15": { ...tolerated([400, "closed"], "bad_framing", "bad_request"), mustNotArrive: "0\r\n\r\n" },
  "SMG-16": { ...tolerated([400, "closed"], "bad_framing", "bad_request"), mustNotArrive: "0\r\n\r\n" },
  "SMG-17": { ...tolerated([200, 400], "bad_framing"), mustNotArrive: "evil.test" },
  "SMG-18": tolerated([100, 200, 417, 400], "bad_framing", "expectation"),
  "SMG-19": { ...refused([501, 400], "bad_framing", "upgrade"), mustNotArrive: "h2c" },
  "SMG-20": refused([400, 505, "closed"], "bad_framing", "bad_request", "http_version"),
  "SMG-23": { ...tolerated([200, 502]), mustNotReceive: "POISON" },
  "SMG-26": tolerated([200, 400], "bad_framing", "bad_request"),
  ...each("SMG", "28 29", refused([400, "closed"], "bad_framing", "bad_request")),

  "TLS-01": tunnelEnded("sni_mismatch"),
  "TLS-02": tunnelEnded("sni_missing"),
  "TLS-03": tunnelEnded("sni_unreadable"),
  "TLS-04": tunnelEnded("sni_unreadable"),
  "TLS-05": tunnelEnded("sni_unreadable"),
  "TLS-07": passed(200),
  "TLS-08": tunnelEnded("sni_unreadable", "sni_mismatch"),
  "TLS-09": passed(200),
  "TLS-11": tunnelEnded("sni_mismatch"),
  "TLS-12": passed(200),
  "TLS-13": tunnelEnded("not_tls"),
  "TLS-18": passed(200),

  "DNS-01": tolerated([200, 403], "private_ip", "address_denied"),
  "DNS-02": refused([403], "private_ip", "address_denied"),
  "DNS-04": refused([403], "private_ip", "address_denied"),
  "DNS-05": refused([403], "private_ip", "address_denied"),
  "DNS-07": refused([403], "not_allowed"),
  "DNS-11": refused([403, 400], "special_name", "not_allowed"),
  "DNS-12": refused([403, 400], "special_name", "not_allowed"),
  "DNS-13": refused([403, 400], "not_allowed", "special_name"),

  "RES-01": { ...refused([408, 400, "closed"], "timeout"), mustEnd: true },
  "RES-02": { ...tolerated([408, 400, "closed"], "timeout"), mustEnd: true },
  "RES-04": { ...passed(200), mustReceive: "late bytes" },
  "RES-05": { ...tolerated([200], "budget_exceeded"), mostUp: BUDGET.uploadBytes + BUDGET.slack },
  "RES-06": { ...tolerated([200], "budget_exceeded"), mostUp: BUDGET.uploadBytes + BUDGET.slack },
  "RES-09": refused([407], "auth"),
  "RES-10": { ...passed(200), mustNotArrive: "roxy-Authorization" },
  "RES-16": { ...tolerated([200], "budget_exceeded"), mostDown: BUDGET.downloadBytes + BUDGET.slack },
};
