import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { e2e, eventually } from "./deployment.ts";
import { type LineProcess, listenIn } from "./line-process.ts";
import type { Ran } from "./run-program.ts";

/** What `tls-origin` saw of one request. */
const Visit = z.object({
  host: z.string(),
  method: z.string(),
  path: z.string(),
  version: z.string(),
  authorization: z.string(),
  body: z.string(),
});

let origin: LineProcess;
beforeAll(async () => {
  origin = listenIn(await e2e.containerOf("tls-origin"));
});
afterAll(() => origin.end());
const visits = async () => z.array(Visit).parse(await origin.ask("take"));
beforeEach(async () => {
  await visits();
});

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** curl in the agent's container, with the trust and the proxy of its environment. */
async function curl(url: string, ...options: string[]): Promise<Answer> {
  const { stdout, stderr, code } = await curlRaw(url, "-w", "\\n%{http_code}", ...options);
  if (code !== 0) throw new Error(`curl ended with ${code}: ${stderr}`);
  const end = stdout.lastIndexOf("\n");
  return { status: Number(stdout.slice(end + 1)), body: stdout.slice(0, end) };
}

function curlRaw(url: string, ...options: string[]): Promise<Ran> {
  return e2e.exec("agent", ["curl", "-sS", "--max-time", "20", ...options, url]);
}

const reasonOf = ({ body }: Answer) => z.object({ reason: z.string() }).parse(JSON.parse(body)).reason;

async function recordsOf(event: string, subject: string) {
  const { stdout } = await e2e.claws(["audit", "tail", "200"]);
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { event: string; subject: string; detail?: Record<string, unknown> })
    .filter((record) => record.event === event && record.subject === subject);
}

describe("the agent's programs trust what egress-filter shows them:", () => {
  it.each([["--http1.1"], ["--http2"]])("curl %s", async (version) => {
    const { status, body } = await curl("https://inspected.example/open/curl", version);
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ host: "inspected.example", path: "/open/curl" });
  });

  it("git", async () => {
    const { stdout, stderr } = await e2e.exec("agent", [
      "git",
      "ls-remote",
      "https://inspected.example/open/repo.git",
    ]);
    expect(stdout, stderr).toMatch(/^[0-9a-f]{40}\trefs\/heads\/main$/m);
  });

  it("node", async () => {
    const { stdout, stderr } = await e2e.evaluate(
      "agent",
      `const answer = await fetch("https://inspected.example/open/node");
       console.log(answer.status, (await answer.json()).path);`,
    );
    expect(stdout.trim(), stderr).toBe("200 /open/node");
  });

  it("python", async () => {
    // Of Debian's minimal Python: it has ssl and sockets, and no HTTP client.
    const script = `
import os, socket, ssl
host, port = os.environ["HTTPS_PROXY"].removeprefix("http://").split(":")
plain = socket.create_connection((host, int(port)), timeout=10)
plain.sendall(b"CONNECT inspected.example:443 HTTP/1.1\\r\\nHost: inspected.example:443\\r\\n\\r\\n")
print(plain.recv(4096).split(b"\\r\\n")[0].decode())
secure = ssl.create_default_context().wrap_socket(plain, server_hostname="inspected.example")
secure.sendall(b"GET /open/python HTTP/1.1\\r\\nHost: inspected.example\\r\\nConnection: close\\r\\n\\r\\n")
print(secure.recv(4096).split(b"\\r\\n")[0].decode())
print(dict(pair[0] for pair in secure.getpeercert()["issuer"])["commonName"])`;
    const { stdout, stderr } = await e2e.exec("agent", ["python3", "-c", script]);
    expect(stdout.trim().split("\n"), stderr).toEqual([
      expect.stringMatching(/^HTTP\/1\.1 200/),
      expect.stringMatching(/^HTTP\/1\.1 200/),
      "Sandbox Claws egress inspection",
    ]);
  });
});

describe("inside an inspected tunnel", () => {
  it.each([
    ["a path that the rule does not name", "https://inspected.example/closed", [], 403, "path_denied"],
    [
      "a method that the rule does not name",
      "https://inspected.example/open/",
      ["-X", "PUT"],
      403,
      "method_denied",
    ],
    [
      "another host than the tunnel's",
      "https://inspected.example/open/",
      ["-H", "Host: opaque.example"],
      421,
      "host_mismatch",
    ],
  ])("%s is refused, and the host sees nothing of it", async (_what, url, options, status, reason) => {
    for (const version of ["--http1.1", "--http2"]) {
      const answer = await curl(url, version, ...options);
      expect([answer.status, reasonOf(answer)]).toEqual([status, reason]);
    }
    expect(await visits()).toEqual([]);
  });

  it("a secret in a body is blocked, and the same body without it arrives", async () => {
    const secret = ["AK", "IA", "Z7Q4M2XN", "5RTBW3LD"].join("");
    const send = (text: string) =>
      curl("https://inspected.example/open/post", "--data-binary", `note=${text}`);
    const blocked = await send(`the key is ${secret}`);
    expect([blocked.status, reasonOf(blocked)]).toEqual([403, "dlp_blocked"]);
    expect(blocked.body).not.toContain(secret);
    expect(await visits()).toEqual([]);
    expect((await send("nothing to see")).status).toBe(200);
    expect(await visits()).toEqual([
      expect.objectContaining({ method: "POST", body: "note=nothing to see" }),
    ]);
    const { stdout } = await e2e.compose(["logs", "--no-log-prefix", "egress-filter"]);
    expect(stdout).not.toContain(secret);
    const found = await eventually(
      () => recordsOf("egress.found", "inspected.example:443"),
      (records) => records.length > 0,
      10_000,
    );
    expect(JSON.stringify(found)).not.toContain(secret);
  });

  it("a client that brings its own authorities fails, and the record says why", async () => {
    const { code } = await curlRaw("https://inspected.example/open/", "--cacert", "/etc/hostname");
    expect(code).not.toBe(0);
    const pinned = await curlRaw(
      "https://inspected.example/open/",
      "--pinnedpubkey",
      `sha256//${"A".repeat(43)}=`,
    );
    expect(pinned.code).not.toBe(0);
    await eventually(
      () => recordsOf("egress.closed", "inspected.example:443"),
      (records) => records.some(({ detail }) => detail?.["reason"] === "tls_failed"),
      10_000,
    );
    expect(await visits()).toEqual([]);
  });
});

