import { once } from "node:events";
import type { Socket } from "node:net";
import { array, assert, asyncProperty, constantFrom, oneof, string } from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import {
  CREDENTIAL,
  dial,
  type Filter,
  readToEnd,
  readUntil,
  startDoor,
  startFilter,
  type TestDoor,
} from "./testing/start-door.ts";

let filter: Filter;
let door: TestDoor;
async function start(serve: (socket: Socket) => void | Promise<void>): Promise<void> {
  filter = await startFilter(serve);
  door = await startDoor(filter.port);
}
afterEach(async () => {
  await door.close();
  await filter.close();
});

/** Answers every message that ends with `mark` by `answer`; keeps what came. */
function answering(mark: string, answer: string, seen: string[]) {
  return (socket: Socket): void => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      if (!text.endsWith(mark)) return;
      seen.push(text);
      text = "";
      socket.write(answer, "latin1");
    });
    socket.on("end", () => socket.end());
  };
}

const OK = "HTTP/1.1 200 Fine\r\nx-Odd: 1\r\nX-Odd: 2\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET http://a.example/p?q=%7E HTTP/1.1\r\nhost: a.example\r\n";

describe("plain HTTP through the door", () => {
  const cl = "Content-Length: 3\r\n";
  const te = "Transfer-Encoding: chunked\r\n";
  it.each([
    ["a GET", `${GET}ACCEPT: x\r\nX-Two: 1\r\nX-Two: 2\r\nConnection: keep-alive\r\n`, "", "\r\n\r\n"],
    ["two Hosts, for the filter to refuse", `${GET}Host: b.example\r\nConnection: close\r\n`, "", "\r\n\r\n"],
    ["no Host", `GET http://a.example/ HTTP/1.1\r\nConnection: close\r\n`, "", "\r\n\r\n"],
    [
      "a body of known length",
      `POST http://a.example/ HTTP/1.1\r\nHost: a\r\n${cl}Connection: close\r\n`,
      "abc",
      "abc",
    ],
    ["a GET with a body", `${GET}${cl}Connection: close\r\n`, "abc", "abc"],
    [
      "a chunked body",
      `PUT http://a.example/ HTTP/1.1\r\nHost: a\r\n${te}Connection: close\r\n`,
      "3\r\nabc\r\n0\r\n\r\n",
      "0\r\n\r\n",
    ],
    [
      "a chunked DELETE",
      `DELETE http://a.example/ HTTP/1.1\r\nHost: a\r\n${te}Connection: close\r\n`,
      "3\r\nabc\r\n0\r\n\r\n",
      "0\r\n\r\n",
    ],
    ["an expectation", `${GET}Expect: 100-continue\r\nConnection: close\r\n`, "", "\r\n\r\n"],
    ["an upgrade to something else", `${GET}Upgrade: h2c\r\nConnection: Upgrade\r\n`, "", "\r\n\r\n"],
    ["bytes above ASCII", `${GET}X-Latin: \xe4\r\nConnection: close\r\n`, "", "\r\n\r\n"],
    [
      "an origin-form target, for the filter to refuse",
      "GET /p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n",
      "",
      "\r\n\r\n",
    ],
  ])("passes %s as it was sent, but for the credential", async (_what, head, body, mark) => {
    const seen: string[] = [];
    await start(answering(mark, OK, seen));
    const client = dial(door.port);
    client.write(`${head}\r\n${body}`, "latin1");
    const answer = await readUntil(client, "\r\n\r\nok");
    expect(seen).toEqual([`${head}${CREDENTIAL}\r\n${body}`]);
    expect(answer).toMatch(/^HTTP\/1\.1 200 Fine\r\nx-Odd: 1\r\nX-Odd: 2\r\nContent-Length: 2\r\n/);
    expect(answer).not.toMatch(/^date:/im);
    client.destroy();
  });

  it("says of a POST without a body that it has none", async () => {
    const seen: string[] = [];
    await start(answering("\r\n\r\n", OK, seen));
    const client = dial(door.port);
    client.write("POST http://a.example/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await readUntil(client, "ok");
    expect(seen[0]).toContain("Content-Length: 0\r\n");
    expect(seen[0]).not.toMatch(/transfer-encoding/i);
    client.destroy();
  });

  it("uses one connection to the filter for one of the client's, and ends it with the filter's", async () => {
    const seen: string[] = [];
    await start(answering("\r\n\r\n", OK, seen));
    const client = dial(door.port);
    for (let round = 0; round < 3; round++) {
      client.write(`${GET}\r\n`);
      await readUntil(client, "ok");
    }
    expect(seen).toHaveLength(3);
    expect(filter.connections).toHaveLength(1);
    client.resume();
    const ended = once(client, "end");
    filter.connections[0]?.end();
    await ended;
    client.destroy();
  });

  it("lets nobody share a connection with another client", async () => {
    await start(answering("\r\n\r\n", OK, []));
    for (const _ of [1, 2]) {
      const client = dial(door.port);
      client.write(`${GET}\r\n`);
      await readUntil(client, "ok");
      client.destroy();
    }
    expect(filter.connections).toHaveLength(2);
  });

  it("passes each event of an event stream when it comes, and the head before the first", async () => {
    await start(() => undefined);
    const client = dial(door.port);
    client.write(`${GET}\r\n`);
    while (filter.connections.length === 0) await new Promise(setImmediate);
    const [socket] = filter.connections;
    socket
      ?.resume()
      .write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    expect(await readUntil(client, "\r\n\r\n")).toContain("text/event-stream");
    for (const event of ["data: 1\n\n", "data: 2\n\n"]) {
      socket?.write(`9\r\n${event}\r\n`);
      expect(await readUntil(client, event)).toContain(event);
    }
    client.destroy();
  });

  it.each([407, 403, 429])("passes a refusal with %i and its body", async (status) => {
    const refusal = `HTTP/1.1 ${status} No\r\nContent-Type: application/problem+json\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwhy?`;
    await start((socket) => void readUntil(socket, "\r\n\r\n").then(() => socket.end(refusal)));
    const client = dial(door.port);
    client.write(`${GET}\r\n`);
    expect(await readToEnd(client)).toBe(refusal);
    client.destroy();
  });

  it("cuts an answer short where the filter's was cut short", async () => {
    await start((socket) => {
      void readUntil(socket, "\r\n\r\n").then(() =>
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", () => socket.resetAndDestroy()),
      );
    });
    const client = dial(door.port);
    client.write(`${GET}\r\n`);
    await readToEnd(client);
    expect(client.destroyed || client.readableEnded).toBe(true);
    client.destroy();
  });

  it("is gone at the filter when the client goes away", async () => {
    await start(() => undefined);
    const client = dial(door.port);
    client.write(`${GET}\r\n`);
    while (filter.connections.length === 0) await new Promise(setImmediate);
    const [socket] = filter.connections;
    const closed = new Promise((resolve) => socket?.resume().once("close", resolve));
    socket?.once("end", () => socket.destroy());
    client.resetAndDestroy();
    await closed;
  });

  it("is refused with what to do when there is no token", async () => {
    await start(() => undefined);
    door.writeToken(undefined);
    const client = dial(door.port);
    client.write(`${GET}\r\n`);
    const answer = await readToEnd(client);
    expect(answer).toMatch(/^HTTP\/1\.1 503 .*application\/problem\+json.*\.\/claws up/is);
    expect(filter.connections).toEqual([]);
  });

  it("is refused while the filter is down", async () => {
    await start(() => undefined);
    await filter.close();
    const client = dial(door.port);
    client.write(`${GET}\r\n`);
    expect(await readToEnd(client)).toMatch(/^HTTP\/1\.1 503 .*egress-filter does not answer/is);
    filter = await startFilter(() => undefined);
  });
});

describe("WebSocket over plain HTTP", () => {
  const UPGRADE = `${GET}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n`;

  it("is carried once the filter has switched, bytes sent early included", async () => {
    const seen: string[] = [];
    await start(async (socket) => {
      seen.push(await readUntil(socket, "\r\n\r\n"));
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello ",
      );
      socket.pipe(socket);
    });
    const client = dial(door.port);
    client.write(`${UPGRADE}\r\n`);
    expect(await readUntil(client, "hello ")).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nhello ",
    );
    expect(seen).toEqual([`${UPGRADE}${CREDENTIAL}\r\n`]);
    client.write("echo");
    expect(await readUntil(client, "echo")).toBe("echo");
    client.destroy();
  });

  it("is refused with the filter's own answer", async () => {
    const refusal = "HTTP/1.1 403 No\r\nContent-Length: 4\r\n\r\nwhy?";
    await start((socket) => void readUntil(socket, "\r\n\r\n").then(() => socket.write(refusal)));
    const client = dial(door.port);
    client.write(`${UPGRADE}\r\n`);
    expect(await readToEnd(client)).toMatch(/^HTTP\/1\.1 403 No\r\nContent-Length: 4\r\n.*why\?$/s);
    client.destroy();
  });

  it("is refused while the filter is down", async () => {
    await start(() => undefined);
    await filter.close();
    const client = dial(door.port);
    client.write(`${UPGRADE}\r\n`);
    expect(await readToEnd(client)).toMatch(/^HTTP\/1\.1 503 /);
    filter = await startFilter(() => undefined);
  });
});

