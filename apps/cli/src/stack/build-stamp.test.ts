import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashSources, isBuilt, rememberBuilt } from "./build-stamp.ts";
import { readStack, type Stack } from "./stack.ts";

let root: string;
let stack: Stack;

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "claws-stamp-"));
  write("package-lock.json", "{}");
  write("docker-compose.yml", "services: {}");
  write("apps/broker/src/main.ts", "one");
  write("apps/broker/src/main.test.ts", "one");
  write("docs/architecture.md", "one");
  stack = readStack(root, {});
  rememberBuilt(stack, "filtered");
});
afterEach(() => rmSync(root, { recursive: true }));

describe("images that were built", () => {
  it("are not built again where nothing changed", () => expect(isBuilt(stack, "filtered")).toBe(true));

  it.each([
    ["a test", () => write("apps/broker/src/main.test.ts", "two")],
    ["one test more", () => write("apps/broker/src/pipeline.test.ts", "one")],
    ["the documentation", () => write("docs/architecture.md", "two")],
    ["what was installed", () => write("node_modules/zod/index.js", "two")],
    ["what an app was bundled to", () => write("apps/broker/dist/main.mjs", "two")],
    ["packages of an app's own", () => write("apps/broker/node_modules/yaml/index.js", "two")],
  ])("are not built again for %s", (_what, change) => {
    change();
    expect(isBuilt(stack, "filtered")).toBe(true);
  });

  it.each([
    ["a source", () => write("apps/broker/src/main.ts", "two")],
    ["one source more", () => write("apps/broker/src/gate.ts", "one")],
    ["one source less", () => rmSync(join(root, "apps/broker/src/main.ts"))],
    ["a source of another name", () => rename("apps/broker/src/main.ts", "apps/broker/src/start.ts")],
    ["a library", () => write("libs/policy/src/index.ts", "one")],
    ["the lock file", () => write("package-lock.json", "{ }")],
    ["the Compose file", () => write("docker-compose.yml", "services: { }")],
    ["a Dockerfile", () => write("docker/Dockerfile", "FROM scratch")],
    ["the server of the tests", () => write("e2e/fixtures/mcp-server/server.ts", "one")],
  ])("are built again for %s", (_what, change) => {
    change();
    expect(isBuilt(stack, "filtered")).toBe(false);
  });

  it("are another profile's, another overlay's or another agent's to build", () => {
    expect(isBuilt(stack, "basic")).toBe(false);
    expect(isBuilt(stack.with({ CLAWS_OVERLAYS: "e2e/compose.e2e.yml" }), "filtered")).toBe(false);
    expect(isBuilt(stack.with({ AGENT_IMAGE: "mine:1" }), "filtered")).toBe(false);
  });

  it("are told apart from others by where one file ends and the next begins", () => {
    const before = hashSources(root, []);
    write("apps/broker/src/main.ts", "on");
    write("apps/broker/src/next.ts", "e");
    expect(hashSources(root, [])).not.toBe(before);
  });

  function rename(from: string, to: string): void {
    renameSync(join(root, from), join(root, to));
  }
});
