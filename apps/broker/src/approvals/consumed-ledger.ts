import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** The broker's own memory of which approvals were used: whoever writes to Redis cannot replay one. */
export interface ConsumedLedger {
  /** Records an id for good; false when it was there before. */
  record(id: string): boolean;
  close(): void;
}

/** Opens the ledger: one id per line, appended and synced before the call that it stands for is executed. */
export function openConsumedLedger(path: string): ConsumedLedger {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, "a+", 0o600);
  const content = readFileSync(path, "utf8");
  const known = new Set(content.split("\n").filter((line) => line !== ""));
  // A crash in the middle of a write leaves a line without an end: what follows must start a new one.
  if (content !== "" && !content.endsWith("\n")) writeSync(file, "\n");
  return {
    record(id) {
      if (known.has(id)) return false;
      known.add(id);
      writeSync(file, `${id}\n`);
      fsyncSync(file);
      return true;
    },
    close: () => closeSync(file),
  };
}
