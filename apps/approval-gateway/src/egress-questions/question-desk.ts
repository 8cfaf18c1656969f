import { randomUUID } from "node:crypto";
import type {
  AuditEvent,
  EgressAnswer,
  EgressOverlay,
  EgressQuestion,
  EgressQuestionRequest,
} from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import type { AuditedStep } from "../audited-step.ts";
import { SERVICE } from "../refusals.ts";
import type { AnswerSeals } from "./answer-seals.ts";
import { nameOfCaller } from "./caller-name.ts";
import type { OverlayEntry, OverlayFile } from "./overlay-file.ts";
import { readStepOrRefuse, refusalOfQuestion } from "./question-refusals.ts";
import type { QuestionStore } from "./question-store.ts";

/** What a person said, to what was on the screen. */
export interface GivenAnswer {
  readonly answer: EgressAnswer;
  readonly host: string;
  readonly port: number;
}

/** A destination that a person allowed for one session; times are milliseconds since the epoch. */
export interface SessionGrant {
  readonly caller: string;
  readonly session: string;
  readonly host: string;
  readonly port: number;
  readonly by: string;
  readonly at: number;
  readonly until: number;
}

export interface QuestionDeskDependencies {
  readonly store: QuestionStore;
  readonly seals: AnswerSeals;
  readonly overlay: OverlayFile;
  readonly auditThen: AuditedStep;
}

export type QuestionDesk = ReturnType<typeof createQuestionDesk>;

const MAX_RULE_LENGTH = 500;

/** The steps of a question's life. Each is checked, then audited, then taken in one script. */
export function createQuestionDesk({ store, seals, overlay, auditThen }: QuestionDeskDependencies) {
  /** Without the file nobody knows what is open for good: say so, and change nothing. */
  async function useOverlay<Result>(act: () => Promise<Result>): Promise<Result> {
    try {
      return await act();
    } catch (error) {
      throw ProblemError.of(
        "service_unavailable",
        { service: SERVICE, detail: "the overlay of allowed destinations cannot be read or written" },
        { cause: error },
      );
    }
  }

  async function findAllowedForGood(request: EgressQuestionRequest): Promise<OverlayEntry | undefined> {
    const [allow, caller] = [destinationOf(request), nameOfCaller(request.caller)];
    const { rules } = await useOverlay(overlay.read);
    return rules.find((entry) => entry.allow === allow && entry.caller === caller);
  }

  return {
    /** Opens a question, or finds what is known of the same caller and destination already. */
    async ask(request: EgressQuestionRequest): Promise<{ question: EgressQuestion; isNew: boolean }> {
      const id = randomUUID();
      // egress-filter reads the overlay each second: until it has, its questions end here.
      const known = await findAllowedForGood(request);
      if (known !== undefined) return { question: answeredForGood(id, request, known), isNew: false };

      const there = await store.ask("check", id, request);
      if (there.outcome !== "free") return { question: seals.read(readStepOrRefuse(there)), isNew: false };
      const event: AuditEvent = {
        event: "egress.asked",
        outcome: "hold",
        ...aboutDestination(request),
        detail: {
          question: id,
          caller: nameOfCaller(request.caller),
          method: request.method,
          lifetimeMs: request.expireAfterSeconds * 1_000,
        },
      };
      const stored = await auditThen(event, async () =>
        readStepOrRefuse(await store.ask("act", id, request)),
      );
      return { question: seals.read(stored), isNew: stored.question.id === id };
    },

    async answer(id: string, { answer, host, port }: GivenAnswer, operator: string): Promise<EgressQuestion> {
      const wanted = { id, answer, host, port, operator, seal: "" };
      const { question } = readStepOrRefuse(await store.answer("check", wanted));
      if (answer === "always") await useOverlay(overlay.read);
      const caller = nameOfCaller(question.caller);
      const event: AuditEvent = {
        event: "egress.answered",
        outcome: answer === "deny" ? "deny" : "allow",
        ...aboutDestination(question),
        detail: { question: id, caller, answer, by: operator },
      };
      const seal = seals.seal(question, answer, operator);
      return auditThen(event, async () => {
        const answered = readStepOrRefuse(await store.answer("act", { ...wanted, seal }));
        // After the step that only one answer can take: a yes that lost against a no writes nothing.
        if (answer === "always") {
          const allow = destinationOf(question);
          const at = new Date().toISOString();
          await useOverlay(() => overlay.add({ allow, caller, by: operator, at }));
        }
        return seals.read(answered);
      });
    },

    async read(id: string): Promise<EgressQuestion> {
      const stored = await store.read(id);
      if (stored === undefined) throw refusalOfQuestion("not_found");
      return seals.read(stored);
    },

    list: async (state: "open" | "all"): Promise<readonly EgressQuestion[]> =>
      (await store.list(state)).map(seals.read),

    /** What was allowed for a session and still holds. */
    async listGrants(): Promise<readonly SessionGrant[]> {
      return (await store.listGrants()).flatMap(({ stored, until }) => {
        const { caller, host, port, by = "", state, askedAt } = seals.read(stored);
        if (state !== "session") return [];
        const { session } = caller;
        return {
          caller: nameOfCaller(caller),
          session,
          host,
          port,
          by,
          at: stored.answeredAt ?? askedAt,
          until,
        };
      });
    },

    readOverlay: (): Promise<EgressOverlay> => useOverlay(overlay.read),

    /** Takes back what was allowed for good; gives what is left. */
    async forget(entry: Pick<OverlayEntry, "allow" | "caller">, operator: string): Promise<EgressOverlay> {
      const unknown = () =>
        ProblemError.of("not_found", {
          service: SERVICE,
          detail: `${entry.caller} has no ${entry.allow} that was allowed for good`,
        });
      const { rules } = await useOverlay(overlay.read);
      if (!rules.some(({ allow, caller }) => allow === entry.allow && caller === entry.caller))
        throw unknown();
      const event: AuditEvent = {
        event: "egress.forgotten",
        outcome: "done",
        subject: entry.allow,
        detail: { caller: entry.caller, by: operator },
      };
      return auditThen(event, async () => {
        if (!(await useOverlay(() => overlay.remove(entry)))) throw unknown();
        return useOverlay(overlay.read);
      });
    },
  };
}

function destinationOf({ host, port }: Pick<EgressQuestion, "host" | "port">): string {
  return `${host}:${port}`;
}

function aboutDestination(asked: Pick<EgressQuestion, "caller" | "host" | "port" | "rule">) {
  const { caller, rule } = asked;
  return {
    ...(caller.kind === "agent" ? { agent: caller.agent } : {}),
    session: caller.session,
    subject: destinationOf(asked),
    rule: rule.slice(0, MAX_RULE_LENGTH),
  };
}

/** The answer that a person gave for good before, as a question that was never open. */
function answeredForGood(
  id: string,
  { caller, host, port, method, rule }: EgressQuestionRequest,
  { by }: OverlayEntry,
): EgressQuestion {
  const now = Date.now();
  return { id, caller, host, port, method, rule, askedAt: now, expiresAt: now, state: "always", by };
}
