import { Agent, type IncomingMessage, request } from "node:http";
import type { ProblemCode } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import type * as z from "zod";

export interface EngineOptions {
  readonly socketPath: string;
  readonly timeoutMs: number;
}

export interface Engine {
  /** Opens an answer whose body is read as it comes. Rejects with a problem unless the status is 200. */
  open(method: "GET" | "HEAD", path: string): Promise<IncomingMessage>;
  /** Reads a JSON answer whole and keeps what the schema names. */
  read<Shape extends z.ZodType>(schema: Shape, path: string): Promise<z.infer<Shape>>;
  close(): void;
}

const MAX_JSON_BYTES = 16 * 1024 * 1024;

/** The engine behind its socket. Requests are built here: no header of a caller gets through. */
export function createEngine({ socketPath, timeoutMs }: EngineOptions): Engine {
  const agent = new Agent({ keepAlive: false });

  async function open(method: "GET" | "HEAD", path: string): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const outgoing = request({ socketPath, agent, method, path, headers: { host: "docker" } });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    outgoing.once("response", resolve);
    outgoing.on("upgrade", (_answer, socket) => {
      socket.destroy();
      reject(refusal("service_unavailable", "the engine tried to upgrade the connection"));
    });
    outgoing.on("error", (error) =>
      reject(refusal("service_unavailable", `the Docker engine cannot be asked: ${error.message}`)),
    );
    outgoing.end();
    let answer: IncomingMessage;
    try {
      answer = await promise;
    } finally {
      clearTimeout(timer);
    }
    if (answer.statusCode === 200) return answer;
    answer.destroy();
    throw refusalOf(answer.statusCode ?? 0);
  }

  return {
    open,
    async read(schema, path) {
      const answer = await open("GET", path);
      const timer = setTimeout(() => answer.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
      const parsed = schema.safeParse(await readJson(answer).finally(() => clearTimeout(timer)));
      if (parsed.success) return parsed.data;
      throw refusal("service_unavailable", "the Docker engine gave an answer of the wrong shape");
    },
    close: () => agent.destroy(),
  };
}

async function readJson(answer: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_JSON_BYTES) throw new Error("more than 16 MiB");
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw refusal("service_unavailable", `the Docker engine's answer: ${(error as Error).message}`);
  }
}

function refusalOf(status: number): ProblemError {
  if (status === 404) return refusal("not_found", "the project has no such container");
  if (status === 400) return refusal("request_invalid", "the Docker engine does not accept these parameters");
  return refusal("service_unavailable", `the Docker engine answered ${status}`);
}

function refusal(code: ProblemCode, detail: string): ProblemError {
  return ProblemError.of(code, { service: "docker-api-filter", detail });
}
