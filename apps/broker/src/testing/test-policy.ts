import { compileProfile } from "@claws/policy";
import { AgentId, SessionId } from "@claws/contracts";

const PROFILE = `
version: 1
agents:
  main: {}
  reader: { tools: { allow: [fs__read_file] } }
servers:
  fs: { image: fs }
  mail: { image: mail }
tools:
  allow: [fs__*, mail__send, mail__echo]
  block: [fs__delete]
  rules:
    - { match: fs__read_file, risk: LOW, constraints: { path: { roots: [/workspace] } } }
    - { match: mail__send, risk: HIGH, priceUsd: "0.01", deadlineSeconds: 5 }
    - { match: "*", risk: LOW, priceUsd: "0.001", deadlineSeconds: 5 }
approvals: { expireAfterSeconds: 60, holdSeconds: 2 }
`;

const compilation = compileProfile("test", PROFILE);
if (!compilation.ok) throw new Error(JSON.stringify(compilation.mistakes));

/** Reading is free of people, sending waits for one, deleting is blocked. */
export const TEST_POLICY = compilation.policy;

export const MAIN = { agent: AgentId.parse("main"), session: SessionId.parse("session-0123456789") };
export const READER = { agent: AgentId.parse("reader"), session: SessionId.parse("session-9876543210") };
