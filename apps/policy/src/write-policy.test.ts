import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPolicyFile } from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseProfile } from "./chosen-profile.ts";
import { ChooseSettings, CompileSettings } from "./settings.ts";
import { rewritePolicy, writePolicy } from "./write-policy.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "policy-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const settings = (more: Record<string, string> = {}) =>
  CompileSettings.parse({ PROFILES_DIR: directory, POLICY_DIR: directory, ...more });
const choose = (name = "mine") =>
  chooseProfile(ChooseSettings.parse({ PROFILE: name, POLICY_DIR: directory }));
const profile = (text: string) => writeFileSync(join(directory, "mine.yaml"), text);

describe("the policy container", () => {
  it("writes a policy that services can read", () => {
    profile("version: 1\n");
    choose();
    const written = writePolicy(settings());
    expect(readPolicyFile(join(directory, "policy.json"))).toEqual(written);
  });

  it("names the file and the line of a mistake, and takes the old policy away", () => {
    profile("version: 1\n");
    choose();
    writePolicy(settings());
    choose();
    profile("version: 1\nlimits:\n  callsPerMinuet: 5\n");
    expect(() => writePolicy(settings())).toThrow(
      "profiles/mine.yaml: line 3: limits.callsPerMinuet: no such key",
    );
    expect(existsSync(join(directory, "policy.json"))).toBe(false);
  });

  it("compiles the profile in force anew, and after a mistake leaves it in force", () => {
    profile("version: 1\n");
    choose();
    const before = writePolicy(settings());
    profile("version: 1\nlimits: {callsPerMinute: 7}\n");
    const after = rewritePolicy(settings());
    expect(after.limits.callsPerMinute).toBe(7);
    expect(after.hash).not.toBe(before.hash);
    profile("version: 1\nlimits: {callsPerMinute: nine}\n");
    expect(() => rewritePolicy(settings())).toThrow("profiles/mine.yaml: line 2");
    expect(readPolicyFile(join(directory, "policy.json"))).toEqual(after);
  });

  it("compiles nothing anew where no policy is in force", () => {
    profile("version: 1\n");
    expect(() => rewritePolicy(settings())).toThrow("no compiled policy");
  });

  it("says which profile is missing", () => {
    choose();
    expect(() => writePolicy(settings())).toThrow(/mine\.yaml cannot be read \(ENOENT\)/);
  });

  it("takes limits from the environment over those of the profile", () => {
    profile("version: 1\nlimits: {callsPerMinute: 7}\n");
    choose();
    writePolicy(settings({ MAX_API_CALLS_PER_MINUTE: "9" }));
    expect(JSON.parse(readFileSync(join(directory, "policy.json"), "utf8")).limits.callsPerMinute).toBe(9);
  });

  it("takes the tools that .env allows to the chosen profile, and not another's", () => {
    writeFileSync(join(directory, "filtered.yaml"), "version: 1\n");
    choose("filtered");
    const policy = writePolicy(
      settings({ ALLOWED_TOOLS_BASIC: "search", ALLOWED_TOOLS_FILTERED: "calculator" }),
    );
    expect(policy.tools.scope.allow).toEqual(["calculator"]);
  });

  it("refuses when nobody chose a profile, also after an earlier start: a choice is good once", () => {
    profile("version: 1\n");
    expect(() => writePolicy(settings())).toThrow("no profile was chosen");
    choose();
    writePolicy(settings());
    expect(() => writePolicy(settings())).toThrow("no profile was chosen");
    expect(existsSync(join(directory, "policy.json"))).toBe(false);
  });
});
