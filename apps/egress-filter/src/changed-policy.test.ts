import { writeFileSync } from "node:fs";
import type { EgressRule } from "@claws/contracts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openTlsTunnel, problemOf, readToEnd, sendRaw } from "./testing/raw-client.ts";
import { PUBLIC_ADDRESS, startFilter } from "./testing/start-filter.ts";
import { startTlsLikeOrigin } from "./testing/start-origin.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function startBoth() {
  const origin = await startTlsLikeOrigin(PUBLIC_ADDRESS, (socket) => socket.pipe(socket));
  const allow = (...hosts: string[]) => ({
    egress: {
      mode: "allowlist" as const,
      rules: hosts.map((host, index) => ({
        action: "allow" as const,
        host,
        port: origin.port,
        key: `egress.rules[${index}]`,
      })),
    },
  });
  const names = { "one.test": [PUBLIC_ADDRESS], "two.test": [PUBLIC_ADDRESS] };
  const filter = await startFilter({ ...allow("one.test", "two.test"), names });
  ending.push(filter.stop, origin.stop);
  const target = (host: string) => `${host}:${origin.port}`;
  const ask = (host: string) =>
    sendRaw(filter.port, `CONNECT ${target(host)} HTTP/1.1\r\nHost: ${target(host)}\r\n\r\n`);
  return { origin, filter, allow, target, ask };
}

describe("a changed policy", { timeout: 20_000 }, () => {
  it("holds without a restart: what it forbids is closed, the rest goes on", async () => {
    const { filter, allow, target, ask } = await startBoth();
    const [one, two] = [
      await openTlsTunnel(filter.port, target("one.test")),
      await openTlsTunnel(filter.port, target("two.test")),
    ];
    filter.changePolicy(allow("two.test"));
    await readToEnd(one).catch(() => "");
    await vi.waitFor(() =>
      expect(filter.logged("egress closed")).toMatchObject([{ host: "one.test", reason: "policy_changed" }]),
    );
    expect(problemOf(await ask("one.test"))).toMatchObject({ reason: "not_allowed" });
    two.end("still here");
    expect(await readToEnd(two)).toBe("still here");
  });

  it("that cannot be read changes nothing", async () => {
    const { filter, target } = await startBoth();
    const tunnel = await openTlsTunnel(filter.port, target("one.test"));
    writeFileSync(filter.policyFile, '{"version": 1}');
    await vi.waitFor(
      () =>
        expect(filter.logged("the changed policy cannot be used: the last good one stays")).toHaveLength(1),
      5_000,
    );
    tunnel.end("still here");
    expect(await readToEnd(tunnel)).toBe("still here");
    (await openTlsTunnel(filter.port, target("two.test"))).destroy();
  });
});

describe("what a person has allowed for good", { timeout: 20_000 }, () => {
  const entry = (allow: string, caller = "agent:main") => ({
    allow,
    caller,
    by: "op",
    at: "2026-01-01T00:00:00.000Z",
  });

  const asking = (host: string, port: number, more: Partial<EgressRule> = {}) => ({
    egress: {
      mode: "allowlist" as const,
      rules: [{ action: "ask" as const, host, port, key: "egress.rules[0]", ...more }],
    },
  });

  it("opens from then on, for whom it was said and where a rule asks", async () => {
    const { filter, origin, target, ask } = await startBoth();
    filter.changePolicy(asking("**.test", origin.port));
    await vi.waitFor(() => expect(filter.logged("policy read again")).toHaveLength(1), 5_000);
    const rules = [entry(target("one.test")), entry("*.bad:1x"), entry(target("two.test"), "agent:other")];
    writeFileSync(filter.overlayFile, JSON.stringify({ version: 1, rules }));
    await vi.waitFor(
      () => expect(filter.logged("policy read again").at(-1)).toMatchObject({ overlay: 3 }),
      5_000,
    );
    expect(problemOf(await ask("two.test")).reason).toBe("ask_timeout");
    (await openTlsTunnel(filter.port, target("one.test"))).destroy();
    filter.changePolicy(asking("else.test", origin.port));
    await vi.waitFor(async () => expect(problemOf(await ask("one.test")).reason).toBe("not_allowed"), 5_000);
  });

  it("keeps every condition of the rule that asked", async () => {
    const { filter, origin, target, ask } = await startBoth();
    filter.changePolicy(asking("one.test", origin.port, { paths: ["/only/"], methods: ["GET"] }));
    writeFileSync(filter.overlayFile, JSON.stringify({ version: 1, rules: [entry(target("one.test"))] }));
    const get = (path: string) =>
      sendRaw(
        filter.port,
        `GET http://${target("one.test")}${path} HTTP/1.1\r\nHost: ${target("one.test")}\r\nConnection: close\r\n\r\n`,
      );
    await vi.waitFor(async () => expect(problemOf(await get("/other")).reason).toBe("path_denied"), 5_000);
    expect((await ask("two.test")).status).toBe(403);
  });

  it("never opens what a deny rule closes", async () => {
    const { filter, origin, target, ask } = await startBoth();
    const deny = { action: "deny", host: "one.test", port: origin.port, key: "egress.rules[1]" } as const;
    const { mode, rules } = asking("one.test", origin.port).egress;
    writeFileSync(filter.overlayFile, JSON.stringify({ version: 1, rules: [entry(target("one.test"))] }));
    filter.changePolicy({ egress: { mode, rules: [...rules, deny] } });
    await vi.waitFor(async () => expect(problemOf(await ask("one.test")).reason).toBe("deny_rule"), 5_000);
  });
});
