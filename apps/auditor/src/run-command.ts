import { createReadStream } from "node:fs";
import { toOcsf, verifyLog, writeLine } from "@claws/audit-log";
import type { AuditRecord } from "@claws/contracts";
import { readCompleteLines } from "./log-file.ts";
import { readLines } from "./read-lines.ts";
import { logPathOf, type Settings } from "./settings.ts";

const USAGE = "usage: main.mjs verify [file] | tail [number of records] | export [--ocsf] [--since seq]";

/**
 * What an operator may run inside the auditor's container; the exit code says how it went. What `export`
 * has to say beside the records goes to `complain`, so that `print` is records and nothing else.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  settings: Settings,
  print: (line: string) => void,
  complain: (line: string) => void = print,
): Promise<number> {
  const [argument] = args;
  const say = command === "export" ? complain : print;
  try {
    if (command === "verify") return await verify(argument ?? logPathOf(settings), print);
    if (command === "tail") return await tail(logPathOf(settings), Number(argument ?? 20), print);
    if (command === "export") return await exportRecords(logPathOf(settings), args, print, complain);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    say(`the audit log cannot be read: ${(error as Error).message}`);
    return 1;
  }
  say(USAGE);
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

/** Prints what follows record number `since`, each checked against the chain; ends at the first that does not hold. */
async function exportRecords(
  path: string,
  args: readonly string[],
  print: (line: string) => void,
  complain: (line: string) => void,
): Promise<number> {
  const options = readExportOptions(args);
  if (options === undefined) {
    complain(USAGE);
    return 64;
  }
  const format = (record: AuditRecord) => (options.ocsf ? JSON.stringify(toOcsf(record)) : writeLine(record));
  const verification = await verifyLog(readCompleteLines(path), (record) => {
    if (record.seq > options.since) print(format(record));
  });
  if (verification.ok) return 0;
  complain(`line ${verification.line}: ${verification.reason}`);
  return 1;
}

function readExportOptions(args: readonly string[]): { ocsf: boolean; since: number } | undefined {
  const rest = args.filter((arg) => arg !== "--ocsf");
  const [flag = "--since", number = "0", ...more] = rest;
  const isSound = flag === "--since" && rest.length !== 1 && more.length === 0 && /^\d{1,15}$/.test(number);
  return isSound ? { ocsf: rest.length < args.length, since: Number(number) } : undefined;
}
