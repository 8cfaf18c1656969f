import { createProblem, Problem } from "@claws/contracts";
import { Agent } from "undici";
import type * as z from "zod";
import type { ServiceIdentity } from "./identity.ts";

/** The value, or the problem that the other service (or the way to it) gave. Never an exception. */
export type Answer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: Problem };

export interface CallOptions {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface ServiceClient {
  call<Shape extends z.ZodType>(schema: Shape, options: CallOptions): Promise<Answer<z.infer<Shape>>>;
  /** Whether the service takes a TLS connection and answers HTTP at all. */
  isReachable(): Promise<boolean>;
  close(): Promise<void>;
}

export interface ServiceClientOptions {
  /** Who is called, as named in refusals. */
  readonly target: string;
  readonly host: string;
  readonly port: number;
  readonly identity: ServiceIdentity;
}

const DEFAULT_TIMEOUT_MS = 2_000;
const MAX_RESPONSE_BYTES = 16 * 1024 * 1024;

/**
 * Calls another service over mutual TLS with connections kept open. Whatever goes wrong (down, slow,
 * wrong certificate, odd answer) becomes `service_unavailable`: the caller refuses.
 */
export function createServiceClient({ target, host, port, identity }: ServiceClientOptions): ServiceClient {
  const origin = `https://${host}:${port}`;
  const agent = new Agent({
    connect: { ...identity, timeout: 1_000 },
    keepAliveTimeout: 60_000,
    maxResponseSize: MAX_RESPONSE_BYTES,
  });
  const unavailable = (detail: string): Answer<never> => ({
    ok: false,
    problem: createProblem("service_unavailable", { service: target, detail, retryAfterMs: 1_000 }),
  });

  return {
    async call(schema, { method, path, body, timeoutMs = DEFAULT_TIMEOUT_MS, signal }) {
      const deadline = AbortSignal.timeout(timeoutMs);
      let status: number;
      let answer: unknown;
      try {
        const response = await agent.request({
          origin,
          path,
          method,
          signal: signal ? AbortSignal.any([deadline, signal]) : deadline,
          ...(body === undefined
            ? {}
            : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
        });
        status = response.statusCode;
        const text = await response.body.text();
        answer = text === "" ? undefined : JSON.parse(text);
      } catch (error) {
        const reason = deadline.aborted ? `no answer in ${timeoutMs} ms` : (error as Error).message;
        return unavailable(`${target} cannot be asked: ${reason}`);
      }
      if (status >= 400) {
        const problem = Problem.safeParse(answer);
        return problem.success
          ? { ok: false, problem: problem.data }
          : unavailable(`${target} answered ${status}`);
      }
      const value = schema.safeParse(answer);
      return value.success
        ? { ok: true, value: value.data }
        : unavailable(`${target} gave an answer of the wrong shape`);
    },
    async isReachable() {
      try {
        const response = await agent.request({
          origin,
          path: "/",
          method: "GET",
          signal: AbortSignal.timeout(900),
        });
        await response.body.dump();
        return true;
      } catch {
        return false;
      }
    },
    close: () => agent.close(),
  };
}
