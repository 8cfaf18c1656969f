/**
 * The URL test data of the Web Platform Tests as an oracle for a running proxy: whatever authority it takes
 * from a request must be the one that the WHATWG URL parser finds there, or the request is refused.
 * `node tools/public-suites/wpt-url.ts <urltestdata.json> --proxy host:port [--token-file file]`
 * The policy must allow none of the suite's hosts, so that the refusal names what was read.
 */
import { readFileSync } from "node:fs";
import * as z from "zod";
import { mapSome, type ProxyUnderTest, readArguments, sendRaw } from "./send-raw.ts";

const Case = z.looseObject({
  input: z.string(),
  base: z.string().nullish(),
  hostname: z.string().optional(),
  port: z.string().optional(),
  failure: z.boolean().optional(),
});
type Case = z.infer<typeof Case>;

const { path, proxy } = readArguments();
const all = z.array(z.union([z.string(), Case])).parse(JSON.parse(readFileSync(path, "utf8")));
const cases = all.filter((entry) => typeof entry !== "string");
const sendable = cases.filter(isSendable);
const judged = await mapSome(sendable, (item) => judge(proxy, item));
const wrong = judged.filter(({ problem }) => problem !== null);
for (const { input, problem } of wrong) process.stdout.write(`${JSON.stringify({ input, problem })}\n`);
process.stdout.write(
  `${JSON.stringify({ cases: cases.length, skipped: cases.length - sendable.length, sent: judged.length, wrong: wrong.length })}\n`,
);
process.exitCode = wrong.length > 0 ? 1 : 0;

/** An absolute http URL that fits in a request line: no white space, which would end it there. */
function isSendable({ input }: Case): boolean {
  // oxlint-disable-next-line no-control-regex -- control characters are the point
  return /^http:\/\//i.test(input) && !/[\s\u0000-\u001f\u007f]/.test(input);
}

async function judge(to: ProxyUnderTest, { input, hostname, port, failure }: Case) {
  const target = Buffer.from(input, "utf8").toString("latin1");
  const named = /^http:\/\/([^/?#\\]*)/i.exec(target)?.[1] ?? "";
  const bytes = `GET ${target} HTTP/1.1\r\nHost: ${named}\r\n${to.credentials}Connection: close\r\n\r\n`;
  const { status, text } = await sendRaw(to, bytes);
  if (status === null || status === 400 || status === 407) return { input, problem: null };
  if (status !== 403) return { input, problem: `answered ${status}` };
  // A refusal by policy: it was read, so it must have been read right.
  if (isAddressRefusal(text)) return { input, problem: null };
  if (failure) return { input, problem: `read although it is no URL: ${detailOf(text)}` };
  const expected = `${hostname ?? ""}:${port === undefined || port === "" ? "80" : port}`;
  const isRight = detailOf(text).includes(expected);
  return { input, problem: isRight ? null : `not read as ${expected}: ${detailOf(text)}` };
}

function detailOf(text: string): string {
  return /"detail":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? "";
}

/** Number forms of an address are refused as they stand, without saying which address they would be. */
function isAddressRefusal(text: string): boolean {
  return /"(?:code|reason)":"(?:address_denied|ip_literal_denied)"/.test(text);
}
