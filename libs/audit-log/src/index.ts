export { GENESIS_HASH, isSealable, type RecordPosition, sealRecord, writeLine } from "./seal-record.ts";
export { type Verification, verifyLog } from "./verify-log.ts";
