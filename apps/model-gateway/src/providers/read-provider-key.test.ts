import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readProviderKey } from "./read-provider-key.ts";

describe("readProviderKey", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "claws-keys-"));
    writeFileSync(join(directory, "good"), "key-1\n", { mode: 0o400 });
    writeFileSync(join(directory, "two-lines"), "a: b\nc", { mode: 0o400 });
    writeFileSync(join(directory, "open"), "key-1", { mode: 0o444 });
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("reads a key without its line end", () =>
    expect(readProviderKey(directory, "good")).toEqual({ ok: true, key: "key-1" }));

  it.each([
    ["none", "./claws secrets set none"],
    ["two-lines", "./claws secrets set two-lines"],
    ["open", "./claws secrets set open"],
    ["../good", "not one"],
    [".good", "not one"],
    ["", "not one"],
  ])("refuses %j and says what to do", (name, cure) => {
    expect(readProviderKey(directory, name)).toMatchObject({
      ok: false,
      problem: { code: "model_unavailable", detail: expect.stringContaining(cure) as string },
    });
  });
});
