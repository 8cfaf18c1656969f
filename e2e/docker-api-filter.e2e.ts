import { describe, expect, it } from "vitest";
import * as z from "zod";
import { e2e } from "./deployment.ts";
import { run } from "./run-program.ts";

const Answer = z.object({ status: z.number(), body: z.string() });

/** Sends one request to the filter from the log viewer's position, exactly as written. */
async function ask(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<z.infer<typeof Answer>> {
  const { stdout, stderr } = await e2e.exec("dozzle", [
    "/usr/local/bin/node",
    "--input-type=module",
    "-e",
    `
    import { request } from "node:http";
    const call = request({ host: "docker-api-filter.docker-api", port: 2375, method: ${JSON.stringify(method)}, path: ${JSON.stringify(path)}, headers: ${JSON.stringify(headers)} });
    const done = (status, body) => { console.log(JSON.stringify({ status, body: body.slice(0, 200000) })); process.exit(0); };
    let text = "";
    call.on("response", (response) => {
      response.on("data", (chunk) => { text += chunk.toString("latin1"); });
      response.on("end", () => done(response.statusCode, text));
      setTimeout(() => done(response.statusCode, text), 2500);
    });
    call.on("upgrade", (response) => done(response.statusCode, "upgraded"));
    call.on("error", (error) => done(0, error.code));
    call.end(${body === undefined ? "" : JSON.stringify(body)});`,
  ]);
  if (stdout === "") throw new Error(stderr);
  return Answer.parse(JSON.parse(stdout));
}

const broker = () => e2e.containerOf("broker");

describe("Dozzle's own calls, against the filter and the real engine", () => {
  it.each([
    ["HEAD", "/_ping"],
    ["GET", "/_ping"],
    ["GET", "/v1.41/version"],
    ["GET", "/v1.41/info"],
    ["GET", "/v1.41/containers/json?all=1"],
  ])("%s %s", async (method, path) => expect((await ask(method, path)).status).toBe(200));

  it("inspect, logs, stats and events", async () => {
    const id = await broker();
    expect((await ask("GET", `/v1.41/containers/${id}/json`)).status).toBe(200);
    const logs = await ask(
      "GET",
      `/v1.41/containers/${id}/logs?follow=1&stdout=1&stderr=1&timestamps=1&tail=100`,
    );
    expect(logs.status).toBe(200);
    expect(logs.body).toContain('"service":"broker"');
    const stats = await ask("GET", `/v1.41/containers/${id}/stats?stream=1`);
    expect(stats.status).toBe(200);
    expect(stats.body).toContain("memory_stats");
    expect((await ask("GET", "/v1.41/events")).status).toBe(200);
  });

  it("lists the project's containers and nobody else's", async () => {
    const foreign = await run("docker", [
      "run",
      "--detach",
      "--rm",
      "--network",
      "none",
      "--entrypoint",
      "sleep",
      "debian:12.12-slim",
      "120",
    ]);
    const id = foreign.stdout.trim();
    try {
      const listed = (await ask("GET", "/v1.41/containers/json?all=1")).body;
      expect(listed).not.toContain(id);
      expect(listed).toContain(await broker());
      expect((await ask("GET", `/v1.41/containers/${id}/json`)).status).toBe(404);
      expect((await ask("GET", `/v1.41/containers/${id}/logs?stdout=1`)).status).toBe(404);
    } finally {
      await run("docker", ["kill", id]);
    }
  });
});

describe("an intruder in the log viewer", () => {
  it.each([
    ["GET", "/v1.41/containers/ID/archive?path=/run/claws"],
    ["GET", "/v1.41/containers/ID/export"],
    ["GET", "/v1.41/containers/ID/top"],
    ["GET", "/v1.41/containers/ID/changes"],
    ["GET", "/v1.41/containers/ID/attach/ws?stdin=1&stream=1"],
    ["POST", "/v1.41/containers/ID/attach?stdin=1&stream=1"],
    ["POST", "/v1.41/containers/ID/kill"],
    ["POST", "/v1.41/containers/ID/exec"],
    ["POST", "/v1.41/containers/create"],
    ["POST", "/v1.41/images/create?fromImage=x"],
    ["DELETE", "/v1.41/containers/ID"],
    ["GET", "/v1.41/volumes"],
    ["GET", "/v1.41/networks"],
    ["GET", "/v1.41/secrets"],
    ["GET", "/v1.41/containers/ID/../ID/archive?path=/"],
    ["GET", "/v1.41/containers/ID%2fexport"],
    ["GET", "//v1.41/containers/ID/export"],
  ])("cannot %s %s", async (method, path) => {
    const { status } = await ask(method, path.replaceAll("ID", await broker()));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
  });

  it("cannot upgrade a connection", async () => {
    const { status, body } = await ask("GET", `/v1.41/containers/${await broker()}/logs?stdout=1`, {
      connection: "Upgrade",
      upgrade: "tcp",
    });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body).not.toBe("upgraded");
  });

  it("reads no environment, no command line and no path of the host in an inspection", async () => {
    const { body } = await ask("GET", `/v1.41/containers/${await e2e.containerOf("launcher")}/json`);
    expect(JSON.parse(body)).toMatchObject({ Config: { Env: [] }, Mounts: [] });
    expect(body).not.toMatch(/"Cmd"|"Binds"|docker\.sock|SERVER_USER/);
  });
});
