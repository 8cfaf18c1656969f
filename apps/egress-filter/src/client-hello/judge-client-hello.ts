import type { ClientHello, HelloRefusal } from "./client-hello.ts";

/** Where the tunnel leads, in the canonical form of `Authority`. */
export interface TunnelHost {
  readonly host: string;
  /** The address itself when the host is no name. */
  readonly literal?: string | undefined;
}

export type HelloJudgement = { readonly ok: true } | HelloRefusal<"sni_missing" | "sni_mismatch">;

/**
 * The name in the handshake must be the host that the rules were asked for: behind one address a server
 * answers for many names. With encrypted_client_hello the outer name counts. A client that was given an
 * address sends no name, since server_name cannot hold one (RFC 6066 section 3); any name is then another host.
 */
export function judgeClientHello({ serverName, hasEch }: ClientHello, tunnel: TunnelHost): HelloJudgement {
  if (serverName === undefined) {
    if (tunnel.literal !== undefined) return { ok: true };
    return {
      ok: false,
      reason: "sni_missing",
      detail: `the TLS ClientHello names no host: send server_name ${tunnel.host}`,
    };
  }
  if (serverName === tunnel.host) return { ok: true };
  const which = hasEch ? "the outer server_name (with encrypted_client_hello)" : "the server_name";
  return {
    ok: false,
    reason: "sni_mismatch",
    detail: `${which} is ${serverName}, but the tunnel was opened to ${tunnel.host}: use one host for both`,
  };
}
