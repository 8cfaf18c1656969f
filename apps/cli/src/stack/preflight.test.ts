import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { afterAll, describe, expect, it } from "vitest";
import { ClawsError } from "../claws-error.ts";
import { checkDisk, checkPorts, checkProfile, readProfileName, checkUser } from "./preflight.ts";
import { readStack } from "./stack.ts";

const root = mkdtempSync(join(tmpdir(), "claws-preflight-"));
mkdirSync(join(root, "profiles"));
writeFileSync(join(root, "profiles/filtered.yaml"), "version: 1\ntools: { allow: [search] }\n");
writeFileSync(join(root, "profiles/basic.yaml"), "version: 1\negres: {}\nlimits: { callsPerMinute: 0 }\n");
afterAll(() => rmSync(root, { recursive: true }));

describe("the name of a profile", () => {
  it.each([
    [[], "filtered"],
    [["basic"], "basic"],
    [["filtered"], "filtered"],
    [["airgap"], "airgap"],
  ] as const)("%j means %s", (names, expected) => expect(readProfileName(names)).toBe(expected));

  it.each([
    [
      ["basic", "airgap"],
      "one profile at a time, not basic and airgap: choose one of basic, filtered, airgap",
    ],
    [["basic", "basic"], "one profile at a time, not basic and basic: choose one of basic, filtered, airgap"],
    [["filterd"], "there is no profile filterd: choose one of basic, filtered, airgap"],
    [["Basic"], "there is no profile Basic: choose one of basic, filtered, airgap"],
    [["constructor"], "there is no profile constructor: choose one of basic, filtered, airgap"],
    [[""], "there is no profile : choose one of basic, filtered, airgap"],
  ])("%j is refused", (names, message) => {
    expect(() => readProfileName(names)).toThrow(new ClawsError(message));
  });
});

describe("a profile is checked before anything starts:", () => {
  it("one that is in order gives its policy, with the overrides of .env", () => {
    const stack = readStack(root, { ALLOWED_TOOLS_FILTERED: "read_file", ALLOWED_TOOLS_BASIC: "not this" });
    expect(checkProfile(stack, "filtered").tools.scope.allow).toEqual(["read_file"]);
  });

  it("each mistake is named with its file and line", () => {
    expect(() => checkProfile(readStack(root, {}), "basic")).toThrow(
      /profiles\/basic\.yaml, line 3: limits\.callsPerMinute: .*; profiles\/basic\.yaml, line 2: egres: no such key/,
    );
  });

  it("a mistake in .env is named with its variable", () => {
    const stack = readStack(root, { MAX_API_CALLS_PER_MINUTE: "many", ALLOWED_TOOLS_FILTERED: "a b" });
    expect(() => checkProfile(stack, "filtered")).toThrow(
      '.env: ALLOWED_TOOLS_FILTERED: "a b" is not a tool name; .env: MAX_API_CALLS_PER_MINUTE: "many" is not',
    );
  });

  it("a missing file is named", () => {
    expect(() => checkProfile(readStack(root, {}), "airgap")).toThrow("there is no profiles/airgap.yaml");
    expect(() => checkProfile(readStack(root, { CLAWS_PROFILES: "/none" }), "filtered")).toThrow(
      "there is no /none/filtered.yaml",
    );
  });

  it("an empty CLAWS_PROFILES is the default folder", () => {
    expect(checkProfile(readStack(root, { CLAWS_PROFILES: "" }), "filtered").profile).toBe("filtered");
  });
});

describe("a port", () => {
  it("that is taken is refused, with the variable that chooses another", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await expect(checkPorts({ CLAWS_CONSOLE_PORT: 0, CLAWS_LOGS_PORT: port })).rejects.toThrow(
      new ClawsError(
        `port ${port} on 127.0.0.1 is taken by another program: stop it, or choose another one with CLAWS_LOGS_PORT=… in .env`,
      ),
    );
    server.close();
    await once(server, "close");
    await checkPorts({ CLAWS_LOGS_PORT: port });
  });

  it("that is taken on every address is refused too", async () => {
    const server = createServer().listen(0, "0.0.0.0");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    await expect(checkPorts({ CLAWS_LOGS_PORT: port })).rejects.toThrow(ClawsError);
    server.close();
  });

  it("0 is any, so it is never taken", async () => {
    await checkPorts({ CLAWS_CONSOLE_PORT: 0, CLAWS_LOGS_PORT: 0 });
  });
});

describe("the disk", () => {
  it("has room for nothing at all", () => expect(() => checkDisk(root, 0)).not.toThrow());

  it("has no room for more than any disk holds, and says how much is missing", () => {
    expect(() => checkDisk(root, 1e21)).toThrow(ClawsError);
    expect(() => checkDisk(root, 1e21)).toThrow(/ GB free, 1000000000000\.0 GB needed\. Free some space/);
  });
});

describe("the user of the agent", () => {
  it.each(["0", "-1", "root", "", "00"])("is never root (%j)", (value) => {
    expect(() => checkUser({ settings: { CLAWS_UID: value, CLAWS_GID: "1" } })).toThrow("CLAWS_UID");
    expect(() => checkUser({ settings: { CLAWS_UID: "1", CLAWS_GID: value } })).toThrow("CLAWS_GID");
  });

  it("may be any other", () => {
    expect(() => checkUser({ settings: { CLAWS_UID: "1000", CLAWS_GID: "1000" } })).not.toThrow();
  });
});
