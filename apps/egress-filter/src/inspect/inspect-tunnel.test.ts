import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  askHttp1,
  askHttp2,
  type Asked,
  HOST,
  type InspectionParts,
  startInspection,
} from "./testing/start-inspection.ts";
import { type OriginOptions, startTlsOrigin } from "./testing/start-tls-origin.ts";

const ending: (() => Promise<void>)[] = [];
const unhandled: unknown[] = [];
process.on("unhandledRejection", (error) => unhandled.push(error));
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
  expect(unhandled).toEqual([]);
});

async function startBoth(parts: Partial<InspectionParts> = {}, origin: OriginOptions = {}) {
  const started = await startTlsOrigin(origin);
  const inspection = await startInspection({
    originPort: started.port,
    originAuthority: started.authority,
    ...parts,
  });
  ending.push(inspection.stop, started.stop);
  const ask = (version: string, asked: Asked = {}) =>
    version === "2"
      ? askHttp2(inspection.openHttp2(), asked)
      : askHttp1(inspection.openTls(["http/1.1"]), asked);
  return { origin: started, inspection, seen: inspection.seen, ask };
}

const VERSIONS = ["1.1", "2"];

describe.each(VERSIONS)("an inspected request over HTTP/%s", (version) => {
  it("reaches the destination as it was sent, and its answer comes back", async () => {
    const { origin, seen, ask } = await startBoth(
      {},
      {
        answer: (_request, response, body) => {
          response.setHeader("x-origin", ["one", "two"]);
          response.setHeader("content-type", "text/plain");
          response.statusCode = 201;
          response.end(`got ${body}`);
        },
      },
    );
    const answer = await ask(version, {
      method: "POST",
      path: "/a/b?c=d",
      headers: { "x-mine": "1", "proxy-mine": "2" },
      body: "hello",
    });
    expect(answer).toMatchObject({ status: 201, body: "got hello", isWhole: true });
    expect(String(answer.headers["x-origin"])).toBe("one, two");
    expect(origin.seen).toMatchObject([
      { version: version === "2" ? "2.0" : "1.1", method: "POST", url: "/a/b?c=d", body: "hello" },
    ]);
    expect(origin.seen[0]?.headers).toMatchObject({ "x-mine": "1" });
    expect(origin.seen[0]?.headers).not.toHaveProperty("proxy-mine");
    expect(seen.readings).toMatchObject([
      { ok: true, request: { host: HOST, port: 443, method: "POST", path: "/a/b?c=d" } },
    ]);
    await vi.waitFor(() => expect(seen.ends).toEqual([{ reason: undefined, bytesUp: 5, bytesDown: 9 }]));
    expect(seen.lines).toEqual([]);
  });

  it("goes over HTTP/1.1 to a destination that speaks nothing else", async () => {
    const { origin, ask } = await startBoth({}, { isHttp2: false });
    expect(await ask(version, { method: "POST", body: ["a", "b"] })).toMatchObject({
      status: 200,
      body: "hello",
    });
    expect(origin.seen).toMatchObject([{ version: "1.1", body: "ab", headers: { host: HOST } }]);
  });

  it.each(["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT"])("passes %s without a body", async (method) => {
    const { origin, ask } = await startBoth();
    expect(await ask(version, { method })).toMatchObject({
      status: 200,
      body: method === "HEAD" ? "" : "hello",
    });
    expect(origin.seen).toMatchObject([{ method, body: "" }]);
  });

  it.each([204, 304])("passes an answer %d, which has no body", async (status) => {
    const { ask } = await startBoth(
      {},
      {
        answer: (_request, response) => {
          response.statusCode = status;
          response.end();
        },
      },
    );
    expect(await ask(version)).toMatchObject({ status, body: "" });
  });

  it("carries megabytes both ways, inspected", async () => {
    const { origin, ask } = await startBoth(
      { requests: { secret: "block" }, answers: { secret: "block" } },
      { answer: (_request, response, body) => void response.end(body) },
    );
    const body = "0123456789abcde\n".repeat(200_000);
    const answer = await ask(version, { method: "POST", body: body.match(/[^]{1,50000}/g) ?? [] });
    expect(answer.body === body).toBe(true);
    expect(origin.seen[0]?.body === body).toBe(true);
  });

  it("that the rules refuse is answered with the refusal, and nobody is dialled", async () => {
    const { seen, ask } = await startBoth({
      judge: () => ({ reason: "path_denied", detail: "no rule allows this path" }),
    });
    const answer = await ask(version, { path: "/forbidden" });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "egress_denied", reason: "path_denied" });
    expect(seen.dialled).toBe(0);
  });

  it.each(["evil.test", `evil.test:443`, `${HOST}:8443`, `${HOST}:80`])(
    "that names %s is misdirected",
    async (name) => {
      const { seen, ask } = await startBoth();
      const headers: Record<string, string> = version === "2" ? { ":authority": name } : { host: name };
      const answer = await ask(version, { headers });
      expect(answer.status).toBe(421);
      expect(JSON.parse(answer.body)).toMatchObject({ reason: "host_mismatch" });
      expect(seen.dialled).toBe(0);
    },
  );

  it.each([`${HOST}:443`, HOST.toUpperCase(), `${HOST}.`])("may write its host as %s", async (name) => {
    const { origin, ask } = await startBoth();
    const headers: Record<string, string> = version === "2" ? { ":authority": name } : { host: name };
    expect((await ask(version, { headers })).status).toBe(200);
    expect(origin.seen[0]?.headers[version === "2" ? ":authority" : "host"]).toBe(HOST);
  });

  it("shares one connection to the destination with others of its client", async () => {
    const { origin, inspection, seen } = await startBoth();
    if (version === "2") {
      const session = inspection.openHttp2();
      await Promise.all([1, 2, 3].map(async (id) => askHttp2(session, { path: `/${id}` })));
    } else {
      const socket = inspection.openTls(["http/1.1"]);
      for (const id of [1, 2, 3]) {
        await askHttp1(socket, { path: `/${id}` });
        await vi.waitFor(() => expect(seen.ends).toHaveLength(id));
      }
    }
    expect(origin.seen.map(({ url }) => url)).toEqual(["/1", "/2", "/3"]);
    expect(origin.sockets).toHaveLength(1);
    expect(seen.dialled).toBe(1);
  });

  it.each([
    ["another name", { host: "other.test" }, "ALTNAME"],
    ["no authority that anybody knows", {}, "UNABLE_TO_VERIFY"],
  ])("does not go to a destination whose certificate has %s", async (_case, options, code) => {
    const { origin, ask } = await startBoth("host" in options ? {} : { originAuthority: undefined }, options);
    const answer = await ask(version, { method: "POST", body: "hello" });
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.body)).toMatchObject({
      reason: "upstream_tls_failed",
      detail: expect.stringContaining(code),
    });
    expect(origin.seen).toEqual([]);
  });

  it("to a destination that takes no connection is answered", async () => {
    const { origin, ask } = await startBoth();
    await origin.stop();
    ending.pop();
    const answer = await ask(version);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 502, reason: "unreachable" });
  });

  it("whose destination leaves before the answer is answered", async () => {
    const { ask } = await startBoth({}, { onRequest: (request) => void request.socket.destroy() });
    const answer = await ask(version, { method: "POST", body: "x" });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 502, reason: "unreachable" });
  });

  it("whose destination leaves during the answer is cut", async () => {
    const { origin, seen, ask } = await startBoth(
      {},
      {
        onRequest: (_request, response) => {
          response.write("first part");
          setTimeout(() => origin.sockets[0]?.destroy(), 50);
        },
      },
    );
    const answer = await ask(version);
    expect(answer).toMatchObject({ status: 200, isWhole: false });
    await vi.waitFor(() => expect(seen.ends).toHaveLength(1));
    expect(seen.lines).toEqual([]);
  });

  it.each(["before", "during"])(
    "whose client leaves %s the answer ends at the destination too",
    async (when) => {
      const { origin, inspection, seen } = await startBoth(
        {},
        {
          onRequest: (_request, response) => {
            if (when === "during") response.write("first part");
          },
        },
      );
      if (version === "2") {
        const session = inspection.openHttp2();
        const stream = session.request({ ":authority": HOST });
        stream.on("error", () => undefined);
        if (when === "during") await once(stream, "response");
        else await vi.waitFor(() => expect(origin.seen).toHaveLength(1));
        session.destroy();
      } else {
        const socket = inspection.openTls(["http/1.1"]);
        socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
        if (when === "during") await once(socket, "data");
        else await vi.waitFor(() => expect(origin.seen).toHaveLength(1));
        socket.destroy();
      }
      const [upstream] = origin.sockets;
      if (!upstream) throw new Error("the destination was reached");
      await vi.waitFor(() => expect(upstream.destroyed || upstream.readableEnded).toBe(true));
      await vi.waitFor(() => expect(seen.done).toBe(1));
      expect(seen.ends).toHaveLength(1);
      expect(seen.lines).toEqual([]);
    },
  );

  it("passes events as they come", async () => {
    let send: (text: string) => void = () => undefined;
    const { inspection, origin } = await startBoth(
      { answers: { secret: "block" } },
      {
        onRequest: (_request, response) => {
          response.setHeader("content-type", "text/event-stream");
          response.writeHead(200);
          if ("flushHeaders" in response) (response as unknown as ServerResponse).flushHeaders();
          send = (text) => void response.write(text);
        },
      },
    );
    let received = "";
    if (version === "2") {
      const stream = inspection.openHttp2().request({ ":authority": HOST });
      stream.on("data", (chunk: Buffer) => (received += chunk.toString()));
      stream.on("error", () => undefined);
      await once(stream, "response");
    } else {
      const socket = inspection.openTls(["http/1.1"]);
      socket.write(`GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`);
      socket.on("data", (chunk: Buffer) => (received += chunk.toString()));
      await vi.waitFor(() => expect(received).toContain("200 OK"));
    }
    expect(origin.seen).toHaveLength(1);
    for (const event of ["data: one\n\n", "data: two\n\n"]) {
      send(event);
      await vi.waitFor(() => expect(received).toContain(event));
    }
  });

  it("over the byte budget is refused, and what went over it did not leave", async () => {
    const { origin, ask } = await startBoth({ quota: { up: { use: async (bytes: number) => bytes < 10 } } });
    const answer = await ask(version, { method: "POST", body: "more than ten bytes" });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 429, reason: "budget_exceeded" });
    expect(origin.seen).toEqual([]);
  });
});

