import type { ServerResponse } from "node:http";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { FollowedLog } from "./docker-client.ts";
import { createLogLines, type LogLine } from "./log-lines.ts";

const HEARTBEAT_MS = 15_000;

/** Sends a log as server-sent events, one per line, until the log or the reader ends. */
export async function followLog({ body, isTerminal }: FollowedLog, response: ServerResponse): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  response.write("retry: 3000\n\n");
  const heartbeat = setInterval(() => response.write(": still here\n\n"), HEARTBEAT_MS);
  try {
    await pipeline(body, createLogLines({ isTerminal }), createEvents(), response);
  } catch (error) {
    // The reader left, or the filter went away: the page says so and connects again.
    if ((error as NodeJS.ErrnoException).code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  } finally {
    clearInterval(heartbeat);
  }
}

/** JSON keeps a line of the log one line of the event, whatever it holds. */
function createEvents(): Transform {
  return new Transform({
    writableObjectMode: true,
    transform(line: LogLine, _encoding, done) {
      done(null, `data: ${JSON.stringify(line)}\n\n`);
    },
    flush(done) {
      done(null, "event: end\ndata: {}\n\n");
    },
  });
}
