import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  request,
  type RequestOptions,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { Script } from "node:vm";
import { createStackIdentities } from "@claws/certificates";
import {
  close,
  createLogger,
  listen,
  mutualTlsOptions,
  peerOf,
  readReadiness,
  type Service,
} from "@claws/service-kit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { readDefaultRoute } from "./default-route.ts";
import { createLoginTokenStore } from "./login-token-store.ts";
import { LOGIN_JS } from "./pages.ts";
import { createFrontDoor } from "./service.ts";
import { createSessionValue } from "./session-cookie.ts";
import { Settings } from "./settings.ts";

const logger = createLogger("test", { write: () => true });
const sessionKey = randomBytes(32);
const held = new Set<ServerResponse>();
let directory: string;
let gateway: Server;
let dozzle: Server;
let upstreams: Record<string, string>;
let service: Service;
let consolePort: number;
let logsPort: number;

/** Tells what arrived; `/stream` answers one event and stays open. */
function answer(name: string, seen: IncomingMessage, response: ServerResponse): void {
  if (seen.url === "/stream") {
    held.add(response);
    response.once("close", () => held.delete(response));
    response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
    setImmediate(() => response.write("data: 1\n\n"));
    return;
  }
  let body = "";
  seen.on("data", (chunk: Buffer) => (body += chunk.toString()));
  seen.on("end", () => {
    const peer = "authorized" in seen.socket ? peerOf(seen.socket as TLSSocket) : undefined;
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("set-cookie", ["theme=dark", "claws_session=stolen"]);
    response.end(
      JSON.stringify({ name, peer, method: seen.method, url: seen.url, headers: seen.headers, body }),
    );
  });
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "front-door-"));
  const identityOf = await createStackIdentities();
  const own = await identityOf("front-door");
  for (const [name, content] of Object.entries({
    "tls.crt": own.cert,
    "tls.key": own.key,
    "ca.crt": own.ca,
    "session.key": sessionKey,
  })) {
    writeFileSync(join(directory, name), content, { mode: 0o600 });
  }
  const identity = await identityOf("approval-gateway");
  gateway = createTlsServer(mutualTlsOptions(identity), (seen, response) =>
    answer("gateway", seen, response),
  );
  dozzle = createServer((seen, response) => answer("dozzle", seen, response));
  upstreams = {
    APPROVAL_GATEWAY_URL: `https://localhost:${await listen(gateway, 0, "localhost")}`,
    DOZZLE_URL: `http://127.0.0.1:${await listen(dozzle, 0, "127.0.0.1")}`,
  };
});
afterAll(async () => {
  await Promise.all([close(gateway, 0), close(dozzle, 0)]);
  rmSync(directory, { recursive: true });
});

async function start(extra: Record<string, string> = {}): Promise<void> {
  const settings = Settings.parse({
    IDENTITY_DIR: directory,
    STATE_DIR: directory,
    REQUIRE_NO_DEFAULT_ROUTE: "false",
    ...upstreams,
    ...extra,
  });
  service = await createFrontDoor(settings, { logger });
  const ports = await Promise.all(service.listeners.map(({ server }) => listen(server, 0, "127.0.0.1")));
  [consolePort, logsPort] = ports as [number, number];
}
async function stop(): Promise<void> {
  await service.close?.();
  await Promise.all(service.listeners.map(({ server }) => close(server, 0)));
}
beforeEach(() => start());
afterEach(stop);

interface Asked extends Omit<RequestOptions, "headers"> {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

async function open(port: number, path: string, { body, ...options }: Asked = {}): Promise<IncomingMessage> {
  const headers = {
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...options.headers,
  };
  const outgoing = request({
    host: "127.0.0.1",
    port,
    path,
    agent: false,
    ...options,
    headers,
  });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  return response;
}

async function ask(port: number, path: string, options: Asked = {}) {
  const response = await open(port, path, options);
  const text = Buffer.concat((await response.toArray()) as Buffer[]).toString();
  const { statusCode: status, headers } = response;
  const json = () =>
    JSON.parse(text) as {
      code: string;
      service: string;
      headers: Record<string, string>;
      [name: string]: unknown;
    };
  return { status, headers, text, json };
}

async function createToken(): Promise<string> {
  const issued = await createLoginTokenStore({ directory }).issue();
  if (!issued.ok) throw new Error(issued.reason);
  return issued.token;
}

const logIn = (port: number, token: string, headers: Record<string, string> = {}) =>
  ask(port, "/login", { method: "POST", body: { token }, headers });

const session = () => ({ cookie: `claws_session=${createSessionValue(sessionKey, Date.now())}` });

describe("logging in", () => {
  test("with a link opens both listeners with one cookie", async () => {
    const { status, headers } = await logIn(consolePort, await createToken());
    expect(status).toBe(200);
    const [cookie = ""] = headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^claws_session=[^;]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/);
    const sent = { headers: { cookie: cookie.split(";")[0] ?? "" } };
    expect((await ask(consolePort, "/", sent)).json()).toMatchObject({ name: "gateway" });
    expect((await ask(logsPort, "/", sent)).json()).toMatchObject({ name: "dozzle" });
  });

  test("succeeds once, of 20 that try the same link at once", async () => {
    const token = await createToken();
    const tries = Array.from({ length: 20 }, (_, index) =>
      logIn(index % 2 === 0 ? consolePort : logsPort, token),
    );
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.every((status) => status === 200 || status === 401 || status === 429)).toBe(true);
  });

