import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ConfigError } from "./config.ts";
import { readPolicyFile } from "./policy-file.ts";

const directory = mkdtempSync(join(tmpdir(), "claws-policy-"));
const path = join(directory, "policy.json");
afterAll(() => rmSync(directory, { recursive: true }));

describe("a service without a compiled policy does not start:", () => {
  it.each([
    ["no file", undefined, "see the log of the policy container"],
    ["an empty file", "", "see the log of the policy container"],
    ["half a file", '{"version":1,', "see the log of the policy container"],
    ["another document", '{"version":1}', "is not one: profile: "],
    ["another version", '{"version":2}', "is not one: version: "],
  ])("%s", (_what, content, message) => {
    rmSync(path, { force: true });
    if (content !== undefined) writeFileSync(path, content);
    expect(() => readPolicyFile(path)).toThrow(ConfigError);
    expect(() => readPolicyFile(path)).toThrow(message);
  });
});
