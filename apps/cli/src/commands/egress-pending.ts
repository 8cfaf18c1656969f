import { EgressAnswer, type EgressOverlay, type EgressQuestion } from "@claws/contracts";
import { toVisibleString } from "@claws/visible-text";
import { Argument, type Command } from "commander";
import { ClawsError } from "../claws-error.ts";
import { connectAsOperator, type OperatorClient } from "../operator-client.ts";
import type { Stack } from "../stack/stack.ts";

/** One waiting destination in the least that a person needs: who asks, where to, how, why, and for how long still. */
export function describeQuestion(question: EgressQuestion, now: number): string {
  const { id, state, host, port, method, rule, caller, expiresAt, by } = question;
  const who = caller.kind === "agent" ? `agent:${caller.agent}` : `server:${caller.server}`;
  const left = Math.max(0, Math.ceil((expiresAt - now) / 1_000));
  const how = state === "open" ? `${left} s left` : by === undefined ? state : `${state} (${by})`;
  const line = `${id}  ${how}  ${who}  ${host}:${port}  ${method}  session ${caller.session}  (asked by ${rule})`;
  return toVisibleString(line.replaceAll("\n", " "));
}

/** What was allowed for good, one line each. */
export function describeOverlay({ rules }: EgressOverlay): string {
  if (rules.length === 0) return "nothing was allowed for good";
  return rules
    .map(({ allow, caller, by, at }) => toVisibleString(`${allow}  ${caller}  by ${by}  ${at}`))
    .join("\n");
}

/** Enough of an id that it means one question, and not by chance the next one. */
const ID_PREFIX = /^[0-9a-f][0-9a-f-]{7,35}$/;

/** The open question whose id starts with `prefix`; ambiguous and unknown ones are refused. */
export function pickQuestion(open: readonly EgressQuestion[], prefix: string): EgressQuestion {
  const matching = open.filter(({ id }) => id.startsWith(prefix));
  const [question] = matching;
  if (question === undefined)
    throw new ClawsError(`no open question starts with ${prefix}: see ./claws egress pending`);
  if (matching.length > 1)
    throw new ClawsError(`${matching.length} open questions start with ${prefix}: give more of the id`);
  return question;
}

/** Answers with what was shown: host and port go along, and another question is never answered by mistake. */
export async function answerQuestion(
  connect: () => Promise<OperatorClient>,
  prefix: string,
  answer: EgressAnswer,
): Promise<EgressQuestion> {
  if (!ID_PREFIX.test(prefix)) {
    throw new ClawsError(
      `${JSON.stringify(prefix)} is not a question's id: give at least its first 8 characters, as ./claws egress pending shows them`,
    );
  }
  const operator = await connect();
  return operator.answerQuestion(pickQuestion(await operator.listQuestions("open"), prefix), answer);
}

const YES = EgressAnswer.exclude(["deny"]);

/** Registers what is about asking under `./claws egress`. */
export function addEgressPending(egress: Command, stack: Stack, print: (text: string) => void): void {
  const connect = () => connectAsOperator(stack);
  const show = (question: EgressQuestion) => print(describeQuestion(question, Date.now()));

  egress
    .command("pending")
    .description("destinations that wait for a person")
    .option("--json")
    .action(async ({ json }: { json?: boolean }) => {
      const questions = await (await connect()).listQuestions("open");
      if (json) return print(JSON.stringify(questions));
      if (questions.length === 0) return print("nothing waits");
      questions.forEach(show);
    });
  egress
    .command("allow <id>")
    .description("let a waiting destination be reached: once, for its session, or for good")
    .addArgument(new Argument("<for>", "for how long").choices(YES.options))
    .action(async (id: string, answer: string) => show(await answerQuestion(connect, id, YES.parse(answer))));
  egress
    .command("deny <id>")
    .description("refuse a waiting destination")
    .action(async (id: string) => show(await answerQuestion(connect, id, "deny")));
  egress
    .command("overlay")
    .description("what was allowed for good, by whom and when")
    .option("--json")
    .action(async ({ json }: { json?: boolean }) => {
      const overlay = await (await connect()).readOverlay();
      print(json ? JSON.stringify(overlay) : describeOverlay(overlay));
    });
  egress
    .command("forget <destination>")
    .description("take back what was allowed for good, as host:port")
    .option("--caller <name>", "whose it is", "agent:main")
    .action(async (destination: string, { caller }: { caller: string }) =>
      print(describeOverlay(await (await connect()).forgetDestination(destination, caller))),
    );
}
