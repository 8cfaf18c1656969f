/** Limits of both listeners, tighter than Node's own: a slow or fat header is answered soon. */
export const LISTENER_LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  connectionsCheckingInterval: 5_000,
  insecureHTTPParser: false,
  // Checked in read-request.ts, for CONNECT too, so that the refusal is recorded.
  requireHostHeader: false,
} as const;
