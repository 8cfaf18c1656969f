import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { AuditBatch } from "@claws/contracts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAuditSpool } from "./audit-spool.ts";
import { createMemoryAuditor } from "./testing/memory-auditor.ts";

const SCRIPT = join(import.meta.dirname, "testing/append-until-killed.ts");

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "spool-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** An auditor behind HTTP whose every third answer gets lost on its way. */
async function startForgetfulAuditor() {
  const auditor = createMemoryAuditor();
  let count = 0;
  const server = createServer((request, response) => void answer(request, response));
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const result = auditor.take(AuditBatch.parse(JSON.parse(await text(request))));
    count += 1;
    if (count % 3 === 0) return void response.destroy();
    response
      .writeHead(result.ok ? 200 : 400)
      .end(JSON.stringify(result.ok ? { through: result.through } : {}));
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { auditor, url, stop: () => (server.closeAllConnections(), server.close()) };
}

/** Killed when it has said that it appended `count` events, in the middle of the next; returns what it said. */
async function liveAndDie(url: string, life: number, count: number): Promise<string[]> {
  const args = ["--conditions=@claws/source", SCRIPT, directory, url, `${life}`];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
    if (output.split("\n").length > count) child.kill("SIGKILL");
  });
  expect((await once(child, "close"))[1]).toBe("SIGKILL");
  // The last line may be cut: then its number is not one that was said.
  return output.split("\n").slice(0, -1);
}

describe("a process with a spool", () => {
  it("ends by itself after close, with an auditor that takes nothing", async () => {
    const code = `
      import { createAuditSpool } from ${JSON.stringify(join(import.meta.dirname, "audit-spool.ts"))};
      const ship = async () => ({ ok: false });
      const spool = createAuditSpool({ directory: process.argv[1], name: "egress-filter", ship });
      spool.append({ event: "egress.decided", outcome: "allow", subject: "a" });
      await new Promise((resolve) => setTimeout(resolve, 800));
      await spool.close();
      console.log(spool.state().failure, process.getActiveResourcesInfo().filter((kind) => kind === "Timeout"));
    `;
    const args = ["--conditions=@claws/source", "--input-type=module", "-e", code, directory];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const output = text(child.stdout);
    expect(await once(child, "close")).toEqual([0, null]);
    expect(await output).toBe("the auditor did not take the batch []\n");
    expect(readdirSync(directory)).toHaveLength(1);
  }, 30_000);
});

describe("a spool whose process is killed", () => {
  it("has every event that it took at the auditor, once and in order, after the next start", async () => {
    const { auditor, url, stop } = await startForgetfulAuditor();
    const said: string[] = [];
    for (const [life, count] of [1, 40, 7, 300, 21, 1_500, 133, 58].entries())
      said.push(...(await liveAndDie(url, life, count)));
    stop();
    // Some were shipped by the process itself, and some were left for the next.
    expect(auditor.events.length).toBeGreaterThan(0);

    const last = createAuditSpool({
      directory,
      name: "egress-filter",
      ship: async (batch) => auditor.take(batch),
    });
    await last.flush();
    expect(last.state()).toMatchObject({ backlog: 0, isOpen: true });
    await last.close();
    expect(readdirSync(directory).map((file) => statSync(join(directory, file)).size)).toEqual([]);

    const subjects = auditor.events.map(({ subject }) => subject);
    expect(new Set(subjects).size).toBe(subjects.length);
    expect(said.filter((subject) => !subjects.includes(subject))).toEqual([]);
    // Killed between the write and the word of it: at most one event a life is there and was not said.
    expect(subjects.length - said.length).toBeLessThanOrEqual(8);
    expect(auditor.events.some(({ event }) => event === "audit.damaged")).toBe(false);
    for (let life = 0; life < 8; life += 1) {
      const numbers = subjects
        .filter((subject) => subject.startsWith(`${life}:`))
        .map((s) => Number(s.slice(2)));
      expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    }
  }, 30_000);
});
