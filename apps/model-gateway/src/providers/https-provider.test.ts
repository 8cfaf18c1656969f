import { describe, expect, it } from "vitest";
import { readUpstreamUrl } from "./https-provider.ts";

describe("readUpstreamUrl", () => {
  it.each([
    ["https://api.example", "https://api.example/v1/messages"],
    ["https://api.example/", "https://api.example/v1/messages"],
    ["https://api.example/v1", "https://api.example/v1/messages"],
    ["https://api.example/v1/", "https://api.example/v1/messages"],
    ["https://host.example:8443/gateway/v1", "https://host.example:8443/gateway/v1/messages"],
    ["https://host.example/gateway", "https://host.example/gateway/v1/messages"],
    ["http://api.example", undefined],
    ["mock", undefined],
  ])("%s gives %s", (base, url) => expect(readUpstreamUrl(base, "/v1/messages")?.href).toBe(url));
});
