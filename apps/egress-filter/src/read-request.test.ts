import { describe, expect, it } from "vitest";
import { readForwardRequest, readInnerRequest, readTunnelRequest } from "./read-request.ts";

function head(method: string, url: string, rawHeaders: string[], httpVersion = "1.1") {
  return { method, url, rawHeaders, httpVersion };
}

const HOST = ["Host", "allowed.test"];

describe("a CONNECT request", () => {
  const read = (url: string, headers: string[], version?: string) =>
    readTunnelRequest(head("CONNECT", url, headers, version));

  it.each([
    ["allowed.test:443", ["Host", "allowed.test:443"]],
    ["allowed.test:443", ["host", "ALLOWED.test:443"]],
    ["allowed.test.:443", ["Host", "allowed.test:443"]],
    ["allowed.test:443", HOST],
    ["allowed.test:443", ["Host", "allowed.test."]],
    ["allowed.test:443", ["Host", "allowed.test:443", "Content-Length", "0"]],
    ["allowed.test:443", ["Host", "allowed.test:443", "Proxy-Connection", "keep-alive"]],
  ])("%s with %j is read", (url, headers) => {
    expect(read(url, headers)).toMatchObject({
      ok: true,
      request: { host: "allowed.test", port: 443, method: "CONNECT" },
    });
  });

  it.each([
    ["host_missing", "without Host", "allowed.test:443", []],
    [
      "host_duplicate",
      "with two Hosts",
      "allowed.test:443",
      ["Host", "allowed.test:443", "Host", "allowed.test:443"],
    ],
    ["host_mismatch", "with another Host", "allowed.test:443", ["Host", "evil.test:443"]],
    ["host_mismatch", "with Host on another port", "allowed.test:443", ["Host", "allowed.test:80"]],
    ["host_mismatch", "with a Host on the scheme's port", "allowed.test:80", ["Host", "allowed.test:443"]],
    ["host_mismatch", "with an unreadable Host", "allowed.test:443", ["Host", "allowed.test:443:1"]],
    ["bad_authority", "without a port", "allowed.test", HOST],
    ["bad_authority", "in absolute-form", "http://allowed.test:443/", ["Host", "allowed.test:443"]],
    ["bad_framing", "with a body by length", "allowed.test:443", [...HOST, "Content-Length", "5"]],
    ["bad_framing", "with a chunked body", "allowed.test:443", [...HOST, "Transfer-Encoding", "chunked"]],
    ["expectation", "with Expect", "allowed.test:443", [...HOST, "Expect", "100-continue"]],
    ["upgrade", "with Upgrade", "allowed.test:443", [...HOST, "Upgrade", "h2c"]],
  ])("%s: %s is refused", (reason, _case, url, headers) => {
    expect(read(url, headers)).toMatchObject({ ok: false, reason, target: url });
  });

  it.each(["0.9", "1.0", "2.0"])("in HTTP/%s is refused", (version) => {
    expect(read("allowed.test:443", HOST, version)).toMatchObject({ ok: false, reason: "http_version" });
  });

  it("to an address in disguise is refused as an address", () => {
    expect(read("0x7f000001:443", ["Host", "0x7f000001:443"])).toMatchObject({ reason: "ip_literal_denied" });
  });
});