  test("is refused after ten failures in a minute, on both listeners, for good links too", async () => {
    for (let count = 0; count < 10; count += 1) {
      expect((await logIn(count % 2 === 0 ? consolePort : logsPort, "a".repeat(43))).status).toBe(401);
    }
    const { status, headers } = await logIn(logsPort, await createToken());
    expect(status).toBe(429);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  });

  test("from another site is refused and leaves the link unused", async () => {
    const token = await createToken();
    const refused = await logIn(consolePort, token, { origin: "https://evil.example" });
    expect(refused.status).toBe(403);
    expect(refused.json().code).toBe("cross_site");
    expect((await logIn(consolePort, token, { origin: `http://127.0.0.1:${consolePort}` })).status).toBe(200);
  });

  test.each([{ token: 1 }, {}, { token: "a".repeat(43), more: true }, []])(
    "with %j is refused",
    async (body) => {
      expect((await ask(consolePort, "/login", { method: "POST", body })).status).toBe(400);
    },
  );

  test("with a form, as another site could send it, is refused", async () => {
    const headers = { "content-type": "text/plain" };
    const body = { token: await createToken() };
    expect((await ask(consolePort, "/login", { method: "POST", body, headers })).status).toBe(400);
  });
});

describe("without a session", () => {
  test("a browser gets a page that says how to log in", async () => {
    const { status, headers, text } = await ask(consolePort, "/anything", {
      headers: { accept: "text/html,*/*" },
    });
    expect(status).toBe(401);
    expect(text).toContain("./claws login");
    expect(text).toContain("docker compose exec front-door node /app/main.mjs login-link");
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
    expect(headers["cache-control"]).toBe("no-store");
  });

  test("a program gets a problem document", async () => {
    for (const port of [consolePort, logsPort]) {
      const { status, json } = await ask(port, "/v1/approvals");
      expect(status).toBe(401);
      expect(json()).toMatchObject({ code: "login_required", service: "front-door" });
    }
  });

  test.each([
    "x",
    "",
    "eyJ.abc",
    createSessionValue(randomBytes(32), Date.now()),
    createSessionValue(sessionKey, Date.now() - 12 * 3_600_000),
  ])("the cookie %j does not help", async (value) => {
    expect((await ask(consolePort, "/", { headers: { cookie: `claws_session=${value}` } })).status).toBe(401);
  });

  test("two session cookies are none", async () => {
    const { cookie } = session();
    expect((await ask(consolePort, "/", { headers: { cookie: `${cookie}; claws_session=x` } })).status).toBe(
      401,
    );
  });

  test("the login page runs no inline script and reads the token from the fragment", async () => {
    const { status, text } = await ask(consolePort, "/login");
    expect(status).toBe(200);
    expect(text.match(/<script[^>]*>/g)).toEqual(['<script src="/login.js" defer>']);
    expect((await ask(consolePort, "/login.js")).text).toContain("location.hash");
    expect((await ask(consolePort, "/login.css")).headers["content-type"]).toContain("text/css");
    expect(() => new Script(LOGIN_JS)).not.toThrow();
  });
});

test("logging out takes the cookie away", async () => {
  const { status, headers } = await ask(consolePort, "/logout", { method: "POST", headers: session() });
  expect(status).toBe(303);
  expect(headers["set-cookie"]?.[0]).toMatch(/^claws_session=; .*Max-Age=0$/);
});

describe("a request under another name is refused before anything else", () => {
  test.each(["evil.example", "evil.example:8082", "127.0.0.1.evil.example"])("%s", async (host) => {
    for (const path of ["/", "/login", "/login.js"]) {
      const { status, json } = await ask(consolePort, path, { headers: { ...session(), host } });
      expect(status).toBe(403);
      expect(json().code).toBe("cross_site");
    }
  });
});

test("a change from another site is refused in spite of the session", async () => {
  const headers = { ...session(), "sec-fetch-site": "same-site", origin: `http://127.0.0.1:${logsPort}` };
  const { status, json } = await ask(consolePort, "/v1/approvals/1/decision", {
    method: "POST",
    headers,
    body: {},
  });
  expect(status).toBe(403);
  expect(json().code).toBe("cross_site");
});

test("a WebSocket is refused in spite of the session", async () => {
  const socket = connect(logsPort, "127.0.0.1");
  const { cookie } = session();
  socket.end(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: ${cookie}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  );
  const text = Buffer.concat((await socket.toArray()) as Buffer[]).toString();
  expect(text).toMatch(/^HTTP\/1.1 400 /);
});

