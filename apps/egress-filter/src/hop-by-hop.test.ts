import { expect, it } from "vitest";
import { endToEndHeaders, stripHopByHop } from "./hop-by-hop.ts";

it("everything that was meant for this hop goes, and the rest stays", () => {
  const headers = {
    host: "allowed.test",
    connection: "close, X-Private",
    "x-private": "1",
    "keep-alive": "timeout=5",
    te: "trailers",
    trailer: "x-sum",
    upgrade: "h2c",
    "http2-settings": "AAM",
    "proxy-authorization": "Basic c2VjcmV0",
    "proxy-connection": "keep-alive",
    "proxy-anything": "1",
    "transfer-encoding": "chunked",
    authorization: "Bearer mine",
    "x-public": "1",
  };
  stripHopByHop(headers);
  expect(headers).toEqual({
    host: "allowed.test",
    "transfer-encoding": "chunked",
    authorization: "Bearer mine",
    "x-public": "1",
  });
});

it("of a raw list the same goes, with the framing, and the rest keeps order and repetition", () => {
  const raw = [
    ["Set-Cookie", "a=1"],
    ["Connection", "close, X-Hop"],
    ["X-Hop", "1"],
    ["Set-Cookie", "b=2"],
    ["Transfer-Encoding", "chunked"],
    ["Proxy-Authenticate", "Basic"],
    ["X-End", "1"],
  ];
  expect(endToEndHeaders(raw.flat())).toEqual(["Set-Cookie", "a=1", "Set-Cookie", "b=2", "X-End", "1"]);
});
