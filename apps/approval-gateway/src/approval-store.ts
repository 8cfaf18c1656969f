import type { ApprovalOutcome, CallDigest, Decision, Risk, Sha256Hex } from "@claws/contracts";
import type { Redis } from "ioredis";
import { type Changes, changesScript, findOpenScript, listScript, readScript } from "./reading-scripts.ts";
import type { StoredApproval } from "./stored-approval.ts";
import {
  consumeScript,
  createScript,
  decideScript,
  settleScript,
  type Transition,
} from "./transition-scripts.ts";

/** `check` says what `act` would do, by the same script, without doing it. */
export type Mode = "check" | "act";

export interface ApprovalToCreate {
  readonly id: string;
  readonly digest: CallDigest;
  readonly policyHash: Sha256Hex;
  /** Canonical JSON of the call; its SHA-256 is the digest. */
  readonly callText: string;
  readonly risk: Risk;
  readonly rule: string;
  readonly reservation: string;
  readonly approvalsNeeded: number;
  readonly lifetimeMs: number;
}

export interface VoteToTake {
  readonly id: string;
  readonly decision: Decision;
  readonly operator: string;
  readonly seal: string;
  readonly criticalMinimumAgeMs: number;
}

const LISTED = 200;
const LISTED_BYTES = 8 * 1024 * 1024;
const recordKey = (id: string) => `{approvals}:record:${id}`;

export type ApprovalStore = ReturnType<typeof createApprovalStore>;

/** Approvals in Redis. Each method is one script; `load` in Lua keeps the state machine. */
export function createApprovalStore(redis: Redis) {
  return {
    create: (wanted: ApprovalToCreate): Promise<Transition> =>
      createScript.run(
        redis,
        [recordKey(wanted.id)],
        [
          wanted.id,
          wanted.digest,
          wanted.policyHash,
          wanted.callText,
          wanted.risk,
          wanted.rule,
          wanted.reservation,
          wanted.approvalsNeeded,
          wanted.lifetimeMs,
        ],
      ),

    decide: (mode: Mode, vote: VoteToTake): Promise<Transition> =>
      decideScript.run(
        redis,
        [recordKey(vote.id)],
        [
          mode,
          vote.id,
          vote.decision.digest,
          vote.decision.decision,
          vote.operator,
          vote.seal,
          vote.decision.reason ?? "",
          vote.criticalMinimumAgeMs,
        ],
      ),

    consume: (mode: Mode, id: string, digest: CallDigest, policyHash: Sha256Hex): Promise<Transition> =>
      consumeScript.run(redis, [recordKey(id)], [mode, id, digest, policyHash]),

    settle: (mode: Mode, id: string, { status }: ApprovalOutcome): Promise<Transition> =>
      settleScript.run(redis, [recordKey(id)], [mode, id, status]),

    read: (id: string): Promise<StoredApproval | undefined> => readScript.run(redis, [recordKey(id)], [id]),

    findOpen: (digest: CallDigest): Promise<StoredApproval | undefined> =>
      findOpenScript.run(redis, [`{approvals}:open:${digest}`], [digest]),

    list: (state: "open" | "all"): Promise<readonly StoredApproval[]> =>
      listScript.run(redis, ["{approvals}:newest"], [state, LISTED, LISTED_BYTES]),

    /** Undefined asks where the stream of changes ends now. */
    readChanges: (after: string | undefined): Promise<Changes> =>
      changesScript.run(redis, ["{approvals}:events"], [after ?? ""]),
  };
}
