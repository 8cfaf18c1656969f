import type { Socket } from "node:net";
import type { EgressReason } from "@claws/contracts";
import { formatAuthority } from "./authority.ts";
import { type HelloJudgement, judgeClientHello } from "./client-hello/judge-client-hello.ts";
import { lengthOfChangeCipherSpec, readServerStart } from "./client-hello/hello-retry.ts";
import { peekClientHello, type PeekResult } from "./client-hello/peek-client-hello.ts";
import type { Dial } from "./dial.ts";
import { createReaders, type DirectReader } from "./direct-reader.ts";
import { onUnreadEnd, readFirstBytes } from "./first-bytes.ts";
import type { Admitted, ConnectionEnd } from "./pipeline.ts";
import { overrunOf } from "./metered-bodies.ts";
import { problemOf } from "./refusal.ts";
import { refuseOnSocket } from "./refuse-on-socket.ts";
import { relay, type RelayLimits } from "./relay.ts";
import { endWithAlert } from "./tls-alert.ts";

/** Carries what a client was admitted for; ends the admission whatever happens. */
export type OpenTunnel = (client: Socket, head: Buffer, admitted: Admitted) => Promise<void>;

/** Takes over a client that speaks readable HTTP in its tunnel. */
export type TakeInner = (client: Socket, bytes: Buffer, admitted: Admitted) => void;

export interface TunnelParts {
  readonly dial: Dial;
  readonly limits: () => RelayLimits;
  /** Judges plain HTTP inside a tunnel, request by request. */
  readonly takePlainHttp: TakeInner;
  /** Opens TLS and judges what is inside, request by request. */
  readonly takeInspected: TakeInner;
  readonly helloTimeoutMs?: number;
}

const ESTABLISHED = "HTTP/1.1 200 Connection Established\r\n\r\n";
const HANDSHAKE = 0x16;
const PLAIN_HTTP_PORT = 80;
const HELLO_TIMEOUT_MS = 10_000;

/**
 * Opens a tunnel and looks at how it begins: a ClientHello whose one name is the host that was asked for, or plain HTTP
 * on port 80 and where a rule reads requests. Anything else is closed before a byte of it goes upstream.
 */
