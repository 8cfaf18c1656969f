import type { EgressReason } from "@claws/contracts";

/** A tunnel ends when its ends do; a request ends with its answer. */
export type ConnectionKind = "tunnel" | "request";

/** Ends a connection; `because` stands in the record of its close. */
export type EndConnection = (because?: EgressReason) => void;

/** Room for one connection outward; it ends by `release`, and what it holds ends by `end`. */
export interface Place {
  /** Says how to end what takes the place; the last word counts. */
  hold(end: EndConnection): void;
  release(): void;
}

/** What is open for one destination, so that a change of policy can find it. */
export interface OpenConnection<Held> {
  readonly kind: ConnectionKind;
  readonly what: Held;
  readonly end: EndConnection;
}

export interface Connections<Held> {
  limit(): number;
  /** Undefined when all places are taken. */
  reserve(kind: ConnectionKind, what: Held): Place | undefined;
  open(): IterableIterator<OpenConnection<Held>>;
  /** Ends all of one kind, or all. */
  closeAll(kind?: ConnectionKind): void;
}

/** How many connections are open, counted over all workers of a door. */
export interface ConnectionCount {
  /** Takes one if fewer than `limit` are taken. */
  take(limit: number): boolean;
  give(): void;
}

/** A count that worker threads share: 4 bytes of memory, changed atomically. */
export function createSharedCount(memory: SharedArrayBuffer = new SharedArrayBuffer(4)): ConnectionCount {
  const cell = new Int32Array(memory);
  return {
    take(limit) {
      if (Atomics.add(cell, 0, 1) < limit) return true;
      Atomics.sub(cell, 0, 1);
      return false;
    },
    give: () => void Atomics.sub(cell, 0, 1),
  };
}

/** Counts the connections that one door has open or is opening, and can end them all. */
export function createConnections<Held>(
  limit: () => number,
  count: ConnectionCount = createSharedCount(),
): Connections<Held> {
  const places = new Set<Entry<Held>>();
  return {
    limit,
    reserve(kind, what) {
      if (!count.take(limit())) return undefined;
      const entry = new Entry(kind, what, () => {
        if (places.delete(entry)) count.give();
      });
      places.add(entry);
      return entry;
    },
    open: () => places.values(),
    closeAll(kind) {
      for (const place of places) if (kind === undefined || place.kind === kind) place.end();
    },
  };
}

class Entry<Held> implements Place, OpenConnection<Held> {
  readonly kind: ConnectionKind;
  readonly what: Held;
  readonly release: () => void;
  #end: EndConnection = () => {};
  #isEnded = false;

  constructor(kind: ConnectionKind, what: Held, release: () => void) {
    this.kind = kind;
    this.what = what;
    this.release = release;
  }

  hold(end: EndConnection): void {
    this.#end = end;
    if (this.#isEnded) end();
  }

  end(because?: EgressReason): void {
    this.#isEnded = true;
    this.#end(because);
  }
}
