import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type AdmissionRequest,
  type ApprovalRequest,
  type ApprovalState,
  type AuditEvent,
  type FrozenCall,
  type JsonValue,
  type ScanRequest,
  ToolName,
} from "@claws/contracts";
import { createLogger } from "@claws/service-kit";
import { openConsumedLedger } from "../approvals/consumed-ledger.ts";
import { createCallAudit } from "../call-audit.ts";
import { createAdmitGate } from "../gates/admit.ts";
import { createApproveGate } from "../gates/approve.ts";
import { createArgumentsGate } from "../gates/arguments.ts";
import { createAuditGate } from "../gates/audit-before-act.ts";
import { createGuardrailsGate } from "../gates/guardrails.ts";
import { createScopeGate } from "../gates/scope.ts";
import { createPipeline } from "../pipeline.ts";
import { createPrepareCall } from "../prepare-call.ts";
import { createFindHeld } from "../steps/find-held.ts";
import { createResultCheck } from "../steps/check-result.ts";
import { execute } from "../steps/execute.ts";
import { createSettle } from "../steps/settle.ts";
import { createFakeCatalogue } from "./fake-catalogue.ts";
import { createFakeService, type FakeAnswer, refuse } from "./fake-service.ts";
import { MAIN, TEST_POLICY } from "./test-policy.ts";

const APPROVAL = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b02";
const logger = createLogger("broker");
logger.level = "silent";

interface OpenApproval extends Pick<ApprovalRequest, "call" | "digest" | "reservation"> {
  state: ApprovalState;
}

/** The gateway as far as the broker sees it: one approval, which `person` decides while it is waited for. */
function createFakeGateway() {
  const gateway = {
    open: undefined as OpenApproval | undefined,
    person: "approved" as "approved" | "denied" | "pending",
    opened: 0,
    answer: ((request) => gateway.agree(request)) as FakeAnswer,
    agree({ method, path, body }: Parameters<FakeAnswer>[0]): unknown {
      if (path === "/v1/approvals") {
        if (gateway.open === undefined) {
          gateway.opened++;
          const { call, digest, reservation } = body as ApprovalRequest;
          gateway.open = { call, digest, reservation, state: "pending" };
        }
        return gateway.status();
      }
      if (gateway.open === undefined) return refuse("not_found");
      if (path.startsWith("/v1/approvals/open/")) {
        return path.endsWith(gateway.open.digest) ? gateway.status() : refuse("not_found");
      }
      if (method === "GET") {
        gateway.open.state = gateway.person;
        return gateway.status();
      }
      if (path.endsWith("/consume")) {
        const { call } = gateway.open;
        gateway.open = undefined;
        return { call, receipt: "receipt" };
      }
      return refuse("not_found");
    },
    status: () =>
      gateway.open && {
        id: APPROVAL,
        state: gateway.open.state,
        digest: gateway.open.digest,
        expiresAt: 1,
        reservation: gateway.open.reservation,
      },
  };
  return gateway;
}

/**
 * The pipeline as the service wires it, with every neighbour in memory. `steps` is what happened, in order:
 * one word per request to a neighbour or server.
 */
