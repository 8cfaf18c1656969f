import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agentNetworkOf, VerificationReport } from "@claws/contracts";
import { afterAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { e2e } from "./deployment.ts";
import { run } from "./run-program.ts";

const scratch = mkdtempSync(join(tmpdir(), "claws-networks-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Who is on which network: the table of docs/architecture.md, held against the running containers. */
const TABLE: Record<string, string[]> = {
  agent: ["agent", "agent-door", "broker", "egress-filter", "model-gateway"],
  control: [
    "approval-gateway",
    "auditor",
    "broker",
    "dlp-scanner",
    "egress-filter",
    "model-gateway",
    "rate-limiter",
  ],
  launch: ["broker", "launcher"],
  state: ["approval-gateway", "rate-limiter", "redis"],
  "docker-api": ["docker-api-filter", "dozzle"],
  operator: ["approval-gateway", "dozzle", "netguard"],
  publish: ["netguard"],
  internet: ["egress-filter", "names", "outside", "sink", "tls-origin"],
};

const Network = z.object({
  Name: z.string(),
  Internal: z.boolean(),
  Options: z.record(z.string(), z.string()).nullable(),
  Containers: z.record(z.string(), z.object({ Name: z.string() })),
});

async function inspectNetwork(name: string): Promise<z.infer<typeof Network>> {
  const { stdout } = await run("docker", ["network", "inspect", `${e2e.project}_${name}`]);
  const [network] = z.array(Network).parse(JSON.parse(stdout));
  if (network === undefined) throw new Error(`there is no network ${name}`);
  return network;
}

const serviceOf = (container: string) => container.replace(`${e2e.project}-`, "").replace(/-\d+$/, "");

/** Tries to connect from inside a container; prints `open` or the error. */
const connectScript = (host: string, port: number) => `
  import { connect } from "node:net";
  const socket = connect({ host: ${JSON.stringify(host)}, port: ${port} });
  socket.setTimeout(2500, () => { console.log("timeout"); socket.destroy(); });
  socket.on("connect", () => { console.log("open"); socket.destroy(); });
  socket.on("error", (error) => console.log(error.code));`;

async function addressOf(service: string, network: string): Promise<string> {
  const format = `{{(index .NetworkSettings.Networks "${e2e.project}_${network}").IPAddress}}`;
  const { stdout } = await run("docker", ["inspect", "--format", format, await e2e.containerOf(service)]);
  return stdout.trim();
}

describe("networks", () => {
  it.each(Object.entries(TABLE))("%s has exactly its members", async (name, members) => {
    const { Containers } = await inspectNetwork(name);
    expect(
      Object.values(Containers)
        .map(({ Name }) => serviceOf(Name))
        .sort(),
    ).toEqual(members);
  });

  it.each(["agent", "control", "launch", "state", "docker-api", "operator"])(
    "%s is internal and its bridge has no address of the host",
    async (name) => {
      const { Internal, Options } = await inspectNetwork(name);
      expect(Internal).toBe(true);
      expect(Options?.["com.docker.network.bridge.inhibit_ipv4"]).toBe("true");
    },
  );

  it("publish only what netguard publishes, on loopback only", async () => {
    const { stdout } = await run("docker", [
      "ps",
      "--filter",
      `label=com.docker.compose.project=${e2e.project}`,
      "--format",
      "{{.Names}} {{.Ports}}",
    ]);
    const published = stdout.split("\n").filter((line) => line.includes("->"));
    expect(published.map((line) => serviceOf(line.split(" ")[0] ?? ""))).toEqual(["netguard"]);
    expect(
      published
        .join()
        .match(/(\d+\.\d+\.\d+\.\d+|\[?::\]?):\d+->/g)
        ?.every((binding) => binding.startsWith("127.0.0.1:")),
    ).toBe(true);
  });
});

describe("an intruder in the agent's container", () => {
  it.each([
    ["approval-gateway", "control", 7443],
    ["approval-gateway", "operator", 7444],
    ["rate-limiter", "control", 7443],
    ["dlp-scanner", "control", 7443],
    ["auditor", "control", 7443],
    ["launcher", "launch", 7443],
    ["redis", "state", 6379],
    ["docker-api-filter", "docker-api", 2375],
    ["broker", "control", 7000],
    ["outside", "internet", 80],
  ])("cannot connect to %s on %s", async (service, network, port) => {
    const address = await addressOf(service, network);
    expect(address).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    const { stdout } = await e2e.evaluate("agent", connectScript(address, port));
    expect(stdout.trim()).not.toBe("open");
    expect(stdout.trim()).not.toBe("");
  });

  it.each(["approval-gateway", "redis", "launcher", "outside", "sink", "forbidden.example", "x.example"])(
    "cannot resolve %s, and is told so at once",
    async (name) => {
      const { stdout } = await e2e.evaluate(
        "agent",
        `
      import { lookup } from "node:dns/promises";
      // A resolver that nobody answers gives up as well, but not before its second is over.
      setTimeout(() => { console.log("nobody answered"); process.exit(); }, 900).unref();
      console.log(await lookup(${JSON.stringify(name)}).then(({ address }) => address, (error) => error.code));`,
      );
      expect(stdout.trim()).toBe("ENOTFOUND");
    },
  );

  it.each(["allowed.example", "ALLOWED.example", "once.ask.example", "any.wild.test"])(
    "resolves %s to egress-filter, where nothing answers but the proxy",
    async (name) => {
      const { stdout } = await e2e.evaluate(
        "agent",
        `
      import { lookup } from "node:dns/promises";
      console.log(JSON.stringify(await lookup(${JSON.stringify(name)}, { all: true })));`,
      );
      const filter = await addressOf("egress-filter", "agent");
      expect(filter).toBe(`${agentNetworkOf(e2e.project).prefix}.53`);
      expect(JSON.parse(stdout)).toEqual([{ address: filter, family: 4 }]);
      for (const port of [80, 443])
        expect((await e2e.evaluate("agent", connectScript(name, port))).stdout.trim()).toBe("ECONNREFUSED");
    },
  );

  it("has no other resolver", async () => {
    const dns = await run("docker", [
      "inspect",
      "--format",
      "{{json .HostConfig.Dns}}",
      await e2e.containerOf("agent"),
    ]);
    expect(JSON.parse(dns.stdout)).toEqual([`${agentNetworkOf(e2e.project).prefix}.53`]);
    // Docker's own stands in front for the names of neighbours, and passes the rest on to egress-filter alone.
    const { stdout } = await e2e.exec("agent", ["cat", "/etc/resolv.conf"]);
    expect([...stdout.matchAll(/^nameserver (\S+)$/gm)].map(([, address]) => address)).toEqual([
      "127.0.0.11",
    ]);
  });

  it("finds only the doors' own listeners on its network", async () => {
    const doors: Record<string, readonly number[]> = {
      broker: [7000],
      "model-gateway": [7001],
      "egress-filter": [53, 3128],
      "agent-door": [3128],
    };
    const ports = new Set([9090, 7443, 3129, 7444, ...Object.values(doors).flat()]);
    for (const [service, own] of Object.entries(doors)) {
      const found: Record<number, string> = {};
      for (const port of ports)
        found[port] = (await e2e.evaluate("agent", connectScript(service, port))).stdout.trim();
      const expected = [...ports].map((port) => [port, own.includes(port) ? "open" : "ECONNREFUSED"]);
      expect({ service, found }).toEqual({ service, found: Object.fromEntries(expected) });
    }
  });

  it("finds no way out: ./claws verify", async () => {
    const { code, stdout, stderr } = await e2e.claws(["verify", "--json"], {
      env: { CLAWS_VERIFY_REPORT: join(scratch, "verify-report.json") },
    });
    const report = VerificationReport.parse(JSON.parse(stdout));
    expect(
      report.probes.filter(({ passed }) => !passed),
      stderr,
    ).toEqual([]);
    expect(report.probes.filter(({ from }) => from === "agent:main").length).toBeGreaterThanOrEqual(20);
    expect([code, report.passed, report.failure]).toEqual([0, true, undefined]);
  });

  it.each([
    ["broker", 7000, "/v1/tools/fs__list_directory/call"],
    ["broker", 7000, "/mcp"],
    ["model-gateway", 7001, "/v1/chat/completions"],
  ])("is told 401 by %s:%i%s before a byte of its body was read", async (host, port, path) => {
    const { stdout } = await e2e.evaluate(
      "agent",
      `import { request } from "node:http";
      const headers = { "content-type": "application/json", "content-length": "1000000" };
      const call = request({ host: "${host}", port: ${port}, path: "${path}", method: "POST", headers });
      call.on("response", (response) => { console.log(response.statusCode); process.exit(); });
      setTimeout(() => process.exit(), 8000);
      call.flushHeaders();`,
    );
    expect(stdout.trim()).toBe("401");
  });

  it("is refused without a token, with another one, and from a web page", async () => {
    const ask = async (headers: Record<string, string>) => {
      const { stdout } = await e2e.evaluate(
        "agent",
        `
        import { readFileSync } from "node:fs";
        const token = readFileSync("/run/claws/token", "utf8").trim();
        const headers = JSON.parse(${JSON.stringify(JSON.stringify(headers))}.replaceAll("TOKEN", token));
        const response = await fetch("http://broker:7000/v1/tools", { headers });
        console.log(JSON.stringify({ status: response.status, code: (await response.json()).code }));`,
      );
      return JSON.parse(stdout) as unknown;
    };
    expect(await ask({})).toEqual({ status: 401, code: "token_missing" });
    expect(await ask({ authorization: "Bearer x.y.z" })).toEqual({ status: 401, code: "token_invalid" });
    expect(await ask({ authorization: "Bearer TOKENx" })).toEqual({ status: 401, code: "token_invalid" });
    expect(await ask({ authorization: "Bearer TOKEN", origin: "http://evil.example" })).toEqual({
      status: 403,
      code: "cross_site",
    });
  });
});

describe("an intruder in a service of the control network", () => {
  const callWithCertificate = (host: string, port: number, path: string, certificate: boolean) => `
    import { request } from "node:https";
    import { readFileSync } from "node:fs";
    const identity = ${certificate ? '{ cert: readFileSync("/run/claws/tls.crt"), key: readFileSync("/run/claws/tls.key") }' : "{}"};
    const call = request({ host: ${JSON.stringify(host)}, port: ${port}, path: ${JSON.stringify(path)}, method: "POST", ca: readFileSync("/run/claws/ca.crt"), ...identity, headers: { "content-type": "application/json", "x-claws-operator": "owner" } }, (response) => {
      let body = ""; response.on("data", (chunk) => (body += chunk)); response.on("end", () => console.log(response.statusCode, JSON.parse(body || "{}").code));
    });
    call.on("error", (error) => console.log("error", error.code));
    call.end("{}");`;

  it("cannot call another one without a certificate of its own", async () => {
    const { stdout } = await e2e.evaluate(
      "dlp-scanner",
      callWithCertificate("rate-limiter.control", 7443, "/v1/admissions", false),
    );
    expect(stdout).toMatch(/^error/);
  });

  it.each([
    ["dlp-scanner", "approval-gateway.control", 7443, "/v1/approvals"],
    ["model-gateway", "approval-gateway.control", 7443, "/v1/approvals"],
    ["dlp-scanner", "rate-limiter.control", 7443, "/v1/admissions"],
    ["rate-limiter", "dlp-scanner.control", 7443, "/v1/scans"],
  ])("%s cannot pass for the broker at %s", async (from, host, port, path) => {
    const { stdout } = await e2e.evaluate(from, callWithCertificate(host, port, path, true));
    expect(stdout.trim()).toBe("403 peer_not_allowed");
  });

  it("cannot decide an approval: the operators' listener is not on its network", async () => {
    const address = await addressOf("approval-gateway", "control");
    const { stdout } = await e2e.evaluate("broker", connectScript(address, 7444));
    expect(stdout.trim()).toBe("ECONNREFUSED");
  });

  it.each(["broker", "model-gateway", "dlp-scanner", "approval-gateway", "rate-limiter", "front-door"])(
    "cannot leave from %s: only egress-filter has a way out",
    async (service) => {
      const { stdout } = await e2e.evaluate(
        service,
        connectScript(await addressOf("outside", "internet"), 80),
      );
      expect(stdout.trim()).toMatch(/^(timeout|ENETUNREACH|EHOSTUNREACH)$/);
    },
  );

  it.each([
    ["SCAN", "0"],
    ["KEYS", "*"],
    ["FUNCTION", "FLUSH"],
    ["SCRIPT", "FLUSH"],
    ["CONFIG", "GET", "*"],
    ["ACL", "LIST"],
    ["FLUSHALL"],
    ["GET", "{approvals}:index"],
  ])("cannot make Redis %s %s with rate-limiter's password", async (...command) => {
    const { stdout } = await e2e.evaluate(
      "rate-limiter",
      `import { connect } from "node:net";
      import { readFileSync } from "node:fs";
      const encode = (words) => "*" + words.length + "\\r\\n" + words.map((word) => "$" + Buffer.byteLength(word) + "\\r\\n" + word + "\\r\\n").join("");
      const socket = connect({ host: "redis.state", port: 6379 });
      const answers = [];
      socket.write(encode(["AUTH", "rate-limiter", readFileSync("/run/claws/redis.password", "utf8")]));
      socket.write(encode(${JSON.stringify(command)}));
      socket.setTimeout(3000, () => process.exit(1));
      socket.on("data", (data) => {
        answers.push(...data.toString().split("\\r\\n").filter((line) => line !== ""));
        if (answers.length >= 2) { console.log(JSON.stringify(answers)); socket.destroy(); }
      });`,
    );
    expect(JSON.parse(stdout)).toEqual(["+OK", expect.stringMatching(/^-NOPERM/)]);
  });
});
