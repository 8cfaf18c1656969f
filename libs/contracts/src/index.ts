export {
  AgentId,
  CallDigest,
  EpochMs,
  MicroUsd,
  RecordId,
  ServerName,
  SessionId,
  Sha256Hex,
  ToolName,
} from "./identifiers.ts";
export { ENDPOINTS, ServiceName, SERVICES } from "./services.ts";
export { createProblem, Problem, type ProblemCode, type ProblemFields, PROBLEMS } from "./problem.ts";
export { DigestedCall, FrozenCall, JsonObject, JsonValue, Risk } from "./call.ts";
export { Admission, AdmissionRequest, Settlement, SettlementResult, SpendReport } from "./admission.ts";
export { DlpAction, Finding, FindingCategory, ScanDirection, ScanRequest, ScanVerdict } from "./scan.ts";
export {
  Approval,
  ApprovalOutcome,
  ApprovalRequest,
  ApprovalState,
  ApprovalStatus,
  ConsumedApproval,
  ConsumeRequest,
  Decision,
  ReceiptClaims,
} from "./approval.ts";
export { AuditEvent, AuditReceipt, AuditRecord } from "./audit-record.ts";
export { LaunchableServers, STDIO_UPGRADE } from "./launch.ts";
export {
  ArgumentConstraint,
  CompiledPolicy,
  DlpActions,
  ModelProvider,
  ModelSpec,
  ServerMount,
  ServerSpec,
  ToolRule,
  ToolScope,
} from "./compiled-policy.ts";
export {
  EGRESS_REASONS,
  EgressAnswer,
  EgressCaller,
  EgressCredential,
  EgressGrant,
  EgressOverlay,
  EgressOverlayEntry,
  EgressQuestion,
  EgressQuestionRequest,
  EgressQuotas,
  EgressReason,
  EgressReturn,
  EgressRule,
  EgressTake,
} from "./egress.ts";
export { Probe, VerificationReport, VerificationState } from "./verification.ts";
export { AuditBatch, AuditBatchReceipt, MAX_AUDIT_EVENT_BYTES } from "./audit-record.ts";
export {
  type AgentNetwork,
  agentNetworkOf,
  BRIDGE_PREFIX,
  bridgeName,
  DEFAULT_PROJECT,
} from "./project-networks.ts";