describe("a tunnel that no rule opens", () => {
  it("ends at the host itself, with the host's own certificate", async () => {
    const untrusted = await curlRaw("https://opaque.example/");
    expect(untrusted.code).toBe(60);
    const { code, stderr } = await curlRaw("https://opaque.example/closed", "-kv");
    expect(code).toBe(0);
    expect(stderr).toMatch(/issuer: CN ?= ?e2e origin/);
    expect(await visits()).toEqual([expect.objectContaining({ path: "/closed" })]);
  });

  it("ends in the middle when the upload budget is used up, not a byte over it", async () => {
    const upload = `head -c 3000000 /dev/zero | curl -sS -k --max-time 30 --data-binary @- https://opaque.example/upload`;
    const { code } = await e2e.exec("agent", ["sh", "-c", upload]);
    expect(code).not.toBe(0);
    expect(await visits()).toEqual([]);
    const [closed] = await eventually(
      async () =>
        (await recordsOf("egress.closed", "opaque.example:443")).filter(
          ({ detail }) => detail?.["reason"] === "budget_exceeded",
        ),
      (records) => records.length > 0,
      10_000,
    );
    const up = Number(closed?.detail?.["bytesUp"]);
    expect(up).toBeLessThanOrEqual(1_048_576);
    expect(up).toBeGreaterThan(1_048_576 - 65_536 - 16_384);

    // What is left is less than a chunk: the next upload to this host does not get through either.
    expect((await e2e.exec("agent", ["sh", "-c", upload])).code).not.toBe(0);
    expect(await visits()).toEqual([]);
    expect((await curl("https://inspected.example/open/other-host")).status).toBe(200);
  });
});

describe("a key that the agent never has", () => {
  const key = ["e2e", "made", "up", Date.now().toString(36), "key"].join("-");
  const send = (path: string, authorization: string) =>
    curl(`https://swap.example${path}`, "-H", `Authorization: ${authorization}`);

  beforeAll(async () => {
    const { code, stderr } = await e2e.claws(["secrets", "set", "E2E_KEY", "--for", "egress-filter"], {
      input: key,
    });
    expect(code, stderr).toBe(0);
  });

  it("is put in place of the placeholder, at that host alone", async () => {
    expect((await send("/swap", "Bearer claws-secret-E2E_KEY")).status).toBe(200);
    expect(await visits()).toEqual([expect.objectContaining({ authorization: `Bearer ${key}` })]);
    await curl("https://inspected.example/open/", "-H", "Authorization: Bearer claws-secret-E2E_KEY");
    expect(JSON.stringify(await visits())).not.toContain(key);
  });

  it("is the only one that may be used there", async () => {
    for (const authorization of [
      "Bearer another-key-of-somebody",
      `Bearer ${key}`,
      "Basic dXNlcjpwYXNzd29yZA==",
    ]) {
      const answer = await send("/other", authorization);
      expect([answer.status, reasonOf(answer)]).toEqual([403, "credential_denied"]);
    }
    expect(await visits()).toEqual([]);
  });

  it("does not come back in an answer that repeats it", async () => {
    const { stdout } = await curlRaw(
      "https://swap.example/echo",
      "-H",
      "Authorization: Bearer claws-secret-E2E_KEY",
    );
    expect(stdout).not.toContain(key);
    expect((await visits())[0]?.authorization).toBe(`Bearer ${key}`);
  });

  it("is in no container but egress-filter, in no record and in no log", async () => {
    const { stdout: log } = await e2e.compose(["logs", "--no-log-prefix"]);
    const { stdout: records } = await e2e.claws(["audit", "tail", "1000"]);
    expect(log + records).not.toContain(key);
    const read = `import { readFileSync } from "node:fs"; try { console.log(readFileSync("/run/claws/secrets/E2E_KEY", "utf8")); } catch (error) { console.log(error.code); }`;
    expect((await e2e.evaluate("egress-filter", read)).stdout.trim()).toBe(key);
    for (const service of ["agent", "agent-door", "broker", "model-gateway"])
      expect((await e2e.evaluate(service, read)).stdout.trim()).toBe("ENOENT");
  });
});
