import { Transform } from "node:stream";

const HEADER_BYTES = 8;
const STDOUT = 1;
const STDERR = 2;

/**
 * Takes apart the engine's multiplexed stream (a header of kind and length before each piece): stdout
 * passes through under back-pressure, so a server that floods its caller stalls itself; stderr is handed
 * to `onStderr`.
 */
export function createDemultiplexer(onStderr: (chunk: Buffer) => void): Transform {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerLength = 0;
  let kind = 0;
  let remaining = 0;

  function readHeader(chunk: Buffer): number {
    const taken = chunk.copy(header, headerLength, 0, HEADER_BYTES - headerLength);
    headerLength += taken;
    if (headerLength === HEADER_BYTES) {
      headerLength = 0;
      kind = header.readUInt8(0);
      remaining = header.readUInt32BE(4);
      if (kind !== STDOUT && kind !== STDERR) throw new Error(`the engine sent a piece of kind ${kind}`);
    }
    return taken;
  }

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      let rest = chunk;
      try {
        while (rest.length > 0) {
          if (remaining === 0) {
            rest = rest.subarray(readHeader(rest));
            continue;
          }
          const piece = rest.subarray(0, remaining);
          remaining -= piece.length;
          rest = rest.subarray(piece.length);
          if (kind === STDOUT) this.push(piece);
          else onStderr(piece);
        }
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
}
