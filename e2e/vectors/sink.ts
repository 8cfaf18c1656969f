import type { Socket } from "node:net";
import type { Arrival } from "./scenario.ts";

const KEPT_BYTES = 8_192;
const HTTP_OK = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
const POISONED = `${HTTP_OK}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON`;
const REDIRECT = "HTTP/1.1 302 Found\r\nLocation: http://evil.test/\r\nContent-Length: 0\r\n\r\n";

type Seen = { -readonly [Key in keyof Arrival]: Arrival[Key] };
let seen: Seen[] = [];

/** What arrived since the last time this was asked. */
export function takeArrivals(): Arrival[] {
  const taken = seen;
  seen = [];
  return taken;
}

/** Records a connection that a proxy made to this address and port, and answers as the hosts of the corpus would. */
export function receive(socket: Socket, address: string, port: number): void {
  socket.on("error", () => socket.destroy());
  const visit = record(socket, address, port);
  if (port === 443) serveTls(socket, visit);
  else if (port === 80) serveHttp(socket);
  else socket.once("end", () => socket.end());
}

/** One connection of a proxy, which may carry what several vectors sent. */
interface Visit {
  /** What arrived since the attacker last looked. */
  current: Seen;
  /** The beginning of all that it brought. */
  start: string;
}

function record(socket: Socket, address: string, port: number): Visit {
  const begin = () => {
    const arrival: Seen = { address, port, bytes: "", total: 0 };
    seen.push(arrival);
    return arrival;
  };
  const visit: Visit = { current: begin(), start: "" };
  socket.on("data", (chunk: Buffer) => {
    if (!seen.includes(visit.current)) visit.current = begin();
    const { current } = visit;
    current.total += chunk.length;
    current.bytes += chunk.toString("latin1", 0, Math.max(0, KEPT_BYTES - current.bytes.length));
    visit.start += chunk.toString("latin1", 0, Math.max(0, KEPT_BYTES - visit.start.length));
  });
  return visit;
}

/** The host is known by the SNI in the first bytes, as it stands there. */
function serveTls(socket: Socket, visit: Visit): void {
  socket.once("data", () => {
    if (visit.start.includes("download.wild.test")) pourOut(socket, 64);
    else if (!visit.start.includes("half-close.wild.test")) socket.write("the sink says hello\n");
  });
  socket.once("end", () => {
    const isLate = visit.start.includes("half-close.wild.test");
    setTimeout(() => socket.end(isLate ? "late bytes\n" : ""), isLate ? 300 : 0);
  });
}

function serveHttp(socket: Socket): void {
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
    for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
      socket.write(answerTo(text.slice(0, end)));
      text = text.slice(end + 4);
    }
  });
  socket.once("end", () => socket.end());
}

function answerTo(head: string): string {
  const target = head.split(" ")[1] ?? "";
  // A body that never ends is never answered: whoever waits for it is on its own.
  if (/^content-length: *1000000000/im.test(head)) return "";
  if (target.includes("/two-responses")) return POISONED;
  return target.includes("?url=") ? REDIRECT : HTTP_OK;
}

function pourOut(socket: Socket, mebibytes: number): void {
  const chunk = Buffer.alloc(65_536, 0x64);
  let left = mebibytes * 16;
  const fill = () => {
    while (left-- > 0 && !socket.destroyed) if (!socket.write(chunk)) return void socket.once("drain", fill);
  };
  fill();
}