describe("what goes on", () => {
  test("carries front-door's certificate and the operator, and nothing that a browser may not claim", async () => {
    const { json, headers } = await ask(consolePort, "/v1/a?b=c%20d", {
      method: "POST",
      body: { a: 1 },
      headers: {
        cookie: `theme=dark; ${session().cookie}`,
        origin: `http://127.0.0.1:${consolePort}`,
        "x-claws-operator": "mallory",
        "X-Claws-Role": "admin",
        x_claws_operator: "mallory",
        "x-forwarded-for": "1.2.3.4",
        connection: "close, x-hop",
        "x-hop": "1",
        te: "trailers",
        "proxy-authorization": "Basic x",
        expect: "100-continue",
        "accept-language": "pl",
      },
    });
    const seen = json();
    expect(seen).toMatchObject({
      name: "gateway",
      peer: "front-door",
      method: "POST",
      url: "/v1/a?b=c%20d",
      body: '{"a":1}',
    });
    expect(seen.headers).toMatchObject({
      "x-claws-operator": "owner",
      "accept-language": "pl",
      cookie: "theme=dark",
      host: `127.0.0.1:${consolePort}`,
      origin: `http://127.0.0.1:${consolePort}`,
    });
    const gone = [
      "x-claws-role",
      "x_claws_operator",
      "x-forwarded-for",
      "x-hop",
      "te",
      "proxy-authorization",
      "expect",
    ];
    expect(Object.keys(seen.headers).filter((name) => gone.includes(name))).toEqual([]);
    expect(headers["access-control-allow-origin"]).toBeUndefined();
    expect(headers["set-cookie"]).toEqual(["theme=dark"]);
    expect(headers["x-content-type-options"]).toBe("nosniff");
  });

  test("to the logs carries no operator", async () => {
    const headers = { ...session(), "x-claws-operator": "mallory" };
    const seen = (await ask(logsPort, "/", { headers })).json();
    expect(seen.headers["x-claws-operator"]).toBeUndefined();
    expect(seen.headers["cookie"]).toBeUndefined();
  });

  test("comes back as a stream, and a browser that leaves ends it", async () => {
    for (const port of [consolePort, logsPort]) {
      const response = await open(port, "/stream", { headers: session() });
      const [chunk] = (await once(response, "data")) as [Buffer];
      expect(chunk.toString()).toBe("data: 1\n\n");
      expect(held.size).toBe(1);
      response.destroy();
      await vi.waitFor(() => expect(held.size).toBe(0));
    }
  });
});

describe("an upstream that cannot be trusted or reached is named", () => {
  test("dozzle down", async () => {
    await stop();
    await start({ DOZZLE_URL: "http://127.0.0.1:1" });
    const { status, json } = await ask(logsPort, "/", { headers: session() });
    expect(status).toBe(503);
    expect(json()).toMatchObject({ code: "service_unavailable", service: "dozzle" });
    expect((await ask(consolePort, "/", { headers: session() })).status).toBe(200);
  });

  test("a gateway with a certificate of another stack", async () => {
    const stranger = await (await createStackIdentities())("approval-gateway");
    const server = createTlsServer({ cert: stranger.cert, key: stranger.key }, (_request, response) =>
      response.end("fake"),
    );
    const port = await listen(server, 0, "localhost");
    await stop();
    await start({ APPROVAL_GATEWAY_URL: `https://localhost:${port}` });
    const { status, text } = await ask(consolePort, "/", { headers: { ...session(), accept: "text/html" } });
    expect(status).toBe(503);
    expect(text).toContain("approval-gateway does not answer");
    await close(server, 0);
  });
});

test("where a default route may exist, nothing is answered and the service is not ready", async () => {
  await stop();
  await start({ REQUIRE_NO_DEFAULT_ROUTE: "true" });
  const isOpen = readDefaultRoute();
  expect((await ask(consolePort, "/login")).status).toBe(isOpen ? 503 : 200);
  expect((await readReadiness(service.readiness)).ready).toBe(!isOpen);
});

describe("it does not start", () => {
  test("with a short session key", async () => {
    const weak = mkdtempSync(join(tmpdir(), "weak-"));
    const own = await (await createStackIdentities())("front-door");
    for (const [name, content] of Object.entries({
      "tls.crt": own.cert,
      "tls.key": own.key,
      "ca.crt": own.ca,
      "session.key": "x".repeat(31),
    })) {
      writeFileSync(join(weak, name), content, { mode: 0o600 });
    }
    const settings = Settings.parse({ IDENTITY_DIR: weak, STATE_DIR: directory });
    await expect(createFrontDoor(settings, { logger })).rejects.toThrow("shorter than 32 bytes");
    rmSync(weak, { recursive: true });
  });

  test.each([
    { DOZZLE_URL: "https://dozzle:8080" },
    { DOZZLE_URL: "http://dozzle:8080/x" },
    { APPROVAL_GATEWAY_URL: "http://approval-gateway:7444" },
    { APPROVAL_GATEWAY_URL: "https://user:x@approval-gateway:7444" },
    { PUBLIC_HOSTS: "*" },
    { PUBLIC_HOSTS: "localhost:8082" },
    { REQUIRE_NO_DEFAULT_ROUTE: "no" },
  ])("with %o", (setting) => {
    expect(Settings.safeParse(setting).success).toBe(false);
  });
});
