import { type AgentIdentity, readBearerToken, type TokenVerifier } from "@claws/agent-token";
import { ProblemError } from "@claws/service-kit";
import type { Request, RequestHandler } from "express";

/**
 * Who is calling, from the signed token alone. Browsers are refused: an `Origin` means a web page
 * inside the agent's container is trying to borrow its position (DNS rebinding).
 */
async function authenticate(request: Request, verify: TokenVerifier): Promise<AgentIdentity> {
  if (request.headers.origin !== undefined) {
    throw ProblemError.of("cross_site", {
      service: "broker",
      detail: "requests from web pages are not accepted",
    });
  }
  const token = readBearerToken(request.headers.authorization);
  if (token === undefined) {
    throw ProblemError.of("token_missing", {
      service: "broker",
      detail: "send Authorization: Bearer with the token of this agent (/run/claws/token)",
    });
  }
  const verdict = await verify(token);
  if (!verdict.ok)
    throw ProblemError.of("token_invalid", {
      service: "broker",
      detail: `the token is refused: ${verdict.reason}`,
    });
  return verdict.identity;
}

const identities = new WeakMap<Request, AgentIdentity>();

/** Goes before whatever reads a body: nobody is read to who is not known. */
export function requireToken(verify: TokenVerifier): RequestHandler {
  return async function checkToken(request, _response, next) {
    identities.set(request, await authenticate(request, verify));
    next();
  };
}

/** Who `requireToken` found to be calling. */
export function identityOf(request: Request): AgentIdentity {
  const identity = identities.get(request);
  if (identity === undefined)
    throw new Error("a route reads the caller's identity without requiring a token");
  return identity;
}
