import { createServer } from "node:http";
import { connect } from "node:net";
import { listen } from "@claws/service-kit";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readPlainConnect } from "./plain-connect.ts";
import { lookupIn, type RequestHead } from "./read-request.ts";

const H = "Host: a.test:443\r\n";
const read = (text: string) => readPlainConnect(Buffer.from(text, "latin1"));

describe("a plain CONNECT", () => {
  it("is read with what came behind it", () => {
    const found = read(
      `CONNECT a.test:443 HTTP/1.1\r\n${H}Proxy-Authorization: Basic eA==\r\nUser-Agent: x y\r\n\r\nrest`,
    );
    expect(found?.head).toEqual({
      method: "CONNECT",
      url: "a.test:443",
      httpVersion: "1.1",
      rawHeaders: ["Host", "a.test:443", "Proxy-Authorization", "Basic eA==", "User-Agent", "x y"],
    });
    expect(found?.rest.toString()).toBe("rest");
  });

  it.each([
    ["another method", `GET http://a.test/ HTTP/1.1\r\n${H}\r\n`],
    ["a lower-case method", `connect a.test:443 HTTP/1.1\r\n${H}\r\n`],
    ["another version", `CONNECT a.test:443 HTTP/1.0\r\n${H}\r\n`],
    ["no version", `CONNECT a.test:443\r\n${H}\r\n`],
    ["two blanks", `CONNECT  a.test:443 HTTP/1.1\r\n${H}\r\n`],
    ["a tab in the target", `CONNECT a\t.test:443 HTTP/1.1\r\n${H}\r\n`],
    ["an unfinished head", `CONNECT a.test:443 HTTP/1.1\r\n${H}`],
    ["bare line feeds", `CONNECT a.test:443 HTTP/1.1\nHost: a.test:443\n\n`],
    ["a line feed in a value", `CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\nX: y\r\n\r\n`],
    ["a folded line", `CONNECT a.test:443 HTTP/1.1\r\n${H} folded\r\n\r\n`],
    ["a blank before the colon", `CONNECT a.test:443 HTTP/1.1\r\nHost : a.test:443\r\n\r\n`],
    ["a length", `CONNECT a.test:443 HTTP/1.1\r\n${H}Content-Length: 0\r\n\r\n`],
    ["a coding", `CONNECT a.test:443 HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n`],
    ["an unknown header", `CONNECT a.test:443 HTTP/1.1\r\n${H}X-Any: 1\r\n\r\n`],
    ["bytes above ASCII", `CONNECT a.test:443 HTTP/1.1\r\n${H}User-Agent: \u00e9\r\n\r\n`],
    ["leading line ends", `\r\nCONNECT a.test:443 HTTP/1.1\r\n${H}\r\n`],
    ["nothing", ""],
  ])("is not what has %s: that is left to Node's parser", (_case, text) => {
    expect(read(text)).toBeUndefined();
  });
});

describe("beside Node's parser", () => {
  const server = createServer();
  let port = 0;
  let heard: (head: RequestHead | undefined) => void = () => undefined;
  beforeAll(async () => {
    server.on("connect", (request, socket) => {
      heard(request);
      socket.destroy();
    });
    server.on("clientError", (_error, socket) => {
      heard(undefined);
      socket.destroy();
    });
    port = await listen(server, 0, "127.0.0.1");
  });
  afterAll(() => void server.close());

  async function askNode(text: string): Promise<RequestHead | undefined> {
    const { promise, resolve } = Promise.withResolvers<RequestHead | undefined>();
    heard = resolve;
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => socket.destroy());
    socket.end(text, "latin1");
    const head = await promise;
    socket.destroy();
    return head;
  }

  const token = fc.constantFrom(
    "Host",
    "User-Agent",
    "Proxy-Connection",
    "connection",
    "X-Any",
    "Content-Length",
    "Host ",
    "",
  );
  const value = fc.oneof(
    fc.constantFrom(
      "a.test:443",
      "0",
      "5",
      " x",
      "x ",
      "keep-alive",
      "close, host",
      "a\tb",
      "\u0001",
      "\u00e9",
      "",
    ),
    fc.string({ maxLength: 8 }),
  );
  const line = fc
    .tuple(token, fc.constantFrom(": ", ":", " : ", ":\t"), value)
    .map((parts) => parts.join(""));
  const text = fc
    .tuple(
      fc.constantFrom("CONNECT", "connect", "CONNECT ", "GET"),
      fc.constantFrom("a.test:443", "a.test", "[::1]:443", "a b:1", "http://a.test/"),
      fc.constantFrom("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", ""),
      fc.array(line, { maxLength: 4 }),
      fc.constantFrom("\r\n", "\n"),
    )
    .map(
      ([method, target, version, fields, eol]) =>
        `${method} ${target} ${version}${eol}${fields.map((f) => f + eol).join("")}${eol}`,
    );

  it("what is read is what Node hands over, word for word", async () => {
    await fc.assert(
      fc.asyncProperty(text, async (sent) => {
        const ours = read(sent);
        if (ours === undefined) return;
        const theirs = await askNode(sent);
        expect(theirs).toBeDefined();
        expect(theirs).toMatchObject({
          url: ours.head.url,
          httpVersion: "1.1",
          rawHeaders: ours.head.rawHeaders,
        });
        expect(lookupIn(ours.head.rawHeaders)("host")).toEqual(lookupIn(theirs?.rawHeaders ?? [])("host"));
      }),
      { seed: 20261122, numRuns: 600 },
    );
  });

  it("no bytes make it throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isConnect) => {
        readPlainConnect(Buffer.concat([Buffer.from(isConnect ? "CONNECT " : ""), bytes]));
      }),
      { seed: 20261122, numRuns: 2_000 },
    );
  });
});
