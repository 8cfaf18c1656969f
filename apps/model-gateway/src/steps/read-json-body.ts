import type { IncomingMessage } from "node:http";
import type { JsonValue } from "@claws/contracts";
import { refuse } from "./refuse.ts";

const LARGEST_BODY = 4 * 1024 * 1024;
const DEEPEST = 64;

/** Reads one JSON document in UTF-8, at most 4 MiB and 64 levels. */
export async function readJsonBody(request: IncomingMessage): Promise<JsonValue> {
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") throw refuse("body_malformed", `send the body without '${encoding}'`);
  return parseJson(await readBytes(request));
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = () => refuse("body_too_large", "send at most 4 MiB: shorten the conversation");
  if (Number(request.headers["content-length"] ?? 0) > LARGEST_BODY) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  // The socket stays open, so that the refusal can still be read.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LARGEST_BODY) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function parseJson(bytes: Uint8Array): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as JsonValue;
  } catch (error) {
    throw refuse("body_malformed", `send one JSON document in UTF-8: ${(error as Error).message}`);
  }
  if (isDeeperThan(value, DEEPEST)) {
    throw refuse("body_malformed", `nest objects and lists at most ${DEEPEST} deep`);
  }
  return value;
}

function isDeeperThan(value: JsonValue, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  return Object.values(value).some((member) => isDeeperThan(member, levels - 1));
}
