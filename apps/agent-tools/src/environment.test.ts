import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readAgentEnvironment } from "./environment.ts";

const directory = mkdtempSync(join(tmpdir(), "claws-agent-"));
const CLAWS_TOKEN_FILE = join(directory, "token");
writeFileSync(CLAWS_TOKEN_FILE, "a.b.c\n");
afterAll(() => rmSync(directory, { recursive: true }));

describe("what the agent's container is told", () => {
  it("has defaults that are the names of the doors", () => {
    expect(readAgentEnvironment({ CLAWS_TOKEN_FILE })).toEqual({
      brokerUrl: "http://broker:7000",
      modelUrl: "http://model-gateway:7001",
      proxyUrl: "http://agent-door:3128",
      model: "mock-1",
      token: "a.b.c",
    });
  });

  it("is what Compose sets", () => {
    const told = {
      CLAWS_BROKER_URL: "http://b:1",
      CLAWS_MODEL_URL: "http://m:2",
      HTTP_PROXY: "http://e:3",
      CLAWS_MODEL: "mock-claude",
    };
    expect(readAgentEnvironment({ ...told, CLAWS_TOKEN_FILE })).toMatchObject({
      brokerUrl: "http://b:1",
      modelUrl: "http://m:2",
      proxyUrl: "http://e:3",
      model: "mock-claude",
    });
  });

  it("is nothing without the agent's token", () => {
    expect(() => readAgentEnvironment({ CLAWS_TOKEN_FILE: join(directory, "none") })).toThrow("ENOENT");
  });
});
