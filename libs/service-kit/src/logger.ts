import { pino, type Logger as PinoLogger } from "pino";

export type Logger = PinoLogger;

/**
 * Names under which a credential could slip into a log object by accident. Services log chosen fields;
 * this is the second net, two levels deep because pino's wildcard covers one level each.
 */
const SENSITIVE = [
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
  "apiKey",
  "password",
  "secret",
  "token",
  "key",
  "receipt",
];
const REDACTED_PATHS = SENSITIVE.flatMap((name) => ["", "*", "*.*"].map((level) => `${level}["${name}"]`));

/** Where lines go; a writable stream is one. */
export interface LineDestination {
  write(line: string): unknown;
}

/** JSON lines on stdout, one per event, with `service` and an ISO time. */
export function createLogger(service: string, destination?: LineDestination): Logger {
  const options = {
    base: { service },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACTED_PATHS, censor: "[redacted]" },
  };
  return destination ? pino(options, destination) : pino(options);
}

/** How long a line may wait, and how much may wait at once. */
const FLUSH_MS = 100;
const FLUSH_BYTES = 64 * 1024;

/**
 * The same log for lines that come by the thousand: they are written together, a tenth of a second later at most, and
 * before the process ends by itself. One that is killed loses that much.
 */
export function createBufferedLogger(service: string): Logger {
  let waiting: string[] = [];
  let bytes = 0;
  let timer: NodeJS.Timeout | undefined;
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    const text = waiting.join("");
    waiting = [];
    bytes = 0;
    if (text !== "") process.stdout.write(text);
  }
  process.once("exit", flush);
  return createLogger(service, {
    write(line) {
      waiting.push(line);
      bytes += line.length;
      if (bytes >= FLUSH_BYTES) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
  });
}
