import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Problem } from "@claws/contracts";

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** Sends these bytes and reads until the other side closes. */
export async function sendRaw(port: number, bytes: string): Promise<RawAnswer> {
  const socket = connect({ host: "127.0.0.1", port });
  socket.write(bytes, "latin1");
  return readAnswer(socket);
}

/** Sends CONNECT and hands over the socket when the tunnel is open, or the refusal. */
export async function openTunnel(port: number, target: string, extra = ""): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await connectThrough(socket, target, extra);
  return socket;
}

/** Speaks CONNECT on a stream that is open; what follows on it is the tunnel. */
export async function connectThrough(stream: Duplex, target: string, extra = ""): Promise<void> {
  stream.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n${extra}`);
  const head = await readHead(stream);
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

/** Reads byte-wise up to the empty line and leaves the rest in the stream. */
async function readHead(stream: Duplex): Promise<string> {
  let head = "";
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const onReadable = () => {
    let byte = stream.read(1) as Buffer | null;
    while (byte !== null) {
      head += byte.toString("latin1");
      if (head.endsWith("\r\n\r\n")) return resolve(head);
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
