import { once } from "node:events";
import type { EgressRule } from "@claws/contracts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { buildClientHello } from "./client-hello/testing/build-client-hello.ts";
import { HELLO_ANSWER, openTlsTunnel, problemOf, readToEnd, sendRaw } from "./testing/raw-client.ts";
import {
  type FilterParts,
  PRIVATE_ADDRESS,
  PUBLIC_ADDRESS,
  type RunningFilter,
  SESSION,
  startFilter,
} from "./testing/start-filter.ts";
import { startOrigin, startTlsLikeOrigin } from "./testing/start-origin.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function start(parts: FilterParts): Promise<RunningFilter> {
  const filter = await startFilter(parts);
  ending.push(filter.stop);
  return filter;
}

async function startEcho(address = PUBLIC_ADDRESS) {
  const origin = await startTlsLikeOrigin(address, (socket) => socket.pipe(socket));
  ending.push(origin.stop);
  return origin;
}

function allow(host: string, port: number, more: Partial<EgressRule> = {}): FilterParts["egress"] {
  return { mode: "allowlist", rules: [{ action: "allow", host, port, key: "egress.rules[0]", ...more }] };
}

const HELLO_BYTES = buildClientHello({ serverNames: ["allowed.test"] }).length;

function connectTo(target: string): string {
  return `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`;
}