describe("a forwarded request", () => {
  const read = (url: string, headers: string[] = HOST, method = "GET") =>
    readForwardRequest(head(method, url, headers));

  it.each([
    ["http://allowed.test/", "/"],
    ["http://allowed.test", "/"],
    ["HTTP://allowed.test/a", "/a"],
    ["http://allowed.test?q=1", "/?q=1"],
    ["http://allowed.test:80/a?b=http://evil.test/", "/a?b=http://evil.test/"],
    ["http://allowed.test//v1/x", "//v1/x"],
    ["http://allowed.test/v1%2fadmin", "/v1%2fadmin"],
  ])("%s keeps its path %s as sent", (url, path) => {
    expect(read(url)).toMatchObject({ ok: true, request: { host: "allowed.test", port: 80, path } });
  });

  it.each([
    ["/", "not_absolute"],
    ["*", "not_absolute"],
    ["allowed.test", "not_absolute"],
    ["https://allowed.test/", "scheme"],
    ["gopher://allowed.test:70/_x", "scheme"],
    ["ftp://allowed.test/", "scheme"],
    ["file:///etc/passwd", "scheme"],
    ["http:/allowed.test/", "not_absolute"],
    ["http:///allowed.test/", "bad_authority"],
    ["http://", "bad_authority"],
    ["http://evil.test\\@allowed.test/", "bad_request"],
    ["http://allowed.test/a\\b", "bad_request"],
    ["http://allowed.test/#fragment", "bad_request"],
    ["http://allowed.test/a b", "bad_request"],
    ["http://allowed.test/\u00e9", "bad_request"],
    ["http://user@allowed.test/", "bad_authority"],
    ["http://allowed.test:/", "bad_authority"],
    ["http://allowed.test:0/", "bad_authority"],
    ["http://evil.test/", "host_mismatch"],
  ])("%j is refused: %s", (url, reason) => {
    expect(read(url)).toMatchObject({ ok: false, reason });
  });

  it.each([
    ["host_duplicate", "two Hosts", ["Host", "allowed.test", "host", "evil.test"]],
    ["host_missing", "no Host", []],
    ["host_mismatch", "a Host on another port", ["Host", "allowed.test:8080"]],
    ["bad_framing", "length and coding", [...HOST, "Content-Length", "6", "Transfer-Encoding", "chunked"]],
    ["bad_framing", "two lengths", [...HOST, "Content-Length", "6", "Content-Length", "6"]],
    ["bad_framing", "a list of lengths", [...HOST, "Content-Length", "1, 1"]],
    ["bad_framing", "a hexadecimal length", [...HOST, "Content-Length", "0x1"]],
    ["bad_framing", "a signed length", [...HOST, "Content-Length", "+1"]],
    [
      "bad_framing",
      "two codings",
      [...HOST, "Transfer-Encoding", "chunked", "Transfer-Encoding", "identity"],
    ],
    ["bad_framing", "a list of codings", [...HOST, "Transfer-Encoding", "gzip, chunked"]],
    ["bad_framing", "an unknown coding", [...HOST, "Transfer-Encoding", "xchunked"]],
    ["expectation", "another expectation", [...HOST, "Expect", "200-ok"]],
    ["upgrade", "an upgrade to two protocols", [...HOST, "Upgrade", "websocket", "Upgrade", "h2c"]],
    ["upgrade", "an upgrade to h2c", [...HOST, "Connection", "Upgrade", "Upgrade", "h2c"]],
    [
      "upgrade",
      "a POST that is upgraded to WebSocket",
      [...HOST, "Connection", "Upgrade", "Upgrade", "websocket"],
    ],
    ["bad_framing", "Connection that strips the length", [...HOST, "Connection", "close, Content-Length"]],
    ["bad_framing", "Connection that strips the host", [...HOST, "Connection", "HOST"]],
  ])("%s: with %s is refused", (reason, _case, headers) => {
    expect(read("http://allowed.test/", headers, "POST")).toMatchObject({ ok: false, reason });
  });

  it("may wait for leave to send its body", () => {
    expect(read("http://allowed.test/", [...HOST, "Expect", "100-Continue"], "POST").ok).toBe(true);
  });

  it("may turn into a WebSocket when it is a GET without a body", () => {
    const headers = [...HOST, "Connection", "Upgrade", "Upgrade", "WebSocket"];
    expect(read("http://allowed.test/", headers)).toMatchObject({ request: { isWebSocket: true } });
    expect(read("http://allowed.test/", [...headers, "Content-Length", "3"])).toMatchObject({
      reason: "upgrade",
    });
  });

  it("says whether its body is chunked", () => {
    expect(read("http://allowed.test/", [...HOST, "Transfer-Encoding", "Chunked"])).toMatchObject({
      request: { isChunked: true },
    });
    expect(read("http://allowed.test/", [...HOST, "Content-Length", "3"])).toMatchObject({
      request: { isChunked: false },
    });
  });
});

describe("a request inside a tunnel", () => {
  const tunnel = { host: "allowed.test", port: 80 };
  const read = (url: string, headers: string[] = HOST) => readInnerRequest(head("GET", url, headers), tunnel);

  it("is for the tunnel's destination, with its path as sent", () => {
    expect(read("/a%2fb?c=d")).toMatchObject({
      ok: true,
      request: { host: "allowed.test", port: 80, path: "/a%2fb?c=d" },
    });
  });

  it.each([
    ["/", ["Host", "evil.test"], "host_mismatch"],
    ["/", ["Host", "allowed.test:8080"], "host_mismatch"],
    ["/", [], "host_missing"],
    ["http://evil.test/", HOST, "bad_request"],
    ["http://allowed.test/", HOST, "bad_request"],
    ["*", HOST, "bad_request"],
    ["/a b", HOST, "bad_request"],
    ["/", [...HOST, "Upgrade", "h2c"], "upgrade"],
  ])("%s with %j is refused: %s", (url, headers, reason) => {
    expect(read(url, headers)).toMatchObject({ ok: false, reason });
  });
});
