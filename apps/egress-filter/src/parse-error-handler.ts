import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "@claws/service-kit";
import type { Admit } from "./pipeline.ts";
import type { ReadingFailure } from "./read-request.ts";
import { problemOf } from "./refusal.ts";
import { refuseOnSocket } from "./refuse-on-socket.ts";

/** What Node's parser rejects is a decision like any other: recorded, logged, answered. */
export function createParseErrorHandler(admit: Admit, logger: Logger) {
  async function answer(client: Socket, failure: ReadingFailure): Promise<void> {
    const admission = await admit(failure, () => ({ ok: false, detail: "" }), "request");
    if (admission.ok) client.destroy();
    else refuseOnSocket(client, problemOf(admission));
  }

  return function handleParseError(cause: NodeJS.ErrnoException, duplex: Duplex): void {
    const client = duplex as Socket;
    const failure = failureOf(cause.code ?? "");
    // The rest are connections that broke; nobody is there to read an answer.
    if (failure === undefined || !client.writable) return void client.destroy();
    client.on("error", () => client.destroy());
    answer(client, failure).catch((error: unknown) => {
      logger.error({ err: error }, "unexpected error");
      client.destroy();
    });
  };
}

const UNREADABLE = { ok: false, target: "(unreadable)", method: "" } as const;
const FRAMING = /LENGTH|TRANSFER|CHUNK|CR_EXPECTED|LF_EXPECTED|EOF_STATE/;

function failureOf(code: string): ReadingFailure | undefined {
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return {
      ...UNREADABLE,
      reason: "timeout",
      detail: "the request did not arrive in time: send it at once",
    };
  }
  if (!code.startsWith("HPE_")) return undefined;
  const detail = `this is not HTTP/1.1 as a strict parser reads it (${code})`;
  return { ...UNREADABLE, reason: FRAMING.test(code) ? "bad_framing" : "bad_request", detail };
}