describe("bytes that are no HTTP", () => {
  it("are answered, or the connection is closed, and the door lives", async () => {
    await start(answering("\r\n\r\n", OK, []));
    const piece = oneof(
      string({ maxLength: 20 }),
      constantFrom(
        "GET ",
        "CONNECT ",
        " HTTP/1.1",
        "\r\n",
        "\n",
        "\0",
        "Host: a\r\n",
        "Content-Length: 5\r\n",
        "\x16\x03\x01",
      ),
    );
    await assert(
      asyncProperty(array(piece, { maxLength: 12 }), async (pieces) => {
        const client = dial(door.port);
        client.end(pieces.join(""), "latin1");
        await Promise.race([readToEnd(client), new Promise((resolve) => setTimeout(resolve, 20))]);
        client.destroy();
      }),
      { seed: 6, numRuns: 200 },
    );
    const client = dial(door.port);
    client.write(`${GET}\r\n`);
    expect(await readUntil(client, "ok")).toContain("200 Fine");
    client.destroy();
  });

  it("are refused with a problem document", async () => {
    await start(() => undefined);
    const client = dial(door.port);
    client.write("NONSENSE\r\n\r\n");
    expect(await readUntil(client, "}")).toMatch(/^HTTP\/1\.1 400 .*"code":"request_invalid"/s);
    client.destroy();
  });
});
