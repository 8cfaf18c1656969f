import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createSecretStore } from "./secret-store.ts";

const directory = mkdtempSync(join(tmpdir(), "secrets-"));
afterAll(() => rmSync(directory, { recursive: true }));

function store(name: string, value: string, mode = 0o440): void {
  writeFileSync(join(directory, name), value);
  chmodSync(join(directory, name), mode);
}

describe("secrets of egress-filter", () => {
  const read = createSecretStore(directory);

  it("are read anew each time, without the line's end", () => {
    store("TOKEN", "first-value\n");
    expect(read("TOKEN")).toEqual({ ok: true, value: "first-value" });
    store("TOKEN", "second-value");
    expect(read("TOKEN")).toEqual({ ok: true, value: "second-value" });
  });

  it.each([
    ["MISSING", undefined, 0o440, "./claws secrets set MISSING --for egress-filter"],
    ["OPEN", "value-for-everybody", 0o444, "./claws secrets set OPEN --for egress-filter"],
    ["EMPTY", "\n", 0o440, "./claws secrets set EMPTY --for egress-filter"],
    ["TWO_LINES", "first-line\nsecond-line", 0o440, "8 characters or more"],
    ["SHORT", "1234567", 0o440, "8 characters or more"],
    ["../TOKEN", undefined, 0o440, "another form than NAME"],
    ["token", undefined, 0o440, "another form than NAME"],
  ])("named %j are refused when they are not in order", (name, value, mode, reason) => {
    if (value !== undefined) store(name, value, mode);
    const reading = read(name);
    expect(reading).toMatchObject({ ok: false, detail: expect.stringContaining(reason) });
    if (value?.trim()) expect(JSON.stringify(reading)).not.toContain(value.trim());
  });
});
