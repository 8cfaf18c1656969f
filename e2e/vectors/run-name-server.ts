/** The name server of both proxies in `./claws bench egress-attacks`: answers from the corpus and keeps the names. */
import { createSocket } from "node:dgram";
import { readQuestion, TYPE_A, writeAnswer } from "./dns-message.ts";
import { serveLines } from "./line-server.ts";
import { answerFor } from "./policy.ts";

let asked: string[] = [];
/** How often each name was asked for its addresses since the attacker last looked. */
let turns = new Map<string, number>();

const socket = createSocket("udp4");
socket.on("message", (message, from) => {
  const question = readQuestion(message);
  if (question === undefined) return;
  const { name, type } = question;
  asked.push(name);
  const stub = answerFor(name);
  const turn = turns.get(name) ?? 0;
  if (type === TYPE_A) turns.set(name, turn + 1);
  const addresses = stub.addresses[Math.min(turn, stub.addresses.length - 1)] ?? [];
  socket.send(writeAnswer(message, question, stub, addresses), from.port, from.address);
});
socket.bind(53, "0.0.0.0");
serveLines(() => {
  const taken = asked;
  asked = [];
  turns = new Map();
  return taken;
});
process.once("SIGTERM", () => process.exit(0));
