import { chownSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { callTool } from "./agent.ts";
import { e2e, readDeployment } from "./deployment.ts";
import { run } from "./run-program.ts";

const scratch = mkdtempSync(join(tmpdir(), "claws-day-one-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("day one", () => {
  it("./claws run gives a task to the reference agent", async () => {
    const { code, stdout, stderr } = await e2e.claws(["run", "say", "hello"]);
    expect(code, stderr).toBe(0);
    expect(stdout.toLowerCase()).toContain("mock");
  });

  it("claws-tool lists and calls tools in the agent's container", async () => {
    const list = await e2e.exec("agent", ["claws-tool", "list"]);
    expect(list.stdout).toContain("fs__read_text_file");
    const call = await e2e.exec("agent", [
      "claws-tool",
      "call",
      "fs__list_directory",
      '{"path":"/workspace"}',
    ]);
    expect(call.code, call.stdout).toBe(0);
    const refused = await e2e.exec("agent", ["claws-tool", "call", "mail__crash", "{}"]);
    expect(refused.code).toBe(1);
    const held = await e2e.exec("agent", [
      "claws-tool",
      "call",
      "mail__send_email",
      '{"to":"a@allowed.example","subject":"held","body":"x"}',
    ]);
    expect(held.code).toBe(3);
    const { stdout } = await e2e.claws(["approvals", "list", "--json"]);
    const [approval] = JSON.parse(stdout) as { id: string }[];
    const denied = await e2e.claws(["approvals", "deny", approval?.id ?? "", "not", "today"]);
    expect(denied.stdout).toContain("denied");
  });

  it("./claws secrets set stores a secret that only model-gateway can read", async () => {
    const secret = ["sk", "made", "up", "for", "this", "test"].join("-");
    expect((await e2e.claws(["secrets", "set", "TEST_KEY"], { input: `${secret}\n` })).code).toBe(0);
    const read = (service: string) =>
      e2e.evaluate(
        service,
        `import { readFileSync } from "node:fs"; try { console.log(readFileSync("/run/claws/secrets/TEST_KEY", "utf8")); } catch (error) { console.log(error.code); }`,
      );
    expect((await read("model-gateway")).stdout.trim()).toBe(secret);
    for (const service of ["agent", "broker", "egress-filter"])
      expect((await read(service)).stdout.trim()).toBe("ENOENT");
  });

  it("WORKSPACE=./dir gives the agent a folder, and its files belong to the folder's owner", async () => {
    const workspace = join(scratch, "workspace");
    await run("mkdir", [workspace]);
    chownSync(workspace, 4242, 4243);
    const other = readDeployment("claws-e2e-other", { WORKSPACE: workspace, CLAWS_PROFILES: "./profiles" });
    try {
      const up = await other.claws(["up", "filtered"]);
      expect(up.code, up.stderr).toBe(0);
      await other.exec("agent", ["sh", "-c", "echo mine > /workspace/from-agent"]);
      const { status, body } = await callTool(
        "fs__write_file",
        { path: "/workspace/from-server", content: "mine too" },
        other,
      );
      expect(status, JSON.stringify(body)).toBe(200);
      for (const name of ["from-agent", "from-server"])
        expect(statSync(join(workspace, name)).uid).toBe(4242);
      expect(readFileSync(join(workspace, "from-server"), "utf8")).toBe("mine too");
    } finally {
      await other.claws(["down", "--volumes"]);
    }
  });

  it("AGENT_IMAGE plugs an own agent in, with a workspace, a token and the doors", async () => {
    const context = join(scratch, "own-agent");
    await run("mkdir", [context]);
    writeFileSync(
      join(context, "Dockerfile"),
      'FROM debian:12.12-slim\nRUN echo mine > /own-agent\nUSER nobody\nCMD ["sleep", "infinity"]\n',
    );
    expect((await run("docker", ["build", "--quiet", "-t", "claws-e2e-own-agent:1", context])).code).toBe(0);
    const other = readDeployment("claws-e2e-other", {
      AGENT_IMAGE: "claws-e2e-own-agent:1",
      CLAWS_PROFILES: "./profiles",
    });
    try {
      const up = await other.claws(["up", "filtered"]);
      expect(up.code, up.stderr).toBe(0);
      const { stdout } = await other.exec("agent", [
        "sh",
        "-c",
        "cat /own-agent; id -u; test -s /run/claws/token && touch /workspace/x && echo $CLAWS_BROKER_URL",
      ]);
      expect(stdout.trim().split("\n")).toEqual(["mine", "10001", "http://broker:7000"]);
    } finally {
      await other.claws(["down", "--volumes"]);
      await run("docker", ["rmi", "--force", "claws-e2e-own-agent:1", "sandbox-claws/agent:own-local"]);
    }
  });

  it("./claws images save and load carry every image to a machine without a registry", async () => {
    const file = join(scratch, "images.tar");
    const saved = await e2e.claws(["images", "save", file, "filtered"]);
    expect(saved.code, saved.stderr).toBe(0);
    const loaded = await e2e.claws(["images", "load", file]);
    expect(loaded.code, loaded.stderr).toBe(0);
    for (const image of [
      "sandbox-claws/broker:local",
      "sandbox-claws/mcp-filesystem:local",
      "amir20/dozzle:v10.7.3",
    ])
      expect(loaded.stdout).toContain(image);
  });

  it("./claws images pin writes digests where a registry answers, and else says so and changes nothing", async () => {
    const before = readFileSync("docker-compose.yml", "utf8");
    const { code, stderr } = await e2e.claws(["images", "pin"]);
    const after = readFileSync("docker-compose.yml", "utf8");
    writeFileSync("docker-compose.yml", before);
    if (code === 0) expect(after.match(/@sha256:[0-9a-f]{64}/g)?.length).toBeGreaterThanOrEqual(3);
    else expect([after, stderr]).toEqual([before, expect.stringContaining("nothing was pinned")]);
  });
});
