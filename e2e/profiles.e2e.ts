import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Deployment, eventually, readDeployment, runningContainers } from "./deployment.ts";
import { ROOT, run } from "./run-program.ts";

const PROJECT = "claws-e2e-other";
const AIRGAP = ["docker-compose.airgap.yml"];

let profiles: string;
let other: Deployment;
beforeEach(() => {
  profiles = mkdtempSync(join(tmpdir(), "claws-profiles-"));
  cpSync(join(ROOT, "profiles"), profiles, { recursive: true });
  // As in a clone: mkdtemp makes folders that only their owner may read.
  chmodSync(profiles, 0o755);
  other = readDeployment(PROJECT, { CLAWS_PROFILES: profiles });
});
afterEach(async () => {
  await other.claws(["down", "--volumes"]);
  rmSync(profiles, { recursive: true, force: true });
});

const breakProfile = (name: string) => {
  const file = join(profiles, `${name}.yaml`);
  writeFileSync(file, readFileSync(file, "utf8").replace("tools:", "toools:"));
  return readFileSync(file, "utf8").split("\n").indexOf("toools:") + 1;
};

describe("./claws up", () => {
  it.each([
    ["two profiles", ["basic", "filtered"], "one profile at a time"],
    [
      "an unknown profile",
      ["paranoid"],
      "there is no profile paranoid: choose one of basic, filtered, airgap",
    ],
  ])("refuses %s with one line and starts nothing", async (_name, names, reason) => {
    const { code, stdout, stderr } = await other.claws(["up", ...names]);
    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr.trim().split("\n")).toEqual([expect.stringContaining(reason)]);
    expect(await runningContainers(PROJECT)).toEqual([]);
  });

  it("refuses a profile with a typo, naming file, line and key, and starts nothing", async () => {
    const line = breakProfile("filtered");
    const { code, stderr } = await other.claws(["up", "filtered"]);
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringContaining(`filtered.yaml, line ${line}: toools: no such key`),
    ]);
    expect(await runningContainers(PROJECT)).toEqual([]);
  });

  it("names the variable of a broken override", async () => {
    const { code, stderr } = await other.claws(["up", "filtered"], {
      env: { MAX_COST_PER_SESSION_USD: "ten" },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("MAX_COST_PER_SESSION_USD");
  });
});

describe("bare Compose", () => {
  it("starts nothing without a profile, or with a misspelt one", async () => {
    for (const args of [
      ["up", "--detach"],
      ["--profile", "filterd", "up", "--detach"],
    ]) {
      const { code, stderr } = await other.compose(args);
      expect(code).not.toBe(0);
      expect(stderr).toContain("no service selected");
    }
    expect(await runningContainers(PROJECT)).toEqual([]);
  });

  it("starts nothing with two profiles at once", async () => {
    const { code } = await other.compose([
      "--profile",
      "basic",
      "--profile",
      "filtered",
      "up",
      "--detach",
      "--no-build",
    ]);
    expect(code).not.toBe(0);
    expect(await runningContainers(PROJECT)).toEqual([]);
  });

  it("fails the policy container on a broken profile, and all that depends on it stays down", async () => {
    const line = breakProfile("filtered");
    const { code, stderr } = await other.compose(["--profile", "filtered", "up", "--detach", "--no-build"]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/service "policy" didn't complete successfully/);
    const { stdout } = await other.compose(["logs", "--no-log-prefix", "policy"]);
    expect(stdout).toContain(`line ${line}: toools: no such key`);
    expect(await runningContainers(PROJECT)).toEqual([]);
  });

  it("brings filtered up on a fresh clone, with no file made by hand, and takes it down", async () => {
    const clone = mkdtempSync(join(tmpdir(), "claws-clone-"));
    try {
      await run("git", ["clone", "--quiet", ROOT, clone]);
      chmodSync(clone, 0o755);
      const env = { ...process.env, CLAWS_PROJECT: PROJECT, CLAWS_CONSOLE_PORT: "0", CLAWS_LOGS_PORT: "0" };
      const up = await run("docker", ["compose", "--profile", "filtered", "up", "--detach"], {
        cwd: clone,
        env,
        timeoutMs: 600_000,
      });
      expect(up.code, up.stderr).toBe(0);
      await everythingHealthy(other, ["--profile", "filtered"]);
      const login = await run(
        "docker",
        ["compose", "exec", "-T", "front-door", "/usr/local/bin/node", "/app/main.mjs", "login-link"],
        { cwd: clone, env },
      );
      expect(login.stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/login#\S+$/m);
      const down = await run("docker", ["compose", "--profile", "filtered", "down", "--volumes"], {
        cwd: clone,
        env,
      });
      expect(down.code, down.stderr).toBe(0);
      expect(await runningContainers(PROJECT)).toEqual([]);
    } finally {
      rmSync(clone, { recursive: true, force: true });
    }
  });

  it("brings airgap up without any way out, and only the mock API to reach", async () => {
    const airgap = readDeployment(PROJECT, { CLAWS_PROFILES: profiles }, AIRGAP);
    const build = await airgap.compose(["--profile", "airgap", "build", "--quiet"]);
    expect(build.code, build.stderr).toBe(0);
    const up = await airgap.compose(["--profile", "airgap", "up", "--detach", "--no-build"]);
    expect(up.code, up.stderr).toBe(0);
    await everythingHealthy(airgap, ["--profile", "airgap"]);
    const networks = await run("docker", [
      "network",
      "ls",
      "--filter",
      `label=com.docker.compose.project=${PROJECT}`,
      "--format",
      "{{.Name}}",
    ]);
    const ofEgress = await run("docker", [
      "inspect",
      "--format",
      "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}",
      await airgap.containerOf("egress-filter"),
    ]);
    expect(networks.stdout).not.toContain(`${PROJECT}_internet`);
    expect(ofEgress.stdout.trim().split(" ").sort()).toEqual(
      ["agent", "control", "mock"].map((name) => `${PROJECT}_${name}`),
    );
    const allowed = await airgap.exec("agent", [
      "curl",
      "-sS",
      "-o",
      "/dev/null",
      "-w",
      "%{http_code}",
      "http://mock-api/",
    ]);
    const forbidden = await airgap.exec("agent", [
      "curl",
      "-sS",
      "-o",
      "/dev/null",
      "-w",
      "%{http_code}",
      "http://allowed.example/",
    ]);
    expect([allowed.stdout, forbidden.stdout]).toEqual(["200", "403"]);
  });
});

describe("switching profiles", () => {
  it("takes the old one down first, and down removes whichever runs", async () => {
    expect((await other.claws(["up", "basic"])).code).toBe(0);
    const before = await runningContainers(PROJECT);
    const { code, stderr } = await other.claws(["up", "airgap"]);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain("taking profile basic down first");
    const after = await runningContainers(PROJECT);
    expect(after.filter((id) => before.includes(id))).toEqual([]);
    expect((await other.claws(["status"])).code).toBe(0);
    expect((await other.claws(["down"])).code).toBe(0);
    expect(await runningContainers(PROJECT)).toEqual([]);
  });
});

async function everythingHealthy(deployment: Deployment, profile: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      const { stdout } = await deployment.compose([...profile, "ps", "--format", "{{.Service}} {{.Health}}"]);
      return stdout.trim().split("\n");
    },
    (lines) => lines.length > 10 && lines.every((line) => line.endsWith(" healthy")),
    120_000,
  );
}