describe("a tunnel", () => {
  it("to an allowed host carries bytes both ways", async () => {
    const origin = await startEcho();
    const filter = await start({
      egress: allow("allowed.test", origin.port),
      names: { "allowed.test": [PUBLIC_ADDRESS] },
    });
    const tunnel = await openTlsTunnel(filter.port, `allowed.test:${origin.port}`);
    tunnel.end("hello");
    expect(await readToEnd(tunnel)).toBe("hello");

    await vi.waitFor(() => expect(filter.logged("egress closed")).toHaveLength(1));
    expect(filter.logged("egress closed")[0]).toMatchObject({
      host: "allowed.test",
      port: origin.port,
      method: "CONNECT",
      reason: "allowed",
      bytesUp: HELLO_BYTES + 5,
      bytesDown: HELLO_ANSWER.length + 5,
    });
  });

  it("is recorded with rule and address before it opens, and logged when it ends", async () => {
    const origin = await startEcho();
    const filter = await start({
      egress: allow("allowed.test", origin.port),
      names: { "allowed.test": [PUBLIC_ADDRESS] },
    });
    const tunnel = await openTlsTunnel(filter.port, `ALLOWED.test.:${origin.port}`);
    tunnel.destroy();
    const rule = `allow allowed.test:${origin.port}`;
    expect(await filter.decisions(1)).toEqual([
      {
        event: "egress.decided",
        outcome: "allow",
        agent: "main",
        session: SESSION,
        subject: `allowed.test:${origin.port}`,
        rule,
        at: expect.any(String),
        detail: {
          connection: expect.any(String),
          method: "CONNECT",
          reason: "allowed",
          door: "agents",
          caller: "agent:main",
          address: PUBLIC_ADDRESS,
        },
      },
    ]);
    await vi.waitFor(() => expect(filter.logged("egress closed")).toHaveLength(1));
    expect(filter.logged("egress decided")).toHaveLength(0);
    expect(filter.logged("egress closed")[0]).toMatchObject({
      decision: "done",
      host: "allowed.test",
      port: origin.port,
      method: "CONNECT",
      reason: "allowed",
      caller: "agent:main",
      rule,
      address: PUBLIC_ADDRESS,
    });
    expect(await filter.metrics.getSingleMetricAsString("egress_decisions_total")).toContain(
      'egress_decisions_total{door="agents",decision="allow",reason="allowed",service="egress-filter"} 1',
    );
  });

  it("lets one side end first and the other finish", async () => {
    const origin = await startTlsLikeOrigin(PUBLIC_ADDRESS, (socket) => {
      socket.resume().on("end", () => socket.end("said after the client had ended"));
    });
    ending.push(origin.stop);
    const filter = await start({
      egress: allow("allowed.test", origin.port),
      names: { "allowed.test": [PUBLIC_ADDRESS] },
    });
    const tunnel = await openTlsTunnel(filter.port, `allowed.test:${origin.port}`);
    tunnel.end("request");
    expect(await readToEnd(tunnel)).toBe("said after the client had ended");
  });

  it.each([
    ["reset", "resetAndDestroy"],
    ["closed", "destroy"],
  ] as const)("that the client has %s is closed on the other side", async (_case, method) => {
    const origin = await startTlsLikeOrigin(PUBLIC_ADDRESS, (socket) => {
      socket.resume().on("end", () => socket.end());
    });
    ending.push(origin.stop);
    const filter = await start({
      egress: allow("allowed.test", origin.port),
      names: { "allowed.test": [PUBLIC_ADDRESS] },
    });
    const tunnel = await openTlsTunnel(filter.port, `allowed.test:${origin.port}`);
    const [upstream] = origin.sockets;
    if (!upstream) throw new Error("the origin was reached");
    const closed = once(upstream, "close");
    tunnel[method]();
    await closed;
    await vi.waitFor(() => expect(filter.logged("egress closed")).toHaveLength(1));
  });

  it("that is silent for the idle time is closed", async () => {
    const origin = await startEcho();
    const filter = await start({
      egress: { ...allow("allowed.test", origin.port), quotas: { idleSeconds: 1 } },
      names: { "allowed.test": [PUBLIC_ADDRESS] },
    });
    const tunnel = await openTlsTunnel(filter.port, `allowed.test:${origin.port}`);
    await readToEnd(tunnel).catch(() => "");
    await vi.waitFor(() => expect(filter.logged("egress closed")[0]).toMatchObject({ reason: "idle" }));
  });

  it("that lasts for longer than one may is closed, however busy it is", async () => {
    const origin = await startEcho();
    const filter = await start({
      egress: { ...allow("allowed.test", origin.port), quotas: { totalSeconds: 1 } },
      names: { "allowed.test": [PUBLIC_ADDRESS] },
    });
    const tunnel = await openTlsTunnel(filter.port, `allowed.test:${origin.port}`);
    const beat = setInterval(() => tunnel.write("."), 50);
    tunnel.on("error", () => tunnel.destroy());
    await readToEnd(tunnel).catch(() => "");
    clearInterval(beat);
    await vi.waitFor(() => expect(filter.logged("egress closed")[0]).toMatchObject({ reason: "total_time" }));
  });

  it("ends at once when the filter stops, while a plain request is still answered", async () => {
    const echo = await startEcho();
    const answerLater = Promise.withResolvers<void>();
    const slow = await startOrigin(PUBLIC_ADDRESS, (socket) => {
      void answerLater.promise.then(() => socket.end("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"));
    });
    ending.push(slow.stop);
    const rules = [echo, slow].map(({ port }, index) => ({
      action: "allow" as const,
      host: "allowed.test",
      port,
      key: `egress.rules[${index}]`,
    }));
    const filter = await start({
      egress: { mode: "allowlist", rules },
      names: { "allowed.test": [PUBLIC_ADDRESS] },
    });
    const tunnel = await openTlsTunnel(filter.port, `allowed.test:${echo.port}`);
    const url = `http://allowed.test:${slow.port}/`;
    const answer = sendRaw(
      filter.port,
      `GET ${url} HTTP/1.1\r\nHost: allowed.test:${slow.port}\r\nConnection: close\r\n\r\n`,
    );
    await filter.decisions(2);

    filter.service.drain?.();
    expect(await readToEnd(tunnel).catch(() => "")).toBe("");
    answerLater.resolve();
    expect((await answer).status).toBe(204);
  });

  it("beyond the limit is refused, and there is room again when one has ended", async () => {
    const origin = await startEcho();
    const filter = await start({
      egress: { ...allow("allowed.test", origin.port), quotas: { connections: 1 } },
      names: { "allowed.test": [PUBLIC_ADDRESS] },
    });
    const target = `allowed.test:${origin.port}`;
    const first = await openTlsTunnel(filter.port, target);
    const refused = await sendRaw(filter.port, connectTo(target));
    expect(refused.status).toBe(429);
    expect(problemOf(refused).detail).toContain("all 1 connections");
    first.destroy();
    await vi.waitFor(async () => (await openTlsTunnel(filter.port, target)).destroy());
  });
});

