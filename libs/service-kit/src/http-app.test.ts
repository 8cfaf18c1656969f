import { createServer, type Server } from "node:http";
import type { Socket } from "node:net";
import { connect } from "node:net";
import { Writable } from "node:stream";
import express from "express";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { allowPeers, createHttpApp, readBody } from "./http-app.ts";
import { close, listen } from "./listen.ts";
import { createLogger } from "./logger.ts";
import { ProblemError } from "./problem-error.ts";

const Body = z.strictObject({ name: z.string(), size: z.number() });
const lines: string[] = [];
let server: Server;
let port: number;

beforeAll(async () => {
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
  const app = createHttpApp({
    service: "tester",
    logger: createLogger("tester", destination),
    routes(routes) {
      routes.use(express.json({ limit: "1kb" }));
      routes.post("/things", (request, response) => {
        response.json(readBody(Body, request.body, "tester"));
      });
      routes.get("/things/:id", (request, response) => void response.json(request.params));
      routes.get("/refused", () => {
        const fields = { service: "tester", detail: "later", retryAfterMs: 1_001 };
        throw ProblemError.of("rate_limited", fields);
      });
      routes.get("/unexpected", async () => {
        throw new Error("the password is hunter2");
      });
      routes.get("/nothing", () => Promise.reject(undefined));
      routes.get("/halfway", (_request, response) => {
        response.write("half of it");
        throw new Error("too late for a problem");
      });
      routes.get("/peers", allowPeers("tester", ["broker"]), (_request, response) => void response.end());
    },
  });
  server = createServer(app);
  port = await listen(server, 0, "127.0.0.1");
});
beforeEach(() => void lines.splice(0));
afterAll(() => close(server, 0));

const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${port}${path}`, init);
const post = (body: string, headers: Record<string, string> = {}) =>
  ask("/things", { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

describe("every error", () => {
  it.each([
    ["an address that does not exist", () => ask("/none"), 404, "not_found"],
    ["a method that does not exist", () => ask("/things", { method: "PUT" }), 404, "not_found"],
    ["malformed JSON", () => post('{"name":'), 400, "body_malformed"],
    [
      "another charset",
      () => post("{}", { "content-type": "application/json; charset=latin1" }),
      400,
      "body_malformed",
    ],
    ["an unknown encoding", () => post("{}", { "content-encoding": "lzma" }), 400, "body_malformed"],
    [
      "a body that is not what its encoding says",
      () => post("{}", { "content-encoding": "gzip" }),
      400,
      "request_invalid",
    ],
    ["a body over the limit", () => post(JSON.stringify({ name: "x".repeat(1_025) })), 413, "body_too_large"],
    ["a body of another shape", () => post('{"name":"x","extra":1}'), 400, "request_invalid"],
    ["no body", () => ask("/things", { method: "POST" }), 400, "request_invalid"],
    ["a broken escape in the path", () => ask("/things/%zz"), 400, "request_invalid"],
    ["a refusal", () => ask("/refused"), 429, "rate_limited"],
    ["a caller without a certificate", () => ask("/peers"), 403, "peer_not_allowed"],
    ["an unexpected error", () => ask("/unexpected"), 500, "internal"],
    ["a rejection with nothing", () => ask("/nothing"), 500, "internal"],
  ])("is a problem document: %s", async (_what, send, status, code) => {
    const response = await send();
    expect(response.status).toBe(status);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(await response.json()).toMatchObject({ code, status, service: "tester" });
  });

  it("of a body's shape names each mistake", async () => {
    const { detail } = (await (await post('{"name":7}')).json()) as { detail: string };
    expect(detail).toMatch(/name: .*; size: /);
  });

  it("that is unexpected shows its message in the log and nowhere else", async () => {
    const response = await ask("/unexpected");
    expect(await response.text()).not.toContain("hunter2");
    expect(lines.join("")).toContain("hunter2");
  });

  it("that the client made is not logged as ours", async () => {
    await ask("/things/%zz");
    await post('{"name":');
    expect(lines).toEqual([]);
  });

  it("says when to retry in whole seconds, rounded up", async () => {
    expect((await ask("/refused")).headers.get("retry-after")).toBe("2");
  });

  it("after the answer began cuts it, so that half is not taken for the whole", async () => {
    await expect(ask("/halfway").then((response) => response.text())).rejects.toThrow();
  });
});

describe("a client that hangs up in the middle of its body", () => {
  it("is not an unexpected error", async () => {
    const aborted = new Promise<void>((resolve) => {
      server.once("request", (request) => request.once("close", () => resolve()));
    });
    const socket = await new Promise<Socket>((resolve) => {
      const opening = connect(port, "127.0.0.1", () => resolve(opening));
    });
    socket.write(
      "POST /things HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
    );
    setTimeout(() => socket.destroy(), 20);
    await aborted;
    await new Promise((resolve) => setImmediate(resolve));
    expect(lines).toEqual([]);
  });
});

describe("every answer", () => {
  it("has no fingerprint of the framework", async () => {
    const { headers } = await ask("/things/1");
    expect(headers.get("x-powered-by")).toBeNull();
    expect(headers.get("etag")).toBeNull();
  });
});
