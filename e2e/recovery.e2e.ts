import { readFileSync } from "node:fs";
import { join } from "node:path";
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

/** The agent's own way out, as its programs take it. */
async function goOut(path = "/"): Promise<{ status: number } & Partial<z.infer<typeof Refusal>>> {
  const { stdout } = await e2e.exec("agent", [
    "curl",
    "-sS",
    "--max-time",
    "15",
    "-w",
    "\\n%{http_code}",
    `http://allowed.example${path}`,
  ]);
  const end = stdout.lastIndexOf("\n");
  const status = Number(stdout.slice(end + 1));
  return status === 200 || status === 0
    ? { status }
    : { status, ...Refusal.parse(JSON.parse(stdout.slice(0, end))) };
}
const Refusal = z.object({ reason: z.string().optional(), service: z.string() });
const isOut = ({ status }: { status: number }) => status === 200;

/** The MCP server's, on its own network. */
const serverGoesOut = () => callTool("web__fetch", { url: "http://server.example/" });
const isServerOut = ({ status, body }: Awaited<ReturnType<typeof serverGoesOut>>) =>
  status === 200 && (body["structuredContent"] as { status?: number } | undefined)?.status === 200;

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

  it("egress-filter: nothing goes out meanwhile, and agent and server find their way again", async () => {
    await eventually(goOut, isOut);
    await eventually(serverGoesOut, isServerOut);
    const filter = await e2e.containerOf("egress-filter");
    await run("docker", ["stop", "--time", "5", filter]);
    try {
      expect(await goOut()).toEqual({ status: 503, service: "agent-door" });
      const fromServer = await serverGoesOut();
      expect(isServerOut(fromServer), JSON.stringify(fromServer.body)).toBe(false);
      const resolved = await e2e.exec("agent", ["getent", "hosts", "allowed.example"]);
      expect(resolved.code).not.toBe(0);
    } finally {
      await run("docker", ["start", filter]);
    }
    await eventually(goOut, isOut);
    await eventually(serverGoesOut, isServerOut);
    expect((await e2e.exec("agent", ["getent", "hosts", "allowed.example"])).code).toBe(0);
  });

  it("auditor: the agent's way out closes once a record has waited for too long, and no record is lost", async () => {
    await eventually(goOut, isOut);
    const auditor = await e2e.containerOf("auditor");
    await run("docker", ["stop", "--time", "5", auditor]);
    const path = `/while-away-${Date.now()}`;
    // The first ones are written ahead; after five seconds the oldest has waited for too long.
    let written = 0;
    let before = 0;
    try {
      const refused = await eventually(
        async () => {
          const answer = await goOut(path);
          if (isOut(answer)) written++;
          return answer;
        },
        (answer) => !isOut(answer),
        20_000,
      );
      expect(refused).toEqual({ status: 503, reason: "unrecorded", service: "egress-filter" });
      expect(written).toBeGreaterThan(0);
      before = await countDecided();
    } finally {
      await run("docker", ["start", auditor]);
    }
    await eventually(goOut, isOut);
    await eventually(countDecided, (count) => count >= before + written);
  });

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

/** Read from the log itself: the auditor may be away. */
async function countDecided(): Promise<number> {
  const volume = ["volume", "inspect", "--format", "{{.Mountpoint}}", `${e2e.project}_audit`];
  const { stdout } = await run("docker", volume);
  return readFileSync(join(stdout.trim(), "audit.jsonl"), "utf8")
    .split("\n")
    .filter(
      (line) => line.includes('"event":"egress.decided"') && line.includes('"subject":"allowed.example:80"'),
    ).length;
}
