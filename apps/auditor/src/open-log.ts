import { verifyLog } from "@claws/audit-log";
import { ConfigError } from "@claws/service-kit";
import { type ExistingLogFile, type LogFile, openLogFile } from "./log-file.ts";
import type { ChainEnd } from "./record-group.ts";
import { createSpoolMemory, type SpoolMemory } from "./spool-memory.ts";

export interface OpenedLog {
  readonly file: LogFile;
  readonly end: ChainEnd;
  readonly spools: SpoolMemory;
  /** Bytes of a last line that a crash had cut off in the middle; they are gone from the file now. */
  readonly tornBytes: number;
}

/**
 * Opens the log and verifies all of it. A torn last line was never acknowledged to anybody, so it is cut
 * off; anything else that does not fit stops the auditor, and with it every action that needs a record.
 */
export async function openLog(path: string): Promise<OpenedLog> {
  const file = await openOrExplain(path);
  const offset = await file.completeSize();
  const spools = createSpoolMemory();
  const verification = await verifyLog(file.lines(offset), (record) => spools.note(record));
  if (!verification.ok) {
    await file.close();
    throw new ConfigError(
      `audit log ${path}: line ${verification.line}: ${verification.reason}. ` +
        "Keep the file as evidence under another name, then start again: a new chain begins",
    );
  }
  const tornBytes = (await file.size()) - offset;
  if (tornBytes > 0) await file.truncate(offset);
  return { file, end: { seq: verification.records, hash: verification.lastHash, offset }, spools, tornBytes };
}

async function openOrExplain(path: string): Promise<ExistingLogFile> {
  try {
    return await openLogFile(path);
  } catch (error) {
    throw new ConfigError(
      `audit log ${path} cannot be opened (${(error as Error).message}): ` +
        `make its directory exist and writable for uid ${process.getuid?.()}`,
      { cause: error },
    );
  }
}
