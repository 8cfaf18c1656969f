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

/** JSON lines on stdout, one per event, with `service` and an ISO time. */
export function createLogger(service: string, destination?: NodeJS.WritableStream): Logger {
  const options = {
    base: { service },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACTED_PATHS, censor: "[redacted]" },
  };
  return destination ? pino(options, destination) : pino(options);
}
