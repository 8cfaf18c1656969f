import { readFileSync } from "node:fs";
import { type AgentId, createProblem, type Problem } from "@claws/contracts";

export type CredentialReading =
  | { readonly ok: true; readonly credential: string }
  | { readonly ok: false; readonly problem: Problem };

export type ReadCredential = () => CredentialReading;

/** Three parts of base64url (RFC 7515 section 7.1): nothing that could end a header line. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The value of `Proxy-Authorization` for this agent. Read anew each time: a new `up` writes a new token. */
export function createCredentialReader(agent: AgentId, tokenFile: string): ReadCredential {
  return () => {
    let token: string;
    try {
      token = readFileSync(tokenFile, "utf8").trim();
    } catch (error) {
      return refuse(
        `the agent's token in ${tokenFile} cannot be read (${(error as NodeJS.ErrnoException).code})`,
      );
    }
    if (!TOKEN.test(token)) return refuse(`what is in ${tokenFile} is not a token`);
    return { ok: true, credential: `Basic ${Buffer.from(`${agent}:${token}`).toString("base64")}` };
  };
}

function refuse(detail: string): CredentialReading {
  const nextSteps = ["ask the operator to run './claws up <profile>', which issues a new token"];
  return {
    ok: false,
    problem: createProblem("service_unavailable", { service: "agent-door", detail, nextSteps }),
  };
}
