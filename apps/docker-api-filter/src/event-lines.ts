import { Transform } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** An event is a few hundred bytes; a line beyond this is no event stream. */
const MAX_LINE = 1024 * 1024;

/** Cuts a stream into lines and passes on what `show` makes of each; undefined drops the line. */
export function createEventLines(show: (line: string) => string | undefined): Transform {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const lines = (rest + decoder.write(chunk)).split("\n");
      rest = lines.pop() ?? "";
      if (rest.length > MAX_LINE) return done(new Error("the engine sent an event line of more than 1 MiB"));
      let shown = "";
      for (const line of lines) {
        const event = show(line);
        if (event !== undefined) shown += `${event}\n`;
      }
      done(null, shown === "" ? undefined : shown);
    },
    flush(done) {
      const event = show(rest);
      done(null, event === undefined ? undefined : `${event}\n`);
    },
  });
}
