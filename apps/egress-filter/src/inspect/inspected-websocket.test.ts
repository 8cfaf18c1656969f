import { once } from "node:events";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  askHttp1,
  askHttp2,
  type Asked,
  HOST,
  type InspectionParts,
  startInspection,
} from "./testing/start-inspection.ts";
import { type OriginOptions, startTlsOrigin } from "./testing/start-tls-origin.ts";

const ending: (() => Promise<void>)[] = [];
const unhandled: unknown[] = [];
process.on("unhandledRejection", (error) => unhandled.push(error));
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
  expect(unhandled).toEqual([]);
});

async function startBoth(parts: Partial<InspectionParts> = {}, origin: OriginOptions = {}) {
  const started = await startTlsOrigin(origin);
  const inspection = await startInspection({
    originPort: started.port,
    originAuthority: started.authority,
    ...parts,
  });
  ending.push(inspection.stop, started.stop);
  const ask = (version: string, asked: Asked = {}) =>
    version === "2"
      ? askHttp2(inspection.openHttp2(), asked)
      : askHttp1(inspection.openTls(["http/1.1"]), asked);
  return { origin: started, inspection, seen: inspection.seen, ask };
}

describe("a WebSocket inside", () => {
  const handshake = `GET /socket HTTP/1.1\r\nHost: ${HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`;

  it("is judged as the request that it begins with, and then passes", async () => {
    const { inspection, origin, seen } = await startBoth(
      {},
      {
        onUpgrade: (request, socket, head) => {
          origin.seen.push({
            version: "1.1",
            method: "",
            url: request.url,
            headers: request.headers,
            body: "",
          });
          socket.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
          );
          if (head.length > 0) socket.write(head);
          socket.on("data", (chunk: Buffer) => socket.write(chunk));
          socket.on("end", () => socket.end());
        },
      },
    );
    const socket = inspection.openTls(["http/1.1"]);
    let received = "";
    socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
    socket.write(`${handshake}early`);
    await vi.waitFor(() => expect(received).toContain("early"));
    expect(received).toMatch(/^HTTP\/1\.1 101 /);
    socket.write(" late");
    await vi.waitFor(() => expect(received).toContain("early late"));
    expect(seen.readings).toMatchObject([{ ok: true, request: { isWebSocket: true, path: "/socket" } }]);
    expect(origin.seen[0]?.headers).toMatchObject({ "sec-websocket-version": "13", upgrade: "websocket" });
    socket.end();
    await vi.waitFor(() => expect(seen.done).toBe(1));
    expect(seen.ends).toHaveLength(1);
  });

  it("that the destination does not want is answered", async () => {
    const { inspection } = await startBoth(
      {},
      {
        answer: (_request, response) => {
          response.statusCode = 404;
          response.end("no socket here");
        },
      },
    );
    const socket = inspection.openTls(["http/1.1"]);
    let received = "";
    socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
    socket.write(handshake);
    await once(socket, "close");
    expect(received).toMatch(/^HTTP\/1\.1 404 [^]*no socket here/);
  });

  it.each([
    ["a WebSocket", handshake],
    ["a tunnel", `CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`],
    ["what is no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n"],
  ])("%s behind a request that is not answered yet ends the connection", async (_case, bytes) => {
    const { inspection, origin, seen } = await startBoth({}, { onRequest: () => undefined });
    const socket = inspection.openTls(["http/1.1"]);
    socket.on("error", () => undefined).resume();
    socket.write(`GET /slow HTTP/1.1\r\nHost: ${HOST}\r\n\r\n${bytes}`);
    await once(socket, "close");
    await vi.waitFor(() => expect(seen.done).toBe(1));
    expect(origin.seen.length).toBeLessThan(2);
    expect(seen.lines).toEqual([]);
  });

  it("that the rules refuse is refused", async () => {
    const { inspection, seen } = await startBoth({
      judge: () => ({ reason: "path_denied", detail: "no rule allows this path" }),
    });
    const socket = inspection.openTls(["http/1.1"]);
    let received = "";
    socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
    socket.write(handshake);
    await once(socket, "close");
    expect(received).toMatch(/^HTTP\/1\.1 403 [^]*path_denied/);
    expect(seen.dialled).toBe(0);
  });
});
