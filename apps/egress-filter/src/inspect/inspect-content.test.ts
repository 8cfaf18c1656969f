import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type Asked,
  askHttp1,
  askHttp2,
  HOST,
  type InspectionParts,
  startInspection,
} from "./testing/start-inspection.ts";
import { DATA, END_STREAM, HEADERS, RST_STREAM, startFrameOrigin } from "./testing/start-frame-origin.ts";
import { type OriginOptions, startTlsOrigin } from "./testing/start-tls-origin.ts";

const ending: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function startBoth(parts: Partial<InspectionParts> = {}, options: OriginOptions = {}) {
  const origin = await startTlsOrigin(options);
  const inspection = await startInspection({
    originPort: origin.port,
    originAuthority: origin.authority,
    ...parts,
  });
  ending.push(inspection.stop, origin.stop);
  const ask = (version: string, asked: Asked = {}) =>
    version === "2"
      ? askHttp2(inspection.openHttp2(), asked)
      : askHttp1(inspection.openTls(["http/1.1"]), asked);
  return { origin, inspection, seen: inspection.seen, ask };
}

const KEY = "AKIAQ3EGRZ7XLP2MTWVB";
const TOKEN = "ghx-real-token-of-the-operator-4711";
const SWAP = { header: "authorization", scheme: "Bearer", secret: "TOKEN", mode: "swap" } as const;

describe.each(["1.1", "2"])("content of a request over HTTP/%s", (version) => {
  it.each([
    ["its body", { method: "POST", body: `{"key":"${KEY}"}` }],
    ["its body, coded", { method: "POST", headers: { "content-encoding": "gzip" }, body: gzipSync(KEY) }],
    ["its path", { path: `/upload/${KEY}` }],
    ["its query", { path: `/?q=${Buffer.from(`secret ${KEY}`).toString("base64url")}` }],
    ["a header", { headers: { "x-note": KEY } }],
  ])("with a secret in %s goes nowhere", async (_where, asked) => {
    const { origin, seen, ask } = await startBoth({ requests: { secret: "block" } });
    const answer = await ask(version, asked);
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "dlp_blocked", key: "dlp.egress-requests.secret" });
    expect(answer.body).not.toContain(KEY);
    expect(seen.dialled).toBe(0);
    expect(origin.seen).toEqual([]);
    expect(seen.findings).toMatchObject([{ rule: "aws-access-key-id", action: "block" }]);
    await vi.waitFor(() => expect(seen.ends).toMatchObject([{ reason: "dlp_blocked" }]));
    expect(JSON.stringify([seen.findings, seen.ends, seen.lines])).not.toContain(KEY);
  });

  it("with a secret far inside is cut before it", async () => {
    let received = "";
    const { origin, seen, ask } = await startBoth(
      { requests: { secret: "block" } },
      {
        onRequest: (request) => {
          request.on("data", (chunk: Buffer) => (received += chunk.toString("latin1")));
        },
      },
    );
    const answer = await ask(version, {
      method: "POST",
      body: ["x".repeat(150_000), "y".repeat(46_600), KEY, "z".repeat(100_000)],
    });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 403, code: "dlp_blocked" });
    expect(origin.seen).toHaveLength(1);
    expect(received.length).toBeGreaterThan(0);
    expect(received).not.toContain("A");
    await vi.waitFor(() => expect(seen.ends).toMatchObject([{ reason: "dlp_blocked" }]));
    expect(seen.lines).toEqual([]);
  });

  it("that is only flagged passes, and is told", async () => {
    const { origin, seen, ask } = await startBoth({ requests: { secret: "flag" } });
    expect((await ask(version, { method: "POST", body: KEY })).status).toBe(200);
    expect(origin.seen).toMatchObject([{ body: KEY }]);
    expect(seen.findings).toMatchObject([
      { rule: "aws-access-key-id", action: "flag", evidence: "AKI***VB" },
    ]);
  });

  it("that is a bomb goes nowhere", async () => {
    const { origin, ask } = await startBoth({ requests: { pii: "flag" } });
    const headers = { "content-encoding": "gzip" };
    const answer = await ask(version, { method: "POST", headers, body: gzipSync(Buffer.alloc(50_000_000)) });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 403, rule: "decompression-bomb" });
    expect(origin.seen).toEqual([]);
  });
});

