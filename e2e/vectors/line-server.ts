import { connect, createServer } from "node:net";

/** How the attacker asks sinks and name server for what they saw: a connection answers one line of JSON. */
export const LINE_PORT = 9_000;

/** Whoever asks gets what was seen since the last time; a health check connects and asks for nothing. */
export function serveLines(take: () => unknown): void {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => socket.end(`${JSON.stringify(take())}\n`));
  });
  server.listen({ port: LINE_PORT, host: "0.0.0.0" });
}

export async function takeLine(host: string): Promise<unknown> {
  const socket = connect({ host, port: LINE_PORT });
  socket.write("take\n");
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}
