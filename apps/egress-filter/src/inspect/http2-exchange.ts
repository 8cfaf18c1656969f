import { constants, type ServerHttp2Stream } from "node:http2";
import type { RequestReading } from "../read-request.ts";
import { type Exchange, groupHeaders, withoutPseudo } from "./exchange.ts";
import { headersOf } from "./http1-exchange.ts";

/** An exchange of HTTP/2: one stream of the client's session. */
export function createHttp2Exchange(
  stream: ServerHttp2Stream,
  rawHeaders: readonly string[],
  reading: RequestReading,
): Exchange {
  let trailers: readonly string[] | undefined;
  stream.on("error", () => stream.destroy());
  stream.on("wantTrailers", () => {
    // Closing a stream ends it first: trailers then would make a cut answer look complete.
    if (stream.destroyed || trailers === undefined) return;
    stream.sendTrailers(groupHeaders(withoutPseudo(trailers)));
  });
  // RFC 9113 section 8.1: an answer may be complete before the request is, and then asks the client to stop.
  stream.once("finish", () => {
    if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
  });
  return {
    reading,
    rawHeaders: withoutPseudo(rawHeaders),
    isHttp2: true,
    body: stream.endAfterHeaders ? undefined : stream,
    isBodyWhole: () => stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted,
    upgrade: undefined,
    invite() {
      const expects = rawHeaders.some((name, index) => index % 2 === 0 && name === "expect");
      if (expects && !stream.headersSent && !stream.destroyed) stream.additionalHeaders({ ":status": 100 });
    },
    refuse(problem) {
      if (stream.destroyed) return;
      if (stream.headersSent) return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      stream.respond({ ":status": problem.status, ...headersOf(problem) });
      stream.end(JSON.stringify(problem));
    },
    answer({ status, rawHeaders: raw }, hasBody) {
      const headers = { ":status": status, ...groupHeaders(raw) };
      stream.respond(headers, hasBody ? { waitForTrailers: true } : { endStream: true });
      return stream;
    },
    setTrailers(raw) {
      trailers = raw;
    },
    abort: () => stream.close(constants.NGHTTP2_INTERNAL_ERROR),
    onGone(listener) {
      if (stream.closed || stream.destroyed) return listener();
      stream.once("close", () => {
        if (!stream.writableFinished) listener();
      });
    },
  };
}
