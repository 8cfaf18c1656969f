/** What is judged of a TLS ClientHello (RFC 8446 section 4.1.2): what its sender shows to everybody. */
export interface ClientHello {
  /** The one host name of server_name (RFC 6066 section 3), in lower case; undefined when there is none. */
  readonly serverName: string | undefined;
  /** There is an encrypted_client_hello; whether it is a real one or GREASE cannot be told from outside. */
  readonly hasEch: boolean;
  /** Protocols of ALPN (RFC 7301), one character per byte, as the client wrote them: not fit for a log. */
  readonly alpn: readonly string[];
}

/**
 * `not_tls`: the bytes do not start a ClientHello. `sni_unreadable`: they do, but two parsers might read
 * them differently. `hello_too_large`: they cannot end within `MAX_HELLO_BYTES`.
 */
export type HelloFault = "not_tls" | "sni_unreadable" | "hello_too_large";

/** `detail` is for the client and says what to change. */
export interface HelloRefusal<Reason extends string> {
  readonly ok: false;
  readonly reason: Reason;
  readonly detail: string;
}

export type HelloReading = { readonly ok: true; readonly hello: ClientHello } | HelloRefusal<HelloFault>;

export function unreadableHello(why: string): HelloRefusal<"sni_unreadable"> {
  return { ok: false, reason: "sni_unreadable", detail: `the TLS ClientHello is not read: ${why}` };
}