export function startPipeline() {
  const directory = mkdtempSync(join(tmpdir(), "claws-pipeline-"));
  const steps: string[] = [];
  const events: AuditEvent[] = [];
  const settlements: unknown[] = [];
  const outcomes: unknown[] = [];
  const gateway = createFakeGateway();

  const limiter = createFakeService(({ body }) => ({
    outcome: "admitted",
    id: (body as AdmissionRequest).id,
    leaseUntil: 1,
  }));
  const scanner = createFakeService(() => ({ action: "allow", findings: [] }));
  const auditor = createFakeService(() => ({ seq: 1, hash: "0".repeat(64) }));
  const approvals = createFakeService((request) => gateway.answer(request));

  const recorded = {
    limiter: createFakeService(async (request) => {
      if (!request.path.endsWith("/settlement")) {
        steps.push("admit");
        return limiter.answer(request);
      }
      settlements.push(request.body);
      steps.push(`settle ${(request.body as { outcome: string }).outcome}`);
      return { state: "committed" };
    }),
    scanner: createFakeService((request) => {
      steps.push(`scan ${(request.body as ScanRequest).direction}`);
      return scanner.answer(request);
    }),
    auditor: createFakeService((request) => {
      const event = request.body as AuditEvent;
      steps.push(`audit ${event.event} ${event.outcome}`);
      events.push(event);
      return auditor.answer(request);
    }),
    approvals: createFakeService((request) => {
      if (request.path.endsWith("/outcome")) {
        outcomes.push(request.body);
        return (
          gateway.status() ?? {
            id: APPROVAL,
            state: "executed",
            digest: "0".repeat(64),
            expiresAt: 1,
            reservation: APPROVAL,
          }
        );
      }
      steps.push(approvalStepOf(request.path));
      return approvals.answer(request);
    }),
  };

  const catalogue = createFakeCatalogue();
  const audit = createCallAudit(recorded.auditor, logger);
  const ledger = openConsumedLedger(join(directory, "consumed"));
  const verifyReceipt = async () => undefined;
  let receipts = 0;
  const run = createPipeline({
    prepare: createPrepareCall(TEST_POLICY, catalogue),
    gates: {
      scope: createScopeGate(TEST_POLICY),
      arguments: createArgumentsGate(),
      guardrails: createGuardrailsGate(recorded.scanner),
      admit: createAdmitGate(TEST_POLICY, recorded.limiter),
      approve: createApproveGate({
        policy: TEST_POLICY,
        approvals: recorded.approvals,
        verifyReceipt,
        // One gateway in memory gives every approval the same id.
        ledger: { ...ledger, record: (id) => ledger.record(`${id} ${++receipts}`) },
      }),
      auditBeforeAct: createAuditGate(audit),
    },
    findHeld: createFindHeld(recorded.approvals),
    execute(prepared, journey, connection) {
      steps.push("execute");
      return execute(prepared, journey, connection);
    },
    checkResult: createResultCheck(recorded.scanner),
    settle: createSettle(recorded.limiter, recorded.approvals, logger),
    audit,
  });

  const call = (
    tool: string,
    values: Record<string, JsonValue> = {},
    signal: AbortSignal = new AbortController().signal,
  ) => run({ identity: MAIN, tool: ToolName.parse(tool), arguments: values, signal });
  /** What arrived at a server, as the bytes on the line say. */
  const received = (server: string) =>
    (catalogue.servers[server]?.received ?? []).map(
      (line) => JSON.parse(line) as { params: Pick<FrozenCall, "arguments"> & { name: string } },
    );

  /** The frozen call that a record of a decision stands for, made from the bytes that arrived. */
  const frozenOf = (
    { detail = {}, agent, session }: AuditEvent,
    tool: string,
    values: FrozenCall["arguments"],
  ) => ({
    agent,
    session,
    profile: TEST_POLICY.profile,
    server: tool.slice(0, tool.indexOf("__")),
    imageDigest: detail["imageDigest"],
    toolDefinitionHash: detail["toolDefinitionHash"],
    tool,
    arguments: values,
    policyHash: detail["policyHash"],
  });

  return {
    call,
    frozenOf,
    steps,
    events,
    settlements,
    outcomes,
    received,
    gateway,
    servers: catalogue.servers,
    neighbours: { limiter, scanner, auditor, approvals },
    async close() {
      await catalogue.close();
      ledger.close();
      rmSync(directory, { recursive: true });
    },
  };
}

function approvalStepOf(path: string): string {
  if (path.startsWith("/v1/approvals/open/")) return "look for a held call";
  if (path === "/v1/approvals") return "ask a person";
  return path.endsWith("/consume") ? "consume" : "wait";
}
