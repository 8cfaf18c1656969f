import type { IncomingMessage, ServerResponse } from "node:http";
import { Transform, type TransformCallback } from "node:stream";
import type { ByteAllowance } from "./quota/connection-quota.ts";
import type { Refused } from "./refusal.ts";

/** A body whose length is known and no longer than this is counted before it is sent, in one go. */
const SMALL_BODY = 64 * 1024;
const USED_UP: Refused = {
  reason: "budget_exceeded",
  detail:
    "the byte budget of this session is used up: start a new session, or ask for a higher egress.quotas",
};

/** Counts a request's body; undefined when there is none, or when it was counted already. */
export function meterRequest(
  request: IncomingMessage,
  allowance: ByteAllowance,
  fail: (refused: Refused) => void,
): Transform | undefined {
  const length = request.headers["content-length"];
  const isChunked = request.headers["transfer-encoding"] !== undefined;
  if (!isChunked && (length === undefined || length === "0")) return undefined;
  if (!isChunked && Number(length) <= SMALL_BODY && allowance.use(Number(length)) === true) return undefined;
  const meter = createMeter(allowance, fail);
  request.once("error", () => meter.destroy());
  return request.pipe(meter);
}

/** Sends an answer on, counted as it passes; one that goes over the budget is cut. */
export function sendMetered(
  answer: IncomingMessage,
  response: ServerResponse,
  allowance: ByteAllowance,
  fail: (refused: Refused) => void,
): void {
  const length = answer.headers["content-length"];
  const isSmall = length !== undefined && Number(length) <= SMALL_BODY;
  if (isSmall && allowance.use(Number(length)) === true) return void answer.pipe(response);
  const meter = createMeter(allowance, fail);
  response.once("close", () => meter.destroy());
  answer.pipe(meter).pipe(response);
}

const LIMITER_AWAY: Refused = {
  reason: "dependency_down",
  detail: "rate-limiter does not answer, and bytes go nowhere uncounted: try again, or see ./claws status",
};

/** Why these bytes may not pass; undefined when they may. */
export async function overrunOf(allowance: ByteAllowance, bytes: number): Promise<Refused | undefined> {
  return refusalOf(allowance.use(bytes));
}

async function refusalOf(verdict: true | Promise<boolean>): Promise<Refused | undefined> {
  try {
    return (await verdict) ? undefined : USED_UP;
  } catch {
    // The limiter's client has logged why.
    return LIMITER_AWAY;
  }
}

function createMeter(allowance: ByteAllowance, fail: (refused: Refused) => void): Transform {
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const verdict = allowance.use(chunk.length);
      if (verdict === true) return done(null, chunk);
      void judge(verdict, chunk, done);
    },
  });

  async function judge(verdict: Promise<boolean>, chunk: Buffer, done: TransformCallback): Promise<void> {
    const refused = await refusalOf(verdict);
    if (!refused) return done(null, chunk);
    fail(refused);
    meter.destroy();
  }
  return meter;
}
