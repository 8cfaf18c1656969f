import { Transform } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { stripVTControlCharacters } from "node:util";

export type LogSource = "stdout" | "stderr";

export interface LogLine {
  readonly source: LogSource;
  readonly text: string;
}

const HEADER_BYTES = 8;
/** Longer lines are shown in pieces, so that one line cannot fill the memory. */
const MAX_LINE = 64 * 1024;

/** Cuts text that comes in pieces into lines; one per source, since their pieces interleave. */
function createLineCutter(source: LogSource, emit: (line: LogLine) => void) {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const say = (text: string) => emit({ source, text: stripVTControlCharacters(text).trimEnd() });
  return {
    add(bytes: Buffer) {
      const lines = (rest + decoder.write(bytes)).split("\n");
      rest = lines.pop() ?? "";
      lines.forEach(say);
      if (rest.length > MAX_LINE) this.end();
    },
    end() {
      if (rest !== "") say(rest);
      rest = "";
    },
  };
}

/**
 * Turns a container's log into lines. Without a terminal the engine frames it: one byte for the source,
 * three of padding, four for the length (big endian), then that many bytes.
 */
export function createLogLines({ isTerminal }: { readonly isTerminal: boolean }): Transform {
  const lines = new Transform({ readableObjectMode: true });
  const emit = (line: LogLine) => void lines.push(line);
  const cutters = { stdout: createLineCutter("stdout", emit), stderr: createLineCutter("stderr", emit) };
  let current = cutters.stdout;
  let header: Buffer = Buffer.alloc(0);
  let left = 0;

  function unframe(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      if (left === 0) {
        const missing = HEADER_BYTES - header.length;
        header = Buffer.concat([header, rest.subarray(0, missing)]);
        rest = rest.subarray(missing);
        if (header.length < HEADER_BYTES) return;
        if ((header[0] ?? 0) > 2) throw new Error("the log is not framed as expected");
        current = header[0] === 2 ? cutters.stderr : cutters.stdout;
        left = header.readUInt32BE(4);
        header = Buffer.alloc(0);
      }
      const piece = rest.subarray(0, left);
      current.add(piece);
      left -= piece.length;
      rest = rest.subarray(piece.length);
    }
  }

  lines._transform = (chunk: Buffer, _encoding, done) => {
    try {
      if (isTerminal) cutters.stdout.add(chunk);
      else unframe(chunk);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
  lines._flush = (done) => {
    cutters.stdout.end();
    cutters.stderr.end();
    done();
  };
  return lines;
}
