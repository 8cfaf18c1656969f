import type { DlpActions } from "@claws/contracts";

/**
 * `pass-through` hands a stream on as it comes, unscanned. Where the profile would redact or block
 * something in a response, that is too late: `whole` asks the provider for the whole answer, scans it and
 * plays it back as a stream.
 */
export type Delivery = "pass-through" | "whole";

export function decideDelivery(isStreamed: boolean, responseActions: DlpActions): Delivery {
  const mustScan = Object.values(responseActions).some((action) => action === "redact" || action === "block");
  return isStreamed && !mustScan ? "pass-through" : "whole";
}
