import { createHash } from "node:crypto";
import type { EgressAnswer, EgressQuestionRequest } from "@claws/contracts";
import type { Redis } from "ioredis";
import type { Mode } from "../approval-store.ts";
import { nameOfCaller } from "./caller-name.ts";
import {
  answerScript,
  askScript,
  expireQuestionsScript,
  listGrantsScript,
  listQuestionsScript,
  type QuestionStep,
  readQuestionScript,
  type StoredGrant,
} from "./question-scripts.ts";
import type { StoredQuestion } from "./stored-question.ts";

export interface AnswerToTake {
  readonly id: string;
  readonly answer: EgressAnswer;
  readonly host: string;
  readonly port: number;
  readonly operator: string;
  readonly seal: string;
}

const LISTED = 200;
const LISTED_GRANTS = 1_000;
/** As long as records are kept; a session that is longer is asked about again. */
const GRANT_HOLDS_MS = 7 * 86_400_000;
/** Who was told no may ask again, and not at once: a question that keeps coming back gets a tired yes. */
const DENIAL_HOLDS_MS = 60_000;

const recordKey = (id: string) => `{approvals}:egress:question:${id}`;

export type QuestionStore = ReturnType<typeof createQuestionStore>;

/** Questions in Redis. Each method is one script on Redis' clock. */
export function createQuestionStore(redis: Redis) {
  return {
    ask: (mode: Mode, id: string, request: EgressQuestionRequest): Promise<QuestionStep> =>
      askScript.run(
        redis,
        [recordKey(id)],
        [
          mode,
          id,
          targetOf(request),
          JSON.stringify(request.caller),
          nameOfCaller(request.caller),
          request.host,
          request.port,
          request.method,
          request.rule,
          request.expireAfterSeconds * 1_000,
          request.maxOpen,
        ],
      ),

    answer: (mode: Mode, { id, answer, host, port, operator, seal }: AnswerToTake): Promise<QuestionStep> =>
      answerScript.run(
        redis,
        [recordKey(id)],
        [mode, id, answer, host, port, operator, seal, GRANT_HOLDS_MS, DENIAL_HOLDS_MS],
      ),

    read: (id: string): Promise<StoredQuestion | undefined> =>
      readQuestionScript.run(redis, [recordKey(id)], [id]),

    list: (state: "open" | "all"): Promise<readonly StoredQuestion[]> =>
      listQuestionsScript.run(redis, ["{approvals}:egress:newest"], [state, LISTED]),

    listGrants: (): Promise<readonly StoredGrant[]> =>
      listGrantsScript.run(redis, ["{approvals}:egress:grants"], [LISTED_GRANTS]),

    expireDue: (): Promise<void> => expireQuestionsScript.run(redis, ["{approvals}:egress:waiting"], []),
  };
}

/** One caller's one session and one destination, in a word that is safe inside a key. */
function targetOf({ caller, host, port }: EgressQuestionRequest): string {
  const parts = [nameOfCaller(caller), caller.session, host, port];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}
