import { connect, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Problem } from "@claws/contracts";
import { buildClientHello } from "../client-hello/testing/build-client-hello.ts";

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

const credentialsOf = new Map<number, string>();

/** From now on, requests to this port carry these proxy credentials, unless they bring their own. */
export function useCredentials(port: number, header: string): void {
  credentialsOf.set(port, header);
}

/** Sends these bytes and reads until the other side closes. */
export async function sendRaw(port: number, bytes: string): Promise<RawAnswer> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(withCredentials(port, bytes), "latin1");
  return readAnswer(socket);
}

/** A head of HTTP/1.1 gets the credentials; what is no such head stays as it is. */
export function withCredentials(port: number, bytes: string): string {
  const credentials = credentialsOf.get(port);
  if (credentials === undefined || /proxy-authorization/i.test(bytes)) return bytes;
  return bytes.replace(/ HTTP\/1\.1\r\n/, ` HTTP/1.1\r\nProxy-Authorization: ${credentials}\r\n`);
}

/** Sends CONNECT and hands over the socket when the tunnel is open, or the refusal. */
export async function openTunnel(port: number, target: string): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  const bytes = withCredentials(port, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  await sendHead(socket, bytes);
  return socket;
}

/** The same, and a ClientHello that names the host; the destination's answer to it is read. */
export async function openTlsTunnel(
  port: number,
  target: string,
  serverName = hostOf(target),
): Promise<Socket> {
  const socket = await openTunnel(port, target);
  await sendHello(socket, serverName);
  return socket;
}

/** Sends a ClientHello, and reads what `answerHellos` of the origin says to it. */
export async function sendHello(stream: Duplex, serverName: string): Promise<void> {
  // An address is no server name (RFC 6066 section 3).
  stream.write(buildClientHello({ serverNames: isIP(serverName) ? [] : [serverName] }));
  await readUntil(stream, HELLO_ANSWER);
}

/** What an origin of ours answers a hello with, before it turns to its own business. */
export const HELLO_ANSWER = "hello seen;";

function hostOf(target: string): string {
  return target.replace(/:\d+$/, "").replace(/\.$/, "").toLowerCase();
}

/** Speaks CONNECT on a stream that is open; what follows on it is the tunnel. */
export async function connectThrough(stream: Duplex, target: string): Promise<void> {
  await sendHead(stream, `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
}

async function sendHead(stream: Duplex, bytes: string): Promise<void> {
  stream.write(bytes, "latin1");
  const head = await readUntil(stream, "\r\n\r\n");
  if (!head.startsWith("HTTP/1.1 200 ")) throw new Error(head);
}

export function problemOf({ body }: RawAnswer): Problem {
  return Problem.parse(JSON.parse(body));
}

export async function readToEnd(stream: Duplex): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("latin1");
}

export async function readAnswer(stream: Duplex): Promise<RawAnswer> {
  const text = await readToEnd(stream);
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end);
  return { head, body: text.slice(end + 4), status: Number(head.split(" ")[1]) };
}

/** Reads byte-wise up to this text and leaves the rest in the stream. */
async function readUntil(stream: Duplex, text: string): Promise<string> {
  let head = "";
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const onReadable = () => {
    let byte = stream.read(1) as Buffer | null;
    while (byte !== null) {
      head += byte.toString("latin1");
      if (head.endsWith(text)) return resolve(head);
      byte = stream.read(1) as Buffer | null;
    }
  };
  const onEnd = () => resolve(head);
  stream.on("readable", onReadable).once("end", onEnd).once("error", reject);
  try {
    return await promise;
  } finally {
    stream.off("readable", onReadable).off("end", onEnd).off("error", reject);
  }
}
