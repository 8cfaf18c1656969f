import type { EgressRequest } from "../read-request.ts";
import type { Refused } from "../refusal.ts";
import type { ContentJudge } from "./content-judge.ts";
import { type CredentialVerdict, judgeCredential } from "./credential.ts";
import { spellingsOf } from "./echo-watch.ts";
import type { Exchange } from "./exchange.ts";
import type { InnerPermit, Inspection } from "./inspection.ts";
import { describeBlocked, judgeHead } from "./judge-head.ts";
import type { ReadSecret } from "./secret-store.ts";

/** What is known once the head of a request was judged. */
export interface Cleared {
  readonly request: EgressRequest;
  /** The header to send in place of the one that came. */
  readonly replace: { readonly header: string; readonly value: string } | undefined;
  /** Spellings of the value that no answer may show. */
  readonly hidden: readonly Buffer[];
}

export interface ClearanceParts {
  readonly inspection: Pick<Inspection, "onFinding">;
  readonly requests: ContentJudge;
  readonly readSecret: ReadSecret;
}

/** Ends an exchange for a reason that the client may read. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly refused: Refused;

  constructor(refused: Refused) {
    super(refused.detail);
    this.refused = refused;
  }
}

/** Judges the credential and the content of a head that the rules allow. Throws Refusal. */
export function clearHead(
  { rawHeaders }: Pick<Exchange, "rawHeaders">,
  request: EgressRequest,
  { matched, rule }: Pick<InnerPermit, "matched" | "rule">,
  { inspection, requests, readSecret }: ClearanceParts,
): Cleared {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  const verdict: CredentialVerdict = matched?.credential
    ? judgeCredential(matched.credential, request, names, readSecret)
    : { ok: true };
  if (!verdict.ok) {
    const { reason, detail } = verdict;
    throw new Refusal({ reason, detail, rule, key: `${matched?.key}.credential` });
  }
  for (const finding of judgeHead(request, rawHeaders, requests, matched?.credential?.header)) {
    inspection.onFinding(finding, request);
    if (finding.action === "block") throw new Refusal(describeBlocked(finding));
  }
  return {
    request,
    replace: verdict.replace,
    hidden: verdict.hidden === undefined ? [] : spellingsOf(verdict.hidden),
  };
}
