import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { callTool } from "./agent.ts";
import { e2e, eventually } from "./deployment.ts";
import { run } from "./run-program.ts";

/** The fixture server `web`: the profile gives it one host of its own, server.example:80. */
const NETWORK = `${e2e.project}_tool-main-web`;

const scratch = mkdtempSync(join(tmpdir(), "claws-server-egress-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function callWeb<Shape extends z.ZodType>(
  tool: string,
  values: unknown,
  shape: Shape,
): Promise<z.infer<Shape>> {
  const { status, body } = await callTool(`web__${tool}`, values);
  expect(status, JSON.stringify(body)).toBe(200);
  return shape.parse(body["structuredContent"]);
}

const Fetched = z.object({ status: z.number(), body: z.string() });
const Exchanged = z.object({ ended: z.string(), received: z.string() });
const fetchAs = (url: string) => callWeb("fetch", { url }, Fetched);
const exchange = (host: string, port: number, text = "x") =>
  callWeb("exchange", { host, port, text }, Exchanged);
/** One plain request to the proxy of its network, with this line for credentials. */
const throughProxy = async (host: string, credentials: string) =>
  (
    await exchange(
      "egress-filter",
      3128,
      `GET http://${host}/ HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${credentials}\r\n`,
    )
  ).received;

async function containersOfWeb(): Promise<string[]> {
  const labels = [`label=claws.project=${e2e.project}`, "label=claws.server=web"];
  const filters = labels.flatMap((label) => ["--filter", label]);
  const { stdout } = await run("docker", ["ps", "--all", "--quiet", "--no-trunc", ...filters]);
  return stdout.split("\n").filter((id) => id !== "");
}

async function inspect(what: string, format: string): Promise<string> {
  return (await run("docker", ["inspect", "--format", format, what])).stdout.trim();
}

async function addressOf(service: string, network: string): Promise<string> {
  const format = `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`;
  return inspect(await e2e.containerOf(service), format);
}

beforeAll(async () => {
  await eventually(
    () => callTool("web__network", {}),
    ({ status }) => status === 200,
  );
});

describe("an MCP server with an egress grant", () => {
  it("reaches its own host, by the proxy of its environment", async () => {
    const { status, body } = await fetchAs("http://server.example/from-server");
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({ host: "server.example", path: "/from-server" });
  });

  it("does not reach the agent's hosts, nor the agent its", async () => {
    const asItself = "Proxy-Authorization: Basic CREDENTIALS\r\n";
    expect((await throughProxy("server.example", asItself)).split("\r\n")[0]).toMatch(/^HTTP\/1\.1 200 /);
    for (const host of ["allowed.example", "once.ask.example", "forbidden.example"]) {
      const received = await throughProxy(host, asItself);
      expect(received).toMatch(/^HTTP\/1\.1 403 [^]*"reason":"not_allowed"/);
      expect((await fetchAs(`http://${host}/`)).status).toBe(0);
    }
    const { stdout } = await e2e.exec("agent", ["curl", "-sS", "http://server.example/"]);
    expect(JSON.parse(stdout)).toMatchObject({ reason: "not_allowed" });
  });

  it("is alone with egress-filter on a network of its own, as an identity of its own", async () => {
    const seen = await callWeb(
      "network",
      {},
      z.object({ addresses: z.array(z.string()), proxy: z.string(), user: z.string() }),
    );
    expect(seen.addresses).toEqual([expect.stringMatching(/^10\.214\.\d+\.\d+$/)]);
    expect([seen.proxy, seen.user]).toEqual(["egress-filter:3128", expect.stringContaining("web")]);
    const { stdout } = await run("docker", ["network", "inspect", NETWORK]);
    const [network] = z
      .array(
        z.object({
          Internal: z.boolean(),
          Options: z.record(z.string(), z.string()),
          Containers: z.record(z.string(), z.unknown()),
        }),
      )
      .parse(JSON.parse(stdout));
    expect(network?.Internal).toBe(true);
    expect(network?.Options["com.docker.network.bridge.inhibit_ipv4"]).toBe("true");
    expect(network?.Options["com.docker.network.bridge.name"]).toMatch(/^clw-/);
    const members = [await e2e.containerOf("egress-filter"), ...(await containersOfWeb())];
    expect(Object.keys(network?.Containers ?? {}).sort()).toEqual(members.sort());
  });

  it("gets 407 without credentials, and with wrong ones", async () => {
    for (const pair of ["web:guessed", "main:guessed", "web:"]) {
      const line = `Proxy-Authorization: Basic ${Buffer.from(pair).toString("base64")}\r\n`;
      expect((await throughProxy("server.example", line)).split("\r\n")[0]).toMatch(/^HTTP\/1\.1 407 /);
    }
    expect((await throughProxy("server.example", "")).split("\r\n")[0]).toMatch(/^HTTP\/1\.1 407 /);
  });

  it("is not given the agent's token by a tool call", async () => {
    const token = (await e2e.exec("agent", ["cat", "/run/claws/token"])).stdout.trim();
    const carried = await callTool("web__exchange", { host: "egress-filter", port: 3128, text: token });
    expect(carried.body["code"]).toBe("dlp_blocked");
  });

  it("gets 407 with the agent's token, however it came by it", async () => {
    const token = (await e2e.exec("agent", ["cat", "/run/claws/token"])).stdout.trim();
    const script = `
      const pair = Buffer.from("main:" + process.env.TOKEN).toString("base64");
      const headers = { host: "allowed.example", "proxy-authorization": "Basic " + pair };
      require("node:http").get({ host: "egress-filter", port: 3128, path: "http://allowed.example/", headers },
        ({ statusCode }) => { console.log(statusCode); process.exit(); });`;
    const [container = ""] = await containersOfWeb();
    const environment = ["--env", `TOKEN=${token}`, "--env", "NODE_USE_ENV_PROXY=0"];
    const node = ["exec", ...environment, container, "/usr/local/bin/node", "-e", script];
    expect((await run("docker", node)).stdout.trim()).toBe("407");
  });

  it("resolves nothing but the proxy's name", async () => {
    const resolve = async (name: string) =>
      (await callWeb("resolve", { name }, z.object({ found: z.string() }))).found;
    expect(await resolve("egress-filter")).toBe(await addressOf("egress-filter", NETWORK));
    for (const name of ["server.example", "allowed.example", "agent", "broker", "x.example"])
      expect(await resolve(name)).toBe("ENOTFOUND");
  });

  it.each([
    ["agent", "agent", 3128],
    ["broker", "agent", 7000],
    ["egress-filter", "agent", 3128],
    ["egress-filter", "control", 3129],
    ["auditor", "control", 7443],
    ["launcher", "launch", 7443],
    ["outside", "internet", 80],
  ])("cannot connect to %s on %s directly", async (service, network, port) => {
    const address = await addressOf(service, `${e2e.project}_${network}`);
    expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    const { ended, received } = await exchange(address, port);
    expect(received).toBe("");
    expect(ended).toMatch(/^(timeout|ENETUNREACH|EHOSTUNREACH)$/);
  });

  it("cannot connect to the host, at any address that the engine gave it", async () => {
    const { stdout } = await run("docker", ["network", "ls", "--quiet", "--no-trunc"]);
    const gateways = (
      await Promise.all(
        stdout
          .trim()
          .split("\n")
          .map((id) => inspect(id, "{{range .IPAM.Config}}{{.Gateway}} {{end}}")),
      )
    ).flatMap((line) => line.split(" ").filter((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address)));
    expect(gateways.length).toBeGreaterThan(2);
    for (const gateway of gateways.slice(0, 6))
      expect((await exchange(gateway, 22)).ended).toMatch(/^(timeout|ENETUNREACH|EHOSTUNREACH)$/);
  });

  it("finds nothing but proxy and names at egress-filter", async () => {
    const found: Record<number, string> = {};
    for (const port of [53, 80, 443, 3128, 3129, 7443, 9090])
      found[port] = (await exchange("egress-filter", port, "")).ended;
    expect(
      Object.entries(found)
        .filter(([, ended]) => ended !== "ECONNREFUSED")
        .map(([port]) => port),
    ).toEqual(["53", "3128"]);
  });

  it("is recorded as itself", async () => {
    await fetchAs("http://server.example/recorded");
    const record = await eventually(
      async () => {
        const { stdout } = await e2e.claws(["audit", "tail", "100"]);
        return stdout
          .split("\n")
          .filter((line) => line.startsWith("{"))
          .map((line) => JSON.parse(line) as Record<string, unknown>)
          .findLast(({ event, subject }) => event === "egress.decided" && subject === "server.example:80");
      },
      (found) => found !== undefined,
      10_000,
    );
    expect(record).toMatchObject({
      outcome: "allow",
      service: "egress-filter",
      detail: expect.objectContaining({ caller: "server:web" }),
    });
  });
});

describe("when egress-filter is made anew, as './claws up' does for a changed setting", () => {
  it("a server that runs has its way out again, and the proof holds", async () => {
    const before = await containersOfWeb();
    const recreate = [
      "--profile",
      "filtered",
      "up",
      "--detach",
      "--no-build",
      "--no-deps",
      "--force-recreate",
    ];
    const { code, stderr } = await e2e.compose([...recreate, "egress-filter"]);
    expect(code, stderr).toBe(0);
    await eventually(
      () => callTool("web__fetch", { url: "http://server.example/" }),
      ({ status, body }) => status === 200 && Fetched.parse(body["structuredContent"]).status === 200,
    );
    expect(await containersOfWeb()).toEqual(before);
    const report = join(scratch, "verify-report.json");
    const verify = await e2e.claws(["verify"], { env: { CLAWS_VERIFY_REPORT: report } });
    expect(verify.code, verify.stdout).toBe(0);
  });
});

describe("when the server ends", () => {
  afterAll(async () => {
    await eventually(
      () => callTool("web__fetch", { url: "http://server.example/" }),
      ({ status }) => status === 200,
    );
  });

  it("its network goes with it, and the next one has its way out again", async () => {
    const before = await inspect(NETWORK, "{{.Id}}");
    const [container = ""] = await containersOfWeb();
    await run("docker", ["kill", container]);
    await eventually(
      async () => (await run("docker", ["network", "inspect", before])).code,
      (code) => code !== 0,
      20_000,
    );
    await eventually(
      () => callTool("web__fetch", { url: "http://server.example/again" }),
      ({ status, body }) => status === 200 && Fetched.parse(body["structuredContent"]).status === 200,
    );
    const networks = await run("docker", [
      "network",
      "ls",
      "--quiet",
      "--no-trunc",
      "--filter",
      `label=claws.project=${e2e.project}`,
    ]);
    expect(networks.stdout.trim().split("\n")).toEqual([await inspect(NETWORK, "{{.Id}}")]);
  });
});
