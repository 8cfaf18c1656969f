import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { join } from "node:path";
import type { AuditEvent } from "@claws/contracts";
import { createBacklog } from "./backlog.ts";
import { type LeftSegment, readSegments } from "./read-segments.ts";
import { createSegmentFile, removeSegment, type SegmentFile, type WriteLine } from "./segment-file.ts";
import { writeSegmentName } from "./segment-name.ts";
import type { Ship } from "./ship.ts";
import { type EventLine, writeEvent } from "./write-event.ts";

export interface AuditSpoolOptions {
  /** A directory on a volume of the service's own; it must exist. One process at a time may use a name in it. */
  readonly directory: string;
  /** `a-z0-9-`. What an earlier life of the same name left behind is shipped first. */
  readonly name: string;
  readonly ship: Ship;
  /** More events than this that the auditor does not have: refuse. */
  readonly maxBacklog?: number;
  /** An event that waits for longer than this to be shipped: refuse. */
  readonly maxLagMs?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly write?: WriteLine;
}

export interface AuditSpoolState {
  /** Events that are here and perhaps not yet at the auditor. */
  readonly backlog: number;
  /** For how long the oldest of them waits. */
  readonly lagMs: number;
  /** Whether the bounds leave room. A full disk shows at the next `append` only. */
  readonly isOpen: boolean;
  /** What the disk or the auditor last refused, until it takes something again. */
  readonly failure: string | null;
}

/** A log of what is about to happen, on this machine first and at the auditor soon after. */
export interface AuditSpool {
  /**
   * True: a write(2) has the event, so it survives this process and reaches the auditor once. There is no
   * fsync: a power cut or a crash of the kernel may take the last records. False: do not act. Never throws.
   */
  append(event: AuditEvent): boolean;
  /**
   * For what has happened already, and waits for nothing: written with the next event, or within 20 ms. A crash in
   * between loses it.
   */
  appendLater(event: AuditEvent): void;
  state(): AuditSpoolState;
  /** Ships what was appended until now, without waiting between tries; ends at the first that fails. */
  flush(): Promise<void>;
  /** Refuses from now on, ships once more, and leaves what the auditor did not take for the next start. */
  close(): Promise<void>;
}

/** A file that is longer than this gets a successor, and goes when all of it was shipped. */
const SEGMENT_BYTES = 4 * 1024 * 1024;
/** Memory that the backlog may hold, whatever its number of events. */
const MAX_BACKLOG_BYTES = 16 * 1024 * 1024;
/** What comes in within this time goes in one batch: a batch costs both sides far more than an event. */
const GATHER_MS = 50;
const FULL_BATCH = 500;
const FULL_BATCH_BYTES = 512 * 1024;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 2_000;

/** Events that wait to be written together, and for how long. */
const LATER_MS = 20;
const FULL_LATER = 64;
const MAX_LATER = 10_000;

interface TimedLine extends EventLine {
  readonly time: number;
}

interface FullSegment {
  readonly path: string;
  readonly spool: string;
  readonly last: number;
}

/**
 * Opens the spool. Throws when its directory cannot be read or written.
 *
 * Each start is a spool of its own, under a new UUID: after a power cut the auditor may have numbers that
 * are no longer here, and a number must never mean two events.
 */
