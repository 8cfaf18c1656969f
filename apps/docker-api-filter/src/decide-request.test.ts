import { describe, expect, test } from "vitest";
import { decideRequest, type RequestHead } from "./decide-request.ts";
import { DOZZLE_CALLS } from "./dozzle-calls.ts";

const id = "a".repeat(64);
const head = (target: string, rest: Partial<RequestHead> = {}): RequestHead => ({
  method: "GET",
  target,
  httpVersion: "1.1",
  headers: { host: "docker-api-filter:2375" },
  ...rest,
});

describe("what Dozzle asks is allowed", () => {
  test.each(DOZZLE_CALLS)("%s: %s %s", (_what, method, target) => {
    expect(decideRequest(head(target, { method })).outcome).toBe("allow");
  });
});

describe("everything else is refused", () => {
  test.each([
    ["/containers/create", { method: "POST" }],
    ["/containers/json", { method: "POST" }],
    ["/containers/json", { method: "HEAD" }],
    [`/containers/${id}/json`, { method: "DELETE" }],
    [`/containers/${id}/kill`, {}],
    [`/containers/${id}/archive?path=/etc/shadow`, {}],
    [`/containers/${id}/export`, {}],
    [`/containers/${id}/top`, {}],
    [`/containers/${id}/changes`, {}],
    [`/containers/${id}/attach/ws?stdin=1`, {}],
    [`/containers/${id}/logs/`, {}],
    [`/containers/${"a".repeat(11)}/json`, {}],
    [`/containers/${"a".repeat(65)}/json`, {}],
    ["/containers/my-name/json", {}],
    [`/containers/${id.toUpperCase()}/json`, {}],
    ["/images/json", {}],
    ["/networks", {}],
    ["/volumes", {}],
    ["/secrets", {}],
    ["/swarm", {}],
    ["/system/df", {}],
    ["/", {}],
    ["", {}],
    ["*", { method: "OPTIONS" }],
    ["//info", {}],
    ["/./info", {}],
    ["/info/../secrets", {}],
    ["/info%2f", {}],
    [`/containers/${id}%2fjson`, {}],
    ["/containers/%2e%2e/json", {}],
    ["/info#x", {}],
    ["/v1.39/info", {}],
    ["/v1.100/info", {}],
    ["/v2.41/info", {}],
    ["/v1.41/v1.41/info", {}],
    ["http://docker/info", {}],
    ["docker:2375", { method: "CONNECT" }],
    ["/info", { httpVersion: "1.0" }],
    ["/info", { headers: { connection: "Upgrade", upgrade: "tcp" } }],
    ["/info", { headers: { upgrade: "h2c" } }],
    ["/info", { headers: { connection: "upgrade" } }],
    ["/info", { headers: { connection: "keep-alive, upgrade" } }],
    ["/info", { headers: { "content-length": "1" } }],
    ["/info", { headers: { "transfer-encoding": "chunked" } }],
    ["/info", { headers: { expect: "100-continue" } }],
    ["/info?x=1", {}],
    ["/containers/json?all=1&all=0", {}],
    ["/containers/json?all=2", {}],
    ["/containers/json?size=1", {}],
    ["/containers/json?limit=1", {}],
    ["/containers/json?__proto__=1", {}],
    ["/containers/json?filters=%7B", {}],
    ["/containers/json?filters=%7B%22before%22%3A%5B%22x%22%5D%7D", {}],
    [`/containers/${id}/logs?since=yesterday`, {}],
    [`/containers/${id}/logs?tail=-1`, {}],
    [`/containers/${id}/logs?details=1`, {}],
    [`/containers/${id}/json?size=1`, {}],
    [`/containers/${id}/stats?stdin=1`, {}],
  ])("%s %o", (target, rest) => {
    expect(decideRequest(head(target, rest)).outcome).toBe("deny");
  });
});

test("the query is built anew from what was checked", () => {
  const verdict = decideRequest(head("/v1.41/containers/json?filters=%7B%22label%22:[%22a=b%22]}&all=1"));
  expect(verdict).toEqual({
    outcome: "allow",
    call: {
      kind: "list",
      method: "GET",
      version: "/v1.41",
      container: "",
      query: "?filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D&all=1",
    },
  });
});
