import { describe, expect, it } from "vitest";
import { judgeClientHello } from "./judge-client-hello.ts";

const NAMED = { host: "allowed.test" };
const IPV4 = { host: "10.1.2.3", literal: "10.1.2.3" };
const IPV6 = { host: "[2606:4700::1]", literal: "2606:4700::1" };

function judge(
  serverName: string | undefined,
  tunnel: Parameters<typeof judgeClientHello>[1],
  hasEch = false,
) {
  const verdict = judgeClientHello({ serverName, hasEch, alpn: [] }, tunnel);
  return verdict.ok ? "ok" : `${verdict.reason}: ${verdict.detail}`;
}

describe("the name in a handshake", () => {
  it.each([
    ["allowed.test", NAMED],
    [undefined, IPV4],
    [undefined, IPV6],
  ])("%s is the host of the tunnel", (serverName, tunnel) => {
    expect(judge(serverName, tunnel)).toBe("ok");
    expect(judge(serverName, tunnel, true)).toBe("ok");
  });

  it.each([
    ["evil.test", NAMED],
    ["x.allowed.test", NAMED],
    ["test", NAMED],
    ["allowed.tes", NAMED],
    ["allowed.test", IPV4],
    ["allowed.test", IPV6],
  ])("%s is another host", (serverName, tunnel) => {
    expect(judge(serverName, tunnel)).toMatch(/^sni_mismatch: the server_name is /);
    expect(judge(serverName, tunnel, true)).toMatch(/^sni_mismatch: the outer server_name /);
  });

  it("may not be missing where the tunnel leads to a name", () => {
    expect(judge(undefined, NAMED)).toMatch(/^sni_missing: .*send server_name allowed\.test$/);
  });
});
