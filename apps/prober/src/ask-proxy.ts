import { connect } from "node:net";
import { type Outcome, PATIENCE_MS, readErrorCode } from "./attempt.ts";

export interface ProxyRequest {
  /** `CONNECT host:port`, or `GET http://…`. */
  readonly line: string;
  /** The Host header that goes with it. */
  readonly host: string;
  readonly authorization?: string | undefined;
}

export interface ProxyReply {
  readonly request: ProxyRequest;
  readonly outcome: Outcome;
  readonly status?: number;
  /** The stable reason of the refusal. */
  readonly reason?: string;
}

const MAX_REPLY_BYTES = 16 * 1024;

/** One request to the proxy, by hand: no client library stands between what is tried and what is sent. */
export async function askProxy(address: string, port: number, request: ProxyRequest): Promise<ProxyReply> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const socket = connect({ host: address, port });
  let text = "";
  socket.setEncoding("latin1");
  const deadline = setTimeout(() => resolve({ kind: "silent" }), PATIENCE_MS);
  socket.on("error", ({ code = "unknown" }: NodeJS.ErrnoException) => resolve(readErrorCode(code, address)));
  socket.once("connect", () => socket.write(writeRequest(request)));
  socket.on("data", (chunk: string) => {
    text += chunk;
    if (isWhole(text) || text.length > MAX_REPLY_BYTES) resolve({ kind: "answered" });
  });
  socket.once("end", () => resolve({ kind: text === "" ? "refused" : "answered" }));
  const outcome = await promise;
  clearTimeout(deadline);
  socket.destroy();
  return { request, outcome, ...readReply(text) };
}

function writeRequest({ line, host, authorization }: ProxyRequest): string {
  const credentials = authorization === undefined ? [] : [`Proxy-Authorization: ${authorization}`];
  return [`${line} HTTP/1.1`, `Host: ${host}`, ...credentials, "", ""].join("\r\n");
}

/** A tunnel has begun, or the refusal's body is there. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  if (text.startsWith("HTTP/1.1 2")) return true;
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1];
  return length !== undefined && text.length >= end + 4 + Number(length);
}

/** Takes status and reason out of what the proxy sent, whole or not. */
export function readReply(text: string): { status?: number; reason?: string } {
  const status = /^HTTP\/1\.1 ([1-5]\d\d)\b/.exec(text)?.[1];
  const reason = /"reason": ?"([a-z0-9_]{1,64})"/.exec(text)?.[1];
  return {
    ...(status === undefined ? {} : { status: Number(status) }),
    ...(reason === undefined ? {} : { reason }),
  };
}
