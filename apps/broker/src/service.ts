import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { join } from "node:path";
import { createTokenVerifier } from "@claws/agent-token";
import { AgentId } from "@claws/contracts";
import { readToolTerms } from "@claws/policy";
import {
  createHttpApp,
  createServiceClient,
  mutualTlsOptions,
  readIdentity,
  readPolicyFile,
  readSecretFile,
  type Service,
  type ServiceTools,
} from "@claws/service-kit";
import { openConsumedLedger } from "./approvals/consumed-ledger.ts";
import { createReceiptVerifier } from "./approvals/receipt-verifier.ts";
import { createCallAudit } from "./call-audit.ts";
import { addMcpFace } from "./faces/mcp-face.ts";
import { addRestFace } from "./faces/rest-face.ts";
import { createAdmitGate } from "./gates/admit.ts";
import { createApproveGate } from "./gates/approve.ts";
import { createArgumentsGate } from "./gates/arguments.ts";
import { createAuditGate } from "./gates/audit-before-act.ts";
import { createGuardrailsGate } from "./gates/guardrails.ts";
import { needsApproval } from "./gates/needs-approval.ts";
import { createScopeGate } from "./gates/scope.ts";
import { joinSameCalls } from "./join-same-calls.ts";
import { createListTools } from "./list-tools.ts";
import { createPipeline } from "./pipeline.ts";
import { createPrepareCall } from "./prepare-call.ts";
import type { Settings } from "./settings.ts";
import { createResultCheck } from "./steps/check-result.ts";
import { execute } from "./steps/execute.ts";
import { createFindHeld } from "./steps/find-held.ts";
import { createSettle } from "./steps/settle.ts";
import { openServerStdio } from "./upstream/launcher-stdio.ts";
import { createScreenDefinition } from "./upstream/screen-definition.ts";
import { createServerConnection } from "./upstream/server-connection.ts";
import { warmUp } from "./warm-up.ts";
import { createToolCatalogue } from "./upstream/tool-catalogue.ts";
import { addControlRoutes } from "./verification/control-routes.ts";
import { guardFace } from "./verification/guard-face.ts";
import { createLauncherProbe } from "./verification/launcher-probe.ts";
import { createVerificationRecords } from "./verification/verification-records.ts";
import { createVerifier } from "./verification/verifier.ts";

/** A request that dribbles in is cut off; the answer may take as long as a person or a model needs. */
const REQUEST_LIMITS = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };

/** Wires the tool door: neighbours, gates in order, two faces over one pipeline. */
export async function createBroker(settings: Settings, { logger }: ServiceTools): Promise<Service> {
  const identity = readIdentity(settings.IDENTITY_DIR);
  const policy = readPolicyFile(settings.POLICY_FILE);
  const client = (target: string, host: string, port: number) =>
    createServiceClient({ target, host, port, identity });
  const neighbours = {
    approvals: client("approval-gateway", settings.APPROVAL_GATEWAY_HOST, settings.APPROVAL_GATEWAY_PORT),
    limiter: client("rate-limiter", settings.RATE_LIMITER_HOST, settings.RATE_LIMITER_PORT),
    scanner: client("dlp-scanner", settings.DLP_SCANNER_HOST, settings.DLP_SCANNER_PORT),
    auditor: client("auditor", settings.AUDITOR_HOST, settings.AUDITOR_PORT),
    launcher: client("launcher", settings.LAUNCHER_HOST, settings.LAUNCHER_PORT),
  };
  const { approvals, limiter, scanner, auditor, launcher } = neighbours;

  const catalogue = createToolCatalogue({
    policy,
    logger,
    connect: (server, agent) =>
      createServerConnection({
        server,
        agent,
        logger,
        screen: createScreenDefinition(scanner),
        openStdio: (name, id) =>
          openServerStdio({ host: settings.LAUNCHER_HOST, port: settings.LAUNCHER_PORT, identity }, name, id),
      }),
  });
  const audit = createCallAudit(auditor, logger);
  const ledger = openConsumedLedger(join(settings.STATE_DIR, "consumed-approvals"));
  const verifyReceipt = await createReceiptVerifier(
    readSecretFile(join(settings.IDENTITY_DIR, "receipt.pub")),
  );

  const run = createPipeline({
    prepare: createPrepareCall(policy, catalogue),
    gates: {
      scope: createScopeGate(policy),
      arguments: createArgumentsGate(),
      guardrails: createGuardrailsGate(scanner),
      admit: createAdmitGate(policy, limiter),
      approve: createApproveGate({ policy, approvals, verifyReceipt, ledger }),
      auditBeforeAct: createAuditGate(audit),
    },
    findHeld: createFindHeld(approvals),
    execute,
    checkResult: createResultCheck(scanner),
    settle: createSettle(limiter, approvals, logger),
    audit,
  });

  const verifier = createVerifier({
    probe: createLauncherProbe(launcher),
    isRequired: policy.egress.requireVerification,
    ...createVerificationRecords(auditor, logger),
  });
  const openFace = {
    verify: await createTokenVerifier(
      readSecretFile(join(settings.IDENTITY_DIR, "agent-token.pub")),
      "broker",
    ),
    run: joinSameCalls(run, ({ tool }) => needsApproval(readToolTerms(policy, tool).risk)),
    listTools: createListTools(policy, catalogue),
  };
  const face = guardFace(openFace, () => verifier.refusal(), audit);
  const app = createHttpApp({
    service: "broker",
    logger,
    routes(routes) {
      addMcpFace(routes, face);
      addRestFace(routes, face);
    },
  });

  const controlApp = createHttpApp({
    service: "broker",
    logger,
    routes: (routes) => addControlRoutes(routes, verifier),
  });

  const agents = Object.keys(policy.agents).map((agent) => AgentId.parse(agent));
  void warmUp(catalogue, agents, [launcher, scanner]);

  return {
    listeners: [
      { server: createServer(REQUEST_LIMITS, app), host: settings.LISTEN_HOST, port: settings.LISTEN_PORT },
      {
        server: createTlsServer(mutualTlsOptions(identity), controlApp),
        host: settings.CONTROL_LISTEN_HOST,
        port: settings.CONTROL_LISTEN_PORT,
      },
    ],
    readiness: {
      "approval-gateway": () => approvals.isReachable(),
      "rate-limiter": () => limiter.isReachable(),
      "dlp-scanner": () => scanner.isReachable(),
      auditor: () => auditor.isReachable(),
      launcher: () => launcher.isReachable(),
    },
    drain: () => verifier.close(),
    async close() {
      verifier.close();
      await catalogue.close();
      await Promise.all(Object.values(neighbours).map((neighbour) => neighbour.close()));
      ledger.close();
    },
  };
}
