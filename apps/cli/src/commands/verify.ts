import * as z from "zod";
import { ClawsError } from "../claws-error.ts";
import type { Stack } from "../stack/stack.ts";
import { listenOnAllAddresses } from "./listen-on-all-addresses.ts";

const Attempt = z.object({ tried: z.string(), open: z.boolean(), happened: z.string() });
export type ExitAttempt = z.infer<typeof Attempt>;

/** Addresses that nobody has (RFC 5737): a way out would let packets to them leave, and nobody is bothered. */
const NOWHERE = ["192.0.2.1:443", "198.51.100.1:80", "203.0.113.1:53"];

/** Tries every way out of the running agent's container but the three doors. */
export async function verifyExits(stack: Stack): Promise<ExitAttempt[]> {
  const host = await listenOnAllAddresses();
  try {
    const addresses = NOWHERE.flatMap((address) => ["--address", address]);
    const { stdout, stderr } = await stack.compose([
      "exec",
      "-T",
      "agent",
      "/usr/local/bin/node",
      "/opt/claws/probe-exits.mjs",
      ...addresses,
      "--gateway-port",
      String(host.port),
    ]);
    const attempts = stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => Attempt.parse(JSON.parse(line)));
    if (attempts.length > 0) return attempts;
    throw new ClawsError(
      `nothing could be tried inside the agent's container: ${stderr.trim().split("\n").at(-1) ?? ""}. It needs the reference image, and the stack up`,
    );
  } finally {
    host.close();
  }
}
