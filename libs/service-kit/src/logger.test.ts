import { Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { createLogger } from "./logger.ts";

/** What one call of the logger writes. */
function written(log: (logger: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
  log(createLogger("broker", destination));
  return lines;
}

describe("the log", () => {
  it("is one JSON line per event, with the service, the level's name and an ISO time", () => {
    const [line = "", ...more] = written((logger) => logger.warn({ tool: "fs__read_file" }, "refused"));
    expect(more).toEqual([]);
    expect(line.endsWith("}\n")).toBe(true);
    expect(JSON.parse(line)).toEqual({
      level: "warn",
      service: "broker",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      tool: "fs__read_file",
      msg: "refused",
    });
  });

  it.each([
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
  ])("never shows what is under %s, two levels deep", (name) => {
    const [line = ""] = written((logger) =>
      logger.info({ [name]: "hunter2", request: { [name]: "hunter2", headers: { [name]: "hunter2" } } }),
    );
    expect(line).not.toContain("hunter2");
    expect(JSON.parse(line)).toMatchObject({
      [name]: "[redacted]",
      request: { [name]: "[redacted]", headers: { [name]: "[redacted]" } },
    });
  });

  it("shows names that only look alike", () => {
    const [line = ""] = written((logger) => logger.info({ keys: 3, tokens: 8_000 }));
    expect(JSON.parse(line)).toMatchObject({ keys: 3, tokens: 8_000 });
  });
});
