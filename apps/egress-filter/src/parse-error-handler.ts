import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Logger } from "@claws/service-kit";
import type { Admit } from "./pipeline.ts";
import { refuseOnSocket } from "./refuse-on-socket.ts";

/** What Node's parser rejects is a decision like any other: recorded, logged, answered. */
export function createParseErrorHandler(admit: Admit, logger: Logger) {
  async function answer(client: Socket, code: string): Promise<void> {
    const reason = `this is not HTTP/1.1 as a strict parser reads it (${code})`;
    const target = "(unreadable)";
    const admission = await admit({ ok: false, code: "request_invalid", reason, target, method: "" });
    if (admission.ok) client.destroy();
    else refuseOnSocket(client, admission.problem);
  }

  return function handleParseError(cause: NodeJS.ErrnoException, duplex: Duplex): void {
    const client = duplex as Socket;
    const { code = "" } = cause;
    // The rest are connections that broke or went silent; nobody is there to read an answer.
    if (!code.startsWith("HPE_") || !client.writable) return void client.destroy();
    client.on("error", () => client.destroy());
    answer(client, code).catch((error: unknown) => {
      logger.error({ err: error }, "unexpected error");
      client.destroy();
    });
  };
}
