import type { ProxyReply } from "./ask-proxy.ts";
import type { Judgement } from "./judge-closed.ts";

/** While the doors wait for this very proof, everybody is refused so. */
const isClosedDoor = ({ status, reason }: ProxyReply) => status === 503 && reason === "unverified";

/** For destinations that no policy opens: anything but a plain refusal means that it was judged reachable. */
export function judgeRefused(replies: readonly ProxyReply[]): Judgement {
  return judge(
    replies.filter(isAnswered),
    (reply) => reply.status === 403 || reply.status === 407 || isClosedDoor(reply),
  );
}

/** For callers without the right credentials. */
export function judgeUnauthenticated(replies: readonly ProxyReply[]): Judgement {
  return judge(replies.filter(isAnswered), (reply) => reply.status === 407 || isClosedDoor(reply));
}

/** The proxy must be there to refuse. */
export function judgeProxyAnswers(replies: readonly ProxyReply[]): Judgement {
  const missing = replies.filter((reply) => !isAnswered(reply));
  return missing.length > 0
    ? { passed: false, happened: missing.map(describe).join(", ") }
    : { passed: true, happened: `all ${replies.length}` };
}

/** A proxy that is busy, or misses a neighbour of its own, has not judged yet. */
function isAnswered(reply: ProxyReply): boolean {
  return reply.status !== undefined && reply.status !== 429 && (reply.status !== 503 || isClosedDoor(reply));
}

function judge(replies: readonly ProxyReply[], isFine: (reply: ProxyReply) => boolean): Judgement {
  const wrong = replies.filter((reply) => !isFine(reply));
  if (wrong.length > 0) return { passed: false, happened: wrong.map(describe).join(", ") };
  const counts = Map.groupBy(replies, ({ status, reason }) =>
    reason === undefined ? `${status}` : `${status} ${reason}`,
  );
  return {
    passed: true,
    happened: [...counts].map(([what, those]) => `${those.length} × ${what}`).join(", ") || "no answer",
  };
}

function describe({ request, status, reason, outcome }: ProxyReply): string {
  const what =
    status === undefined ? ("code" in outcome ? outcome.code : outcome.kind) : `${status} ${reason ?? ""}`;
  return `${request.line}: ${what.trim()}`;
}
