import type { Logger } from "@claws/service-kit";
import type { Change, Changes } from "./reading-scripts.ts";

export interface ChangeFeed {
  /** Reads now instead of at the next beat: called after a change of our own. */
  nudge(this: void): void;
  subscribe(this: void, subscriber: FeedSubscriber): () => void;
  isLive(this: void): boolean;
  /** Ends for good, and tells every subscriber, those that come later included. */
  close(this: void): void;
}

export interface FeedSubscriber {
  readonly changed?: (change: Change) => void;
  /** Redis answers again, or no longer. */
  readonly liveChanged?: (isLive: boolean) => void;
  /** Nothing comes any more: the gateway stops. */
  readonly closed?: () => void;
}

const BEAT_MS = 1_000;

/**
 * Follows the stream of changes in Redis, so that decisions on another replica and expiries are seen
 * here too. Each beat also expires what is due.
 */
export function createChangeFeed(
  readChanges: (after: string | undefined) => Promise<Changes>,
  logger: Logger,
): ChangeFeed {
  const subscribers = new Set<FeedSubscriber>();
  let position: string | undefined;
  let isLive = false;
  let isReading = false;
  let isAskedAgain = false;
  let isClosed = false;

  const setLive = (value: boolean) => {
    if (isLive === value) return;
    isLive = value;
    for (const { liveChanged } of subscribers) liveChanged?.(value);
  };
  const read = async () => {
    try {
      const news = await readChanges(position);
      position = news.position;
      setLive(true);
      for (const change of news.changes) for (const { changed } of subscribers) changed?.(change);
    } catch (error) {
      if (isLive) logger.warn({ err: error }, "cannot follow approvals: consoles are stale");
      setLive(false);
    }
  };
  const readInTurn = async () => {
    if (isClosed) return;
    if (isReading) {
      isAskedAgain = true;
      return;
    }
    isReading = true;
    do {
      isAskedAgain = false;
      await read();
    } while (isAskedAgain);
    isReading = false;
  };
  const beat = setInterval(() => void readInTurn(), BEAT_MS);
  void readInTurn();

  return {
    nudge: () => void readInTurn(),
    subscribe(subscriber) {
      if (isClosed) subscriber.closed?.();
      subscribers.add(subscriber);
      return () => subscribers.delete(subscriber);
    },
    isLive: () => isLive,
    close() {
      isClosed = true;
      clearInterval(beat);
      for (const { closed } of subscribers) closed?.();
    },
  };
}
