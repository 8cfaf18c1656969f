import { Resolver } from "node:dns/promises";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";

/** One attempt to leave without the proxy. `open` means that a way out exists, which must never be. */
export interface ExitAttempt {
  readonly tried: string;
  readonly open: boolean;
  readonly happened: string;
}

const PATIENCE_MS = 2_500;

/** Opens a TCP connection, past any proxy setting; says what came of it. */
export async function tryTcp(host: string, port: number): Promise<ExitAttempt> {
  const tried = `TCP to ${host}:${port}`;
  const { promise, resolve } = Promise.withResolvers<ExitAttempt>();
  const socket = connect({ host, port });
  socket.setTimeout(PATIENCE_MS, () =>
    resolve({ tried, open: false, happened: `no answer in ${PATIENCE_MS} ms` }),
  );
  socket.once("connect", () => resolve({ tried, open: true, happened: "connected" }));
  socket.once("error", (error: NodeJS.ErrnoException) => {
    // A refusal comes from the other end: the packet got there.
    const refused = error.code === "ECONNREFUSED";
    resolve({ tried, open: refused, happened: error.code ?? error.message });
  });
  const attempt = await promise;
  socket.destroy();
  return attempt;
}

/** Asks the system's resolver for a name that only a name server outside could know. */
export async function tryDns(name: string): Promise<ExitAttempt> {
  const tried = `DNS for ${name}`;
  try {
    const addresses = await new Resolver({ timeout: PATIENCE_MS, tries: 1 }).resolve4(name);
    return { tried, open: true, happened: `answered ${addresses.join(", ")}` };
  } catch (error) {
    return { tried, open: false, happened: (error as NodeJS.ErrnoException).code ?? "failed" };
  }
}

/** Where the bridge's gateway would be on every network that this container is on: the first address of each. */
export function readGateways(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address, netmask }) => firstAddress(address, netmask));
}

function firstAddress(address: string, netmask: string): string {
  const toNumber = (text: string) => text.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const network = (toNumber(address) & toNumber(netmask)) >>> 0;
  return [24, 16, 8, 0].map((shift) => ((network + 1) >>> shift) & 255).join(".");
}
