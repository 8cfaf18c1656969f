import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger } from "@claws/service-kit";
import { PassThrough } from "node:stream";
import { createAgentDoorService } from "../service.ts";
import { Settings } from "../settings.ts";

export const TOKEN = "aaa.bbb.ccc";
export const credentialOf = (token: string) =>
  `Proxy-Authorization: Basic ${Buffer.from(`main:${token}`).toString("base64")}\r\n`;
export const CREDENTIAL = credentialOf(TOKEN);

/** Stands for egress-filter at the socket, so that a test sees every byte. */
export interface Filter {
  readonly port: number;
  readonly connections: Socket[];
  close(): Promise<void>;
}

export async function startFilter(
  serve: (socket: Socket) => void | Promise<void>,
  port = 0,
): Promise<Filter> {
  const connections: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.push(socket);
    socket.on("error", () => socket.destroy());
    void serve(socket);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    async close() {
      for (const socket of connections) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

export interface TestDoor {
  readonly port: number;
  readonly writeToken: (token: string | undefined) => void;
  readonly drain: () => void;
  close(): Promise<void>;
}

export async function startDoor(upstreamPort: number): Promise<TestDoor> {
  const directory = mkdtempSync(join(tmpdir(), "agent-door-"));
  const file = join(directory, "token");
  const writeToken = (token: string | undefined) =>
    token === undefined ? rmSync(file, { force: true }) : writeFileSync(file, `${token}\n`);
  writeToken(TOKEN);
  const settings = Settings.parse({
    LISTEN_HOST: "127.0.0.1",
    LISTEN_PORT: 0,
    UPSTREAM_HOST: "127.0.0.1",
    UPSTREAM_PORT: upstreamPort,
    TOKEN_FILE: file,
  });
  const service = await createAgentDoorService(settings, {
    logger: createLogger("agent-door", new PassThrough().resume()),
  });
  const [listener] = service.listeners;
  if (listener === undefined) throw new Error("the door has a listener");
  const { server } = listener;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    writeToken,
    drain: () => service.drain?.(),
    async close() {
      service.drain?.();
      if ("closeAllConnections" in server) (server.closeAllConnections as () => void)();
      server.close();
      await once(server, "close");
      rmSync(directory, { recursive: true });
    },
  };
}

/** A client's connection to the door. */
export function dial(port: number): Socket {
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  socket.on("error", () => socket.destroy());
  return socket;
}

/** Reads until what came holds `mark`, or the other side ended; leaves nothing in the socket. */
export async function readUntil(socket: Socket, mark: string): Promise<string> {
  let text = "";
  const { promise, resolve } = Promise.withResolvers<void>();
  const onData = (chunk: Buffer) => {
    text += chunk.toString("latin1");
    if (text.includes(mark)) resolve();
  };
  socket.on("data", onData).once("end", resolve).once("close", resolve);
  await promise;
  socket.off("data", onData).off("end", resolve).off("close", resolve);
  return text;
}

export const readToEnd = (socket: Socket) => readUntil(socket, "\0never\0");
