import { createProblem, MicroUsd, ToolName } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CallAudit } from "./call-audit.ts";
import type { Gate, Verdict } from "./gate.ts";
import { createPipeline, type Gates, type PipelineSteps } from "./pipeline.ts";
import { createFakeMcpServer, declare } from "./testing/fake-mcp-server.ts";
import { DOWN, refuse } from "./testing/fake-service.ts";
import { prepareTestCall } from "./testing/prepare-test-call.ts";
import { startPipeline } from "./testing/start-pipeline.ts";
import { MAIN } from "./testing/test-policy.ts";

describe("the gates of a call", () => {
  const problem = createProblem("internal", { service: "broker", detail: "a test says so" });

  /** Gates that write down that they were asked; `verdicts` are those that do not simply allow. */
  function startGates(verdicts: Partial<Record<keyof Gates, Verdict>> = {}, isHeld = false) {
    const asked: string[] = [];
    const gate = (name: keyof Gates): Gate => ({
      name,
      decide() {
        asked.push(name);
        return verdicts[name] ?? { verdict: "allow" };
      },
    });
    const audit: CallAudit = {
      recordDecision: async () => undefined,
      recordRefusal: async () => undefined,
      recordHold: async () => undefined,
      recordOutcome: async () => undefined,
    };
    const steps: PipelineSteps = {
      prepare: async ({ arguments: values }) => ({
        prepared: prepareTestCall({ values: { ...values } }),
        connection: {} as never,
      }),
      findHeld: async () => (isHeld ? { reservation: "r1" } : undefined),
      gates: {
        auditBeforeAct: gate("auditBeforeAct"),
        approve: gate("approve"),
        admit: gate("admit"),
        guardrails: gate("guardrails"),
        arguments: gate("arguments"),
        scope: gate("scope"),
      },
      async execute() {
        asked.push("execute");
        return { kind: "answered", result: { content: [], failed: false } };
      },
      checkResult: async (_prepared, result) => ({ kind: "result", result }),
      settle: { reservation: async () => undefined, approval: async () => undefined },
      audit,
    };
    const request = {
      identity: MAIN,
      tool: ToolName.parse("mail__send"),
      arguments: {},
      signal: new AbortController().signal,
    };
    return { asked, run: () => createPipeline(steps)(request), steps, request };
  }

  const IN_ORDER = ["scope", "arguments", "guardrails", "admit", "approve", "auditBeforeAct"] as const;

  it("are asked in the order of the specification, and then it runs", async () => {
    const { asked, run } = startGates();
    await run();
    expect(asked).toEqual([...IN_ORDER, "execute"]);
  });

  it("leave counting and scanning out for a call that a person already has before them", async () => {
    const { asked, run } = startGates({}, true);
    await run();
    expect(asked).toEqual(["scope", "arguments", "approve", "auditBeforeAct", "execute"]);
  });

  it.each(IN_ORDER)("are not asked any further, and nothing runs, once %s denies", async (name) => {
    const { asked, run } = startGates({ [name]: { verdict: "deny", problem } });
    expect(await run()).toEqual({ kind: "refused", problem });
    expect(asked).toEqual(IN_ORDER.slice(0, IN_ORDER.indexOf(name) + 1));
  });

  it("refuse with the problem that one of them throws, and let surprises through as such", async () => {
    const { steps, request } = startGates();
    const throwing = (error: Error) => {
      const prepare = async () => {
        throw error;
      };
      return createPipeline({ ...steps, prepare })(request);
    };
    expect(await throwing(new ProblemError(problem))).toEqual({ kind: "refused", problem });
    await expect(throwing(new Error("a surprise"))).rejects.toThrow("a surprise");
  });
});