export function createTunnel(parts: TunnelParts): OpenTunnel {
  const createReader = createReaders();
  const { dial, limits, takePlainHttp, takeInspected, helloTimeoutMs = HELLO_TIMEOUT_MS } = parts;

  return async function openTunnel(client, head, admitted) {
    const { request, through } = admitted;
    const mayBePlain = through === "readable" || request.port === PLAIN_HTTP_PORT;
    if (!mayBePlain && through === "opaque") return openOpaque(client, head, admitted);

    admitted.place.hold(() => client.destroy());
    client.write(ESTABLISHED);
    const first = await readFirstBytes(client, head, helloTimeoutMs);
    if (first === undefined) return close(client, admitted, "hello_timeout");
    if (first[0] !== HANDSHAKE) {
      if (!mayBePlain) return close(client, admitted, "not_tls");
      return takePlainHttp(client, first, admitted);
    }
    if (through === "readable") return close(client, admitted, "unreadable");
    const peeked = await peekClientHello(client, first, { timeoutMs: helloTimeoutMs });
    const judged = peeked.ok ? judgeClientHello(peeked.hello, request) : peeked;
    if (!peeked.ok || !judged.ok) return close(client, admitted, judged.ok ? undefined : judged.reason);
    if (through === "inspect") return takeInspected(client, peeked.bytes, admitted);
    const upstream = await connectTo(client, admitted);
    if (upstream) await carry(client, upstream, peeked.bytes, admitted);
  };

  /** The usual case. The destination is connected first, so that the client still gets an answer if it is away. */
  async function openOpaque(client: Socket, head: Buffer, admitted: Admitted): Promise<void> {
    const upstream = await connectTo(client, admitted);
    if (!upstream) return;
    client.write(ESTABLISHED);
    const peeked = await peekClientHello(client, head, { timeoutMs: helloTimeoutMs });
    const judged = peeked.ok ? judgeClientHello(peeked.hello, admitted.request) : peeked;
    if (peeked.ok && judged.ok) return carry(client, upstream, peeked.bytes, admitted);
    upstream.socket.destroy();
    close(client, admitted, judged.ok ? undefined : judged.reason);
  }

  async function connectTo(client: Socket, admitted: Admitted): Promise<Upstream | undefined> {
    const { request, addresses, rule } = admitted;
    const reader = createReader();
    const dialled = await dial(addresses, request.port, reader.onread);
    if (dialled.ok) {
      const { socket } = dialled;
      admitted.place.hold(() => {
        socket.destroy();
        client.destroy();
      });
      return { socket, reader };
    }
    reader.release();
    const detail = `${formatAuthority(request)} cannot be reached, ${dialled.detail}: check the port, or try again`;
    admitted.finish({ reason: "unreachable", bytesUp: 0, bytesDown: 0 });
    refuseOnSocket(client, problemOf({ reason: "unreachable", detail, rule }));
    return undefined;
  }

  /** Sends the hello on, sees whether the server wants another one, and relays the rest. */
  async function carry(client: Socket, upstream: Upstream, bytes: Buffer, admitted: Admitted): Promise<void> {
    const { quota, place } = admitted;
    const { socket, reader } = upstream;
    const address = socket.remoteAddress;

    function give(reason: EgressReason | "closed" | undefined): void {
      const sizes = { bytesUp: socket.bytesWritten, bytesDown: socket.bytesRead, address };
      socket.destroy();
      close(client, admitted, reason, sizes);
    }
    const overUp = await overrunOf(quota.up, bytes.length);
    if (overUp) return give(overUp.reason);
    socket.write(bytes);
    const start = await readServerBytes(client, upstream);
    if (start === undefined) return give(socket.destroyed || socket.readableEnded ? undefined : "idle");
    const kind = readServerStart(start);
    if (kind === "fragmented") return give("sni_unreadable");
    const overDown = await overrunOf(quota.down, start.length);
    if (overDown) return give(overDown.reason);
    if (start.length > 0) client.write(start);
    if (kind === "retry") {
      const second = await readSecondHello(client, admitted);
      if (!second.ok) return give(second.reason);
      const overAgain = await overrunOf(quota.up, second.bytes.length);
      if (overAgain) return give(overAgain.reason);
      socket.write(second.bytes);
    }
    const onEnd = (reason: EgressReason | undefined) =>
      admitted.finish({ reason, bytesUp: socket.bytesWritten, bytesDown: socket.bytesRead, address });
    place.hold(relay({ client, upstream: socket, reader, quota, limits: limits(), onEnd }));
  }

  async function readSecondHello(
    client: Socket,
    { request }: Admitted,
  ): Promise<PeekResult | Extract<HelloJudgement, { ok: false }>> {
    const started = await readFirstBytes(client, NOTHING, helloTimeoutMs, isSecondHelloStarted);
    if (started === undefined)
      return { ok: false, reason: "hello_timeout", detail: "the second ClientHello is missing" };
    const skipped = lengthOfChangeCipherSpec(started) ?? 0;
    const peeked = await peekClientHello(client, started.subarray(skipped), { timeoutMs: helloTimeoutMs });
    if (!peeked.ok) return peeked;
    const judged = judgeClientHello(peeked.hello, request);
    return judged.ok
      ? { ...peeked, bytes: Buffer.concat([started.subarray(0, skipped), peeked.bytes]) }
      : judged;
  }
}

interface Upstream {
  readonly socket: Socket;
  readonly reader: DirectReader;
}

/** The server's first bytes; perhaps none when the client has ended before them, and so sends no second hello. */
async function readServerBytes(client: Socket, { socket, reader }: Upstream): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  let start = NOTHING;
  const onGone = () => resolve(undefined);
  const timer = setTimeout(onGone, SERVER_TIMEOUT_MS);
  const stop = onUnreadEnd(client, () => {
    socket.pause();
    resolve(start);
  });
  reader.sink = (bytes) => {
    // A copy, for once: the buffer is read into again before this is judged.
    start = Buffer.concat([start, bytes]);
    if (!isServerStarted(start)) return true;
    resolve(start);
    return false;
  };
  socket.once("end", onGone).once("close", onGone);
  socket.resume();
  const answer = await promise;
  clearTimeout(timer);
  stop();
  socket.off("end", onGone).off("close", onGone);
  return answer;
}

const NOTHING = Buffer.alloc(0);
const SERVER_TIMEOUT_MS = 30_000;

function isServerStarted(bytes: Buffer): boolean {
  return readServerStart(bytes) !== "incomplete";
}

function isSecondHelloStarted(bytes: Buffer): boolean {
  const skipped = bytes.length === 0 ? undefined : lengthOfChangeCipherSpec(bytes);
  return skipped !== undefined && bytes.length > skipped;
}

/** `undefined`: the client went away by itself. */
function close(
  client: Socket,
  admitted: Admitted,
  reason: EgressReason | "closed" | undefined,
  sizes: ConnectionEnd = { bytesUp: 0, bytesDown: 0 },
): void {
  const ours = reason === "closed" ? undefined : reason;
  admitted.finish({ ...sizes, reason: ours });
  if (ours !== undefined && IN_TLS.has(ours)) endWithAlert(client);
  else client.destroy();
}

/** The client speaks TLS and is told in TLS. */
const IN_TLS = new Set<EgressReason>(["sni_missing", "sni_mismatch", "sni_unreadable", "unreadable"]);
