import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { e2e, readDeployment, runningContainers } from "./deployment.ts";
import { ROOT, run } from "./run-program.ts";

const PROJECT = "claws-e2e-other";
const lastLine = (text: string) => text.trim().split("\n").at(-1);
const scratch: string[] = [];
const makeScratch = (): string => {
  const path = mkdtempSync(join(tmpdir(), "claws-bad-input-"));
  scratch.push(path);
  return path;
};
afterEach(() => scratch.splice(0).forEach((path) => rmSync(path, { recursive: true, force: true })));

/** A PATH with the programs that the scripts use, and without those that the test takes away. */
function pathWithout(...missing: string[]): string {
  const bin = makeScratch();
  for (const name of [
    "sh",
    "dirname",
    "id",
    "sort",
    "head",
    "awk",
    "grep",
    "cat",
    "uname",
    "mktemp",
    "tail",
    "sleep",
    "setsid",
    "printf",
  ]) {
    if (!missing.includes(name)) symlinkSync(`/usr/bin/${name}`, join(bin, name));
  }
  return bin;
}

describe("bad input and bad luck: one line that says what to do", () => {
  it("Docker is missing and this is not a machine where it may be installed", async () => {
    const { code, stderr } = await run("/bin/sh", ["docker/engine/install.sh"], {
      env: { PATH: pathWithout() },
    });
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringMatching(/missing: docker\.io.*nothing was installed: install Docker Engine/),
    ]);
  });

  it("Docker is missing and this user may not install it", async () => {
    const bin = pathWithout("id");
    writeFileSync(join(bin, "id"), "#!/bin/sh\necho 1000\n", { mode: 0o755 });
    writeFileSync(join(bin, "apt-get"), "#!/bin/sh\necho apt-get was run >&2\nexit 1\n", { mode: 0o755 });
    const { code, stderr } = await run("/bin/sh", ["docker/engine/install.sh"], { env: { PATH: bin } });
    expect(code).toBe(1);
    expect(stderr.trim().split("\n")).toEqual([
      expect.stringMatching(/Installing needs root: run 'sudo \.\/claws up/),
    ]);
    expect(stderr).not.toContain("apt-get was run");
  });

  it.each(["CLAWS_CONSOLE_PORT", "CLAWS_LOGS_PORT"])("the port of %s is taken", async (variable) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const port = (server.address() as { port: number }).port;
    const { code, stderr } = await readDeployment(PROJECT, { [variable]: String(port) }).claws([
      "up",
      "filtered",
    ]);
    server.close();
    expect(code).toBe(1);
    expect(lastLine(stderr)).toContain(`port ${port} on 127.0.0.1 is taken by another program`);
    expect(lastLine(stderr)).toContain(variable);
    expect(await runningContainers(PROJECT)).toEqual([]);
  });

  it("the disk is full", async () => {
    const mount = makeScratch();
    expect((await run("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", mount])).code).toBe(0);
    try {
      const script = `
        import { checkDisk } from ${JSON.stringify(join(ROOT, "apps/cli/src/stack/preflight.ts"))};
        try { checkDisk(${JSON.stringify(mount)}); } catch (error) { console.log(error.name, error.message); }`;
      const { stdout } = await run(process.execPath, [
        "--conditions=@claws/source",
        "--input-type=module",
        "-e",
        script,
      ]);
      expect(stdout).toMatch(
        /^ClawsError the disk of .* is full: .* GB free, .* GB needed\. Free some space/,
      );
    } finally {
      await run("umount", [mount]);
    }
  });

  it("a secret file is open to everybody: its service names the file and does not start", async () => {
    const keys = makeScratch();
    const volume = await run("docker", [
      "volume",
      "inspect",
      "--format",
      "{{.Mountpoint}}",
      `${e2e.project}_keys-auditor`,
    ]);
    cpSync(volume.stdout.trim(), keys, { recursive: true });
    for (const name of ["tls.crt", "tls.key", "ca.crt"]) chmodSync(join(keys, name), 0o644);
    chmodSync(keys, 0o755);
    const state = makeScratch();
    chmodSync(state, 0o777);
    const { code, stdout } = await run("docker", [
      "run",
      "--rm",
      "--network",
      "none",
      "--read-only",
      "-v",
      `${keys}:/run/claws:ro`,
      "-v",
      `${state}:/state`,
      "sandbox-claws/auditor:local",
    ]);
    expect(code).toBe(78);
    const lines = stdout.trim().split("\n");
    expect(lines.length).toBe(1);
    expect(JSON.parse(lines[0] ?? "{}")).toMatchObject({
      level: "fatal",
      msg: expect.stringMatching(
        /secret file \/run\/claws\/tls\.crt is open to every user \(mode 0644\): set it to 0400 or 0440/,
      ),
    });
  });

  it("a workspace folder belongs to root", async () => {
    const workspace = makeScratch();
    mkdirSync(join(workspace, "mine"));
    const { code, stderr } = await readDeployment(PROJECT, { WORKSPACE: join(workspace, "mine") }).claws([
      "up",
      "filtered",
    ]);
    expect(code).toBe(1);
    expect(lastLine(stderr)).toMatch(/belongs to root, and the agent never runs as root: chown/);
  });

  it.each([
    [["secrets", "set", "lower"], "value", "is not a secret's name"],
    [["secrets", "set", "EMPTY_KEY"], "", "nothing arrived on standard input"],
    [["approvals", "approve", "00000000"], "", "no open approval starts with 00000000"],
    [["approvals", "approve", ""], "", "at least its first 8 characters"],
    [["bench", "nothing"], "", "there is no bench nothing"],
    [["test", "nothing"], "", "there is no suite nothing"],
  ])("./claws %j", async (args, input, reason) => {
    const { code, stderr } = await e2e.claws(args, { input });
    expect(code).not.toBe(0);
    expect(stderr).toContain(reason);
  });
});
