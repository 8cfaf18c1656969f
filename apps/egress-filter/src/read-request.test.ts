import { describe, expect, it } from "vitest";
import { readForwardRequest, readTunnelRequest } from "./read-request.ts";

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
    ["allowed.test:443", ["Host", "allowed.test:443", "Content-Length", "0"]],
    ["allowed.test:443", ["Host", "allowed.test:443", "Proxy-Connection", "keep-alive"]],
  ])("%s with %j is read", (url, headers) => {
    expect(read(url, headers)).toMatchObject({
      ok: true,
      request: { host: "allowed.test", port: 443, method: "CONNECT" },
    });
  });

  it.each([
    ["without Host", "allowed.test:443", []],
    ["with two Hosts", "allowed.test:443", ["Host", "allowed.test:443", "Host", "allowed.test:443"]],
    ["with another Host", "allowed.test:443", ["Host", "evil.test:443"]],
    ["with Host on another port", "allowed.test:443", ["Host", "allowed.test:80"]],
    ["with a port that Host leaves out and 443 is not", "allowed.test:80", HOST],
    ["with an unreadable Host", "allowed.test:443", ["Host", "allowed.test:443:1"]],
    ["without a port", "allowed.test", HOST],
    ["in absolute-form", "http://allowed.test:443/", ["Host", "allowed.test:443"]],
    ["with a body by length", "allowed.test:443", [...HOST, "Content-Length", "5"]],
    ["with a chunked body", "allowed.test:443", [...HOST, "Transfer-Encoding", "chunked"]],
    ["with Expect", "allowed.test:443", [...HOST, "Expect", "100-continue"]],
    ["with Upgrade", "allowed.test:443", [...HOST, "Upgrade", "h2c"]],
  ])("%s is refused", (_case, url, headers) => {
    expect(read(url, headers)).toMatchObject({ ok: false, code: "request_invalid", target: url });
  });

  it.each(["0.9", "1.0", "2.0"])("in HTTP/%s is refused", (version) => {
    expect(read("allowed.test:443", HOST, version)).toMatchObject({ ok: false, reason: "speak HTTP/1.1" });
  });

  it("to an address in disguise is refused as an address", () => {
    expect(read("0x7f000001:443", ["Host", "0x7f000001:443"])).toMatchObject({ code: "address_denied" });
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
    "/",
    "*",
    "allowed.test",
    "https://allowed.test/",
    "gopher://allowed.test:70/_x",
    "ftp://allowed.test/",
    "file:///etc/passwd",
    "http:/allowed.test/",
    "http:///allowed.test/",
    "http://",
    "http://evil.test\\@allowed.test/",
    "http://allowed.test/a\\b",
    "http://allowed.test/#fragment",
    "http://allowed.test/a b",
    "http://allowed.test/\u00e9",
    "http://user@allowed.test/",
    "http://allowed.test:/",
    "http://allowed.test:0/",
    "http://evil.test/",
  ])("%j is refused", (url) => {
    expect(read(url)).toMatchObject({ ok: false, code: "request_invalid" });
  });

  it.each([
    ["two Hosts", ["Host", "allowed.test", "host", "evil.test"]],
    ["no Host", []],
    ["a Host on another port", ["Host", "allowed.test:8080"]],
    ["length and coding", [...HOST, "Content-Length", "6", "Transfer-Encoding", "chunked"]],
    ["two lengths", [...HOST, "Content-Length", "6", "Content-Length", "6"]],
    ["a list of lengths", [...HOST, "Content-Length", "1, 1"]],
    ["a hexadecimal length", [...HOST, "Content-Length", "0x1"]],
    ["a signed length", [...HOST, "Content-Length", "+1"]],
    ["two codings", [...HOST, "Transfer-Encoding", "chunked", "Transfer-Encoding", "identity"]],
    ["a list of codings", [...HOST, "Transfer-Encoding", "gzip, chunked"]],
    ["an unknown coding", [...HOST, "Transfer-Encoding", "xchunked"]],
    ["Expect", [...HOST, "Expect", "100-continue"]],
    ["an upgrade to h2c", [...HOST, "Connection", "Upgrade", "Upgrade", "h2c"]],
    ["an upgrade to WebSocket", [...HOST, "Connection", "Upgrade", "Upgrade", "websocket"]],
    ["Connection that strips the length", [...HOST, "Connection", "close, Content-Length"]],
    ["Connection that strips the host", [...HOST, "Connection", "HOST"]],
  ])("with %s is refused", (_case, headers) => {
    expect(read("http://allowed.test/", headers, "POST")).toMatchObject({
      ok: false,
      code: "request_invalid",
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
