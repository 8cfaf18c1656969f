import { once } from "node:events";
import type { Socket } from "node:net";
import { Problem } from "@claws/contracts";
import { afterEach, describe, expect, it } from "vitest";
import {
  CREDENTIAL,
  credentialOf,
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

/** Takes the head, answers 200 and echoes from then on; keeps the heads. */
function echo(heads: string[]) {
  return async (socket: Socket): Promise<void> => {
    const [head = "", rest = ""] = (await readUntil(socket, "\r\n\r\n")).split("\r\n\r\n");
    heads.push(`${head}\r\n`);
    socket.write(`HTTP/1.1 200 Connection Established\r\n\r\n${rest}`);
    socket.pipe(socket);
  };
}

const CONNECT = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n";
const OPEN = "HTTP/1.1 200 Connection Established\r\n\r\n";

function answerOf(text: string): { head: string; problem: Problem } {
  const [head = "", body = ""] = text.split("\r\n\r\n");
  return { head, problem: Problem.parse(JSON.parse(body)) };
}

describe("CONNECT through the door", () => {
  it("reaches the filter as it was sent, with the credential, and carries bytes both ways", async () => {
    const heads: string[] = [];
    await start(echo(heads));
    const client = dial(door.port);
    client.write(`${CONNECT}uSER-Agent: x\r\nX-Two: 1\r\nX-Two: 2\r\n\r\nearly `);
    expect(await readUntil(client, "early ")).toBe(`${OPEN}early `);
    client.write("late");
    expect(await readUntil(client, "late")).toBe("late");
    expect(heads).toEqual([`${CONNECT}uSER-Agent: x\r\nX-Two: 1\r\nX-Two: 2\r\n${CREDENTIAL}`]);
    client.destroy();
  });

  it.each([
    ["one of its own", "Proxy-Authorization: Basic bWU6eA==\r\n"],
    ["two", "proxy-authorization: Bearer x\r\nProxy-Authorization: y\r\n"],
  ])("is sent with the agent's credential where the client has %s", async (_what, own) => {
    const heads: string[] = [];
    await start(echo(heads));
    const client = dial(door.port);
    client.write(`${CONNECT}${own}\r\n`);
    await readUntil(client, "\r\n\r\n");
    expect(heads).toEqual([`${CONNECT}${CREDENTIAL}`]);
    client.destroy();
  });

  it("takes the token of the moment", async () => {
    const heads: string[] = [];
    await start(echo(heads));
    for (const token of ["one.a.b", "two.a.b"]) {
      door.writeToken(token);
      const client = dial(door.port);
      client.write(`${CONNECT}\r\n`);
      await readUntil(client, "\r\n\r\n");
      client.destroy();
    }
    expect(heads).toEqual([`${CONNECT}${credentialOf("one.a.b")}`, `${CONNECT}${credentialOf("two.a.b")}`]);
  });

  it.each([407, 403])("passes a refusal with %i and its body as it is", async (status) => {
    const refusal = `HTTP/1.1 ${status} No\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwhy?`;
    await start((socket) => void readUntil(socket, "\r\n\r\n").then(() => socket.end(refusal)));
    const client = dial(door.port);
    client.write(`${CONNECT}\r\n`);
    expect(await readToEnd(client)).toBe(refusal);
    client.destroy();
  });

  it("lets either side end its half first", async () => {
    await start(async (socket) => {
      await readUntil(socket, "\r\n\r\n");
      socket.write(OPEN);
      socket.end(`you said ${await readToEnd(socket)}`);
    });
    const client = dial(door.port);
    client.write(`${CONNECT}\r\n`);
    await readUntil(client, "\r\n\r\n");
    client.end("all of it");
    expect(await readToEnd(client)).toBe("you said all of it");
  });

  it("breaks when the filter's side breaks, not as if all had been said", async () => {
    await start((socket) => {
      void readUntil(socket, "\r\n\r\n").then(() => socket.write(OPEN));
      socket.once("data", () => socket.once("data", () => socket.resetAndDestroy()));
    });
    const client = dial(door.port);
    client.write(`${CONNECT}\r\n`);
    await readUntil(client, "\r\n\r\n");
    client.write("go");
    const [error] = (await once(client, "error")) as [NodeJS.ErrnoException];
    expect(error.code).toBe("ECONNRESET");
  });

  it("is gone at the filter when the client goes away, before the answer or after", async () => {
    await start(() => undefined);
    for (const wait of [false, true]) {
      const client = dial(door.port);
      client.write(`${CONNECT}\r\n`);
      while (filter.connections.length < (wait ? 2 : 1)) await new Promise(setImmediate);
      const [socket] = filter.connections.slice(-1);
      if (socket === undefined) throw new Error("a connection came");
      socket.resume();
      const closed = new Promise((resolve) => socket.once("close", resolve));
      client.resetAndDestroy();
      await closed;
    }
  });

  it("is refused with what to do when there is no token", async () => {
    await start(() => undefined);
    door.writeToken(undefined);
    const client = dial(door.port);
    client.write(`${CONNECT}\r\n`);
    const { head, problem } = answerOf(await readToEnd(client));
    expect(head).toMatch(/^HTTP\/1\.1 503 .*connection: close/is);
    expect(problem).toMatchObject({
      code: "service_unavailable",
      detail: expect.stringContaining("(ENOENT)"),
      next_steps: [expect.stringContaining("./claws up")],
    });
    expect(filter.connections).toEqual([]);
  });

  it("never sends a file that is no token", async () => {
    await start(() => undefined);
    door.writeToken("a.b.c\r\nX-Evil: 1");
    const client = dial(door.port);
    client.write(`${CONNECT}\r\n`);
    expect(answerOf(await readToEnd(client)).problem.detail).toContain("is not a token");
    expect(filter.connections).toEqual([]);
  });

  it("is refused while the filter is down, and works again when it is back", async () => {
    const heads: string[] = [];
    await start(() => undefined);
    const { port } = filter;
    await filter.close();
    const client = dial(door.port);
    client.write(`${CONNECT}\r\n`);
    expect(answerOf(await readToEnd(client)).problem).toMatchObject({
      code: "service_unavailable",
      detail: expect.stringContaining("ECONNREFUSED"),
    });
    filter = await startFilter(echo(heads), port);
    const again = dial(door.port);
    again.write(`${CONNECT}\r\n`);
    expect(await readUntil(again, "\r\n\r\n")).toBe(OPEN);
    again.destroy();
  });

  it("works 256 times at once, each with its own bytes, and all end with the door", async () => {
    await start(echo([]));
    const clients = await Promise.all(
      Array.from({ length: 256 }, async (_, index) => {
        const client = dial(door.port);
        client.write(`${CONNECT}\r\nnumber ${index};`);
        expect(await readUntil(client, ";")).toBe(`${OPEN}number ${index};`);
        return client;
      }),
    );
    const closed = Promise.all(clients.map((client) => once(client.resume(), "close")));
    for (const client of clients) client.once("end", () => client.destroy());
    door.drain();
    await closed;
  });
});
