import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readKnownSecrets } from "./read-known-secrets.ts";

describe("readKnownSecrets", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "claws-known-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  it("reads one secret per file, in the order of their names", () => {
    writeFileSync(join(directory, "b"), "second\n", { mode: 0o400 });
    writeFileSync(join(directory, "a"), "first", { mode: 0o400 });
    writeFileSync(join(directory, ".hidden"), "no", { mode: 0o400 });
    mkdirSync(join(directory, "c"));
    expect(readKnownSecrets(directory)).toEqual(["first", "second"]);
  });

  it("takes a missing directory for no secrets", () => {
    expect(readKnownSecrets(join(directory, "none"))).toEqual([]);
  });

  it("refuses a secret that every user can read", () => {
    writeFileSync(join(directory, "a"), "first", { mode: 0o444 });
    expect(() => readKnownSecrets(directory)).toThrow(/open to every user/);
  });

  it("refuses a directory that is a file", () => {
    writeFileSync(join(directory, "a"), "first", { mode: 0o400 });
    expect(() => readKnownSecrets(join(directory, "a"))).toThrow(/cannot be listed \(ENOTDIR\)/);
  });
});
