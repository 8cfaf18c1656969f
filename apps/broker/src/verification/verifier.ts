import {
  createProblem,
  type Problem,
  type VerificationReport,
  type VerificationState,
} from "@claws/contracts";
import { describeUnverified } from "@claws/service-kit";
import { holesOf, isInconclusive } from "./judge-report.ts";

export interface VerificationRequest {
  /** A port on which somebody listens on all addresses of the machine while the run goes on. */
  readonly decoyPort?: number | undefined;
}

/** A run that decided something. */
export interface Conclusion {
  readonly report: VerificationReport;
  readonly state: VerificationState;
  /** Whether it says the same as the run before. */
  readonly isNews: boolean;
}

export interface VerifierOptions {
  /** Makes one run. What keeps it from being made is the report's `failure`; it never rejects. */
  readonly probe: (request: VerificationRequest, signal: AbortSignal) => Promise<VerificationReport>;
  readonly isRequired: boolean;
  readonly onConclusion: (conclusion: Conclusion) => void;
  /** Told of runs that decide nothing, for the log. */
  readonly onInconclusive: (report: VerificationReport) => void;
}

export interface Verifier {
  state(): VerificationState;
  /** What the last run found, whatever it decided. */
  report(): VerificationReport | undefined;
  /** Runs now. Who asks for the same while a run goes on joins it; another decoy waits for its own run. */
  verify(request: VerificationRequest): Promise<VerificationReport>;
  /** Why the tool door is closed. */
  refusal(): Problem | undefined;
  close(): void;
}

const HOUR_MS = 3_600_000;
/** After a failure: once the hole is closed, the doors open by themselves. */
const RECHECK_MS = 30_000;
/** How often is looked whether a run is due; somebody's own run may have changed that. */
const TICK_MS = 1_000;
/** How long something may take to come up, or to come back, before its absence is a failure. */
const GRACE_MS = 60_000;
const BOOT_PAUSE_MS = 300;
const CALM_PAUSE_MS = 3_000;

/** Verifies at once, until there is a result, and then every hour. */
export function createVerifier(options: VerifierOptions): Verifier {
  const { probe, isRequired, onConclusion, onInconclusive } = options;
  const stopping = new AbortController();
  let state: VerificationState = { state: "pending", at: null, holes: [] };
  let last: VerificationReport | undefined;
  let running:
    | { readonly decoyPort: number | undefined; readonly result: Promise<VerificationReport> }
    | undefined;
  let dueAt = performance.now();

  function run(request: VerificationRequest): Promise<VerificationReport> {
    if (running === undefined) return begin(request);
    const isSame = running.decoyPort === request.decoyPort || request.decoyPort === undefined;
    return isSame ? running.result : running.result.then(() => run(request));
  }

  function begin(request: VerificationRequest): Promise<VerificationReport> {
    const result = makeRun(request).finally(() => {
      running = undefined;
    });
    running = { decoyPort: request.decoyPort, result };
    return result;
  }

  async function makeRun(request: VerificationRequest): Promise<VerificationReport> {
    const report = await probe(request, stopping.signal);
    last = report;
    if (isInconclusive(report)) onInconclusive(report);
    else conclude(report);
    return report;
  }

  function conclude(report: VerificationReport): void {
    const before = state;
    state = { state: report.passed ? "passed" : "failed", at: report.finishedAt, holes: holesOf(report) };
    const isNews = before.state !== state.state || before.holes.join() !== state.holes.join();
    dueAt = performance.now() + (report.passed ? HOUR_MS : RECHECK_MS);
    if (!stopping.signal.aborted) onConclusion({ report, state, isNews });
  }

  /** Until a run decides; what goes on too long without one has failed. */
  async function settle(): Promise<void> {
    const giveUpAt = performance.now() + GRACE_MS;
    for (;;) {
      const report = await run({});
      if (!isInconclusive(report)) return;
      if (performance.now() >= giveUpAt) return conclude(report);
      await pause(state.state === "pending" ? BOOT_PAUSE_MS : CALM_PAUSE_MS, stopping.signal);
      if (stopping.signal.aborted) return;
    }
  }

  async function keepVerified(): Promise<void> {
    while (!stopping.signal.aborted) {
      const left = dueAt - performance.now();
      if (left <= 0) await settle();
      else await pause(Math.min(left, TICK_MS), stopping.signal);
    }
  }

  void keepVerified();
  return {
    state: () => state,
    report: () => last,
    async verify(request) {
      const report = await run(request);
      // Somebody looked and could not tell: so must we, until it is known.
      if (isInconclusive(report)) dueAt = performance.now();
      return report;
    },
    refusal() {
      if (!isRequired || state.state === "passed") return undefined;
      return createProblem("stack_unverified", {
        service: "broker",
        detail: describeUnverified(state),
        reason: "unverified",
        key: "egress.requireVerification",
        ...(state.state === "pending" ? { retryAfterMs: 1_000 } : {}),
        nextSteps: ["try again later; if it lasts, ask the operator to run './claws verify'"],
      });
    },
    close: () => stopping.abort(),
  };
}

/** Ends early when there is nothing to wait for any more. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  timer.unref();
  const end = () => resolve();
  signal.addEventListener("abort", end, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", end);
}
