import { createServer } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { listen } from "@claws/service-kit";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readToEnd, sendRaw, withCredentials } from "./testing/raw-client.ts";
import { PUBLIC_ADDRESS, startFilter } from "./testing/start-filter.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

/** A server that switches when it is asked at /ws, and else answers like any other. */
async function start(methods: string[] = ["GET"]) {
  const heads: Record<string, unknown>[] = [];
  const server = createServer((_request, response) => response.writeHead(404).end("no socket here"));
  server.on("upgrade", (request, socket, head) => {
    heads.push(request.headers);
    if (request.url !== "/ws") return void socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nwelcome ",
    );
    if (head.length > 0) socket.write(head);
    socket.on("error", () => socket.destroy());
    socket.pipe(socket);
  });
  const port = await listen(server, 0, PUBLIC_ADDRESS);
  const filter = await startFilter({
    egress: {
      mode: "allowlist",
      rules: [
        {
          action: "allow",
          host: "allowed.test",
          port,
          methods,
          paths: ["/ws", "/other"],
          key: "egress.rules[0]",
        },
      ],
    },
    names: { "allowed.test": [PUBLIC_ADDRESS] },
  });
  ending.push(filter.stop, async () => {
    server.closeAllConnections();
    server.close();
  });
  const upgrade = (path: string, more = "") =>
    `GET http://allowed.test:${port}${path} HTTP/1.1\r\nHost: allowed.test:${port}\r\nConnection: Upgrade, X-Hop\r\nX-Hop: 1\r\n` +
    `Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n${more}`;
  return { filter, upgrade, heads };
}

describe("a WebSocket over plain HTTP", () => {
  it("is judged as the GET that it begins with, and carried both ways after that", async () => {
    const { filter, upgrade, heads } = await start();
    const socket = connect({ host: "127.0.0.1", port: filter.port, allowHalfOpen: true });
    socket.write(withCredentials(filter.port, upgrade("/ws", "early ")));
    await new Promise((resolve) => socket.once("readable", resolve));
    socket.end("late");
    const answer = await readToEnd(socket);
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer).toMatch(/upgrade: websocket/i);
    expect(answer.endsWith("welcome early late")).toBe(true);
    expect(heads[0]).toMatchObject({ upgrade: "websocket", "sec-websocket-version": "13" });
    expect(heads[0]).not.toHaveProperty("x-hop");
    expect(heads[0]).not.toHaveProperty("proxy-authorization");
    await vi.waitFor(() => expect(filter.logged("egress closed")).toHaveLength(1));
  });

  it.each([
    ["a path that the rule leaves out", "/elsewhere", ["GET"], "path_denied"],
    ["a rule without GET", "/ws", ["POST"], "method_denied"],
  ])("with %s is refused", async (_case, path, methods, reason) => {
    const { filter, upgrade, heads } = await start(methods);
    const answer = await sendRaw(filter.port, upgrade(path));
    expect(answer.status).toBe(403);
    expect(answer.body).toContain(reason);
    expect(heads).toHaveLength(0);
  });

  it.each(["destroy", "resetAndDestroy"] as const)(
    "whose client leaves before the answer gives its place back (%s)",
    async (leave) => {
      const silent = createTcpServer((socket) => void socket.resume());
      const port = await listen(silent, 0, PUBLIC_ADDRESS);
      const filter = await startFilter({
        egress: {
          mode: "allowlist",
          rules: [{ action: "allow", host: "allowed.test", port, key: "egress.rules[0]" }],
          quotas: { connections: 2 },
        },
        names: { "allowed.test": [PUBLIC_ADDRESS] },
      });
      ending.push(filter.stop, async () => void silent.close());
      for (let count = 1; count <= 5; count++) {
        const client = connect({ host: "127.0.0.1", port: filter.port });
        client.write(
          withCredentials(
            filter.port,
            `GET http://allowed.test:${port}/ HTTP/1.1\r\nHost: allowed.test:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
          ),
        );
        await filter.decisions(count);
        client[leave]();
        await vi.waitFor(() => expect(filter.logged("egress closed")).toHaveLength(count), 5_000);
      }
    },
  );

  it("that the destination does not want ends with its answer", async () => {
    const { filter, upgrade } = await start();
    expect((await sendRaw(filter.port, upgrade("/other"))).status).toBe(403);
    await vi.waitFor(() => expect(filter.logged("egress closed")).toHaveLength(1));
  });
});
