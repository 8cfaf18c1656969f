/** What a `Proxy-Authorization` header carries: Basic (RFC 7617) or Bearer (RFC 6750). */
export type Credentials =
  | { readonly scheme: "basic"; readonly username: string; readonly password: string }
  | { readonly scheme: "bearer"; readonly token: string };

export type CredentialsReading =
  | { readonly ok: true; readonly credentials: Credentials }
  | { readonly ok: false; readonly detail: string };

/** No credential of ours is longer than a tenth of this. */
const MAX_LENGTH = 8 * 1024;

/** Scheme, one space, token68 (RFC 9110 section 11.2). The scheme's case does not count. */
const FORM = /^(basic|bearer) ([\w.~+/-]+={0,2})$/i;

/** Reads one header value strictly: every accepted one is read alike by any other parser. */
export function readCredentials(header: string): CredentialsReading {
  if (header.length > MAX_LENGTH) return refuse(`Proxy-Authorization is longer than ${MAX_LENGTH} bytes`);
  const [, scheme, value = ""] = FORM.exec(header) ?? [];
  if (scheme === undefined)
    return refuse("Proxy-Authorization is neither Basic nor Bearer in its plain form");
  return scheme.toLowerCase() === "bearer"
    ? { ok: true, credentials: { scheme: "bearer", token: value } }
    : readBasic(value);
}

function readBasic(encoded: string): CredentialsReading {
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.toString("base64") !== encoded) return refuse("the Basic credential is not canonical base64");
  // All that we issue is printable ASCII; latin1 keeps every other byte visible to the check.
  const [, username, password] = /^([!-9;-~]*):([!-9;-~]*)$/.exec(bytes.toString("latin1")) ?? [];
  if (username === undefined || password === undefined)
    return refuse("the Basic credential is not one name, one colon and one password of printable ASCII");
  return { ok: true, credentials: { scheme: "basic", username, password } };
}

function refuse(detail: string): CredentialsReading {
  return { ok: false, detail };
}
