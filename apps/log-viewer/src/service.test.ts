import { once } from "node:events";
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Script } from "node:vm";
import { close, createLogger, listen } from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { APP_JS } from "./page-assets.ts";
import { probeHealth } from "./probe-health.ts";
import { createLogViewer } from "./service.ts";
import { Settings } from "./settings.ts";

const ID = "a".repeat(64);
const HOSTILE = `<img src=x onerror="alert(1)">'`;

let filter: Server;
let viewer: Server;
let port: number;
const held = new Set<ServerResponse>();
const asked: string[] = [];

beforeEach(async () => {
  asked.length = 0;
  filter = createServer((request, response) => {
    const url = request.url ?? "";
    asked.push(url);
    if (url.endsWith("/containers/json?all=1")) {
      response.end(
        JSON.stringify([{ Id: ID, Names: [`/${HOSTILE}`], Image: HOSTILE, State: "running", Status: "Up" }]),
      );
    } else if (url.endsWith(`/containers/${ID}/json`)) {
      response.end(JSON.stringify({ Id: ID, Name: `/${HOSTILE}`, Config: { Tty: false } }));
    } else if (url.includes(`/containers/${ID}/logs?`)) {
      held.add(response);
      response.once("close", () => held.delete(response));
      response.write(Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 11]), Buffer.from("<b>hi</b>\n\n")]));
    } else response.writeHead(404).end();
  });
  const filterPort = await listen(filter, 0, "127.0.0.1");
  const settings = Settings.parse({ DOCKER_HOST: `tcp://127.0.0.1:${filterPort}`, MAX_STREAMS: "1" });
  const service = await createLogViewer(settings, {
    logger: createLogger("test", { write: () => true }),
  });
  viewer = service.listeners[0]?.server as Server;
  port = await listen(viewer, 0, "127.0.0.1");
});
afterEach(async () => {
  await close(viewer, 0);
  await close(filter, 0);
});

async function open(path: string): Promise<IncomingMessage> {
  const [response] = (await once(get({ host: "127.0.0.1", port, path, agent: false }), "response")) as [
    IncomingMessage,
  ];
  return response;
}

async function readText(path: string) {
  const response = await open(path);
  const chunks = await response.toArray();
  return {
    status: response.statusCode,
    headers: response.headers,
    text: Buffer.concat(chunks as Buffer[]).toString(),
  };
}

describe("a page", () => {
  test.each(["/", `/container/${ID}`])(
    "%s escapes names, says that it is a stand-in, and runs no inline script",
    async (path) => {
      const { status, headers, text } = await readText(path);
      expect(status).toBe(200);
      expect(text).not.toContain("<img");
      expect(text).toContain("&#60;img src=x onerror=&#34;alert(1)&#34;&#62;&#39;");
      expect(text).toContain("stand-in for Dozzle");
      expect(text.match(/<script[^>]*>/g)).toEqual(['<script src="/app.js" defer>']);
      expect(text).not.toMatch(/\son\w+="|style=/);
      expect(headers["content-security-policy"]).toContain("default-src 'none'; script-src 'self'");
      expect(headers["content-security-policy"]).not.toContain("unsafe");
    },
  );

  test("has its script and style, and the script is one", async () => {
    expect((await readText("/app.js")).headers["content-type"]).toContain("javascript");
    expect((await readText("/app.css")).headers["content-type"]).toContain("text/css");
    expect(() => new Script(APP_JS)).not.toThrow();
  });
});

test("log lines arrive as events while the log goes on", async () => {
  const response = await open(`/api/containers/${ID}/logs`);
  expect(response.headers["content-type"]).toBe("text/event-stream");
  let text = "";
  for await (const chunk of response as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.includes("data:")) break;
  }
  expect(text).toContain('data: {"source":"stderr","text":"<b>hi</b>"}\n\n');
  await vi.waitFor(() => expect(held.size).toBe(0));
});

test("one log beyond the limit is refused until a reader leaves", async () => {
  const first = await open(`/api/containers/${ID}/logs`);
  expect((await readText(`/api/containers/${ID}/logs`)).status).toBe(429);
  first.destroy();
  await vi.waitFor(async () => {
    const next = await open(`/api/containers/${ID}/logs`);
    next.destroy();
    expect(next.statusCode).toBe(200);
  });
});

test.each(["/container/..%2f..%2fsecrets", `/api/containers/${ID}%3Fx/logs`, "/api/containers/name/logs"])(
  "%s is no container's id, and the filter is not asked",
  async (path) => {
    expect((await readText(path)).status).toBe(400);
    expect(asked).toEqual([]);
  },
);

test("an unknown container is not found", async () => {
  expect((await readText(`/container/${"b".repeat(64)}`)).status).toBe(404);
});

test("with the filter down the page names it, and the viewer stays healthy", async () => {
  await close(filter, 0);
  const { status, text } = await readText("/");
  expect(status).toBe(503);
  expect(text).toContain("docker-api-filter");
  expect(await probeHealth(port)).toBe(true);
});

test("the health probe says no when nobody listens", async () => {
  await close(viewer, 0);
  expect(await probeHealth(port)).toBe(false);
});
