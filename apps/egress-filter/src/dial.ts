import { connect, type OnReadOpts, type Socket } from "node:net";
import { canonicalAddress } from "./address-class.ts";

export type Dialled =
  | { readonly ok: true; readonly socket: Socket; readonly address: string }
  | { readonly ok: false; readonly detail: string };

/** Connects to one of these judged addresses and to nothing else. */
export type Dial = (addresses: readonly string[], port: number, onread?: OnReadOpts) => Promise<Dialled>;

const ATTEMPT_TIMEOUT_MS = 5_000;
const MAX_ATTEMPTS = 3;

/**
 * Connects to the first of the judged addresses that answers. They are dialled as they are, and the other
 * end of the socket is compared afterwards, so nothing between the verdict and the wire can change them.
 */
export async function dial(
  addresses: readonly string[],
  port: number,
  onread?: OnReadOpts,
): Promise<Dialled> {
  let last: Dialled = { ok: false, detail: "there is no address" };
  for (const address of addresses.slice(0, MAX_ATTEMPTS)) {
    last = await attempt(address, port, onread);
    if (last.ok) return last;
  }
  return last;
}

async function attempt(address: string, port: number, onread: OnReadOpts | undefined): Promise<Dialled> {
  const { promise, resolve } = Promise.withResolvers<Dialled>();
  const socket = connect({
    host: address,
    port,
    allowHalfOpen: true,
    noDelay: true,
    lookup: refuseLookup,
    ...(onread === undefined ? {} : { onread }),
  });
  // Whoever reads directly says when: what comes before that stays with the kernel.
  if (onread !== undefined) socket.pause();
  // Stays for the socket's life: whoever relays sees `close`, and an error between must not be unhandled.
  socket.on("error", (error: NodeJS.ErrnoException) => {
    resolve({ ok: false, detail: `no connection (${error.code ?? error.message})` });
  });
  socket.setTimeout(ATTEMPT_TIMEOUT_MS, () => socket.destroy(new Error("no answer in time")));
  socket.once("connect", () => {
    socket.setTimeout(0).removeAllListeners("timeout");
    if (canonicalAddress(socket.remoteAddress ?? "") === address) {
      return resolve({ ok: true, socket, address });
    }
    socket.destroy();
    resolve({ ok: false, detail: "the connection ended at another address than the one that was judged" });
  });
  return promise;
}

/** `net.connect` resolves whatever is no address: here that would undo the verdict. */
function refuseLookup(
  host: string,
  _options: unknown,
  callback: (error: Error, address: string) => void,
): void {
  callback(new Error(`${host} is not an address`), "");
}
