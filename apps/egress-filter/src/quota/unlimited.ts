import type { ByteAllowance, Quotas } from "./connection-quota.ts";

const FREE: ByteAllowance = { use: () => true };
const UNLIMITED = { up: FREE, down: FREE, countRequest: async () => undefined, close: () => {} };

/** For our own services: what models cost is counted by model-gateway, in tokens and money. */
export function createNoQuotas(): Quotas {
  return { admit: async () => ({ ok: true, quota: UNLIMITED }), close: async () => {} };
}
