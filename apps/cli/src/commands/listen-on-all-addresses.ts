import { type AddressInfo, createServer } from "node:net";

/** A listener on every address of the machine, so that "the host cannot be reached" is about a host that could be. */
export async function listenOnAllAddresses(): Promise<{ port: number; close: () => void }> {
  const server = createServer((socket) => {
    // Whoever gets here found a hole: it may reset the connection, or hold it for as long as it likes.
    socket.on("error", () => socket.destroy()).unref();
    socket.end("reached the host\n");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port: 0, host: "0.0.0.0" }, resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