describe("HTTP/2 on both sides", () => {
  it("passes trailers, as gRPC has them", async () => {
    const { origin, ask } = await startBoth(
      {},
      {
        answer: (_request, response) => {
          response.setHeader("content-type", "application/grpc");
          response.write("message");
          response.addTrailers({ "grpc-status": "0", "grpc-message": "fine" });
          response.end();
        },
      },
    );
    const headers = { te: "trailers", "content-type": "application/grpc" };
    const answer = await ask("2", { method: "POST", headers, body: "call" });
    expect(answer).toMatchObject({
      body: "message",
      trailers: { "grpc-status": "0", "grpc-message": "fine" },
    });
    expect(origin.seen[0]?.headers).toMatchObject({ te: "trailers" });
  });

  it("lets both sides of a gRPC call speak in turns, inspected", async () => {
    const { inspection } = await startBoth(
      { requests: { secret: "block" }, answers: { secret: "block" } },
      {
        onRequest: (request, response) => {
          response.setHeader("content-type", "application/grpc");
          request.on("data", (chunk: Buffer) => response.write(`re:${chunk.toString()}`));
          request.on("end", () => response.end());
        },
      },
    );
    const stream = inspection
      .openHttp2()
      .request({ ":authority": HOST, ":method": "POST", "content-type": "application/grpc+proto" });
    for (const word of ["one", "two"]) {
      stream.write(word);
      const [chunk] = (await once(stream, "data")) as [Buffer];
      expect(chunk.toString()).toBe(`re:${word}`);
    }
    stream.end();
    await once(stream, "close");
  });

  it.each([
    ["another Host beside :authority", { ":authority": HOST, host: "evil.test" }, 421],
    ["a scheme that is not https", { ":scheme": "http", ":authority": HOST }, 400],
    ["the same Host beside :authority", { ":authority": HOST, host: HOST }, 200],
    ["a path that is not one", { ":method": "OPTIONS", ":path": "*", ":authority": HOST }, 400],
  ])("judges %s", async (_case, headers, status) => {
    const { inspection } = await startBoth();
    const stream = inspection.openHttp2().request(headers);
    const [received] = (await once(stream, "response")) as [Record<string, unknown>];
    expect(received[":status"]).toBe(status);
    stream.on("error", () => undefined).resume();
  });

  it("opens no tunnel in the tunnel", async () => {
    const { inspection, seen } = await startBoth();
    const stream = inspection.openHttp2().request({ ":method": "CONNECT", ":authority": HOST });
    const [received] = (await once(stream, "response")) as [Record<string, unknown>];
    expect(received[":status"]).toBe(400);
    expect(seen.dialled).toBe(0);
    stream.on("error", () => undefined).close();
  });
});

