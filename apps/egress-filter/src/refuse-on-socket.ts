import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Problem } from "@claws/contracts";

const LINGER_MS = 1_000;

/** What a client must send to be known (RFC 9110 section 11.7.1). */
export const PROXY_CHALLENGE = 'Basic realm="sandbox-claws egress", charset="UTF-8"';

/** Answers with a problem document where Node has already handed over the bare socket, and closes it. */
export function refuseOnSocket(socket: Socket, problem: Problem): void {
  if (!socket.writable) return void socket.destroy();
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? "Refused"}`,
    "Content-Type: application/problem+json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    ...(problem.status === 407 ? [`Proxy-Authenticate: ${PROXY_CHALLENGE}`] : []),
  ];
  socket.on("error", () => socket.destroy());
  // Reading on for a moment: closing over unread bytes sends a reset, which can overtake the answer.
  socket.resume();
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`, () => {
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once("end", () => socket.destroy());
    socket.once("close", () => clearTimeout(timer));
  });
}
