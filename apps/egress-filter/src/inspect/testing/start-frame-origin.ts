import type { Socket } from "node:net";
import { createServer } from "node:tls";
import { createInspectionAuthority, issueHostCertificate } from "@claws/certificates";
import { listen } from "@claws/service-kit";
import { HOST } from "./start-inspection.ts";

/** Frame types and flags of RFC 9113 section 6. */
export const DATA = 0;
export const HEADERS = 1;
export const RST_STREAM = 3;
export const END_STREAM = 1;

const PREFACE_BYTES = 24;
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly length: number;
}

/** A destination that speaks just enough HTTP/2 to be sent a request, and keeps the frames as they came. */
export async function startFrameOrigin() {
  const authority = await createInspectionAuthority();
  const { certificate, privateKey } = await issueHostCertificate(authority, HOST);
  const frames: SeenFrame[] = [];
  const sockets: Socket[] = [];
  const server = createServer({ cert: certificate, key: privateKey, ALPNProtocols: ["h2"] }, (socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.write(SETTINGS);
    let bytes = Buffer.alloc(0);
    let isGreeted = false;
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (!isGreeted) {
        if (bytes.length < PREFACE_BYTES) return;
        bytes = bytes.subarray(PREFACE_BYTES);
        isGreeted = true;
      }
      while (bytes.length >= 9) {
        const length = bytes.readUIntBE(0, 3);
        if (bytes.length < 9 + length) return;
        frames.push({ type: bytes.readUInt8(3), flags: bytes.readUInt8(4), length });
        bytes = bytes.subarray(9 + length);
      }
    });
  });
  const port = await listen(server, 0, "127.0.0.1");
  return {
    port,
    authority,
    frames,
    stop: async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      await promise;
    },
  };
}
