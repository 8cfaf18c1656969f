import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "claws-tool-"));
writeFileSync(join(directory, "token"), "a.b.c\n");

let broker: Server;
let answer: { status: number; body: string };
const requests: { method: string; url: string; authorization: string; body: string }[] = [];

beforeAll(async () => {
  broker = createServer((incoming: IncomingMessage, response) => {
    const reply = async () => {
      const { method = "", url = "", headers } = incoming;
      requests.push({ method, url, authorization: headers.authorization ?? "", body: await text(incoming) });
      response.writeHead(answer.status, { "content-type": "application/json" }).end(answer.body);
    };
    void reply();
  });
  broker.listen(0, "127.0.0.1");
  await once(broker, "listening");
});
beforeEach(() => {
  answer = { status: 200, body: '{"status":"done"}' };
  requests.splice(0);
});
afterAll(() => {
  broker.close();
  rmSync(directory, { recursive: true });
});

/** Runs the program as an agent does: its own process, its arguments, its standard input. */
async function run(args: readonly string[], input = "") {
  const child = spawn(process.execPath, [join(import.meta.dirname, "claws-tool.ts"), ...args], {
    env: {
      CLAWS_BROKER_URL: `http://127.0.0.1:${(broker.address() as AddressInfo).port}`,
      CLAWS_TOKEN_FILE: join(directory, "token"),
    },
  });
  child.stdin.on("error", () => undefined).end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number]>,
  ]);
  return { code, stdout, stderr };
}

describe("claws-tool", () => {
  it("lists the tools with the agent's own token", async () => {
    answer.body = '{"tools":[{"name":"fs__read_file"}]}';
    const { code, stdout } = await run(["list"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ tools: [{ name: "fs__read_file" }] });
    expect(requests).toEqual([{ method: "GET", url: "/v1/tools", authorization: "Bearer a.b.c", body: "" }]);
  });

  it.each<[string, string[], string, unknown]>([
    ["given", ["call", "fs__read_file", '{"path":"/a"}'], "", { path: "/a" }],
    ["from standard input", ["call", "fs__read_file", "-"], '{"path":"/b"}', { path: "/b" }],
    ["left out", ["call", "fs__read_file"], "", {}],
  ])("calls a tool with arguments that are %s", async (_how, args, input, values) => {
    expect((await run(args, input)).code).toBe(0);
    expect(requests).toMatchObject([{ method: "POST", url: "/v1/tools/fs__read_file/call" }]);
    expect(JSON.parse(requests[0]?.body ?? "")).toEqual({ arguments: values });
  });

  it("calls no other address than the tool's", async () => {
    await run(["call", "../../mcp"]);
    expect(requests[0]?.url).toBe("/v1/tools/..%2F..%2Fmcp/call");
  });

  it.each([
    [200, '{"status":"done"}', 0],
    [202, '{"status":"pending"}', 3],
    [403, '{"code":"tool_not_allowed"}', 1],
    [503, '{"code":"service_unavailable"}', 1],
  ])("shows an answer of %i and says so by its exit code", async (status, body, code) => {
    answer = { status, body };
    const ended = await run(["call", "fs__read_file"]);
    expect(ended.code).toBe(code);
    expect(JSON.parse(ended.stdout)).toEqual(JSON.parse(body));
  });

  it("says failed by its exit code where the tool itself failed", async () => {
    answer.body = '{"status":"failed","content":[]}';
    expect((await run(["call", "fs__read_file"])).code).toBe(1);
  });

  it.each([[[]], [["lits"]], [["call"]]])("says how to use it for %j", async (args) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^usage: claws-tool list \| claws-tool call/);
    expect(requests).toEqual([]);
  });

  it("says what is wrong with arguments that are not JSON, and asks nobody", async () => {
    const { code, stderr } = await run(["call", "fs__read_file", "{path}"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^the arguments are not JSON: /);
    expect(requests).toEqual([]);
  });

  it("shows an answer that is not JSON as it is, as a failure", async () => {
    answer = { status: 502, body: "<html>Bad gateway</html>" };
    const { code, stderr } = await run(["list"]);
    expect(code).toBe(1);
    expect(stderr).toContain("502");
    expect(stderr).not.toContain("    at ");
  });
});
