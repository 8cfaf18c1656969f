import { constants, createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname } from "node:path";
import { readLines } from "./read-lines.ts";

const NEWLINE = 0x0a;
const BLOCK_BYTES = 64 * 1024;

/** The file as the writer needs it: bytes at the end, on disk, or gone again. */
export interface LogFile {
  /** Adds bytes at the end; returns when the disk has them. */
  append(bytes: Buffer): Promise<void>;
  /** Its length. Rejects when the file was deleted: what is written to it then, nobody will ever read. */
  size(): Promise<number>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

/** The file as it is found at start. */
export interface ExistingLogFile extends LogFile {
  /** How many bytes the complete lines have; after that is a line that a crash cut off. */
  completeSize(): Promise<number>;
  /** The lines in the first `size` bytes. */
  lines(size: number): AsyncIterable<string>;
}

export async function openLogFile(path: string): Promise<ExistingLogFile> {
  const { O_APPEND, O_CREAT, O_RDWR } = constants;
  const handle = await open(path, O_RDWR | O_CREAT | O_APPEND, 0o640);
  await syncDirectory(dirname(path));
  return {
    async append(bytes) {
      await handle.appendFile(bytes);
      await handle.datasync();
    },
    async size() {
      const { size, nlink } = await handle.stat();
      if (nlink === 0) throw new Error(`${path} was deleted`);
      return size;
    },
    async truncate(size) {
      await handle.truncate(size);
      await handle.datasync();
    },
    close: () => handle.close(),
    completeSize: () => findCompleteSize(handle),
    async *lines(size) {
      // `end` is inclusive: a stream of nothing cannot be asked for.
      if (size > 0) yield* readLines(createReadStream(path, { end: size - 1 }));
    },
  };
}

/** The complete lines of a log that somebody may be writing at this moment. */
export async function* readCompleteLines(path: string): AsyncGenerator<string> {
  const size = await readCompleteSize(path);
  if (size > 0) yield* readLines(createReadStream(path, { end: size - 1 }));
}

async function readCompleteSize(path: string): Promise<number> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    return await findCompleteSize(handle);
  } finally {
    await handle.close();
  }
}

/** A new file survives a power cut only when its directory entry does. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Reads back from the end to the last line break. */
async function findCompleteSize(handle: FileHandle): Promise<number> {
  const block = Buffer.alloc(BLOCK_BYTES);
  let end = (await handle.stat()).size;
  while (end > 0) {
    const start = Math.max(0, end - BLOCK_BYTES);
    const { bytesRead } = await handle.read(block, 0, end - start, start);
    const newline = block.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (newline >= 0) return start + newline + 1;
    end = start;
  }
  return 0;
}
