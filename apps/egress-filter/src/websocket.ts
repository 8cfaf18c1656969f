import { request as httpRequest, type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { EgressReason } from "@claws/contracts";
import { formatAuthority } from "./authority.ts";
import type { Dial } from "./dial.ts";
import { onUnreadEnd } from "./first-bytes.ts";
import { endToEndHeaders } from "./hop-by-hop.ts";
import { createMeter, headLength, overrunOf } from "./metered-bodies.ts";
import type { Admitted } from "./pipeline.ts";
import { problemOf } from "./refusal.ts";
import { refuseOnSocket } from "./refuse-on-socket.ts";
import { relay, type RelayLimits } from "./relay.ts";

/** Carries a WebSocket (RFC 6455) over plain HTTP: judged as the GET that it begins with, relayed after the 101. */
export type CarryWebSocket = (
  request: IncomingMessage,
  client: Socket,
  head: Buffer,
  admitted: Admitted,
) => Promise<void>;

export function createWebSocketCarrier(dial: Dial, limits: () => RelayLimits): CarryWebSocket {
  return async function carry(request, client, head, admitted) {
    const { request: egress, addresses, place, quota, rule } = admitted;
    const authority = formatAuthority(egress);

    function fail(detail: string): void {
      admitted.finish({ reason: "unreachable", bytesUp: 0, bytesDown: 0 });
      refuseOnSocket(client, problemOf({ reason: "unreachable", detail, rule }));
    }
    const dialled = await dial(addresses, egress.port);
    if (!dialled.ok)
      return fail(`${authority} cannot be reached, ${dialled.detail}: check the port, or try again`);
    const upstream = dialled.socket;
    place.hold(() => {
      upstream.destroy();
      client.destroy();
    });
    const overrun = await overrunOf(quota.up, headLength(request));
    if (overrun) {
      upstream.destroy();
      admitted.finish({ reason: overrun.reason, bytesUp: 0, bytesDown: 0 });
      return refuseOnSocket(client, problemOf(overrun));
    }
    // Whoever leaves before the answer is noticed only by somebody who listens.
    const stopListening = onUnreadEnd(client, () => upstream.destroy());
    const finish = (reason?: EgressReason) => {
      stopListening();
      admitted.finish({ reason, bytesUp: upstream.bytesWritten, bytesDown: upstream.bytesRead });
    };
    const onClosed = () => {
      finish();
      client.destroy();
    };
    upstream.once("close", onClosed);
    const total = setTimeout(() => upstream.destroy(), limits().totalMs);
    total.unref();
    upstream.once("close", () => clearTimeout(total));

    const outgoing = httpRequest({
      createConnection: () => upstream,
      method: "GET",
      path: egress.path ?? "/",
      setHost: false,
      headers: [...endToEndHeaders(request.rawHeaders), "Connection", "Upgrade", "Upgrade", "websocket"],
    });
    outgoing.setTimeout(limits().idleMs, () => outgoing.destroy());
    outgoing.on("error", () => {
      upstream.off("close", onClosed);
      stopListening();
      upstream.destroy();
      fail(`${authority} ended the connection before it had answered: try again`);
    });
    outgoing.on("upgrade", (answer, _socket, rest) => {
      upstream.off("close", onClosed);
      stopListening();
      writeHead(client, answer, ["Connection", "Upgrade", "Upgrade", "websocket"]);
      if (rest.length > 0) upstream.unshift(rest);
      if (head.length > 0) client.unshift(head);
      place.hold(relay({ client, upstream, quota, limits: limits(), onEnd: finish }));
    });
    outgoing.on("response", (answer) => {
      writeHead(client, answer, ["Connection", "close"]);
      const meter = createMeter(quota.down, () => upstream.destroy());
      answer.pipe(meter).pipe(client);
      answer.once("close", () => finish());
    });
    outgoing.end();
  };
}

function writeHead(client: Socket, answer: IncomingMessage, more: readonly string[]): void {
  const status = answer.statusCode ?? 502;
  // Not the origin's own words for the status, which may hold anything.
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Unknown"}`];
  const headers = [...endToEndHeaders(answer.rawHeaders), ...more];
  for (let index = 0; index + 1 < headers.length; index += 2)
    lines.push(`${headers[index]}: ${headers[index + 1]}`);
  client.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}
