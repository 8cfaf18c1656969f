import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { ConfigError } from "./config.ts";
import { readSecretBytes, readSecretFile } from "./secret-file.ts";

const directory = mkdtempSync(join(tmpdir(), "claws-secret-"));
afterAll(() => rmSync(directory, { recursive: true }));

function secret(mode: number, content = "value\n"): string {
  const path = join(directory, `secret-${mode.toString(8)}-${content.length}`);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

describe("a secret file", () => {
  it.each([0o400, 0o440, 0o600, 0o660])("is read with mode %o", (mode) => {
    expect(readSecretFile(secret(mode))).toBe("value");
    expect(readSecretBytes(secret(mode)).toString()).toBe("value\n");
  });

  it.each([0o444, 0o404, 0o402, 0o401, 0o604, 0o777])("is refused with mode %o, in one line", (mode) => {
    const path = secret(mode);
    const octal = mode.toString(8).padStart(4, "0");
    expect(() => readSecretFile(path)).toThrow(
      new ConfigError(`secret file ${path} is open to every user (mode ${octal}): set it to 0400 or 0440`),
    );
  });

  it("that is missing is refused with what makes it", () => {
    const path = join(directory, "missing");
    expect(() => readSecretFile(path)).toThrow(
      new ConfigError(
        `secret file ${path} cannot be read (ENOENT): run './claws up <profile>' so that bootstrap makes it`,
      ),
    );
  });

  it("that is empty is refused", () => {
    expect(() => readSecretFile(secret(0o400, ""))).toThrow(/is empty$/);
  });

  it("that holds white space only is refused", () => {
    expect(() => readSecretFile(secret(0o400, " \n"))).toThrow(/is empty$/);
  });

  it("that is a folder is refused", () => {
    expect(() => readSecretFile(directory)).toThrow(ConfigError);
  });
});
