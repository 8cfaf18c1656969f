import { Resolver } from "node:dns/promises";
import { createSocket } from "node:dgram";
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

/** Asks for a name that only a resolver outside could answer, directly and through the system's resolver. */
export async function tryDns(name: string, server?: string): Promise<ExitAttempt> {
  const resolver = new Resolver({ timeout: PATIENCE_MS, tries: 1 });
  if (server !== undefined) resolver.setServers([server]);
  const tried = `DNS for ${name}${server === undefined ? "" : ` at ${server}`}`;
  try {
    const addresses = await resolver.resolve4(name);
    return { tried, open: true, happened: `answered ${addresses.join(", ")}` };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "failed";
    // NXDOMAIN from outside would also be a message that left.
    return { tried, open: code === "ENOTFOUND" && server !== undefined, happened: code };
  }
}

/** Sends a datagram and waits for one back. */
export async function tryUdp(host: string, port: number): Promise<ExitAttempt> {
  const tried = `UDP to ${host}:${port}`;
  const socket = createSocket("udp4");
  const { promise, resolve } = Promise.withResolvers<ExitAttempt>();
  const timer = setTimeout(
    () => resolve({ tried, open: false, happened: `no answer in ${PATIENCE_MS} ms` }),
    PATIENCE_MS,
  );
  socket.once("message", () => resolve({ tried, open: true, happened: "answered" }));
  socket.once("error", (error: NodeJS.ErrnoException) =>
    resolve({ tried, open: false, happened: error.code ?? error.message }),
  );
  socket.send("claws", port, host, (error) => {
    if (error)
      resolve({ tried, open: false, happened: (error as NodeJS.ErrnoException).code ?? error.message });
  });
  const attempt = await promise;
  clearTimeout(timer);
  socket.close();
  return attempt;
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
