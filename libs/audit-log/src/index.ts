export { type OcsfEvent, toOcsf } from "./ocsf/to-ocsf.ts";
export { GENESIS_HASH, isSealable, type RecordPosition, sealRecord, writeLine } from "./seal-record.ts";
export {
  type AuditSpool,
  type AuditSpoolOptions,
  type AuditSpoolState,
  createAuditSpool,
} from "./spool/audit-spool.ts";
export { type AuditorClient, createShip, type Ship, type ShipResult } from "./spool/ship.ts";
export { type Verification, verifyLog } from "./verify-log.ts";