describe("HTTP/1.1 inside", () => {
  async function sendRaw(parts: Partial<InspectionParts>, bytes: string): Promise<[string, number]> {
    const { inspection, origin } = await startBoth(parts);
    const socket = inspection.openTls(["http/1.1"]);
    let received = "";
    socket.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
    socket.on("error", () => undefined);
    socket.write(bytes, "latin1");
    await once(socket, "close");
    return [received, origin.seen.length];
  }

  it.each([
    ["two hosts", `GET / HTTP/1.1\r\nHost: ${HOST}\r\nHost: ${HOST}\r\n\r\n`, "host_duplicate"],
    ["no host", "GET / HTTP/1.1\r\nX: y\r\n\r\n", "host_missing"],
    ["an older version", `GET / HTTP/1.0\r\nHost: ${HOST}\r\n\r\n`, "http_version"],
    ["an absolute target", `GET https://evil.test/ HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, "bad_request"],
    [
      "two framings",
      `POST / HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      "bad_request",
    ],
    [
      "an upgrade to h2c",
      `GET / HTTP/1.1\r\nHost: ${HOST}\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n`,
      "upgrade",
    ],
    ["CONNECT", `CONNECT ${HOST}:443 HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`, "upgrade"],
    ["what is no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", "bad_request"],
    ["another expectation", `GET / HTTP/1.1\r\nHost: ${HOST}\r\nExpect: gold\r\n\r\n`, "expectation"],
  ])("with %s is refused", async (_case, bytes, reason) => {
    const [received, reached] = await sendRaw({}, bytes);
    expect(received).toContain(`"reason":"${reason}"`);
    expect(reached).toBe(0);
  });

  it("is invited to send a body that it announced", async () => {
    const { inspection, origin } = await startBoth();
    const socket = inspection.openTls(["http/1.1"]);
    socket.write(`POST / HTTP/1.1\r\nHost: ${HOST}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`);
    const [invitation] = (await once(socket, "data")) as [Buffer];
    expect(invitation.toString()).toMatch(/^HTTP\/1\.1 100 /);
    socket.write("hello");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    expect(origin.seen).toMatchObject([{ body: "hello" }]);
    expect(origin.seen[0]?.headers).not.toHaveProperty("expect");
  });

  it("cannot hide a second request in the body of the first", async () => {
    const { inspection, origin } = await startBoth();
    const hidden = `POST /hidden HTTP/1.1\r\nHost: ${HOST}\r\nContent-Length: 0\r\n\r\n`;
    const answer = await askHttp1(inspection.openTls(["http/1.1"]), {
      method: "DELETE",
      headers: { "transfer-encoding": "chunked" },
      body: hidden,
    });
    expect(answer.status).toBe(200);
    expect(origin.seen).toMatchObject([{ method: "DELETE", body: hidden }]);
  });

  it("asks once more when the destination gave a kept connection up", async () => {
    const { inspection, origin, seen } = await startBoth();
    const socket = inspection.openTls(["http/1.1"]);
    expect((await askHttp1(socket, { path: "/1" })).status).toBe(200);
    await vi.waitFor(() => expect(seen.ends).toHaveLength(1));
    origin.sockets[0]?.destroy();
    expect((await askHttp1(socket, { path: "/2" })).status).toBe(200);
    expect(origin.seen).toHaveLength(2);
  });
});
