import type { Approval, Decision, EgressAnswer, EgressQuestion, Problem } from "@claws/contracts";

/** Thrown with the gateway's own words when it refuses, and when it cannot be reached. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: string;

  constructor(code: string, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** How far the gateway's clock is ahead of this browser's, from the last answer. */
let clockOffset = 0;

/** Now, by the gateway's clock: what creation and expiry are measured with. */
export function readGatewayTime(): number {
  return Date.now() + clockOffset;
}

async function send<Value>(path: string, init: RequestInit = {}): Promise<Value> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, cache: "no-store", signal: AbortSignal.timeout(10_000) });
  } catch {
    throw new GatewayError("unreachable", "the gateway cannot be reached: see './claws status'");
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  if (!Number.isNaN(date)) {
    // The header counts whole seconds: within one, our own clock is the better one.
    const offset = date - Date.now();
    clockOffset = Math.abs(offset) < 1_500 ? 0 : offset;
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok && body !== undefined) return body as Value;
  const problem = body as Partial<Problem> | undefined;
  throw new GatewayError(
    problem?.code ?? "unreachable",
    problem?.detail ?? `the gateway answered ${response.status}`,
  );
}

export interface Operator {
  readonly operator: string;
  readonly singleOperator: boolean;
}

export const gateway = {
  readOperator: () => send<Operator>("/api/operator"),
  list: async () => (await send<{ approvals: Approval[] }>("/api/approvals?state=all")).approvals,
  decide: (id: string, decision: Decision) =>
    send<Approval>(`/api/approvals/${id}/decision`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(decision),
    }),
  listQuestions: async () =>
    (await send<{ questions: EgressQuestion[] }>("/api/egress/questions?state=all")).questions,
  /** Host and port go along: what is answered is what was on the screen. */
  answer: ({ id, host, port }: EgressQuestion, answer: EgressAnswer) =>
    send<EgressQuestion>(`/api/egress/questions/${id}/answer`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ answer, host, port }),
    }),
};