describe("a refused tunnel", () => {
  it("to a name that no rule allows is never resolved, and says what to change", async () => {
    const filter = await start({ egress: allow("allowed.test", 443) });
    const answer = await sendRaw(filter.port, connectTo("payload.evil.test:443"));
    expect(answer.head).toContain("Content-Type: application/problem+json");
    expect(answer.head).toContain("Connection: close");
    expect(problemOf(answer)).toMatchObject({
      status: 403,
      code: "egress_denied",
      reason: "not_allowed",
      next_steps: [expect.stringContaining("egress.rules")],
      service: "egress-filter",
      key: "egress.rules",
      detail: expect.stringContaining(
        "add a rule under egress.rules in the profile for payload.evil.test:443",
      ),
    });
    expect(filter.queries).toEqual([]);
    expect(await filter.decisions(1)).toEqual([
      expect.objectContaining({ outcome: "deny", code: "egress_denied", subject: "payload.evil.test:443" }),
    ]);
    expect(filter.logged("egress decided")[0]).toMatchObject({ decision: "deny", rule: null, address: null });
  });

  it("by a deny rule names the rule", async () => {
    const rule = { action: "deny", host: "evil.test", port: 443, key: "egress.rules[0]" } as const;
    const filter = await start({ egress: { mode: "public", rules: [rule] } });
    expect(problemOf(await sendRaw(filter.port, connectTo("evil.test.:443")))).toMatchObject({
      rule: "deny evil.test:443",
      key: "egress.rules[0]",
    });
    expect(filter.queries).toEqual([]);
  });

  it("to a name with one private address among public ones reaches none of them", async () => {
    const origin = await startEcho();
    const filter = await start({
      egress: allow("mixed.test", origin.port),
      names: { "mixed.test": [PUBLIC_ADDRESS, PRIVATE_ADDRESS] },
    });
    const answer = await sendRaw(filter.port, connectTo(`mixed.test:${origin.port}`));
    expect(problemOf(answer)).toMatchObject({ status: 403, code: "address_denied" });
    expect(problemOf(answer).detail).toContain("addresses of egress.rules[0]");
    expect(answer.body).not.toContain(PRIVATE_ADDRESS);
    expect((await filter.decisions(1))[0]).toMatchObject({
      outcome: "deny",
      detail: { address: PRIVATE_ADDRESS },
    });
    expect(origin.sockets).toHaveLength(0);
  });

  it.each([
    ["127.0.0.1", "loopback"],
    ["169.254.169.254", "metadata"],
    ["::ffff:169.254.169.254", "metadata"],
    ["0.0.0.0", "unspecified"],
  ])("to a name at %s stays refused although the rule grants everything", async (address, kind) => {
    const filter = await start({
      egress: allow("inside.test", 443, { addresses: ["0.0.0.0/0", "::/0"] }),
      names: { "inside.test": [address] },
    });
    expect(problemOf(await sendRaw(filter.port, connectTo("inside.test:443")))).toMatchObject({
      code: "address_denied",
      detail: `inside.test:443 is refused, the address is ${kind}: no rule can open that`,
    });
  });

  it("to a private address opens when the rule grants its range", async () => {
    const origin = await startEcho(PRIVATE_ADDRESS);
    const filter = await start({
      egress: allow("lan.test", origin.port, { addresses: [`${PRIVATE_ADDRESS}/32`] }),
      names: { "lan.test": [PRIVATE_ADDRESS] },
    });
    const tunnel = await openTlsTunnel(filter.port, `lan.test:${origin.port}`);
    tunnel.end("hello");
    expect(await readToEnd(tunnel)).toBe("hello");
  });

  it.each([
    ["[::1]:443", "address_denied"],
    ["127.0.0.1:443", "address_denied"],
    ["169.254.169.254:80", "address_denied"],
    ["10.0.0.1:443", "address_denied"],
    ["2130706433:443", "address_denied"],
    ["redis:443", "egress_denied"],
    ["anything.test:22", "egress_denied"],
  ])("to %s is refused in public mode without a query: %s", async (target, code) => {
    const filter = await start({ egress: { mode: "public", rules: [] } });
    expect(problemOf(await sendRaw(filter.port, connectTo(target))).code).toBe(code);
    expect(filter.queries).toEqual([]);
  });

  it("to an address needs a rule with that very address", async () => {
    const origin = await startEcho();
    const filter = await start({ egress: allow(PUBLIC_ADDRESS, origin.port) });
    (await openTlsTunnel(filter.port, `${PUBLIC_ADDRESS}:${origin.port}`)).destroy();
    const other = await sendRaw(filter.port, connectTo(`${PRIVATE_ADDRESS}:${origin.port}`));
    expect(problemOf(other)).toMatchObject({ code: "address_denied", reason: "ip_literal_denied" });
    expect(filter.queries).toEqual([]);
  });

  it("to a name without an address, or a port where nobody listens, says so", async () => {
    const origin = await startEcho();
    const { port } = origin;
    await ending.pop()?.();
    const filter = await start({
      egress: allow("**.test", port),
      names: { "closed.a.test": [PUBLIC_ADDRESS] },
    });
    expect(problemOf(await sendRaw(filter.port, connectTo(`gone.a.test:${port}`)))).toMatchObject({
      status: 502,
      code: "destination_unreachable",
      detail: expect.stringContaining("ENOTFOUND"),
    });
    expect(problemOf(await sendRaw(filter.port, connectTo(`closed.a.test:${port}`)))).toMatchObject({
      code: "destination_unreachable",
      detail: expect.stringContaining("ECONNREFUSED"),
    });
  });

  it("stays closed while the auditor is down, and the filter is not ready", { timeout: 30_000 }, async () => {
    const origin = await startEcho();
    const filter = await start({
      egress: allow("allowed.test", origin.port),
      names: { "allowed.test": [PUBLIC_ADDRESS] },
    });
    const target = `allowed.test:${origin.port}`;
    expect(await filter.service.readiness["audit"]?.()).toBe(true);
    filter.neighbours.isAuditorAway = true;
    // Records are kept here for a moment; the door closes when the auditor does not come to take them.
    (await openTlsTunnel(filter.port, target)).destroy();
    await vi.waitFor(async () => expect(await filter.service.readiness["audit"]?.()).toBe(false), 20_000);
    const opened = origin.sockets.length;
    expect(problemOf(await sendRaw(filter.port, connectTo(target)))).toMatchObject({
      status: 503,
      code: "service_unavailable",
      reason: "unrecorded",
    });
    expect(origin.sockets).toHaveLength(opened);
    expect(filter.logged("egress decided").at(-1)).toMatchObject({ decision: "failed", recorded: false });
  });
});

