import { closeSync, constants, ftruncateSync, openSync, unlinkSync } from "node:fs";

/** Writes all of a line at the end of a file and returns how many bytes the disk took. */
export type WriteLine = (fd: number, line: string) => number;

/** One file of a spool: lines at its end, whole or not at all. */
export interface SegmentFile {
  readonly path: string;
  /** Length of its whole lines. */
  readonly size: number;
  /** Throws what the system says; the line is not in the file then. */
  append(line: string, length: number): void;
  close(): void;
}

/** Makes a new file; throws what the system says. */
export function createSegmentFile(path: string, write: WriteLine): SegmentFile {
  const { O_APPEND, O_CREAT, O_EXCL, O_WRONLY } = constants;
  const fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL, 0o600);
  let size = 0;
  /** A write failed: what stands behind the last whole line may be half of another. */
  let torn = false;

  function cutOff(): void {
    ftruncateSync(fd, size);
    torn = false;
  }

  return {
    path,
    get size() {
      return size;
    },
    append(line, length) {
      // No line may follow half of one. If this fails again, so does this line.
      if (torn) cutOff();
      torn = true;
      const written = write(fd, line);
      if (written !== length) {
        cutOff();
        throw new Error(`the disk took ${written} of ${length} bytes: it is probably full`);
      }
      torn = false;
      size += length;
    },
    close: () => closeSync(fd),
  };
}

/** Removes a file that may be gone already. */
export function removeSegment(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
