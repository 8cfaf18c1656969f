import { createReadStream } from "node:fs";
import { verifyLog } from "@claws/audit-log";
import { readLines } from "./read-lines.ts";
import { logPathOf, type Settings } from "./settings.ts";

const USAGE = "usage: main.mjs verify [file] | tail [number of records]";

/** What an operator may run inside the auditor's container; the exit code says how it went. */
export async function runCommand(
  command: string,
  args: readonly string[],
  settings: Settings,
  print: (line: string) => void,
): Promise<number> {
  const [argument] = args;
  try {
    if (command === "verify") return await verify(argument ?? logPathOf(settings), print);
    if (command === "tail") return await tail(logPathOf(settings), Number(argument ?? 20), print);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    print(`the audit log cannot be read: ${(error as Error).message}`);
    return 1;
  }
  print(USAGE);
  return 64;
}

async function verify(path: string, print: (line: string) => void): Promise<number> {
  const verification = await verifyLog(readLines(createReadStream(path)));
  if (verification.ok) {
    print(`${verification.records} records, chain intact, last hash ${verification.lastHash}`);
    return 0;
  }
  print(`line ${verification.line}: ${verification.reason}`);
  return 1;
}

async function tail(path: string, count: number, print: (line: string) => void): Promise<number> {
  if (!Number.isSafeInteger(count) || count < 1) {
    print(USAGE);
    return 64;
  }
  const last: string[] = [];
  for await (const line of readLines(createReadStream(path))) {
    last.push(line);
    if (last.length > count) last.shift();
  }
  for (const line of last) print(line);
  return 0;
}
