import type { RequestHead } from "./read-request.ts";

/** A CONNECT as nearly every client sends it, and what came behind its head. */
export interface PlainConnect {
  readonly head: RequestHead;
  readonly rest: Buffer;
}

/** Names that say nothing about where a message ends. With any other, Node's parser has the word. */
const PLAIN_HEADERS = new Set([
  "accept",
  "connection",
  "host",
  "proxy-authorization",
  "proxy-connection",
  "user-agent",
]);
const START = Buffer.from("CONNECT ", "latin1");
const HEAD_END = Buffer.from("\r\n\r\n", "latin1");
const MAX_HEAD_BYTES = 16 * 1024;
const REQUEST_LINE = /^CONNECT ([!-~]{1,300}) HTTP\/1\.1$/;
const FIELD = /^([A-Za-z-]{1,40}): ?([ -~]*)$/;

/**
 * Reads a CONNECT that came whole in one piece and is written in the plainest way that RFC 9112 knows; undefined for all
 * else, which is not refused but left to Node's parser. It exists for speed alone: what it reads, Node's parser
 * would hand over in the same words, and the same strict reading follows on both.
 */
export function readPlainConnect(bytes: Buffer): PlainConnect | undefined {
  if (bytes.length < START.length || bytes.compare(START, 0, START.length, 0, START.length) !== 0)
    return undefined;
  const end = bytes.indexOf(HEAD_END);
  if (end < 0 || end > MAX_HEAD_BYTES) return undefined;
  const [requestLine = "", ...fields] = bytes.toString("latin1", 0, end).split("\r\n");
  const url = REQUEST_LINE.exec(requestLine)?.[1];
  if (url === undefined) return undefined;
  const rawHeaders: string[] = [];
  for (const field of fields) {
    const [, name, value] = FIELD.exec(field) ?? [];
    if (name === undefined || value === undefined || !PLAIN_HEADERS.has(name.toLowerCase())) return undefined;
    // Node's parser takes blanks off both ends; whoever writes more than the one is left to it.
    if (value.startsWith(" ") || value.endsWith(" ")) return undefined;
    rawHeaders.push(name, value);
  }
  return {
    head: { method: "CONNECT", url, httpVersion: "1.1", rawHeaders },
    rest: bytes.subarray(end + HEAD_END.length),
  };
}
