/** Bundles every app that has a `bundle` script, two at a time: what the images are made from. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

function bundleCommandOf(folder: string): string[] | undefined {
  const manifest = join(folder, "package.json");
  if (!existsSync(manifest)) return undefined;
  const { scripts } = JSON.parse(readFileSync(manifest, "utf8")) as { scripts?: { bundle?: string } };
  return scripts?.bundle?.split(" ");
}

async function run(folder: string, [, ...args]: string[]): Promise<void> {
  const child = spawn(process.execPath, args, { cwd: folder, stdio: "inherit" });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", resolve);
  });
  if (code !== 0) throw new Error(`bundling ${folder} ended with ${code}`);
}

const waiting = [
  ...readdirSync(join(root, "apps")).map((name) => join(root, "apps", name)),
  join(root, "e2e/fixtures/mcp-server"),
].flatMap((folder) => {
  const command = bundleCommandOf(folder);
  return command === undefined ? [] : [{ folder, command }];
});

async function work(): Promise<void> {
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
    await run(next.folder, next.command);
}
await Promise.all([work(), work()]);
