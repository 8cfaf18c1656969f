import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";

const SCRIPT = join(import.meta.dirname, "testing/run-test-service.ts");
const running: ChildProcess[] = [];
afterEach(() => running.splice(0).forEach((child) => child.kill("SIGKILL")));

type LogLine = Readonly<Record<string, unknown>>;

/** The service as a process of its own, with its log as it comes. */
function start(mode: string) {
  const child = spawn(process.execPath, ["--conditions=@claws/source", SCRIPT, mode], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  createInterface(child.stdout).on("line", (line) => {
    log.push(JSON.parse(line) as LogLine);
    waiting.forEach((look) => look());
  });
  const logged = async (message: string, count = 1): Promise<readonly LogLine[]> => {
    const { promise, resolve } = Promise.withResolvers<readonly LogLine[]>();
    const look = () => {
      const found = log.filter(({ msg }) => msg === message);
      if (found.length >= count) resolve(found);
    };
    waiting.add(look);
    look();
    return promise;
  };
  const exited = once(child, "close").then(([code]) => code as number | null);
  return {
    child,
    log,
    logged,
    exited,
    port: async () => Number((await logged("listening", 2))[0]?.["port"]),
  };
}

function ask(port: number, path: string, agent: Agent): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ port, path, agent, host: "127.0.0.1" }, (response) => resolve(text(response)))
    .once("error", reject)
    .end();
  return promise;
}

describe("a service", () => {
  it("ends on SIGTERM with exit code 0: what is in flight is answered, idle connections and streams end", async () => {
    const service = start("well");
    const port = await service.port();
    const agent = new Agent({ keepAlive: true });
    expect(await ask(port, "/", agent)).toBe("ok");
    const stream = ask(port, "/stream", agent);
    const slow = ask(port, "/slow", agent);
    await service.logged("slow begins");

    service.child.kill("SIGTERM");
    expect(await slow).toBe("done");
    expect(await stream).toBe("data\nbye\n");
    expect(await service.exited).toBe(0);
    expect(service.log.map(({ msg }) => msg).slice(-2)).toEqual(["stopping", "closed"]);
    agent.destroy();
  });

  it("that is misconfigured says so in one line and ends with exit code 78", async () => {
    const service = start("misconfigured");
    expect(await service.exited).toBe(78);
    expect(service.log).toMatchObject([
      { level: "fatal", msg: "wrong configuration: LISTEN_PORT: not a number" },
    ]);
  });

  it("that meets an unexpected exception logs it and ends, to be restarted clean", async () => {
    const service = start("well");
    const agent = new Agent();
    await expect(ask(await service.port(), "/broken", agent)).rejects.toThrow();
    expect(await service.exited).toBe(1);
    expect(service.log.at(-1)).toMatchObject({ level: "fatal", err: { message: "a surprise" } });
  });
});
