import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EgressOverlay } from "@claws/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOverlayFile, type OverlayEntry } from "./overlay-file.ts";

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "claws-overlay-"));
  path = join(directory, "egress.json");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const entryOf = (allow: string, caller = "agent:main"): OverlayEntry => ({
  allow,
  caller,
  by: "owner",
  at: "2026-01-02T03:04:05.678Z",
});
const written = () => EgressOverlay.parse(JSON.parse(readFileSync(path, "utf8"))).rules;

describe("the overlay file", () => {
  it("is an empty list while it is missing", async () => {
    expect(await createOverlayFile(path).read()).toEqual({ version: 1, rules: [] });
  });

  it("keeps the first of two entries for one caller and destination", async () => {
    const overlay = createOverlayFile(path);
    await overlay.add(entryOf("a.example:443"));
    await overlay.add({ ...entryOf("a.example:443"), by: "second" });
    await overlay.add(entryOf("a.example:443", "server:web"));
    expect(written()).toEqual([entryOf("a.example:443"), entryOf("a.example:443", "server:web")]);
  });

  it("loses none of 100 changes at once, and is readable by the filter's container", async () => {
    const overlay = createOverlayFile(path);
    await Promise.all(
      Array.from({ length: 100 }, (_value, turn) => overlay.add(entryOf(`h${turn}.example:443`))),
    );
    await Promise.all(
      Array.from({ length: 50 }, (_value, turn) => overlay.remove(entryOf(`h${turn}.example:443`))),
    );
    expect(written().map(({ allow }) => allow)).toEqual(
      Array.from({ length: 50 }, (_value, turn) => `h${turn + 50}.example:443`),
    );
    expect(statSync(path).mode & 0o777).toBe(0o644);
  });

  it("says when there is nothing to remove, and writes nothing", async () => {
    expect(await createOverlayFile(path).remove(entryOf("a.example:443"))).toBe(false);
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  it.each(["", "{", "[]", '{"version":2,"rules":[]}', '{"version":1,"rules":[{"allow":"a:1"}]}'])(
    "with %j in it is refused and left alone",
    async (content) => {
      writeFileSync(path, content);
      const overlay = createOverlayFile(path);
      await expect(overlay.read()).rejects.toThrow();
      await expect(overlay.add(entryOf("a.example:443"))).rejects.toThrow();
      expect(readFileSync(path, "utf8")).toBe(content);
    },
  );

  it("goes on after a failed change, and over what a crash left beside it", async () => {
    const overlay = createOverlayFile(path);
    writeFileSync(path, "{");
    await expect(overlay.add(entryOf("a.example:443"))).rejects.toThrow();
    rmSync(path);
    writeFileSync(`${path}.new`, '{"version":1,"rules":[{"allow":"half');
    await overlay.add(entryOf("a.example:443"));
    expect(written()).toHaveLength(1);
  });

  it("is whole after each of 5 kills in the middle of writing, with all that was acknowledged in it", async () => {
    const writer = `
      import { createOverlayFile } from ${JSON.stringify(join(import.meta.dirname, "overlay-file.ts"))};
      const overlay = createOverlayFile(${JSON.stringify(path)});
      for (let turn = (await overlay.read()).rules.length; ; turn++) {
        await overlay.add({ ...${JSON.stringify(entryOf(""))}, allow: "h" + turn + ".example:443" });
        process.stdout.write(turn + "\\n");
      }`;
    let acknowledged = 0;
    for (let kill = 0; kill < 5; kill++) {
      const child = spawn(
        process.execPath,
        ["--conditions=@claws/source", "--input-type=module", "-e", writer],
        { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"] },
      );
      const ended = once(child, "exit");
      let lines = "";
      for await (const chunk of child.stdout) {
        lines += String(chunk);
        // At another place in the cycle of write, sync and rename each time.
        if (lines.split("\n").length > 3 + 2 * kill) child.kill("SIGKILL");
      }
      await ended;
      const whole = lines.slice(0, lines.lastIndexOf("\n")).split("\n");
      acknowledged = Number(whole.at(-1)) + 1;
      const kept = written().map(({ allow }) => allow);
      expect(kept.length).toBeGreaterThanOrEqual(acknowledged);
      expect(kept.length).toBeLessThanOrEqual(acknowledged + 1);
      expect(kept).toEqual(kept.map((_value, turn) => `h${turn}.example:443`));
    }
    expect(acknowledged).toBeGreaterThan(5);
  }, 60_000);
});
