import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { CallOutcome } from "./call-outcome.ts";
import type { Pipeline, ToolRequest } from "./pipeline.ts";

/** How long a result that nobody was there to receive waits for the same call to be sent again. */
const KEEP_UNDELIVERED_MS = 600_000;

/** One run, and everybody who waits for its outcome. */
interface SharedRun {
  readonly outcome: Promise<CallOutcome>;
  readonly callers: AbortSignal[];
}

/**
 * For calls that a person decides on: the same call sent again while the first is under way joins it,
 * and one whose callers all hung up before the result came is delivered on the next sending. Without this,
 * a client that gives up after 60 s and retries would ask for the approval, or the action, twice.
 */
export function joinSameCalls(run: Pipeline, isHeld: (request: ToolRequest) => boolean): Pipeline {
  const underWay = new Map<string, SharedRun>();
  const undelivered = new Map<string, { outcome: CallOutcome; timer: NodeJS.Timeout }>();

  const deliverLater = (key: string, outcome: CallOutcome) => {
    const timer = setTimeout(() => undelivered.delete(key), KEEP_UNDELIVERED_MS);
    timer.unref();
    undelivered.set(key, { outcome, timer });
  };

  return async function runOnce(request) {
    if (!isHeld(request)) return run(request);
    const key = keyOf(request);
    const waiting = undelivered.get(key);
    if (waiting !== undefined) {
      clearTimeout(waiting.timer);
      undelivered.delete(key);
      return waiting.outcome;
    }
    const current = underWay.get(key);
    if (current !== undefined) {
      current.callers.push(request.signal);
      return current.outcome;
    }
    const callers = [request.signal];
    const mine = run(request).finally(() => underWay.delete(key));
    underWay.set(key, { outcome: mine, callers });
    const outcome = await mine;
    // Kept although somebody received it, it would answer the next call of the same words unexecuted.
    if (outcome.kind === "result" && callers.every(({ aborted }) => aborted)) deliverLater(key, outcome);
    return outcome;
  };
}

function keyOf({ identity, tool, arguments: values }: ToolRequest): string {
  return createHash("sha256")
    .update(canonicalize({ identity, tool, arguments: values }) ?? "")
    .digest("hex");
}
