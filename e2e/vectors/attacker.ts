import { connect, type Socket } from "node:net";
import type { Answered, Exchange, Step } from "./scenario.ts";

export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** A whole `Proxy-Authorization` line with its end, or nothing. */
  readonly credentials: string;
}

/** After a complete answer, so long a silence means that nothing more comes. */
const QUIET_MS = 500;
const KEPT_TEXT = 16_384;

/** Does what one exchange says on one connection and tells what came back. Never throws on what a proxy does. */
export async function runExchange(proxy: Proxy, { steps, listenMs }: Exchange): Promise<Answered> {
  const ear = listenTo(connect({ host: proxy.host, port: proxy.port, allowHalfOpen: true, noDelay: true }));
  for (const step of steps) {
    if (ear.isClosed()) break;
    if (step.do === "await-tunnel" && !(await isTunnelOpen(ear, listenMs))) break;
    await take(step, ear, proxy);
    ear.beginQuiet();
  }
  const deadline = performance.now() + listenMs;
  while (!ear.isClosed() && performance.now() < deadline) {
    if (ear.status() !== null && ear.quietFor() > QUIET_MS) break;
    await pause(20);
  }
  ear.socket.destroy();
  return ear.tell();
}

async function isTunnelOpen(ear: Ear, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (ear.status() === null && !ear.isClosed() && performance.now() < deadline) await pause(5);
  const status = ear.status();
  return status !== null && status >= 200 && status < 300;
}

async function take(step: Step, { socket, isClosed }: Ear, proxy: Proxy): Promise<void> {
  switch (step.do) {
    case "send":
      socket.write(step.credentials ? withCredentials(step.bytes, proxy.credentials) : step.bytes, "latin1");
      return;
    case "drip":
      for (const byte of step.bytes) {
        if (isClosed()) return;
        socket.write(byte, "latin1");
        await pause(step.everyMs);
      }
      return;
    case "upload": {
      // In pieces, so that a limit is met in the middle and not before the first byte.
      const piece = Buffer.alloc(16_384, 0x75);
      for (let left = step.bytes; left > 0 && !isClosed(); left -= piece.length) {
        if (!socket.write(piece.subarray(0, left))) await pause(1);
      }
      return;
    }
    case "half-close":
      socket.end();
      return;
    case "wait":
      await pause(step.ms);
      return;
    case "await-tunnel":
      return;
    default:
      step satisfies never;
  }
}

/** Puts the line behind the request line, in whatever shape that is, so that nothing else changes. */
export function withCredentials(bytes: string, line: string): string {
  const first = /^(?:\r?\n)*(?:PROXY [^\n]*\n)?[^\n]*\n/.exec(bytes)?.[0];
  if (first === undefined || line === "") return bytes;
  const rest = bytes.slice(first.length);
  // A request line with a line feed inside goes on until the line that names the version.
  const second = /^[^\n]* HTTP\/\d[^\n]*\n/.exec(rest)?.[0] ?? "";
  const isWhole = / HTTP\/\d/.test(first) || second === "";
  const end = isWhole ? first.length : first.length + second.length;
  const lineEnd = bytes[end - 2] === "\r" ? line : line.replace("\r\n", "\n");
  return bytes.slice(0, end) + lineEnd + bytes.slice(end);
}

type Ear = ReturnType<typeof listenTo>;

function listenTo(socket: Socket) {
  const startedAt = performance.now();
  let text = "";
  let total = 0;
  let closedAt: number | undefined;
  let heardAt = startedAt;
  const end = () => {
    closedAt ??= performance.now();
  };
  socket.on("data", (chunk: Buffer) => {
    total += chunk.length;
    heardAt = performance.now();
    if (text.length < KEPT_TEXT) text += chunk.toString("latin1", 0, KEPT_TEXT - text.length);
  });
  socket.on("end", end).on("close", end).on("error", end);
  const headEnd = () => text.indexOf("\r\n\r\n");
  // HTTP/0.9 has no head: whatever came without one is no status.
  const status = () => {
    const found = /^HTTP\/\d\.\d (\d{3})/.exec(text)?.[1];
    return found === undefined || headEnd() < 0 ? null : Number(found);
  };
  return {
    socket,
    status,
    isClosed: () => closedAt !== undefined,
    beginQuiet() {
      heardAt = performance.now();
    },
    quietFor: () => performance.now() - heardAt,
    tell(): Answered {
      const body = headEnd() < 0 ? "" : text.slice(headEnd() + 4);
      return {
        status: status(),
        reason: memberOf(body, "reason"),
        code: memberOf(body, "code"),
        closed: closedAt !== undefined,
        tookMs: Math.round((closedAt ?? performance.now()) - startedAt),
        received: headEnd() < 0 ? 0 : total - headEnd() - 4,
        text,
      };
    },
  };
}

function memberOf(body: string, name: string): string | null {
  return new RegExp(`"${name}":"([^"]*)"`).exec(body)?.[1] ?? null;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
