import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { EgressOverlay, type EgressOverlayEntry } from "@claws/contracts";
import type * as z from "zod";

export type OverlayEntry = z.infer<typeof EgressOverlayEntry>;

/** Destinations that people allowed for good: a file that egress-filter reads, and that this process alone writes. */
export interface OverlayFile {
  /** Throws when the file is there and cannot be read: then nothing is known, and nothing may be written over it. */
  read(this: void): Promise<EgressOverlay>;
  /** Adds an entry; one of the same caller and destination stays as it is. */
  add(entry: OverlayEntry): Promise<void>;
  /** Whether there was such an entry. */
  remove(entry: Pick<OverlayEntry, "allow" | "caller">): Promise<boolean>;
}

/**
 * Changes are taken one after the other, each written whole beside the file and renamed over it: a reader, and a
 * crash, sees the old list or the new one.
 */
export function createOverlayFile(path: string): OverlayFile {
  let last: Promise<unknown> = Promise.resolve();
  function inTurn<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = last.then(act);
    last = turn.catch(() => undefined);
    return turn;
  }
  const read = () => readOverlay(path);

  return {
    read,
    add: (entry) =>
      inTurn(async () => {
        const { rules } = await read();
        if (rules.some((known) => isSame(known, entry))) return;
        await writeOverlay(path, { version: 1, rules: [...rules, entry] });
      }),
    remove: (entry) =>
      inTurn(async () => {
        const { rules } = await read();
        const kept = rules.filter((known) => !isSame(known, entry));
        if (kept.length === rules.length) return false;
        await writeOverlay(path, { version: 1, rules: kept });
        return true;
      }),
  };
}

function isSame(one: Pick<OverlayEntry, "allow" | "caller">, other: Pick<OverlayEntry, "allow" | "caller">) {
  return one.allow === other.allow && one.caller === other.caller;
}

async function readOverlay(path: string): Promise<EgressOverlay> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { version: 1, rules: [] };
    throw error;
  }
  return EgressOverlay.parse(JSON.parse(text));
}

/** Readable by all: egress-filter runs as another container, and there is no secret in it. */
const MODE = 0o644;

async function writeOverlay(path: string, overlay: EgressOverlay): Promise<void> {
  const beside = `${path}.new`;
  await mkdir(dirname(path), { recursive: true });
  const file = await open(beside, "w", MODE);
  try {
    await file.chmod(MODE);
    await file.writeFile(`${JSON.stringify(overlay, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  // The new name is on disk only when the folder is.
  const folder = await open(dirname(path), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
