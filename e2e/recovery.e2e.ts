import { describe, expect, it } from "vitest";
import * as z from "zod";
import { callTool } from "./agent.ts";
import { e2e, eventually } from "./deployment.ts";
import { logIn } from "./operator.ts";
import { run } from "./run-program.ts";

const works = () => callTool("fs__list_directory", { path: "/workspace" });
const Approvals = z.object({
  approvals: z.array(z.looseObject({ id: z.string(), digest: z.string(), state: z.string() })),
});

/** Kills with SIGKILL from outside, as a crash would; the engine's restart policy applies as for a crash. */
async function crash(service: string): Promise<void> {
  const { stdout } = await run("docker", [
    "inspect",
    "--format",
    "{{.State.Pid}}",
    await e2e.containerOf(service),
  ]);
  process.kill(Number(stdout.trim()), "SIGKILL");
}

describe("a container that dies while the stack runs", () => {
  it.each(["rate-limiter", "dlp-scanner", "auditor", "launcher", "redis"])(
    "%s: calls meanwhile are refused with a reason, and it comes back by itself",
    async (service) => {
      await eventually(works, ({ status }) => status === 200);
      // Stopped, so that the moment in between is long enough to be looked at.
      await run("docker", ["stop", "--time", "0", await e2e.containerOf(service)]);
      const refused = await callTool("mail__send_email", {
        to: "a@allowed.example",
        subject: service,
        body: "not sent",
      });
      expect(refused.status).toBe(503);
      expect(refused.body["code"]).toBe("service_unavailable");
      expect(refused.body["service"]).toBeTypeOf("string");
      expect(String(refused.body["detail"]).length).toBeGreaterThan(10);
      await run("docker", ["start", await e2e.containerOf(service)]);
      await eventually(works, ({ status }) => status === 200);
    },
  );

  it.each(["broker", "model-gateway", "egress-filter", "approval-gateway", "auditor"])(
    "%s is started again after a crash",
    async (service) => {
      const before = await e2e.containerOf(service);
      const count = async () =>
        Number((await run("docker", ["inspect", "--format", "{{.RestartCount}}", before])).stdout.trim());
      const restarts = await count();
      await crash(service);
      await eventually(count, (now) => now > restarts);
      await eventually(
        async () =>
          (await run("docker", ["inspect", "--format", "{{.State.Health.Status}}", before])).stdout.trim(),
        (health) => health === "healthy",
      );
      await eventually(works, ({ status }) => status === 200);
    },
  );

  it("loses no approval when Redis and the approval-gateway die while it waits", async () => {
    const mail = { to: "a@allowed.example", subject: "survives", body: "once" };
    const waiting = callTool("mail__send_email", mail);
    const operator = await logIn(e2e);
    const open = async () =>
      Approvals.parse(await (await operator.get("/api/approvals?state=open")).json()).approvals;
    const [approval] = await eventually(open, (approvals) =>
      approvals.some(({ state }) => state === "pending"),
    );
    await crash("redis");
    await crash("approval-gateway");
    await waiting;
    const later = await eventually(
      () => open().catch(() => []),
      (approvals) => approvals.some(({ id }) => id === approval?.id),
    );
    expect(later.find(({ id }) => id === approval?.id)?.state).toBe("pending");

    const { body: before } = await callTool("mail__count_outbox", {});
    const decided = await operator.post(`/api/approvals/${approval?.id}/decision`, {
      decision: "approve",
      digest: approval?.digest,
    });
    expect(decided.status).toBe(200);
    const resumed = await eventually(
      () => callTool("mail__send_email", mail),
      ({ status }) => status !== 503,
    );
    expect(resumed.status).toBe(200);
    const { body: after } = await callTool("mail__count_outbox", {});
    expect(sentOf(after)).toBe(sentOf(before) + 1);
  });

  it("keeps the audit chain whole through all of this", async () => {
    const { code, stdout } = await e2e.claws(["audit", "verify"]);
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/\d+ records, chain intact/);
  });
});

function sentOf(body: Record<string, unknown>): number {
  return z.object({ sent: z.number() }).parse(body["structuredContent"]).sent;
}
