import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readStack, withProfile } from "./stack.ts";

const root = mkdtempSync(join(tmpdir(), "claws-stack-"));
writeFileSync(join(root, ".env"), "CLAWS_CONSOLE_PORT=9001\nCLAWS_PROJECT=from-file\nBLOCKED_TOOLS=search\n");
afterAll(() => rmSync(root, { recursive: true }));

describe("the settings of a stack", () => {
  it("come from .env, and the environment goes over it", () => {
    expect(readStack(root, {})).toMatchObject({
      project: "from-file",
      consolePort: 9_001,
      logsPort: 8_081,
      settings: { BLOCKED_TOOLS: "search" },
    });
    expect(readStack(root, { CLAWS_PROJECT: "mine", CLAWS_LOGS_PORT: "0", BLOCKED_TOOLS: "" })).toMatchObject(
      {
        project: "mine",
        logsPort: 0,
        settings: { BLOCKED_TOOLS: "" },
      },
    );
  });

  it("that are empty are those of the default", () => {
    expect(
      readStack(root, { CLAWS_PROJECT: "", CLAWS_CONSOLE_PORT: "", CLAWS_DOCKER_SOCKET: "" }),
    ).toMatchObject({
      project: "claws",
      consolePort: 8_082,
    });
  });

  it.each(["abc", "65536", "-1", "80.5", "127.0.0.1:80", " 80"])("say that %j is not a port", (port) => {
    expect(() => readStack(root, { CLAWS_LOGS_PORT: port })).toThrow(
      `CLAWS_LOGS_PORT: ${JSON.stringify(port)} is not a port`,
    );
  });

  it("never choose a Compose profile behind our back", () => {
    expect(readStack(root, { COMPOSE_PROFILES: "basic" }).settings).not.toHaveProperty("COMPOSE_PROFILES");
  });

  it("bring the air-gapped file in front of other overlays, for that profile alone, once", () => {
    const stack = readStack(root, { CLAWS_OVERLAYS: "a.yml:b.yml" });
    expect(withProfile(stack, "filtered").overlays).toEqual(["a.yml", "b.yml"]);
    const airgap = withProfile(stack, "airgap");
    expect(airgap.overlays).toEqual(["docker-compose.airgap.yml", "a.yml", "b.yml"]);
    expect(withProfile(airgap, "airgap").overlays).toEqual(airgap.overlays);
  });
});
