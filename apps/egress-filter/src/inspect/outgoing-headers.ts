import { endToEndHeaders } from "../hop-by-hop.ts";
import type { Cleared } from "./clear-head.ts";
import { READABLE_CODINGS } from "./content-decoder.ts";
import type { ContentJudge } from "./content-judge.ts";
import type { Exchange } from "./exchange.ts";

/** Set anew, or meant for this hop alone (RFC 9110 section 10.1.1). */
const NOT_PASSED = ["host", "expect", "accept-encoding"];

/** The headers that go out: end-to-end ones, with the credential swapped in, and only codings that can be read. */
export function outgoingHeaders(
  { rawHeaders, isHttp2 }: Pick<Exchange, "rawHeaders" | "isHttp2">,
  { replace, hidden, request }: Cleared,
  answers: ContentJudge,
): string[] {
  const kept: string[] = [];
  const all = endToEndHeaders(rawHeaders);
  for (let index = 0; index + 1 < all.length; index += 2) {
    const name = all[index] ?? "";
    const lower = name.toLowerCase();
    if (NOT_PASSED.includes(lower) || lower === replace?.header) continue;
    kept.push(name, all[index + 1] ?? "");
  }
  if (replace !== undefined) kept.push(replace.header, replace.value);
  const asked = request.headers("accept-encoding").join(",");
  const codings = answers.isIdle && hidden.length === 0 ? asked : readableOf(asked, hidden.length > 0);
  if (codings !== "") kept.push("accept-encoding", codings);
  // gRPC over HTTP/2 asks for it, and servers check it (RFC 9113 section 8.2.2: no other value is allowed).
  if (isHttp2 && request.headers("te").includes("trailers")) kept.push("te", "trailers");
  return kept;
}

/** A destination that repeats a hidden value shall do so in plain text, where it is seen before it passes. */
function readableOf(asked: string, mustBePlain: boolean): string {
  if (mustBePlain) return "identity";
  const readable = asked
    .split(",")
    .map((item) => item.trim())
    .filter((item) =>
      [...READABLE_CODINGS, "identity"].includes(item.split(";")[0]?.trim().toLowerCase() ?? ""),
    );
  return readable.length === 0 ? "identity" : readable.join(", ");
}
