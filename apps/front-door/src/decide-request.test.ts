import { describe, expect, test } from "vitest";
import { decideRequest } from "./decide-request.ts";

const HOSTS = ["127.0.0.1", "localhost", "[::1]"];

function decide(method: string, headers: Record<string, string>, url = "/") {
  const rawHeaders = Object.entries(headers).flat();
  return decideRequest({ method, url, headers, rawHeaders }, HOSTS);
}

describe("the Host header must be a name of ours", () => {
  test.each([
    ["127.0.0.1", true],
    ["127.0.0.1:8082", true],
    ["LOCALHOST:1", true],
    ["[::1]:8082", true],
    ["127.0.0.2:8082", false],
    ["127.0.0.1.evil.example:8082", false],
    ["localhost.", false],
    ["evil.example", false],
    ["user@localhost", false],
    ["localhost:8082:1", false],
    ["localhost/", false],
    ["localhost,evil.example", false],
    ["", false],
  ])("%j: %s", (host, allowed) => {
    expect(decide("GET", { host }).outcome === "allow").toBe(allowed);
  });

  test("and be given once", () => {
    const rawHeaders = ["Host", "localhost", "host", "evil.example"];
    const head = { method: "GET", url: "/", headers: { host: "localhost" }, rawHeaders };
    expect(decideRequest(head, HOSTS)).toMatchObject({ outcome: "deny", code: "cross_site" });
  });
});

describe("a change must come from our own page, or from no page", () => {
  const host = "127.0.0.1:8082";
  test.each<[string, Record<string, string>, boolean]>([
    ["no browser", {}, true],
    ["own page", { origin: "http://127.0.0.1:8082", "sec-fetch-site": "same-origin" }, true],
    ["address bar", { "sec-fetch-site": "none" }, true],
    ["logs page", { origin: "http://127.0.0.1:8081", "sec-fetch-site": "same-site" }, false],
    ["logs page, old browser", { origin: "http://127.0.0.1:8081" }, false],
    ["other name of this machine", { origin: "http://localhost:8082" }, false],
    ["same host, default port", { origin: "http://127.0.0.1" }, false],
    ["another site", { origin: "https://evil.example", "sec-fetch-site": "cross-site" }, false],
    ["another site, no Origin", { "sec-fetch-site": "cross-site" }, false],
    ["sandboxed frame", { origin: "null" }, false],
    ["Origin with a path", { origin: "http://127.0.0.1:8082/x" }, false],
    ["Origin of another kind", { origin: "ftp://127.0.0.1:8082" }, false],
    ["empty Origin", { origin: "" }, false],
  ])("%s: %o: %s", (_who, headers, allowed) => {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      expect(decide(method, { host, ...headers }).outcome === "allow").toBe(allowed);
    }
    expect(decide("GET", { host, ...headers }).outcome).toBe("allow");
  });
});

describe("the form of a request", () => {
  const host = "localhost";
  test.each([
    ["GET", "/a/b?c=http://x", {}, true],
    ["GET", "http://localhost/", {}, false],
    ["GET", "//evil.example/", {}, false],
    ["GET", "/\\evil.example/", {}, false],
    ["OPTIONS", "*", {}, false],
    ["OPTIONS", "/", {}, false],
    ["TRACE", "/", {}, false],
    ["GET", "/", { upgrade: "websocket" }, false],
    ["GET", "/", { connection: "keep-alive, Upgrade" }, false],
    ["GET", "/", { connection: "keep-alive" }, true],
  ])("%s %s %o: %s", (method, url, headers, allowed) => {
    expect(decide(method, { host, ...headers }, url).outcome === "allow").toBe(allowed);
  });
});