describe("a name", () => {
  it("is resolved once per tunnel, and the next address is tried without asking again", async () => {
    const origin = await startEcho();
    const filter = await start({
      egress: allow("allowed.test", origin.port, { addresses: [`${PRIVATE_ADDRESS}/32`] }),
      // Nobody listens on the first address.
      names: { "allowed.test": [PRIVATE_ADDRESS, PUBLIC_ADDRESS] },
    });
    const tunnel = await openTlsTunnel(filter.port, `allowed.test:${origin.port}`);
    tunnel.destroy();
    await vi.waitFor(() =>
      expect(filter.logged("egress closed")[0]).toMatchObject({ address: PUBLIC_ADDRESS }),
    );
    expect(filter.queries).toEqual(["allowed.test"]);
  });

  it("that changes its address between two tunnels is judged anew", async () => {
    const origin = await startEcho();
    const names: Record<string, readonly string[]> = { "rebind.test": [PUBLIC_ADDRESS] };
    const filter = await start({ egress: allow("rebind.test", origin.port), names });
    (await openTlsTunnel(filter.port, `rebind.test:${origin.port}`)).destroy();
    names["rebind.test"] = ["127.0.0.1"];
    const answer = await sendRaw(filter.port, connectTo(`rebind.test:${origin.port}`));
    expect(problemOf(answer).code).toBe("address_denied");
    expect(filter.queries).toHaveLength(2);
  });
});