describe("one call", () => {
  let pipeline: ReturnType<typeof startPipeline>;
  beforeEach(() => {
    pipeline = startPipeline();
  });
  afterEach(() => pipeline.close());

  const PRICE = MicroUsd.parse(1_000);
  const SEND_PRICE = MicroUsd.parse(10_000);

  it("that anybody may make is judged, recorded, made, looked at, booked", async () => {
    expect(await pipeline.call("mail__echo", { text: "hi" })).toEqual({
      kind: "result",
      result: { content: [{ type: "text", text: 'echo {"text":"hi"}' }], failed: false },
    });
    expect(pipeline.steps.slice(0, 5)).toEqual([
      "scan arguments",
      "admit",
      "audit call.decided allow",
      "execute",
      "scan results",
    ]);
    expect(pipeline.steps.slice(5).sort()).toEqual(["audit call.settled done", "settle commit"]);
    expect(pipeline.settlements).toEqual([{ outcome: "commit", actualMicroUsd: PRICE }]);
  });

  it("that a person must approve is also asked about, and the person's side hears how it ended", async () => {
    expect(await pipeline.call("mail__send", { to: "a" })).toMatchObject({ kind: "result" });
    expect(pipeline.steps.slice(0, 8)).toEqual([
      "look for a held call",
      "scan arguments",
      "admit",
      "ask a person",
      "wait",
      "consume",
      "audit call.decided allow",
      "execute",
    ]);
    expect(pipeline.outcomes).toEqual([{ status: "executed" }]);
    expect(pipeline.settlements).toEqual([{ outcome: "commit", actualMicroUsd: SEND_PRICE }]);
  });

  describe("that is denied", () => {
    it("before it was admitted has nothing to give back", async () => {
      pipeline.neighbours.scanner.answer = DOWN;
      expect(await pipeline.call("mail__echo")).toMatchObject({ kind: "refused" });
      expect(pipeline.steps).toEqual(["scan arguments", "audit call.decided deny"]);
    });

    it("after it was admitted gives its reservation back", async () => {
      pipeline.gateway.person = "denied";
      expect(await pipeline.call("mail__send")).toMatchObject({ problem: { code: "approval_denied" } });
      expect(pipeline.settlements).toEqual([{ outcome: "release" }]);
      expect(pipeline.received("mail")).toEqual([]);
    });

    it("for its scope is recorded without a digest, for it never was a call", async () => {
      expect(await pipeline.call("fs__delete")).toMatchObject({ problem: { code: "tool_not_allowed" } });
      expect(pipeline.events).toMatchObject([
        { outcome: "deny", subject: "fs__delete", code: "tool_not_allowed" },
      ]);
      expect(pipeline.events[0]).not.toHaveProperty("digest");
    });
  });

  describe("when the auditor is down", () => {
    it("is not made, gives its reservation back, and the used approval is told that it failed", async () => {
      pipeline.neighbours.auditor.answer = DOWN;
      expect(await pipeline.call("mail__send")).toMatchObject({ problem: { code: "service_unavailable" } });
      expect(pipeline.steps).not.toContain("execute");
      expect(pipeline.received("mail")).toEqual([]);
      expect(pipeline.settlements).toEqual([{ outcome: "release" }]);
      expect(pipeline.outcomes).toEqual([{ status: "failed" }]);
    });

    it("only after it was made still gives its result", async () => {
      pipeline.neighbours.auditor.answer = ({ body }) =>
        (body as { event: string }).event === "call.decided"
          ? { seq: 1, hash: "0".repeat(64) }
          : refuse("service_unavailable");
      expect(await pipeline.call("mail__echo")).toMatchObject({ kind: "result" });
      expect(pipeline.settlements).toEqual([{ outcome: "commit", actualMicroUsd: PRICE }]);
    });
  });

  describe("whose outcome upstream", () => {
    it("is certain not to have been sent gives its reservation back", async () => {
      const before = pipeline.servers["mail"];
      const after = createFakeMcpServer(declare("echo"), `sha256:${"2".repeat(64)}`);
      pipeline.neighbours.limiter.answer = async ({ body }) => {
        Object.assign(pipeline.servers, { mail: after });
        before?.crash();
        await expect.poll(() => before?.running()).toBe(0);
        return { outcome: "admitted", id: (body as { id: string }).id, leaseUntil: 1 };
      };
      expect(await pipeline.call("mail__echo")).toMatchObject({ problem: { code: "server_unavailable" } });
      expect(after.received).toEqual([]);
      expect(pipeline.settlements).toEqual([{ outcome: "release" }]);
    });

    it("is not known is paid for and reported as indeterminate", async () => {
      const server = pipeline.servers["mail"];
      if (server !== undefined) {
        server.answer = () => {
          server.crash();
          return undefined;
        };
      }
      expect(await pipeline.call("mail__send")).toMatchObject({ problem: { code: "outcome_unknown" } });
      expect(pipeline.settlements).toEqual([{ outcome: "commit", actualMicroUsd: SEND_PRICE }]);
      expect(pipeline.outcomes).toEqual([{ status: "indeterminate" }]);
      expect(pipeline.events.at(-1)).toMatchObject({
        event: "call.settled",
        outcome: "failed",
        code: "outcome_unknown",
      });
    });

    it("cannot be shown is still paid for, and executed", async () => {
      pipeline.neighbours.scanner.answer = ({ body }) =>
        (body as { direction: string }).direction === "results"
          ? refuse("service_unavailable")
          : { action: "allow", findings: [] };
      expect(await pipeline.call("mail__send")).toMatchObject({
        problem: { detail: expect.stringContaining("ran, but") },
      });
      expect(pipeline.settlements).toEqual([{ outcome: "commit", actualMicroUsd: SEND_PRICE }]);
      expect(pipeline.outcomes).toEqual([{ status: "executed" }]);
    });
  });

  describe("that is redacted", () => {
    const redact = (replacement: string, times: number) => {
      let left = times;
      pipeline.neighbours.scanner.answer = ({ body }) =>
        (body as { direction: string }).direction === "arguments" && left-- > 0
          ? { action: "redact", findings: [], content: { text: replacement } }
          : { action: "allow", findings: [] };
    };

    it("is a new call, frozen anew and judged from the first gate", async () => {
      redact("[email]", 1);
      expect(await pipeline.call("mail__echo", { text: "friend@allowed.example" })).toMatchObject({
        kind: "result",
      });
      expect(pipeline.steps.slice(0, 4)).toEqual([
        "scan arguments",
        "scan arguments",
        "admit",
        "audit call.decided allow",
      ]);
      expect(pipeline.received("mail").map(({ params }) => params.arguments)).toEqual([{ text: "[email]" }]);
      const [decided] = pipeline.events;
      expect(decided).toMatchObject({ outcome: "allow", digest: expect.any(String) });
    });

    it("to what the constraints forbid is refused like any other", async () => {
      pipeline.neighbours.scanner.answer = () => ({
        action: "redact",
        findings: [],
        content: { path: "/etc/passwd" },
      });
      expect(await pipeline.call("fs__read_file", { path: "/workspace/a" })).toMatchObject({
        problem: { code: "constraint_violated" },
      });
    });

    it("twice is not converging and is refused", async () => {
      redact("[email]", 2);
      expect(await pipeline.call("mail__echo", { text: "a" })).toMatchObject({
        problem: { code: "dlp_blocked" },
      });
      expect(pipeline.steps).toEqual(["scan arguments", "scan arguments", "audit call.decided deny"]);
    });
  });

  describe("that is held", () => {
    it("answers pending, is recorded as held, and keeps its reservation", async () => {
      pipeline.gateway.person = "pending";
      expect(await pipeline.call("mail__send", { to: "a" })).toMatchObject({ kind: "pending" });
      expect(pipeline.events).toMatchObject([{ event: "call.decided", outcome: "hold" }]);
      expect(pipeline.settlements).toEqual([]);
    });

    it("is not counted, scanned or asked about again when it resumes, and is booked once", async () => {
      pipeline.gateway.person = "pending";
      await pipeline.call("mail__send", { to: "a" });
      await pipeline.call("mail__send", { to: "a" });
      pipeline.gateway.person = "approved";
      expect(await pipeline.call("mail__send", { to: "a" })).toMatchObject({ kind: "result" });
      expect(pipeline.steps.filter((step) => step === "admit")).toHaveLength(1);
      expect(pipeline.steps.filter((step) => step === "scan arguments")).toHaveLength(1);
      expect(pipeline.gateway.opened).toBe(1);
      expect(pipeline.received("mail")).toHaveLength(1);
      expect(pipeline.settlements).toEqual([{ outcome: "commit", actualMicroUsd: SEND_PRICE }]);
    });

    it("and changed is another call", async () => {
      pipeline.gateway.person = "pending";
      await pipeline.call("mail__send", { to: "a" });
      await pipeline.call("mail__send", { to: "b" });
      expect(pipeline.steps.filter((step) => step === "admit")).toHaveLength(2);
    });

    it("keeps its approval and reservation when the agent hangs up, and runs on the next sending", async () => {
      const connection = new AbortController();
      const { answer } = pipeline.gateway;
      pipeline.gateway.answer = (request) => {
        if (!request.path.includes("waitMs")) return answer(request);
        connection.abort();
        return refuse("service_unavailable");
      };
      expect(await pipeline.call("mail__send", { to: "a" }, connection.signal)).toMatchObject({
        kind: "pending",
      });
      expect(pipeline.settlements).toEqual([]);
      pipeline.gateway.answer = answer;
      expect(await pipeline.call("mail__send", { to: "a" })).toMatchObject({ kind: "result" });
      expect(pipeline.steps.filter((step) => step === "admit")).toHaveLength(1);
      expect(pipeline.settlements).toHaveLength(1);
    });

    it("keeps its reservation while the gateway cannot be asked again", async () => {
      pipeline.gateway.person = "pending";
      await pipeline.call("mail__send", { to: "a" });
      const { answer } = pipeline.gateway;
      pipeline.gateway.answer = (request) =>
        request.method === "POST" ? refuse("service_unavailable") : answer(request);
      expect(await pipeline.call("mail__send", { to: "a" })).toMatchObject({ kind: "refused" });
      expect(pipeline.settlements).toEqual([]);
    });

    it("is refused, and not counted, when nobody knows whether it is held", async () => {
      pipeline.gateway.answer = DOWN;
      expect(await pipeline.call("mail__send")).toMatchObject({ problem: { code: "service_unavailable" } });
      expect(pipeline.steps).not.toContain("admit");
    });
  });
});
