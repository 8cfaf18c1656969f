export { BooleanSetting, ConfigError, PortSetting, readConfig } from "./config.ts";
export { allowPeers, createHttpApp, type HttpAppOptions, readBody, sendProblem } from "./http-app.ts";
export { mutualTlsOptions, peerOf, peerOfRequest, readIdentity, type ServiceIdentity } from "./identity.ts";
export { type Listener, runService, type Service, type ServiceTools } from "./lifecycle.ts";
export { close, listen } from "./listen.ts";
export { createBufferedLogger, createLogger, type Logger } from "./logger.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { readPolicyFile } from "./policy-file.ts";
export { ProblemError } from "./problem-error.ts";
export { type ReadinessCheck, type ReadinessReport, readReadiness } from "./readiness.ts";
export { readSecretBytes, readSecretFile } from "./secret-file.ts";
export {
  type Answer,
  type CallOptions,
  createServiceClient,
  type ServiceClient,
  type ServiceClientOptions,
} from "./service-client.ts";
export {
  createVerificationGate,
  describeUnverified,
  type Unverified,
  type VerificationGate,
  type VerificationGateOptions,
} from "./verification-gate.ts";
