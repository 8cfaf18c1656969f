import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { ServiceName } from "@claws/contracts";
import type { Request } from "express";
import { readSecretBytes } from "./secret-file.ts";

/** A service's certificate, its key, and the stack's own CA; both ends of every call are checked with it. */
export interface ServiceIdentity {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly ca: Buffer;
}

/** Reads what bootstrap wrote into the service's own volume. */
export function readIdentity(directory: string): ServiceIdentity {
  return {
    cert: readSecretBytes(join(directory, "tls.crt")),
    key: readSecretBytes(join(directory, "tls.key")),
    ca: readSecretBytes(join(directory, "ca.crt")),
  };
}

/** TLS options of a listener that only our own services can speak to (mutual TLS, RFC 8446). */
export function mutualTlsOptions(identity: ServiceIdentity) {
  return { ...identity, requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" } as const;
}

/** Which service is on the other end, by the verified certificate's subject; undefined if none of ours. */
export function peerOf(socket: TLSSocket): ServiceName | undefined {
  if (!socket.authorized) return undefined;
  const name = ServiceName.safeParse(socket.getPeerCertificate().subject?.CN);
  return name.success ? name.data : undefined;
}

export function peerOfRequest(request: Request): ServiceName | undefined {
  return "authorized" in request.socket ? peerOf(request.socket as TLSSocket) : undefined;
}