describe("a blocked request", () => {
  it("over HTTP/1.1 never looks complete to the destination", async () => {
    let isComplete: boolean | undefined;
    const { ask } = await startBoth(
      { requests: { secret: "block" } },
      { onRequest: (request) => void request.resume().once("close", () => (isComplete = request.complete)) },
    );
    const headers = { "transfer-encoding": "chunked" };
    expect((await ask("1.1", { method: "POST", headers, body: ["x".repeat(200_000), KEY] })).status).toBe(
      403,
    );
    await vi.waitFor(() => expect(isComplete).toBe(false));
  });

  it("over HTTP/2 never looks complete to the destination: RST_STREAM and no END_STREAM", async () => {
    const origin = await startFrameOrigin();
    const inspection = await startInspection({
      originPort: origin.port,
      originAuthority: origin.authority,
      requests: { secret: "block" },
    });
    ending.push(inspection.stop, origin.stop);
    const body = ["x".repeat(60_000), "y".repeat(9_000), KEY];
    expect((await askHttp2(inspection.openHttp2(), { method: "POST", body })).status).toBe(403);
    await vi.waitFor(() => expect(origin.frames.map(({ type }) => type)).toContain(RST_STREAM));
    const ofRequest = origin.frames.filter(({ type }) => type === DATA || type === HEADERS);
    expect(ofRequest.map(({ type }) => type)).toContain(DATA);
    expect(ofRequest.filter(({ flags }) => (flags & END_STREAM) !== 0)).toEqual([]);
  });
});

describe.each(["1.1", "2"])("content of an answer over HTTP/%s", (version) => {
  const answerWith = (body: string | Buffer, headers: Record<string, string> = {}): OriginOptions => ({
    answer: (_request, response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.end(body);
    },
  });

  it.each([
    ["whose length is known", { "content-length": String(KEY.length) }, KEY],
    [
      "that is coded",
      { "content-encoding": "gzip", "content-length": String(gzipSync(KEY).length) },
      gzipSync(KEY),
    ],
  ])("%s is blocked as a whole", async (_case, headers, body) => {
    const { ask } = await startBoth({ answers: { secret: "block" } }, answerWith(body, headers));
    const answer = await ask(version);
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({
      code: "dlp_blocked",
      key: "dlp.egress-responses.secret",
    });
  });

  it("whose end is not known is cut before the secret", async () => {
    const { seen, ask } = await startBoth(
      { answers: { secret: "block" } },
      {
        answer: (_request, response) => {
          response.write("first ");
          setTimeout(() => response.end(`then ${KEY} and more`), 30);
        },
      },
    );
    const answer = await ask(version);
    expect(answer).toMatchObject({ status: 200, body: "first ", isWhole: false });
    expect(seen.findings).toMatchObject([{ direction: "egress-responses", action: "block" }]);
  });

  it("is asked for in codings that can be read", async () => {
    const { origin, ask } = await startBoth({ answers: { secret: "flag" } });
    await ask(version, { headers: { "accept-encoding": "gzip, sdch, br;q=0.5, *" } });
    expect(origin.seen[0]?.headers).toMatchObject({ "accept-encoding": "gzip, br;q=0.5" });
  });
});

