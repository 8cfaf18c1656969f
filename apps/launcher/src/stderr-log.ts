const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 8 * 1024;
const MAX_LINES = 100;
const WINDOW_MS = 60_000;

export interface StderrLog {
  write(chunk: Buffer): void;
  /** Logs a last line that has no line break. */
  end(): void;
}

export interface StderrLogOptions {
  readonly log: (line: string) => void;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
}

/**
 * What a server writes to stderr, line by line, within bounds: a server must not be able to fill the
 * launcher's log or its memory. Longer lines are cut; of a minute, the first lines are logged.
 */
export function createStderrLog({ log, now }: StderrLogOptions): StderrLog {
  let line: Buffer = Buffer.alloc(0);
  let cut = false;
  let windowStart = now();
  let logged = 0;

  function add(piece: Buffer): void {
    const room = MAX_LINE_BYTES - line.length;
    if (piece.length > room) cut = true;
    if (room > 0) line = Buffer.concat([line, piece.subarray(0, room)]);
  }

  function flush(): void {
    const text = `${line.toString("utf8").trimEnd()}${cut ? " … (cut)" : ""}`;
    line = Buffer.alloc(0);
    cut = false;
    if (text === "") return;
    if (now() - windowStart >= WINDOW_MS) {
      windowStart = now();
      logged = 0;
    }
    logged += 1;
    if (logged <= MAX_LINES) log(text);
    else if (logged === MAX_LINES + 1) log(`suppressed: more than ${MAX_LINES} lines in a minute`);
  }

  return {
    write(chunk) {
      let rest = chunk;
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
        add(rest.subarray(0, end));
        flush();
        rest = rest.subarray(end + 1);
      }
      add(rest);
    },
    end: flush,
  };
}
