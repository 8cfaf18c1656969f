import type { EgressQuestion } from "@claws/contracts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openTlsTunnel, problemOf, sendRaw } from "./testing/raw-client.ts";
import { PUBLIC_ADDRESS, startFilter } from "./testing/start-filter.ts";
import { startTlsLikeOrigin } from "./testing/start-origin.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

interface Proof {
  readonly requireVerification: boolean;
  readonly verification: "pending" | "failed" | "passed";
}

async function start(
  answer: EgressQuestion["state"],
  { requireVerification, verification }: Proof = { requireVerification: false, verification: "passed" },
) {
  const origin = await startTlsLikeOrigin(PUBLIC_ADDRESS, (socket) => socket.pipe(socket));
  const filter = await startFilter({
    egress: {
      mode: "allowlist",
      rules: [{ action: "ask", host: "ask.test", port: origin.port, key: "egress.rules[0]" }],
      requireVerification,
    },
    names: { "ask.test": [PUBLIC_ADDRESS] },
    verification,
  });
  filter.neighbours.answer = answer;
  ending.push(filter.stop, origin.stop);
  const target = `ask.test:${origin.port}`;
  return {
    filter,
    origin,
    target,
    refused: () => sendRaw(filter.port, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`),
  };
}

describe("a destination that a rule asks about", () => {
  it.each(["once", "session", "always"] as const)("opens when a person says %s", async (answer) => {
    const { filter, target } = await start(answer);
    (await openTlsTunnel(filter.port, target)).destroy();
    expect(filter.neighbours.questions).toMatchObject([
      { caller: { kind: "agent", agent: "main" }, host: "ask.test", rule: "egress.rules[0]" },
    ]);
  });

  it.each([
    ["deny", "ask_denied"],
    ["expired", "ask_timeout"],
  ] as const)("stays closed on %s", async (answer, reason) => {
    const { filter, origin, refused } = await start(answer);
    expect(problemOf(await refused())).toMatchObject({ code: "egress_denied", reason });
    expect(filter.queries).toEqual([]);
    expect(origin.sockets).toHaveLength(0);
  });

  it("stays closed while nobody can be asked", async () => {
    const { filter, refused } = await start("once");
    await filter.neighbours.stop();
    expect(problemOf(await refused())).toMatchObject({
      code: "service_unavailable",
      reason: "dependency_down",
    });
  });
});

describe("before the stack has proved itself", { timeout: 20_000 }, () => {
  it.each(["pending", "failed"] as const)("nothing opens while verification is %s", async (state) => {
    const { filter, refused, target } = await start("once", {
      requireVerification: true,
      verification: state,
    });
    expect(problemOf(await refused())).toMatchObject({
      status: 503,
      code: "stack_unverified",
      reason: "unverified",
    });
    expect(filter.neighbours.questions).toHaveLength(0);
    expect(filter.queries).toEqual([]);
    filter.neighbours.verification = "passed";
    await vi.waitFor(async () => (await openTlsTunnel(filter.port, target)).destroy(), 10_000);
  });
});
