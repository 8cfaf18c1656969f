import { randomInt } from "node:crypto";
import { connect } from "node:net";
import { type Outcome, PATIENCE_MS, readErrorCode } from "./attempt.ts";
import { type DnsAnswer, readAnswer, type RecordType, writeQuery } from "./dns-message.ts";
import { sendUdp } from "./send-udp.ts";

export interface Question {
  readonly server: string;
  readonly name: string;
  readonly type: RecordType;
  readonly transport: "udp" | "tcp";
}

/** What a name server did with one question. */
export interface Consultation extends Question {
  readonly outcome: Outcome;
  readonly answer?: DnsAnswer;
}

const DNS_PORT = 53;
const MAX_ANSWER_BYTES = 65_537;

export async function askDns(question: Question): Promise<Consultation> {
  const id = randomInt(65_536);
  const query = writeQuery(id, question.name, question.type);
  const ask = question.transport === "udp" ? askOverUdp : askOverTcp;
  const { outcome, message } = await ask(question.server, query);
  if (message === undefined) return { ...question, outcome };
  const answer = readAnswer(id, message);
  if (answer === undefined) return { ...question, outcome: { kind: "odd", code: "no DNS message" } };
  return { ...question, outcome, answer };
}

interface Heard {
  readonly outcome: Outcome;
  readonly message?: Buffer;
}

async function askOverUdp(server: string, query: Buffer): Promise<Heard> {
  const { outcome, answer } = await sendUdp(server, DNS_PORT, query);
  return answer === undefined ? { outcome } : { outcome, message: answer };
}

/** RFC 7766: two bytes of length before each message. A connection that is closed without an answer is refused. */
async function askOverTcp(server: string, query: Buffer): Promise<Heard> {
  const { promise, resolve } = Promise.withResolvers<Heard>();
  const socket = connect({ host: server, port: DNS_PORT });
  let received = Buffer.alloc(0);
  socket.setTimeout(PATIENCE_MS, () => resolve({ outcome: { kind: "silent" } }));
  socket.on("error", ({ code = "unknown" }: NodeJS.ErrnoException) =>
    resolve({ outcome: readErrorCode(code, server) }),
  );
  socket.once("connect", () => {
    const length = Buffer.alloc(2);
    length.writeUInt16BE(query.length);
    socket.write(Buffer.concat([length, query]));
  });
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    const isWhole = received.length >= 2 && received.length >= 2 + received.readUInt16BE(0);
    if (isWhole || received.length > MAX_ANSWER_BYTES)
      resolve({ outcome: { kind: "answered" }, message: received.subarray(2) });
  });
  socket.once("end", () => resolve({ outcome: { kind: "refused" } }));
  const deadline = setTimeout(() => resolve({ outcome: { kind: "silent" } }), PATIENCE_MS);
  const heard = await promise;
  clearTimeout(deadline);
  socket.destroy();
  return heard;
}
