import type { EgressRequest } from "../read-request.ts";
import type { Refused } from "../refusal.ts";
import type { ContentFinding, ContentJudge } from "./content-judge.ts";
import { isCredentialHeader } from "./credential.ts";

/** What a path, a query and headers may carry out as well as any body. Credentials are where they belong. */
export function judgeHead(
  { path = "" }: Pick<EgressRequest, "path">,
  rawHeaders: readonly string[],
  judge: ContentJudge,
  credentialHeader: string | undefined,
): ContentFinding[] {
  if (judge.isIdle) return [];
  const lines: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    if (name !== credentialHeader && !isCredentialHeader(name))
      lines.push(`${name}: ${rawHeaders[index + 1]}`);
  }
  return [...judge.judge(path, "target"), ...judge.judge(lines.join("\n"), "headers")];
}

/** What was found, without what it was. */
export function describeBlocked({ direction, place, rule, category }: ContentFinding): Refused {
  const what = direction === "egress-requests" ? "the request" : "the answer";
  return {
    reason: "dlp_blocked",
    detail: `${what} is blocked: the rule ${rule} (${category}) found something in its ${place}`,
    rule,
    key: `dlp.${direction}.${category}`,
  };
}
