import { AsyncLocalStorage } from "node:async_hooks";
import type { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { IssuedCertificate } from "@claws/certificates";

export type ClientHandshake =
  | { readonly ok: true; readonly socket: TLSSocket; readonly isHttp2: boolean }
  | {
      readonly ok: false;
      /** `refused`: the client does not accept our certificate, which is how pinning shows. */
      readonly kind: "refused" | "failed" | "left";
      readonly detail: string;
    };

/**
 * Ends a client's TLS with the certificate of one host. `head` is the ClientHello as far as it was read. The client is
 * closed when this does not end well.
 */
export type TlsDoor = (client: Socket, head: Buffer) => Promise<ClientHandshake>;

const TIMEOUT_MS = 10_000;
/** Clients that verify after the handshake (Node among them) send no alert. */
const LEFT = "the client left during the TLS handshake: it may not accept our certificate";

/** Alerts (RFC 8446 section 6.2) by which a client says that a certificate is not to its liking. */
const REFUSALS: readonly [alert: RegExp, meaning: string][] = [
  [/UNKNOWN_CA/, "unknown_ca"],
  [/BAD_CERTIFICATE/, "bad_certificate"],
  [/CERTIFICATE_UNKNOWN/, "certificate_unknown"],
  [/UNSUPPORTED_CERTIFICATE/, "unsupported_certificate"],
  [/CERTIFICATE_EXPIRED/, "certificate_expired"],
  [/CERTIFICATE_REVOKED/, "certificate_revoked"],
];

/** TLS 1.2 and later; HTTP/2 where the client offers it. */
export function createTlsDoor(
  { certificate, privateKey }: IssuedCertificate,
  timeoutMs = TIMEOUT_MS,
): TlsDoor {
  // The server's events name a new socket and not the one that it was made of: the context they run in tells.
  const handshakes = new AsyncLocalStorage<(handshake: ClientHandshake) => void>();
  const server = createServer({
    cert: certificate,
    key: privateKey,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["h2", "http/1.1"],
    handshakeTimeout: timeoutMs,
  });
  server.on("secureConnection", (socket) => {
    socket.on("error", () => socket.destroy());
    const settle = handshakes.getStore();
    if (settle === undefined) return void socket.destroy();
    settle({ ok: true, socket, isHttp2: socket.alpnProtocol === "h2" });
  });
  server.on("tlsClientError", (error, socket) => {
    handshakes.getStore()?.({ ok: false, ...explain(error) });
    socket.destroy();
  });

  return async function shakeHands(client, head) {
    const { promise, resolve } = Promise.withResolvers<ClientHandshake>();
    const leave = () => {
      // An alert is told after the close that comes with it.
      setImmediate(() => resolve({ ok: false, kind: "left", detail: LEFT }));
    };
    client.pause();
    client.setNoDelay(true);
    // As HTTPS servers have it: a client that ends its half has no more to say.
    client.allowHalfOpen = false;
    if (head.length > 0) client.unshift(head);
    client.once("close", leave);
    if (client.destroyed) leave();
    handshakes.run(resolve, () => server.emit("connection", client));
    const handshake = await promise;
    client.off("close", leave);
    if (!handshake.ok) client.destroy();
    return handshake;
  };
}

function explain({
  code = "",
  message,
}: NodeJS.ErrnoException): Pick<Extract<ClientHandshake, { ok: false }>, "kind" | "detail"> {
  const named = `${code} ${message}`.toUpperCase().replaceAll(" ", "_");
  const refusal = named.includes("ALERT") ? REFUSALS.find(([alert]) => alert.test(named)) : undefined;
  if (refusal !== undefined) {
    return { kind: "refused", detail: `the client refused our certificate: ${refusal[1]}` };
  }
  if (code === "ECONNRESET" || code === "EPIPE") {
    return { kind: "left", detail: LEFT };
  }
  const reason = code === "" ? "no common ground" : code;
  return { kind: "failed", detail: `the TLS handshake with the client failed (${reason})` };
}
