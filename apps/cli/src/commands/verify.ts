import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { VerificationReport } from "@claws/contracts";
import type { Command } from "commander";
import { ClawsError } from "../claws-error.ts";
import type { Stack } from "../stack/stack.ts";
import { listenOnAllAddresses } from "./listen-on-all-addresses.ts";
import { exitCodeOf, writeVerificationTable } from "./verification-table.ts";

const NOT_RUN = 2;

/** Has every way out tried from inside, while this machine listens on all its addresses. */
export async function verifyStack(stack: Stack): Promise<VerificationReport> {
  const host = await listenOnAllAddresses();
  try {
    return await askBroker(stack, ["verify", "--decoy-port", String(host.port)]);
  } finally {
    host.close();
  }
}

/** Waits for the result of the run that the stack makes when it starts. */
export async function awaitFirstVerification(stack: Stack): Promise<VerificationReport> {
  return askBroker(stack, ["verified"]);
}

/** By way of the broker's own program: its listener for services takes certificates of the stack alone. */
async function askBroker(stack: Stack, args: readonly string[]): Promise<VerificationReport> {
  const node = ["/usr/local/bin/node", "/app/main.mjs"];
  const { code, stdout, stderr } = await stack.compose(["exec", "-T", "broker", ...node, ...args]);
  const reason = stderr.trim().split("\n").at(-1) ?? "";
  if (code !== 0)
    throw new ClawsError(`no verification could be made: ${reason} (is the stack up? ./claws status)`);
  return VerificationReport.parse(JSON.parse(stdout));
}

export interface VerifyTools {
  readonly environment: NodeJS.ProcessEnv;
  readonly print: (text: string) => void;
  readonly say: (text: string) => void;
  readonly exitWith: (code: number) => void;
}

export function addVerify(program: Command, stack: Stack, tools: VerifyTools): void {
  const { environment, print, say, exitWith } = tools;
  program
    .command("verify")
    .description(
      "try every way out from inside the agent's and the MCP servers' networks; exit code 1 when one is open, 2 when it could not be tried",
    )
    .option("--json", "the report itself")
    .action(async ({ json }: { json?: boolean }) => {
      try {
        const report = await verifyStack(stack);
        const file = environment["CLAWS_VERIFY_REPORT"] || join(stack.root, "verify-report.json");
        writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
        print(json ? JSON.stringify(report) : writeVerificationTable(report));
        say(`the report is in ${file}`);
        exitWith(exitCodeOf(report));
      } catch (error) {
        if (!(error instanceof ClawsError)) throw error;
        say(error.message);
        exitWith(NOT_RUN);
      }
    });
}
