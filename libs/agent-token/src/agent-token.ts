import { AgentId, SessionId } from "@claws/contracts";
import { errors, importPKCS8, importSPKI, jwtVerify, SignJWT } from "jose";
import * as z from "zod";

/** The doors that an agent's token opens. A token is good at the audience it names and nowhere else. */
export type TokenAudience = "broker" | "model-gateway" | "egress-filter";

const ISSUER = "sandbox-claws";
const ALGORITHM = "EdDSA";

/** Claims of an agent's token (RFC 7519): `sub` is the agent, `sid` the session that the operator's side opened. */
const AgentClaims = z.looseObject({ sub: AgentId, sid: SessionId, exp: z.number() });

export interface AgentIdentity {
  readonly agent: AgentId;
  readonly session: SessionId;
}

export interface TokenToIssue extends AgentIdentity {
  readonly audience: readonly TokenAudience[];
  /** Seconds from now. */
  readonly lifetimeSeconds: number;
}

/** Signs a token for one agent's session. `privateKeyPem` is Ed25519 in PKCS #8. */
export async function issueAgentToken(privateKeyPem: string, token: TokenToIssue): Promise<string> {
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ sid: token.session })
    .setProtectedHeader({ alg: ALGORITHM, typ: "at+jwt" })
    .setIssuer(ISSUER)
    .setSubject(token.agent)
    .setAudience([...token.audience])
    .setIssuedAt(now)
    .setExpirationTime(now + token.lifetimeSeconds)
    .sign(await importPKCS8(privateKeyPem, ALGORITHM));
}

export type TokenVerdict =
  | {
      readonly ok: true;
      readonly identity: AgentIdentity;
      /** Seconds since the Unix epoch. */
      readonly expiresAt: number;
    }
  | { readonly ok: false; readonly reason: string };

export type TokenVerifier = (token: string) => Promise<TokenVerdict>;

/** A verifier pinned to one public key (SPKI PEM), one algorithm and one audience. */
export async function createTokenVerifier(
  publicKeyPem: string,
  audience: TokenAudience,
): Promise<TokenVerifier> {
  const key = await importSPKI(publicKeyPem, ALGORITHM);
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [ALGORITHM],
        issuer: ISSUER,
        audience,
        typ: "at+jwt",
        requiredClaims: ["exp", "iat"],
      });
      const claims = AgentClaims.safeParse(payload);
      if (!claims.success) return { ok: false, reason: "it names no agent or session" };
      const { sub: agent, sid: session, exp: expiresAt } = claims.data;
      return { ok: true, identity: { agent, session }, expiresAt };
    } catch (error) {
      return { ok: false, reason: reasonOf(error) };
    }
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWTExpired)
    return "it has expired: run './claws up <profile>' to issue a new one";
  if (error instanceof errors.JWTClaimValidationFailed)
    return `its claim '${error.claim}' is not the expected one`;
  if (error instanceof errors.JWSSignatureVerificationFailed) return "its signature is not from this stack";
  return "it is not a token of this stack";
}

/** Takes the token out of `Authorization: Bearer …`; undefined when there is none of that form. */
export function readBearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer ([\w.~+/-]+=*)$/.exec(authorization ?? "")?.[1];
}
