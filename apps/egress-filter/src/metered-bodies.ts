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

/** What a request's head takes of the upload budget: its path and headers leave as surely as a body does. */
export function headLength({ rawHeaders, url = "" }: IncomingMessage): number {
  return rawHeaders.reduce((sum, text) => sum + text.length, url.length);
}

/** Counts a request's body; undefined when there is none, or when it was counted already. */
export function meterRequest(
  request: IncomingMessage,
  allowance: ByteAllowance,
  fail: (refused: Refused) => void,
): Transform | undefined {
  const length = request.headers["content-length"];
  const isChunked = request.headers["transfer-encoding"] !== undefined;
  if (!isChunked && (length === undefined || length === "0")) return undefined;
  const meter = createMeterFor(isChunked ? undefined : length, allowance, fail);
  if (meter === undefined) return undefined;
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
  const meter = createMeterFor(answer.headers["content-length"], allowance, fail);
  if (meter === undefined) return void answer.pipe(response);
  response.once("close", () => meter.destroy());
  answer.pipe(meter).pipe(response);
}

/** Undefined when the whole body was counted at once. */
function createMeterFor(
  length: string | undefined,
  allowance: ByteAllowance,
  fail: (refused: Refused) => void,
): Transform | undefined {
  if (length === undefined || Number(length) > SMALL_BODY) return createMeter(allowance, fail);
  const verdict = allowance.use(Number(length));
  if (verdict === true) return undefined;
  // Counted as well, but the answer is not here yet: the first of its bytes waits for it, and the rest is free.
  let first: Promise<boolean> | undefined = verdict;
  const once: ByteAllowance = {
    use() {
      const waiting = first ?? true;
      first = undefined;
      return waiting;
    },
  };
  // A body that never comes leaves nobody to hear of a limiter that is away.
  verdict.catch(() => undefined);
  return createMeter(once, fail);
}

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

const LIMITER_AWAY: Refused = {
  reason: "dependency_down",
  detail: "rate-limiter does not answer, and bytes go nowhere uncounted: try again, or see ./claws status",
};

/** Lets bytes pass as they are counted; ends with `fail` at the first that may not. */
export function createMeter(allowance: ByteAllowance, fail: (refused: Refused) => void): Transform {
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
