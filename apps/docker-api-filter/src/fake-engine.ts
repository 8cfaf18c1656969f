import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const OURS = "a".repeat(64);
export const LAUNCHED = "b".repeat(64);
export const FOREIGN = "f".repeat(64);
export const SECRET = "sk-very-secret";

const LABELS: Record<string, Record<string, string>> = {
  [OURS]: {
    "com.docker.compose.project": "claws-test",
    "com.docker.compose.service": "broker",
    "com.docker.compose.project.working_dir": `/home/${SECRET}`,
    "com.docker.compose.project.config_files": `/home/${SECRET}/compose.yml`,
    "dev.dozzle.group": "guards",
    "org.example.note": SECRET,
  },
  [LAUNCHED]: { "claws.project": "claws-test", "claws.server": "files" },
  [FOREIGN]: { "com.docker.compose.project": "another" },
};

export interface FakeEngine {
  readonly socketPath: string;
  /** Every request line that reached the engine. */
  readonly asked: string[];
  /** Answers of `/events`, `/logs` and `/stats` that the engine still holds open. */
  readonly open: Set<ServerResponse>;
  close(): Promise<void>;
}

/** A Docker engine as far as the filter can tell: one container of ours, one launched, one foreign. */
export async function startFakeEngine(): Promise<FakeEngine> {
  const directory = mkdtempSync(join(tmpdir(), "engine-"));
  const socketPath = join(directory, "docker.sock");
  const asked: string[] = [];
  const open = new Set<ServerResponse>();
  const hold = (response: ServerResponse, type: string, first: string | Buffer) => {
    open.add(response);
    response.once("close", () => open.delete(response));
    response.writeHead(200, { "content-type": type }).write(first);
  };

  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    const path = (request.url ?? "").replace(/^\/v1\.\d\d/, "").replace(/\?.*$/s, "");
    const [, id = "", verb = ""] = /^\/containers\/([0-9a-f]+)\/(\w+)$/.exec(path) ?? [];
    const full = Object.keys(LABELS).find((candidate) => id !== "" && candidate.startsWith(id));
    const json = (value: unknown) =>
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (path === "/_ping") {
      response.writeHead(200, { "api-version": "1.41", ostype: "linux", server: "Docker" }).end("OK");
    } else if (path === "/version") {
      json({ Version: "20.10.24", ApiVersion: "1.41", KernelVersion: SECRET, Components: null });
    } else if (path === "/info") {
      json({ ID: "ENGINE", Name: "host", NCPU: 2, MemTotal: 1, HttpProxy: SECRET, Labels: [SECRET] });
    } else if (path === "/containers/json") {
      json(Object.keys(LABELS).map(listed));
    } else if (path === "/events") {
      hold(response, "application/json", EVENTS.map((event) => `${JSON.stringify(event)}\n`).join(""));
    } else if (full !== undefined && verb === "json") {
      json(inspected(full));
    } else if (full !== undefined && verb === "logs") {
      hold(
        response,
        "application/vnd.docker.raw-stream",
        Buffer.from([1, 0, 0, 0, 0, 0, 0, 3, 104, 105, 10]),
      );
    } else if (full !== undefined && verb === "stats") {
      hold(response, "application/json", '{"read":"now","cpu_stats":{}}\n');
    } else {
      response.writeHead(404).end('{"message":"no such container"}');
    }
  });
  server.listen(socketPath);
  await once(server, "listening");
  return {
    socketPath,
    asked,
    open,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
      rmSync(directory, { recursive: true });
    },
  };
}

function listed(id: string) {
  return {
    Id: id,
    Names: [`/${id.slice(0, 4)}`],
    Image: "node:24",
    Command: `run --key ${SECRET}`,
    Created: 1,
    State: "running",
    Status: "Up 2 minutes (healthy)",
    Labels: LABELS[id],
    Mounts: [{ Source: `/home/${SECRET}` }],
    NetworkSettings: { Networks: { agent: { IPAddress: "172.20.0.2" } } },
  };
}

function inspected(id: string) {
  return {
    Id: id,
    Name: `/${id.slice(0, 4)}`,
    Created: "2026-01-01T00:00:00Z",
    Path: SECRET,
    Args: [SECRET],
    State: { Status: "running", Running: true, Health: { Status: "healthy", Log: [{ Output: SECRET }] } },
    Config: {
      Image: "node:24",
      Tty: false,
      Env: [`API_KEY=${SECRET}`],
      Cmd: [SECRET],
      Entrypoint: [SECRET],
      Healthcheck: { Test: ["CMD", SECRET] },
      Labels: LABELS[id],
    },
    HostConfig: {
      Binds: [`/home/${SECRET}:/data`],
      Memory: 1024,
      LogConfig: { Type: "json-file", Config: {} },
    },
    Mounts: [{ Source: `/home/${SECRET}` }],
    NetworkSettings: { IPAddress: "172.20.0.2" },
  };
}

function event(id: string, action: string, extra: Record<string, string> = {}) {
  return {
    Type: "container",
    Action: action,
    Actor: { ID: id, Attributes: { ...LABELS[id], name: "x", ...extra } },
    time: 1,
  };
}

const EVENTS = [
  event(FOREIGN, "start"),
  event(OURS, `exec_create: sh -c ${SECRET}`, { execID: "1" }),
  { Type: "network", Action: "connect", Actor: { ID: "n", Attributes: { container: OURS } } },
  event(OURS, "health_status: healthy"),
  event(LAUNCHED, "die", { exitCode: "137", execDuration: SECRET }),
];
