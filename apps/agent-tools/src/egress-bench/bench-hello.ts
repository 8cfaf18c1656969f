import { Duplex } from "node:stream";
import { connect } from "node:tls";

/**
 * What the bench's origin shall do with a connection, said in the random of the ClientHello: any value is
 * valid there (RFC 8446 section 4.1.2), so the same bytes are a plain TLS handshake to every proxy.
 */
export type OriginTask =
  | { readonly task: "reply-and-close" }
  | { readonly task: "reply-and-stay" }
  | { readonly task: "stream"; readonly mebibytes: number };

/** The origin's answer to a hello; a client has had its round trip when all of it is there. */
export const HELLO_REPLY = Buffer.from("claws-bench-origin says hello..\n", "latin1");

const MARK = "clawsbench";
const TASKS = ["reply-and-close", "reply-and-stay", "stream"] as const;
const RECORD_HEADER = 5;
/** Record header, handshake header, legacy version. */
const RANDOM_AT = RECORD_HEADER + 4 + 2;

/** A ClientHello as Node's own TLS client sends it, with this SNI and this task. */
export async function createBenchHello(serverName: string, task: OriginTask): Promise<Buffer> {
  const hello = await captureClientHello(serverName);
  hello.write(MARK, RANDOM_AT, "latin1");
  hello.writeUInt8(TASKS.indexOf(task.task), RANDOM_AT + MARK.length);
  hello.writeUInt32BE(task.task === "stream" ? task.mebibytes : 0, RANDOM_AT + MARK.length + 1);
  return hello;
}

/** The task, once the whole record is there; undefined until then or when it is not one of the bench's. */
export function readOriginTask(received: Buffer): OriginTask | undefined {
  if (received.length < RANDOM_AT + 32) return undefined;
  if (received.length < RECORD_HEADER + received.readUInt16BE(3)) return undefined;
  if (received.toString("latin1", RANDOM_AT, RANDOM_AT + MARK.length) !== MARK) return undefined;
  const task = TASKS[received.readUInt8(RANDOM_AT + MARK.length)];
  if (task === undefined) return undefined;
  const mebibytes = received.readUInt32BE(RANDOM_AT + MARK.length + 1);
  return task === "stream" ? { task, mebibytes } : { task };
}

/** The first flight of a real client, taken from a stream that leads nowhere. */
async function captureClientHello(serverName: string): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const nowhere = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      resolve(Buffer.from(chunk));
      done();
    },
  });
  const client = connect({ socket: nowhere, servername: serverName });
  client.once("error", reject);
  try {
    return await promise;
  } finally {
    client.destroy();
    nowhere.destroy();
  }
}
