import type { Request, Response } from "express";
import type { ChangeFeed } from "./change-feed.ts";
import type { Change, Changes } from "./reading-scripts.ts";

const HEARTBEAT_MS = 15_000;
const RECONNECT_MS = 2_000;
const POSITION = /^\d{1,20}-\d{1,20}$/;

/**
 * Server-sent events (WHATWG HTML, section 9.2): `approval` and `question` per change of state, `live` and `stale` when
 * Redis comes and goes, `heartbeat` while live. `Last-Event-ID` replays what was missed.
 */
export async function streamEvents(
  request: Request,
  response: Response,
  feed: ChangeFeed,
  readChanges: (after: string) => Promise<Changes>,
): Promise<void> {
  const lastSeen = request.header("last-event-id");
  const missed =
    lastSeen !== undefined && POSITION.test(lastSeen) ? (await readChanges(lastSeen)).changes : [];

  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  const send = (name: string, data: object, id?: string) =>
    response.write(
      `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`,
    );
  const sendChange = ({ position, kind, id, state }: Change) => send(kind, { id, state }, position);
  const sendLive = (isLive: boolean) => send(isLive ? "live" : "stale", {});

  response.write(`retry: ${RECONNECT_MS}\n\n`);
  missed.forEach(sendChange);
  sendLive(feed.isLive());
  const end = () => void response.end();
  const unsubscribe = feed.subscribe({ changed: sendChange, liveChanged: sendLive, closed: end });
  const heartbeat = setInterval(() => {
    if (feed.isLive()) send("heartbeat", {});
  }, HEARTBEAT_MS);
  response.once("close", () => {
    clearInterval(heartbeat);
    unsubscribe();
  });
}
