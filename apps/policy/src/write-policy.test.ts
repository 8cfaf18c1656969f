import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readPolicyFile } from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Settings } from "./settings.ts";
import { writePolicy } from "./write-policy.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "policy-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const settings = (more: Record<string, string> = {}) =>
  Settings.parse({
    PROFILE: "mine",
    PROFILES_DIR: directory,
    POLICY_FILE: join(directory, "policy.json"),
    ...more,
  });
const profile = (text: string) => writeFileSync(join(directory, "mine.yaml"), text);

describe("the policy container", () => {
  it("writes a policy that services can read", () => {
    profile("version: 1\n");
    const written = writePolicy(settings());
    expect(readPolicyFile(join(directory, "policy.json"))).toEqual(written);
  });

  it("names the file and the line of a mistake, and takes the old policy away", () => {
    profile("version: 1\n");
    writePolicy(settings());
    profile("version: 1\nlimits:\n  callsPerMinuet: 5\n");
    expect(() => writePolicy(settings())).toThrow(
      "profiles/mine.yaml: line 3: limits.callsPerMinuet: no such key",
    );
    expect(existsSync(join(directory, "policy.json"))).toBe(false);
  });

  it("says which profile is missing", () => {
    expect(() => writePolicy(settings())).toThrow(/mine\.yaml cannot be read \(ENOENT\)/);
  });

  it("takes limits from the environment over those of the profile", () => {
    profile("version: 1\nlimits: {callsPerMinute: 7}\n");
    writePolicy(settings({ MAX_API_CALLS_PER_MINUTE: "9" }));
    expect(JSON.parse(readFileSync(join(directory, "policy.json"), "utf8")).limits.callsPerMinute).toBe(9);
  });
});
