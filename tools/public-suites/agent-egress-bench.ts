/**
 * Those cases of agent-egress-bench that one request through a forward proxy can express: URL, header and
 * body cases. MCP, A2A, WebSocket and response cases are skipped; they are other doors of ours.
 * `node tools/public-suites/agent-egress-bench.ts <checkout> --proxy host:port [--token-file file]`
 * A case that must pass is only counted: whether its host is allowed is the running policy's.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { mapSome, type ProxyUnderTest, readArguments, sendRaw } from "./send-raw.ts";

const Case = z.looseObject({
  id: z.string(),
  input_type: z.string(),
  transport: z.string(),
  expected_verdict: z.enum(["block", "allow"]),
  payload: z.looseObject({
    method: z.string().optional(),
    url: z.string().optional(),
    headers: z.record(z.string(), z.string()).optional(),
    content_type: z.string().optional(),
    body: z.string().optional(),
  }),
});
type Case = z.infer<typeof Case>;
const SENT = ["url", "header", "request_body"];

const { path, proxy } = readArguments();
const cases = globSync("cases/**/*.json", { cwd: path }).map((file) =>
  Case.parse(JSON.parse(readFileSync(join(path, file), "utf8"))),
);
const sendable = cases.filter(
  ({ input_type, transport, payload }) =>
    SENT.includes(input_type) && /^(?:fetch|http)_proxy$/.test(transport) && payload.url !== undefined,
);
const judged = await mapSome(sendable, async (item) => {
  const { status } = await sendRaw(proxy, toRequest(proxy, item));
  return { item, isBlocked: status === null || status >= 400, status };
});
const count = (verdict: string, isBlocked: boolean) =>
  judged.filter(({ item, ...seen }) => item.expected_verdict === verdict && seen.isBlocked === isBlocked)
    .length;
const missed = judged.filter(({ item, isBlocked }) => item.expected_verdict === "block" && !isBlocked);
for (const { item, status } of missed) process.stdout.write(`${JSON.stringify({ id: item.id, status })}\n`);
process.stdout.write(
  `${JSON.stringify({
    cases: cases.length,
    skipped: cases.length - sendable.length,
    blocked: count("block", true),
    missed: missed.length,
    allowedAndPassed: count("allow", false),
    allowedAndRefused: count("allow", true),
  })}\n`,
);
process.exitCode = missed.length > 0 ? 1 : 0;

/** https goes through CONNECT, where only the host can be judged; the rest is in the tunnel. */
function toRequest({ credentials }: ProxyUnderTest, { payload }: Case): string {
  const { method = "GET", url = "", headers = {}, body = "", content_type: type } = payload;
  const [, scheme, authority = ""] = /^(\w+):\/\/([^/?#]*)/.exec(url) ?? [];
  if (scheme === "https") {
    const target = /:\d+$/.test(authority) ? authority : `${authority}:443`;
    return `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${credentials}\r\n`;
  }
  const lines = Object.entries({ ...headers, ...(type === undefined ? {} : { "content-type": type }) });
  const fields = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const length = body === "" ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  const content = Buffer.from(body, "utf8").toString("latin1");
  return `${method} ${url} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}${fields}${length}\r\n${content}`;
}
