import type { OnReadOpts } from "node:net";

/** Takes bytes that are valid until it returns true, or after false until reading is resumed. False pauses. */
export type Sink = (bytes: Buffer) => boolean;

/**
 * Reads a socket past Node's streams: into one buffer, again and again, with nothing allocated for a read. The socket
 * must be made with `onread` and be paused until there is a sink.
 */
export interface DirectReader {
  readonly onread: OnReadOpts;
  sink: Sink;
  /** Gives the buffer to the next reader. Only when the socket is closed, and everything that was read is written. */
  release(): void;
}

const BUFFER_BYTES = 64 * 1024;
/** Buffers that wait for the next tunnel; pages that nobody has written to cost nothing. */
const MAX_WAITING = 64;

export type CreateDirectReader = () => DirectReader;

export function createReaders(): CreateDirectReader {
  const waiting: Buffer[] = [];
  return function createReader() {
    let buffer: Buffer | undefined = waiting.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
    const reader: DirectReader = {
      onread: {
        buffer,
        callback: (size, bytes) => reader.sink((bytes as Buffer).subarray(0, size)),
      },
      sink: () => false,
      release() {
        if (buffer !== undefined && waiting.length < MAX_WAITING) waiting.push(buffer);
        buffer = undefined;
      },
    };
    return reader;
  };
}
