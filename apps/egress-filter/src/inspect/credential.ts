import { createHash, timingSafeEqual } from "node:crypto";
import type { EgressCredential } from "@claws/contracts";
import type { EgressRequest } from "../read-request.ts";
import type { ReadSecret } from "./secret-store.ts";

export type CredentialVerdict =
  | {
      readonly ok: true;
      /** The header to send in place of the one that came. */
      readonly replace?: { readonly header: string; readonly value: string };
      /** The value that the agent must not come to know by an answer. */
      readonly hidden?: string;
    }
  | { readonly ok: false; readonly reason: "credential_denied" | "dependency_down"; readonly detail: string };

/** Headers by which hosts know their users, beside the one that a rule names. */
const CREDENTIAL_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "authentication",
  "api-key",
  "apikey",
  "api-token",
  "auth-token",
  "cookie",
  "cookie2",
  "deploy-token",
  "job-token",
  "ocp-apim-subscription-key",
  "private-token",
  "x-access-token",
  "x-amz-security-token",
  "x-api-key",
  "x-api-token",
  "x-apikey",
  "x-auth",
  "x-auth-key",
  "x-auth-token",
  "x-authorization",
  "x-client-secret",
  "x-functions-key",
  "x-github-token",
  "x-gitlab-token",
  "x-goog-api-key",
  "x-goog-iam-authorization-token",
  "x-ms-authorization-auxiliary",
  "x-session-token",
  "x-token",
  "x-vault-token",
]);

/** Parameters of a query that carry a key or a signature made with one. */
const CREDENTIAL_PARAMETERS: ReadonlySet<string> = new Set([
  "access_token",
  "access-token",
  "accesstoken",
  "api_key",
  "api-key",
  "apikey",
  "api_token",
  "auth",
  "auth_token",
  "authorization",
  "awsaccesskeyid",
  "client_secret",
  "googleaccessid",
  "id_token",
  "job_token",
  "key",
  "oauth_token",
  "password",
  "private_token",
  "refresh_token",
  "secret",
  "sig",
  "signature",
  "subscription-key",
  "token",
  "x-amz-credential",
  "x-amz-security-token",
  "x-amz-signature",
  "x-goog-credential",
  "x-goog-signature",
]);

/** Longer than any account's name, shorter than most tokens: the name may not carry a credential of its own. */
const USER_NAME = /^[A-Za-z0-9._@+-]{0,39}$/;

/**
 * Holds a request to the one credential that its rule names: `pin` takes the secret alone, `swap` takes
 * `claws-secret-NAME` and gives the secret in its place. Any other at this host is refused; none at all passes.
 */
export function judgeCredential(
  credential: EgressCredential,
  request: Pick<EgressRequest, "path" | "headers">,
  headerNames: readonly string[],
  readSecret: ReadSecret,
): CredentialVerdict {
  const other = findOther(credential, request, headerNames);
  if (other !== undefined) return refuse(`${other} carries a credential, and the rule names another one`);
  const values = request.headers(credential.header);
  const [value] = values;
  if (values.length > 1) return refuse(`${credential.header} was sent twice`);
  if (value === undefined && credential.mode === "pin") return { ok: true };

  const secret = readSecret(credential.secret);
  if (!secret.ok) return { ok: false, reason: "dependency_down", detail: secret.detail };
  if (credential.mode === "pin") return judgePinned(credential, value ?? "", secret.value);
  if (value === undefined) return { ok: true, hidden: secret.value };
  const replaced = swap(credential, value, secret.value);
  if (replaced !== undefined) {
    return { ok: true, replace: { header: credential.header, value: replaced }, hidden: secret.value };
  }
  return refuse(`${credential.header} must carry ${prefixOf(credential)}${placeholderOf(credential)}`);
}

function judgePinned(credential: EgressCredential, value: string, secret: string): CredentialVerdict {
  const presented = stripScheme(credential, value);
  if (presented !== undefined && isSame(presented, secret)) return { ok: true };
  return refuse(
    `${credential.header} must carry the pinned credential ${prefixOf(credential)}${credential.secret}`,
  );
}

/** The header with the secret in the placeholder's place; undefined when the placeholder is not there. */
function swap(credential: EgressCredential, value: string, secret: string): string | undefined {
  const placeholder = placeholderOf(credential);
  if (stripScheme(credential, value) === placeholder) return `${prefixOf(credential)}${secret}`;
  // Git and others send a password and nothing but a password (RFC 7617).
  const [, encoded] = /^basic ([A-Za-z0-9+/]+={0,2})$/i.exec(value) ?? [];
  if (encoded === undefined || credential.header !== "authorization") return undefined;
  const decoded = Buffer.from(encoded, "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  const user = decoded.slice(0, Math.max(colon, 0));
  if (colon < 0 || decoded.slice(colon + 1) !== placeholder || !USER_NAME.test(user)) return undefined;
  return `Basic ${Buffer.from(`${user}:${secret}`).toString("base64")}`;
}

function placeholderOf({ secret }: EgressCredential): string {
  return `claws-secret-${secret}`;
}

function prefixOf({ scheme }: EgressCredential): string {
  return scheme === undefined ? "" : `${scheme} `;
}

/** What follows the scheme (case-insensitive: RFC 9110 section 11.1) and one space. */
function stripScheme(credential: EgressCredential, value: string): string | undefined {
  const prefix = prefixOf(credential);
  return value.slice(0, prefix.length).toLowerCase() === prefix.toLowerCase()
    ? value.slice(prefix.length)
    : undefined;
}

/** Takes as long whatever is compared: neither the length of the secret nor its beginning shows in the time. */
function isSame(presented: string, secret: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(presented), digest(secret));
}

function findOther(
  credential: EgressCredential,
  { path = "" }: Pick<EgressRequest, "path">,
  headerNames: readonly string[],
): string | undefined {
  const header = headerNames
    .map((name) => name.toLowerCase())
    .find((name) => name !== credential.header && isCredentialHeader(name));
  if (header !== undefined) return `the header ${header}`;
  const parameter = parametersOf(path).find((name) => CREDENTIAL_PARAMETERS.has(name));
  return parameter === undefined ? undefined : `the query parameter ${parameter}`;
}

/** Headers whose value is, or may be, a credential. */
export function isCredentialHeader(name: string): boolean {
  return CREDENTIAL_HEADERS.has(name) || name.startsWith("proxy-");
}

/** Names of the parameters in lower case, parted and decoded as liberally as any server does it. */
function parametersOf(path: string): string[] {
  const start = path.indexOf("?");
  if (start < 0) return [];
  return path
    .slice(start + 1)
    .split(/[&;?]/)
    .map((field) => decodeName(field.split("=", 1)[0] ?? ""));
}

/** Escapes that are no UTF-8 become no letter, and so no name of the list. */
function decodeName(encoded: string): string {
  const bytes = encoded
    .replaceAll("+", " ")
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return bytes.trim().toLowerCase().replace(/\[\]$/, "");
}

function refuse(detail: string): CredentialVerdict {
  return { ok: false, reason: "credential_denied", detail };
}