export function createAuditSpool(options: AuditSpoolOptions): AuditSpool {
  const { directory, name, ship, maxBacklog = 10_000, maxLagMs = 5_000 } = options;
  const { now = Date.now, write = (fd: number, line: string) => writeSync(fd, line) } = options;
  if (!/^[a-z0-9-]+$/.test(name)) throw new Error(`audit spool: a name is a-z, 0-9 and -, not ${name}`);

  const spool = randomUUID();
  const backlog = createBacklog();
  let full: FullSegment[] = [];
  let number = 0;
  let closed = false;
  const later: TimedLine[] = [];
  let laterTimer: NodeJS.Timeout | undefined;
  let diskFailure: string | null = null;
  let shipFailure: string | null = null;
  let shipping: Promise<boolean> | undefined;
  let isWorking = false;
  let wake: () => void = () => {};
  let endGathering: () => void = () => {};

  const left = explainErrors(directory, () => readSegments(directory, name));
  const life = (left.at(-1)?.life ?? 0) + 1;
  let current = explainErrors(directory, openSegment);
  left.forEach(takeOver);
  startShipping();

  /** Its events wait from now on: since when their own life had waited is not this one's doing. */
  function takeOver({ path, spool: owner, first, lines }: LeftSegment): void {
    const since = now();
    lines.forEach((line, index) => backlog.add({ spool: owner, number: first + index, since, ...line }));
    if (lines.length === 0) removeSegment(path);
    else full.push({ path, spool: owner, last: first + lines.length - 1 });
  }

  function openSegment(): SegmentFile {
    const path = join(directory, writeSegmentName(name, { life, first: number + 1, spool }));
    return createSegmentFile(path, write);
  }

  function lagMs(): number {
    const oldest = backlog.oldest();
    return oldest === undefined ? 0 : Math.max(0, now() - oldest.since);
  }

  function isOpen(): boolean {
    return !closed && backlog.size < maxBacklog && backlog.bytes < MAX_BACKLOG_BYTES && lagMs() <= maxLagMs;
  }

  function rotate(): void {
    const previous = current;
    current = openSegment();
    full.push({ path: previous.path, spool, last: number });
    previous.close();
  }

  function startShipping(): void {
    if (isWorking || closed || backlog.size === 0) return;
    isWorking = true;
    void work();
  }

  async function work(): Promise<void> {
    let pause = FIRST_PAUSE_MS;
    while (backlog.size > 0) {
      await gather();
      if (closed) break;
      if (await shipNext()) {
        pause = FIRST_PAUSE_MS;
      } else if (!closed) {
        await sleep(pause);
        pause = Math.min(pause * 2, LAST_PAUSE_MS);
      }
    }
    isWorking = false;
  }

  function isWorthSending(): boolean {
    return backlog.size >= FULL_BATCH || backlog.bytes >= FULL_BATCH_BYTES;
  }

  async function gather(): Promise<void> {
    if (isWorthSending() || closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, GATHER_MS);
    endGathering = resolve;
    await promise;
    clearTimeout(timer);
  }

  async function sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    wake = resolve;
    await promise;
    clearTimeout(timer);
  }

  /** One batch at a time: whoever asks meanwhile gets the answer to the one that is under way. */
  function shipNext(): Promise<boolean> {
    shipping ??= shipBatch().finally(() => {
      shipping = undefined;
    });
    return shipping;
  }

  async function shipBatch(): Promise<boolean> {
    const batch = backlog.nextBatch();
    if (batch === undefined) return true;
    const result = await ship(batch).catch((error: unknown) => ({
      ok: false as const,
      reason: String(error),
    }));
    if (!result.ok) {
      shipFailure = result.reason ?? "the auditor did not take the batch";
      return false;
    }
    if (backlog.settle(batch.spool, result.through) === 0) {
      shipFailure = `the auditor was sent number ${batch.first} on, and answers that it has ${result.through}`;
      return false;
    }
    shipFailure = null;
    removeShipped(batch.spool, result.through);
    return true;
  }

  function removeShipped(owner: string, through: number): void {
    full = full.filter(({ path, spool: its, last }) => {
      if (its !== owner || last > through) return true;
      try {
        removeSegment(path);
        return false;
      } catch (error) {
        diskFailure = messageOf(error);
        return true;
      }
    });
  }

  async function flush(): Promise<void> {
    writeLater();
    const goal = backlog.added;
    while (backlog.added - backlog.size < goal && (await shipNext()));
    wake();
  }

  /** All of the lines in one write, or none. */
  function put(lines: readonly TimedLine[]): boolean {
    if (lines.length === 0) return true;
    try {
      if (current.size >= SEGMENT_BYTES) rotate();
      const bytes = lines.reduce((sum, line) => sum + line.bytes, 0);
      current.append(lines.map(({ line }) => line).join(""), bytes);
      for (const { event, bytes: length, time } of lines) {
        number += 1;
        backlog.add({ spool, number, event, bytes: length, since: time });
      }
      diskFailure = null;
    } catch (error) {
      diskFailure = messageOf(error);
      return false;
    }
    if (isWorthSending()) endGathering();
    startShipping();
    return true;
  }

  function takeLater(): TimedLine[] {
    clearTimeout(laterTimer);
    laterTimer = undefined;
    return later.splice(0);
  }

  function putBehindLater(line: TimedLine): boolean {
    const before = takeLater();
    if (put([...before, line])) return true;
    later.unshift(...before);
    return false;
  }

  /** What the disk does not take now it is offered again, as long as there is room to wait. */
  function writeLater(): void {
    const lines = takeLater();
    if (!put(lines)) later.unshift(...lines);
  }

  return {
    append(event) {
      if (!isOpen()) return false;
      const time = now();
      const written = writeEvent(event, new Date(time).toISOString());
      return written !== undefined && putBehindLater({ ...written, time });
    },
    appendLater(event) {
      if (closed || later.length >= MAX_LATER) return;
      const time = now();
      const written = writeEvent(event, new Date(time).toISOString());
      if (written === undefined) return;
      later.push({ ...written, time });
      if (later.length >= FULL_LATER) return writeLater();
      laterTimer ??= setTimeout(writeLater, LATER_MS);
    },
    state: () => ({
      backlog: backlog.size,
      lagMs: lagMs(),
      isOpen: isOpen(),
      failure: diskFailure ?? shipFailure,
    }),
    flush,
    async close() {
      if (closed) return;
      writeLater();
      closed = true;
      wake();
      endGathering();
      await flush();
      current.close();
      if (backlog.size === 0 || number === 0) removeSegment(current.path);
    },
  };
}

function explainErrors<Value>(directory: string, open: () => Value): Value {
  try {
    return open();
  } catch (error) {
    throw new Error(
      `audit spool ${directory} cannot be opened (${messageOf(error)}): ` +
        `make it exist and writable for uid ${process.getuid?.()}`,
      { cause: error },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
