/**
 * What a provider's status means for the call. Refused requests are not billed, and neither is one that
 * was turned away for load (503, and 529 at Anthropic); after any other error nobody knows.
 */
export type StatusMeaning = "success" | "key-refused" | "rejected" | "overloaded" | "unknown";

export function judgeStatus(status: number): StatusMeaning {
  if (status >= 200 && status < 300) return "success";
  if (status === 401 || status === 403) return "key-refused";
  if (status >= 400 && status < 500) return "rejected";
  if (status === 503 || status === 529) return "overloaded";
  return "unknown";
}
