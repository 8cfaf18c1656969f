import { Approval, type EgressAnswer, EgressOverlay, EgressQuestion } from "@claws/contracts";
import * as z from "zod";
import { ClawsError } from "./claws-error.ts";
import type { Stack } from "./stack/stack.ts";

/** The operator API, through the same door and the same login as the console. */
export interface OperatorClient {
  listApprovals(state: "open" | "all"): Promise<Approval[]>;
  decide(
    approval: Pick<Approval, "id" | "digest">,
    decision: "approve" | "deny",
    reason?: string,
  ): Promise<Approval>;
  listQuestions(state: "open" | "all"): Promise<EgressQuestion[]>;
  answerQuestion(
    question: Pick<EgressQuestion, "id" | "host" | "port">,
    answer: EgressAnswer,
  ): Promise<EgressQuestion>;
  /** What was allowed for good. */
  readOverlay(): Promise<EgressOverlay>;
  /** Takes one of them back; `caller` is a name such as `agent:main`. */
  forgetDestination(allow: string, caller: string): Promise<EgressOverlay>;
}

/** A one-time login link, made inside front-door: whoever may exec there may log in. */
export async function createLoginLink(stack: Stack): Promise<string> {
  const { code, stdout, stderr } = await stack.compose([
    "exec",
    "-T",
    "front-door",
    "/usr/local/bin/node",
    "/app/main.mjs",
    "login-link",
  ]);
  const link = /https?:\S+/.exec(stdout)?.[0];
  if (code !== 0 || link === undefined) {
    throw new ClawsError(
      `front-door gave no login link (is the stack up? ./claws status): ${stderr.trim().split("\n").at(-1) ?? ""}`,
    );
  }
  const url = new URL(link);
  url.port = String(await publishedPort(stack, 8082));
  return url.href;
}

/** The port on the host behind which a port of front-door is published. */
export async function publishedPort(stack: Stack, port: number): Promise<number> {
  const { stdout } = await stack.compose(["port", "netguard", String(port)]);
  const published = Number(stdout.trim().split(":").at(-1));
  if (!Number.isInteger(published) || published === 0)
    throw new ClawsError("front-door publishes nothing: is the stack up? ./claws status");
  return published;
}

export async function connectAsOperator(stack: Stack): Promise<OperatorClient> {
  const link = new URL(await createLoginLink(stack));
  const login = await fetch(new URL("/login", link), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token: link.hash.slice(1) }),
    redirect: "manual",
  });
  const cookie = login.headers
    .getSetCookie()
    .map((header) => header.split(";")[0])
    .join("; ");
  if (cookie === "")
    throw new ClawsError(`front-door refused the login (${login.status}): ${await login.text()}`);

  const ask = async <Shape extends z.ZodType>(
    schema: Shape,
    path: string,
    body?: unknown,
  ): Promise<z.infer<Shape>> => {
    const response = await fetch(new URL(path, link), {
      headers: { cookie, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok)
      throw new ClawsError(readDetail(text) ?? `the operator API answered ${response.status}`);
    return schema.parse(JSON.parse(text));
  };
  return {
    listApprovals: async (state) =>
      (await ask(z.object({ approvals: z.array(Approval) }), `/api/approvals?state=${state}`)).approvals,
    decide: ({ id, digest }, decision, reason) =>
      ask(Approval, `/api/approvals/${id}/decision`, {
        decision,
        digest,
        ...(reason === undefined ? {} : { reason }),
      }),
    listQuestions: async (state) =>
      (await ask(z.object({ questions: z.array(EgressQuestion) }), `/api/egress/questions?state=${state}`))
        .questions,
    answerQuestion: ({ id, host, port }, answer) =>
      ask(EgressQuestion, `/api/egress/questions/${id}/answer`, { answer, host, port }),
    readOverlay: () => ask(EgressOverlay, "/api/egress/overlay"),
    forgetDestination: (allow, caller) => ask(EgressOverlay, "/api/egress/overlay/remove", { allow, caller }),
  };
}

function readDetail(text: string): string | undefined {
  try {
    return z.object({ detail: z.string() }).parse(JSON.parse(text)).detail;
  } catch {
    return undefined;
  }
}