describe.each(["1.1", "2"])("a credential over HTTP/%s", (version) => {
  const secrets = { TOKEN };

  it("is swapped in, and is told to nobody", async () => {
    const { origin, seen, ask } = await startBoth({
      credential: SWAP,
      secrets,
      requests: { secret: "block" },
    });
    const headers = { authorization: "Bearer claws-secret-TOKEN", "accept-encoding": "gzip" };
    const answer = await ask(version, { headers });
    expect(answer.status).toBe(200);
    expect(origin.seen[0]?.headers).toMatchObject({
      authorization: `Bearer ${TOKEN}`,
      "accept-encoding": "identity",
    });
    expect(JSON.stringify([answer, seen.lines, seen.ends, seen.findings])).not.toContain(TOKEN);
  });

  it.each([
    ["in its body", (token: string) => ({ body: `you sent ${token}` })],
    [
      "in its body, in base64",
      (token: string) => ({ body: Buffer.from(`Bearer ${token}`).toString("base64") }),
    ],
    [
      "in its body, coded",
      (token: string) => ({ body: gzipSync(token), headers: { "content-encoding": "gzip" } }),
    ],
    ["in a header", (token: string) => ({ body: "", headers: { location: `/?t=${token}` } })],
    ["in a coding that cannot be read", () => ({ body: "x", headers: { "content-encoding": "aes128gcm" } })],
  ])("that the answer repeats %s does not come back", async (_where, echo) => {
    const { seen, ask } = await startBoth(
      { credential: SWAP, secrets },
      {
        answer: (request, response) => {
          const token = String(request.headers.authorization).replace("Bearer ", "");
          const { body, headers = {} } = echo(token) as {
            body: string | Buffer;
            headers?: Record<string, string>;
          };
          for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
          response.setHeader("content-length", Buffer.byteLength(body));
          response.end(body);
        },
      },
    );
    const answer = await ask(version, { headers: { authorization: "Bearer claws-secret-TOKEN" } });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({ code: "dlp_blocked" });
    expect(JSON.stringify([answer, seen.lines, seen.ends, seen.findings])).not.toContain(TOKEN);
  });

  it("that the answer repeats in pieces is cut before its first letter", async () => {
    const { ask } = await startBoth(
      { credential: SWAP, secrets },
      {
        answer: (_request, response) => {
          response.write(`data: ok\n\ndata: ${TOKEN.slice(0, 5)}`);
          setTimeout(() => response.write(TOKEN.slice(5, 9)), 20);
          setTimeout(() => response.end(TOKEN.slice(9)), 40);
        },
      },
    );
    const answer = await ask(version, { headers: { authorization: "Bearer claws-secret-TOKEN" } });
    expect(answer).toMatchObject({ body: "data: ok\n\ndata: ", isWhole: false });
  });

  it.each([
    ["of the agent's own", { authorization: "Bearer ghx-somebody-elses" }, "/"],
    ["in another header", { "x-api-key": "somebody-elses" }, "/"],
    ["in the query", {}, "/?access_token=somebody-elses"],
    ["in a cookie", { cookie: "session=x" }, "/"],
  ])("%s is refused before anything leaves", async (_case, headers, path) => {
    const { origin, seen, ask } = await startBoth({ credential: SWAP, secrets });
    const answer = await ask(version, { headers, path });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body)).toMatchObject({
      reason: "credential_denied",
      key: "egress.rules[0].credential",
    });
    expect(answer.body).not.toContain("somebody-elses");
    expect([seen.dialled, origin.seen.length]).toEqual([0, 0]);
    await vi.waitFor(() => expect(seen.ends).toMatchObject([{ reason: "credential_denied" }]));
  });

  it("that is pinned passes, and in a body it does not", async () => {
    const { origin, ask } = await startBoth({
      credential: { ...SWAP, mode: "pin" },
      secrets,
      requests: { secret: "block" },
    });
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await ask(version, { headers })).status).toBe(200);
    expect((await ask(version, { headers, method: "POST", body: `note: ${TOKEN}` })).status).toBe(403);
    expect(origin.seen).toHaveLength(1);
  });

  it("that is not stored says how to store it", async () => {
    const { seen, ask } = await startBoth({ credential: SWAP });
    const answer = await ask(version, { headers: { authorization: "Bearer claws-secret-TOKEN" } });
    expect(JSON.parse(answer.body)).toMatchObject({
      status: 503,
      reason: "dependency_down",
      detail: expect.stringContaining("./claws secrets set TOKEN --for egress-filter"),
    });
    expect(seen.dialled).toBe(0);
  });
});

describe("a client that pins certificates", () => {
  it("is told in the journal by its alert, or by its leaving", async () => {
    const { inspection, seen } = await startBoth();
    const socket = inspection.openTls(["http/1.1"], "");
    socket.on("error", () => undefined);
    await vi.waitFor(() => expect(seen.handshakes).toHaveLength(1));
    expect(seen.handshakes).toMatchObject([
      { reason: "tls_failed", detail: expect.stringContaining("it may not accept our certificate") },
    ]);
    await vi.waitFor(() => expect(seen.done).toBe(1));
    expect(seen.dialled).toBe(0);
  });
});

describe("an inspected tunnel", () => {
  it("of which either end is killed at any moment leaves nothing open and nothing unhandled", async () => {
    const { inspection, origin, seen } = await startBoth(
      { requests: { secret: "block" }, answers: { secret: "block" } },
      { answer: (_request, response, body) => void response.end(body) },
    );
    const body = "0123456789abcdef".repeat(20_000);
    for (let moment = 0; moment < 24; moment++) {
      const running =
        moment % 2 === 0
          ? askHttp1(inspection.openTls(["http/1.1"]), { method: "POST", body })
          : askHttp2(inspection.openHttp2(), { method: "POST", headers: { ":authority": HOST }, body });
      const settled = running.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, moment));
      if (moment % 3 === 0) for (const socket of origin.sockets) socket.destroy();
      else seen.clients.at(-1)?.destroy();
      await settled;
    }
    for (const client of seen.clients) client.destroy();
    await vi.waitFor(() => expect(seen.done).toBe(seen.begun));
    await vi.waitFor(() => expect(origin.sockets.every(({ destroyed }) => destroyed)).toBe(true));
    expect(seen.lines).toEqual([]);
    expect(seen.ends).toHaveLength(seen.readings.length);
  });
});
