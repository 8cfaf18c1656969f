import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { close, createLogger, listen } from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DOZZLE_CALLS } from "./dozzle-calls.ts";
import { type FakeEngine, FOREIGN, LAUNCHED, OURS, SECRET, startFakeEngine } from "./fake-engine.ts";
import { createDockerApiFilter } from "./service.ts";
import { Settings } from "./settings.ts";

let engine: FakeEngine;
let port: number;
let stop: () => Promise<void>;

async function start(socketPath: string, extra: Record<string, string> = {}) {
  const settings = Settings.parse({ PROJECT: "claws-test", DOCKER_SOCKET: socketPath, ...extra });
  const service = await createDockerApiFilter(settings, {
    logger: createLogger("test", { write: () => true }),
  });
  const [listener] = service.listeners;
  if (listener === undefined) throw new Error("no listener");
  port = await listen(listener.server, 0, "127.0.0.1");
  stop = async () => {
    await close(listener.server, 0);
    await service.close?.();
  };
}

beforeEach(async () => {
  engine = await startFakeEngine();
  await start(engine.socketPath);
});
afterEach(async () => {
  await stop();
  await engine.close();
});

async function open(path: string, method = "GET"): Promise<IncomingMessage> {
  const request = get({ host: "127.0.0.1", port, path, method, agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return response;
}

async function readText(path: string) {
  const response = await open(path);
  const chunks = await response.toArray();
  return { status: response.statusCode, text: Buffer.concat(chunks as Buffer[]).toString("utf8") };
}

async function sendRaw(text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.end(text);
  const chunks = await socket.toArray();
  return Buffer.concat(chunks as Buffer[]).toString("latin1");
}

describe("each call of Dozzle is answered, and its stream begins at once", () => {
  test.each(DOZZLE_CALLS)("%s: %s %s", async (_what, method, target) => {
    const response = await open(target, method);
    expect(response.statusCode).toBe(200);
    response.destroy();
  });
});

test("the version is agreed on through the ping's headers, and nothing else of them passes", async () => {
  const { headers } = await open("/_ping", "HEAD");
  expect(headers).toMatchObject({ "api-version": "1.41", ostype: "linux" });
  expect(headers["server"]).toBeUndefined();
});

describe("no answer holds a secret", () => {
  test.each(["/v1.41/containers/json?all=1", `/containers/${OURS}/json`, "/info", "/version"])(
    "%s",
    async (path) => {
      const { status, text } = await readText(path);
      expect(status).toBe(200);
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain("172.20.0.2");
    },
  );
});

test("an inspected container keeps what a viewer shows", async () => {
  const { text } = await readText(`/v1.41/containers/${OURS.slice(0, 12)}/json`);
  expect(JSON.parse(text)).toMatchObject({
    Id: OURS,
    Config: {
      Image: "node:24",
      Tty: false,
      Labels: { "com.docker.compose.service": "broker", "dev.dozzle.group": "guards" },
    },
    State: { Status: "running", Health: { Status: "healthy" } },
    HostConfig: { Memory: 1024, LogConfig: { Type: "json-file" } },
  });
});

test("the list holds the project's containers and the launched ones, whatever the query says", async () => {
  const { text } = await readText(
    "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22com.docker.compose.project%3Danother%22%5D%7D",
  );
  expect((JSON.parse(text) as { Id: string }[]).map(({ Id }) => Id)).toEqual([OURS, LAUNCHED]);
});

describe("a container of another project does not exist", () => {
  test.each(["json", "logs?stdout=1&tail=1", "stats?stream=1"])("/%s", async (call) => {
    const { status, text } = await readText(`/containers/${FOREIGN}/${call}`);
    expect(status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({ code: "not_found", service: "docker-api-filter" });
    expect(engine.asked).toEqual([`GET /containers/${FOREIGN}/json`]);
  });
});

test("the engine is asked with the full id of the container that was looked at", async () => {
  (await open(`/v1.41/containers/${OURS.slice(0, 12)}/logs?stdout=1&tail=5`)).destroy();
  expect(engine.asked).toEqual([
    `GET /v1.41/containers/${OURS.slice(0, 12)}/json`,
    `GET /v1.41/containers/${OURS}/logs?stdout=1&tail=5`,
  ]);
});

test("logs pass byte by byte, with the content type that says how they are framed", async () => {
  const response = await open(`/containers/${OURS}/logs?follow=1&stdout=1`);
  expect(response.headers["content-type"]).toBe("application/vnd.docker.raw-stream");
  const [chunk] = (await once(response, "data")) as [Buffer];
  expect(chunk).toEqual(Buffer.from([1, 0, 0, 0, 0, 0, 0, 3, 104, 105, 10]));
  response.destroy();
});

test("events of other projects, of networks and of commands are left out", async () => {
  const response = await open("/events");
  const [chunk] = (await once(response, "data")) as [Buffer];
  const events = chunk
    .toString("utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { Action: string; Actor: { ID: string } });
  expect(events.map(({ Action, Actor }) => [Action, Actor.ID])).toEqual([
    ["health_status: healthy", OURS],
    ["die", LAUNCHED],
  ]);
  expect(chunk.toString("utf8")).not.toContain(SECRET);
  response.destroy();
});

test("a viewer that leaves ends the engine's stream", async () => {
  const response = await open(`/containers/${OURS}/logs?follow=1&stdout=1`);
  expect(engine.open.size).toBe(1);
  response.destroy();
  await vi.waitFor(() => expect(engine.open.size).toBe(0));
});

describe("a refused request never reaches the engine", () => {
  test.each([
    ["POST /containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "403"],
    [
      `GET /containers/${OURS}/attach/ws?stdin=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      "403",
    ],
    ["GET /info HTTP/1.0\r\n\r\n", "400"],
    ["GET http://x/info HTTP/1.1\r\nHost: x\r\n\r\n", "403"],
    ["GET /info/%2e%2e/secrets HTTP/1.1\r\nHost: x\r\n\r\n", "403"],
    ["GET /info HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "400"],
    [
      "GET /info HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      "400",
    ],
  ])("%j", async (text, status) => {
    expect(await sendRaw(text)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(engine.asked).toEqual([]);
  });

  test("CONNECT is cut", async () => {
    expect(await sendRaw("CONNECT docker:2375 HTTP/1.1\r\nHost: x\r\n\r\n")).toBe("");
  });
});

test("without an engine the answer says so", async () => {
  await stop();
  await start("/nonexistent/docker.sock");
  const { status, text } = await readText("/containers/json");
  expect(status).toBe(503);
  expect(JSON.parse(text)).toMatchObject({ code: "service_unavailable" });
});

test("one connection beyond the limit is dropped, and those within are served", async () => {
  await stop();
  await start(engine.socketPath, { MAX_CONNECTIONS: "1" });
  const held = await open(`/containers/${OURS}/logs?follow=1&stdout=1`);
  await expect(open("/info")).rejects.toThrow();
  held.destroy();
  await vi.waitFor(async () => expect((await readText("/info")).status).toBe(200));
});
