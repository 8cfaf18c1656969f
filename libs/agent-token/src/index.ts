export {
  type AgentIdentity,
  createTokenVerifier,
  issueAgentToken,
  readBearerToken,
  type TokenAudience,
  type TokenToIssue,
  type TokenVerdict,
  type TokenVerifier,
} from "./agent-token.ts";
export {
  issueServerCredential,
  readServerEgressKey,
  type ServerCredential,
  type ServerCredentialVerdict,
  verifyServerCredential,
} from "./server-credential.ts";
