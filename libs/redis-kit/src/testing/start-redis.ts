import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A real Redis of a test's own, on loopback, with an append-only file that survives `restart`. */
export interface TestRedis {
  readonly host: string;
  readonly port: number;
  /** Ends it the hard way, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

export interface TestRedisOptions {
  /** Lines of the ACL file, for instance `user worker on >password ~{work}:* +@all`. */
  readonly users?: readonly string[];
}

/**
 * Redis under a shell that kills it when our end of its stdin closes, however we end: a test worker that
 * is terminated runs no exit handler.
 */
const LAUNCH = 'exec 3<&0; (read _ <&3; kill -9 $$) 2>/dev/null & exec redis-server "$1" 3<&-';
/** What a shell answers when there is no such command. */
const NOT_FOUND = 127;

const START_TIMEOUT_MS = 15_000;
const START_ATTEMPTS = 3;

/**
 * Starts `redis-server` as a child process on a free port. Where the binary is missing this fails, since
 * a limit or an approval that was not tested against a real Redis was not tested.
 */
export async function startRedis({ users = [] }: TestRedisOptions = {}): Promise<TestRedis> {
  const directory = mkdtempSync(join(tmpdir(), "claws-redis-"));
  let child: ChildProcess | undefined;
  let port = 0;

  const kill = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, "exit");
    running.kill("SIGKILL");
    await ended;
  };
  const start = async () => {
    child = await launch(directory, port, users);
  };
  const close = async () => {
    await kill();
    rmSync(directory, { recursive: true, force: true });
  };

  for (let attempt = 1; ; attempt++) {
    port = await findFreePort();
    try {
      await start();
      return { host: "127.0.0.1", port, kill, start, close };
    } catch (error) {
      // Another process may have taken the port in between.
      if (isMissing(error) || attempt === START_ATTEMPTS) {
        await close();
        throw error;
      }
    }
  }
}

class RedisMissingError extends Error {
  override readonly name = "RedisMissingError";
}

const isMissing = (error: unknown) => error instanceof RedisMissingError;

async function launch(directory: string, port: number, users: readonly string[]): Promise<ChildProcess> {
  const configuration = join(directory, "redis.conf");
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${directory}`,
    'save ""',
    "appendonly yes",
    "appendfsync always",
    ...users,
  ];
  writeFileSync(configuration, `${lines.join("\n")}\n`);
  const child = spawn("/bin/sh", ["-c", LAUNCH, "sh", configuration], { stdio: "pipe" });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  let failure: Error | undefined;
  child.once("exit", (code, signal) => {
    child.stdin.end();
    failure =
      code === NOT_FOUND
        ? new RedisMissingError(
            "redis-server is not on PATH: install it (apt-get install redis-server), these tests need a real Redis",
          )
        : new Error(`redis-server ended (${code ?? signal}): ${output.slice(-2_000)}`);
  });
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!(await answersPing(port))) {
    if (failure !== undefined) throw failure;
    if (Date.now() > deadline) {
      child.kill("SIGKILL");
      throw new Error(`redis-server did not answer in ${START_TIMEOUT_MS} ms: ${output.slice(-2_000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  if (failure !== undefined) throw failure;
  return child;
}

/** `NOAUTH` is an answer too: only loading and silence are not. */
async function answersPing(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, "127.0.0.1", () => socket.write("PING\r\n"));
  socket.once("data", (chunk: Buffer) => resolve(/^(\+PONG|-NOAUTH|-NOPERM)/.test(chunk.toString())));
  socket.once("error", () => resolve(false));
  socket.once("close", () => resolve(false));
  socket.setTimeout(1_000, () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
