import { describe, expect, it } from "vitest";
import { readStdioRequest } from "./read-stdio-request.ts";

const GOOD = {
  method: "POST",
  url: "/v1/servers/files/stdio",
  headers: { upgrade: "claws-stdio", "x-claws-agent": "researcher", "content-length": "0" },
};

describe("a request for a stdio stream", () => {
  it("names a server and an agent", () => {
    expect(readStdioRequest(GOOD)).toEqual({ server: "files", agent: "researcher" });
  });

  const withHeaders = (headers: Record<string, string>) => ({
    ...GOOD,
    headers: { ...GOOD.headers, ...headers },
  });
  it.each([
    ["another method", { ...GOOD, method: "GET" }, "not_found"],
    ["another path", { ...GOOD, url: "/v1/servers/files/stdio/" }, "not_found"],
    ["a query", { ...GOOD, url: "/v1/servers/files/stdio?image=x" }, "not_found"],
    ["a path trick", { ...GOOD, url: "/v1/servers/..%2f..%2fcontainers/stdio" }, "not_found"],
    ["a name in upper case", { ...GOOD, url: "/v1/servers/Files/stdio" }, "not_found"],
    ["a name of 33 characters", { ...GOOD, url: `/v1/servers/${"a".repeat(33)}/stdio` }, "not_found"],
    ["another protocol", withHeaders({ upgrade: "websocket" }), "request_invalid"],
    ["a body", withHeaders({ "content-length": "2" }), "request_invalid"],
    ["a chunked body", withHeaders({ "transfer-encoding": "chunked" }), "request_invalid"],
    ["no agent", withHeaders({ "x-claws-agent": "" }), "request_invalid"],
    ["an agent that is not a name", withHeaders({ "x-claws-agent": "a,b" }), "request_invalid"],
  ])("is refused with %s", (_what, request, code) => {
    expect(() => readStdioRequest(request)).toThrow(code);
  });
});
