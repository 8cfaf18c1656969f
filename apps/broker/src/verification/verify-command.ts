import { setTimeout as sleep } from "node:timers/promises";
import { VerificationReport, VerificationState } from "@claws/contracts";
import { createServiceClient, readIdentity, type ServiceClient } from "@claws/service-kit";
import type { Settings } from "../settings.ts";

const USAGE = "usage: main.mjs verify [--decoy-port n] | verified";
const RUN_PATIENCE_MS = 90_000;
const WAIT_MS = 90_000;
const POLL_MS = 200;

export interface Terminal {
  readonly print: (line: string) => void;
  readonly complain: (line: string) => void;
}

/**
 * What `./claws` runs in the broker's container, against the running broker: `verify` has a run made and
 * prints its report, `verified` waits for the first result and prints that. Exit code 0 when there is one.
 */
export async function runVerifyCommand(
  command: string,
  args: readonly string[],
  settings: Pick<Settings, "CONTROL_LISTEN_HOST" | "CONTROL_LISTEN_PORT" | "IDENTITY_DIR">,
  terminal: Terminal,
): Promise<number> {
  const request = readRequest(command, args);
  if (request === undefined) {
    terminal.complain(USAGE);
    return 64;
  }
  const broker = createServiceClient({
    target: "broker",
    host: settings.CONTROL_LISTEN_HOST,
    port: settings.CONTROL_LISTEN_PORT,
    identity: readIdentity(settings.IDENTITY_DIR),
  });
  try {
    return await (command === "verify" ? verify(broker, request, terminal) : awaitResult(broker, terminal));
  } finally {
    await broker.close();
  }
}

function readRequest(command: string, args: readonly string[]): { decoyPort?: number } | undefined {
  const [flag, port = "", ...rest] = args;
  if (flag === undefined && (command === "verify" || command === "verified")) return {};
  const isPort = /^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535;
  return command === "verify" && flag === "--decoy-port" && isPort && rest.length === 0
    ? { decoyPort: Number(port) }
    : undefined;
}

async function verify(broker: ServiceClient, body: object, { print, complain }: Terminal): Promise<number> {
  const run = { method: "POST", path: "/v1/verification/runs", body, timeoutMs: RUN_PATIENCE_MS } as const;
  const answer = await broker.call(VerificationReport, run);
  if (answer.ok) print(JSON.stringify(answer.value));
  else complain(answer.problem.detail);
  return answer.ok ? 0 : 1;
}

async function awaitResult(broker: ServiceClient, { print, complain }: Terminal): Promise<number> {
  const end = performance.now() + WAIT_MS;
  for (;;) {
    const answer = await broker.call(VerificationState, { method: "GET", path: "/v1/verification" });
    if (answer.ok && answer.value.state !== "pending") break;
    if (performance.now() > end) {
      complain(answer.ok ? `no verification has ended in ${WAIT_MS / 1_000} s` : answer.problem.detail);
      return 1;
    }
    await sleep(POLL_MS);
  }
  const report = await broker.call(VerificationReport, { method: "GET", path: "/v1/verification/report" });
  if (report.ok) print(JSON.stringify(report.value));
  else complain(report.problem.detail);
  return report.ok ? 0 : 1;
}
