/**
 * The origin of `./claws bench egress`: on 443 it does what a ClientHello of the bench asks for, on 80 it
 * answers every request with 1 kB. Raw sockets, so that it costs as little as it can.
 */
import { createServer, type Server, type Socket } from "node:net";
import { HELLO_REPLY, readOriginTask } from "./bench-hello.ts";

const HEAD_END = Buffer.from("\r\n\r\n", "latin1");
const BODY = "x".repeat(1_024);
const ANSWER = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  "latin1",
);
const CHUNK = Buffer.alloc(256 * 1_024, 7);

function serveTls(socket: Socket): void {
  let received: Buffer = Buffer.alloc(0);
  const onData = (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const task = readOriginTask(received);
    if (task === undefined) return;
    socket.off("data", onData).resume();
    if (task.task === "reply-and-close") socket.end(HELLO_REPLY);
    else if (task.task === "reply-and-stay") socket.write(HELLO_REPLY);
    else stream(socket, task.mebibytes);
  };
  socket.on("data", onData);
}

function stream(socket: Socket, mebibytes: number): void {
  let left = mebibytes * 1_048_576;
  const fill = () => {
    while (left > 0) {
      const part = left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left);
      left -= part.length;
      if (!socket.write(part) && left > 0) return void socket.once("drain", fill);
    }
    socket.end();
  };
  fill();
}

function serveHttp(socket: Socket): void {
  let tail: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    const text = tail.length === 0 ? chunk : Buffer.concat([tail, chunk]);
    let start = 0;
    for (let end = text.indexOf(HEAD_END); end >= 0; end = text.indexOf(HEAD_END, start)) {
      start = end + HEAD_END.length;
      socket.write(ANSWER);
    }
    tail = text.subarray(start);
  });
}

function listen(port: number, serve: (socket: Socket) => void): Server {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    serve(socket);
  });
  return server.listen({ port, host: "0.0.0.0", backlog: 4_096 });
}

const servers = [listen(443, serveTls), listen(80, serveHttp)];
process.once("SIGTERM", () => {
  for (const server of servers) server.close();
  process.exit(0);
});
