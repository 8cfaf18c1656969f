import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readDotEnv } from "./dot-env.ts";

const directory = mkdtempSync(join(tmpdir(), "claws-env-"));
const path = join(directory, ".env");
afterAll(() => rmSync(directory, { recursive: true }));

describe(".env", () => {
  it("may be missing", () => expect(readDotEnv(join(directory, "none"))).toEqual({}));

  it.each([
    ["A=1", { A: "1" }],
    ["A=", { A: "" }],
    ["# A=1\n\nB=2\n", { B: "2" }],
    ['A="two words" # why', { A: "two words" }],
    ["A='$HOME'", { A: "$HOME" }],
    ["export A=1", { A: "1" }],
    ["A=1\r\nB=2\r\n", { A: "1", B: "2" }],
    ["A=1\nA=2", { A: "2" }],
    ["ALLOWED_TOOLS_BASIC=read_file,fs__*", { ALLOWED_TOOLS_BASIC: "read_file,fs__*" }],
  ])("%j is read as %j", (text, expected) => {
    writeFileSync(path, text);
    expect(readDotEnv(path)).toEqual(expected);
  });
});
