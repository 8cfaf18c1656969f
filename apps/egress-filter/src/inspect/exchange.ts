import type { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import type { Problem } from "@claws/contracts";
import type { RequestReading } from "../read-request.ts";

/** One request of the client and the room for its answer, whichever version of HTTP they come in. */
export interface Exchange {
  readonly reading: RequestReading;
  /** As sent, with repetitions, without pseudo-headers. */
  readonly rawHeaders: readonly string[];
  readonly isHttp2: boolean;
  /** Undefined when the request has no body. */
  readonly body: Readable | undefined;
  /** Whether the body, when it has ended, was complete. */
  isBodyWhole(): boolean;
  /** Says to a client that waits with its body that it may send it (RFC 9110 section 10.1.1). */
  invite(): void;
  /** Answers with a problem when no answer has begun, and cuts the one that has. */
  refuse(problem: Problem): void;
  /** Begins the answer; without `hasBody` it is all there is. Throws what the protocol cannot express. */
  answer(head: AnswerHead, hasBody: boolean): Writable;
  /** To be called before the answer's body ends; ignored where trailers do not pass. */
  setTrailers(raw: readonly string[]): void;
  /** Cuts the exchange, so that the client sees that it is not complete. */
  abort(): void;
  /** Called once, when the client went away before the answer was complete; at once if it has done so already. */
  onGone(listener: () => void): void;
  /** Switches to WebSocket; undefined when that was not asked for. */
  readonly upgrade: ((raw: readonly string[]) => Socket) | undefined;
}

export interface AnswerHead {
  readonly status: number;
  readonly rawHeaders: readonly string[];
}

/** A raw list as HTTP/2 takes it: lower case, repetitions as a list, no pseudo-headers. */
export function groupHeaders(raw: readonly string[]): Record<string, string | string[]> {
  const grouped = new Map<string, string | string[]>();
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = (raw[index] ?? "").toLowerCase();
    const value = raw[index + 1] ?? "";
    const known = grouped.get(name);
    if (known === undefined) grouped.set(name, value);
    else grouped.set(name, [...(typeof known === "string" ? [known] : known), value]);
  }
  return Object.fromEntries(grouped);
}

/** Names of a raw list, without pseudo-headers. */
export function withoutPseudo(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] ?? "";
    if (!name.startsWith(":")) kept.push(name, raw[index + 1] ?? "");
  }
  return kept;
}
