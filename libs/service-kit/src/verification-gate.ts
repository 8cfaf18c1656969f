import { VerificationState } from "@claws/contracts";
import type { ServiceClient } from "./service-client.ts";

/** Why a door is closed. */
export interface Unverified {
  readonly reason: "unverified";
  readonly detail: string;
}

export interface VerificationGate {
  /** Undefined while the door may be open. Answers at once, from what was heard last. */
  refusal(): Unverified | undefined;
  close(): void;
}

export interface VerificationGateOptions {
  /** Speaks to broker's listener for services. */
  readonly client: Pick<ServiceClient, "call">;
  /** Whether the policy of this moment wants the proof; asked each time, so that a reload counts at once. */
  readonly isRequired: () => boolean;
  /** Time between two questions until the answer is `passed`; after that, five times as long. */
  readonly pollMs?: number;
}

/** How long `passed` is good for while broker cannot be asked, or starts anew. */
export const LAST_WORD_MS = 90_000;
const CALM = 5;

/**
 * Follows what broker says of the last verification. Nothing but `passed` opens; `failed` closes at once. A
 * broker that is away, or has not verified again yet, leaves an earlier `passed` standing for 90 s.
 */
export function createVerificationGate(options: VerificationGateOptions): VerificationGate {
  const { client, isRequired, pollMs = 1_000 } = options;
  const stopping = new AbortController();
  let passedAt: number | undefined;
  let heard: VerificationState | undefined;
  let timer: NodeJS.Timeout | undefined;

  async function poll(): Promise<void> {
    const askedAt = performance.now();
    const question = { method: "GET", path: "/v1/verification", signal: stopping.signal } as const;
    const answer = await client.call(VerificationState, question);
    if (stopping.signal.aborted) return;
    if (answer.ok) hear(answer.value, askedAt);
    timer = setTimeout(() => void poll(), answer.ok && heard?.state === "passed" ? pollMs * CALM : pollMs);
    timer.unref();
  }

  function hear(state: VerificationState, askedAt: number): void {
    // A broker that starts anew knows of nothing: its last word before stands.
    if (state.state === "pending" && heard !== undefined) return;
    heard = state;
    passedAt = state.state === "passed" ? askedAt : undefined;
  }

  void poll();
  return {
    refusal() {
      if (!isRequired()) return undefined;
      if (passedAt !== undefined && performance.now() - passedAt <= LAST_WORD_MS) return undefined;
      return { reason: "unverified", detail: describeUnverified(heard) };
    },
    close() {
      stopping.abort();
      clearTimeout(timer);
    },
  };
}

const MAX_HOLES = 8;

/** What to do about a closed door, for whoever meets it. */
export function describeUnverified(heard: VerificationState | undefined): string {
  switch (heard?.state) {
    case "failed": {
      const holes = [...new Set(heard.holes)];
      const names = holes.slice(0, MAX_HOLES).join(", ");
      const found =
        names === "" ? "the verification could not be made" : `the verification failed (${names})`;
      return `${found}: the operator runs './claws verify' and sees what to close`;
    }
    case "passed":
      return "broker has not confirmed for 90 s that there is no other way out: see './claws status'";
    default:
      return "the stack has not proved yet that there is no other way out: try again in a few seconds";
  }
}
