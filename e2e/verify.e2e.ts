import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VerificationReport } from "@claws/contracts";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { e2e, eventually } from "./deployment.ts";
import { run } from "./run-program.ts";

const directory = mkdtempSync(join(tmpdir(), "claws-verify-"));
const file = join(directory, "verify-report.json");
const EXTRA = `${e2e.project}_extra`;

/** `./claws verify --json`, with the report that it printed and the one that it wrote. */
async function verify() {
  const { code, stdout, stderr } = await e2e.claws(["verify", "--json"], {
    env: { CLAWS_VERIFY_REPORT: file },
  });
  if (stdout === "") throw new Error(`nothing was verified: ${stderr}`);
  const report = VerificationReport.parse(JSON.parse(stdout));
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual(report);
  return { code, report, holes: report.probes.filter(({ passed }) => !passed) };
}

const Answer = z.object({ status: z.number(), text: z.string() });

/** What each door says to the agent right now. */
async function askDoors(): Promise<
  Record<"broker" | "egress-filter" | "model-gateway", z.infer<typeof Answer>>
> {
  const script = `
    import { readFileSync } from "node:fs";
    import { connect } from "node:net";
    const token = readFileSync("/run/claws/token", "utf8").trim();
    const bearer = { authorization: "Bearer " + token, "content-type": "application/json" };
    const ask = (url, init) => fetch(url, { ...init, headers: bearer })
      .then(async (response) => ({ status: response.status, text: await response.text() }))
      .catch((error) => ({ status: 0, text: String(error.cause ?? error) }));
    const proxy = () => new Promise((resolve) => {
      let text = "";
      const done = () => resolve({ status: Number(/^HTTP\\/1\\.1 (\\d+)/.exec(text)?.[1] ?? 0), text });
      const socket = connect(3128, "egress-filter", () => socket.write(
        "GET http://allowed.example/ HTTP/1.1\\r\\nHost: allowed.example\\r\\nConnection: close\\r\\n" +
        "Proxy-Authorization: Basic " + Buffer.from("main:" + token).toString("base64") + "\\r\\n\\r\\n"));
      socket.on("data", (chunk) => { text += chunk; }).on("error", done).on("close", done);
      setTimeout(() => socket.destroy(), 5000).unref();
    });
    const messages = [{ role: "user", content: "hello" }];
    console.log(JSON.stringify({
      broker: await ask("http://broker:7000/v1/tools"),
      "model-gateway": await ask("http://model-gateway:7001/v1/chat/completions",
        { method: "POST", body: JSON.stringify({ model: "mock-1", messages }) }),
      "egress-filter": await proxy(),
    }));
    process.exit();`;
  const { stdout, stderr } = await e2e.evaluate("agent", script);
  if (stdout === "") throw new Error(`the agent's container did not answer: ${stderr}`);
  return z
    .object({ broker: Answer, "model-gateway": Answer, "egress-filter": Answer })
    .parse(JSON.parse(stdout));
}

const statuses = async () => Object.values(await askDoors()).map(({ status }) => status);
const areAll = (status: number) => (found: readonly number[]) => found.every((each) => each === status);
const docker = async (...args: string[]) => {
  const { code, stderr } = await run("docker", args);
  if (code !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr}`);
};

const AuditLine = z.looseObject({ event: z.string() });

async function readRecords(): Promise<z.infer<typeof AuditLine>[]> {
  const { stdout } = await e2e.claws(["audit", "tail", "500"]);
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => AuditLine.parse(JSON.parse(line)));
}

beforeAll(async () => {
  // An MCP server runs once somebody needed it.
  await eventually(statuses, areAll(200));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("./claws verify", () => {
  it("finds no way out of the stack as it is shipped", async () => {
    const { code, report, holes } = await verify();
    expect(holes).toEqual([]);
    expect([code, report.passed, report.failure]).toEqual([0, true, undefined]);
    const from = new Set(report.probes.map((probe) => probe.from));
    expect(from).toContain("agent:main");
    expect([...from].some((place) => place.startsWith("server:"))).toBe(true);
  });

  it.each([
    "TOP-01",
    "TOP-02",
    "TOP-03",
    "TOP-06",
    "TOP-07",
    "TOP-08",
    "TOP-09",
    "TOP-10",
    "TOP-11",
    "TOP-12",
    "TOP-17",
    "agent-networks",
    "agent-privileges",
    "agent-mounts",
    "metadata",
    "door-answers",
    "proxy-refuses",
    "proxy-credentials",
  ])("tries %s", async (id) => {
    const { probes } = VerificationReport.parse(JSON.parse(readFileSync(file, "utf8")));
    expect(probes.filter((probe) => probe.id === id && probe.from === "agent:main")).not.toEqual([]);
  });

  it("tries the machine on a port on which it listens", () => {
    const { probes } = VerificationReport.parse(JSON.parse(readFileSync(file, "utf8")));
    expect(probes.find(({ id }) => id === "TOP-02")?.tried).toMatch(/port \d+ among them, where it listens/);
  });

  it("prints a table, and leaves no prober behind", async () => {
    const { code, stdout } = await e2e.claws(["verify"], { env: { CLAWS_VERIFY_REPORT: file } });
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/✓ TOP-02 .*\n[^]*✓ no other way out: \d+ probes/),
    ]);
    const { stdout: left } = await run("docker", [
      "ps",
      "--all",
      "--quiet",
      "--filter",
      "label=claws.prober",
    ]);
    expect(left).toBe("");
  });
});

describe("a second network of the agent", () => {
  afterEach(async () => {
    await run("docker", ["network", "disconnect", "--force", EXTRA, await e2e.containerOf("agent")]);
    await run("docker", ["network", "rm", EXTRA]);
    expect((await verify()).code).toBe(0);
    await eventually(statuses, areAll(200));
  });

  it.each([["internal"], ["with a way to the machine"]])(
    "(%s) is a hole: every door closes, with its reason, and opens when it is gone",
    async (kind) => {
      const options =
        kind === "internal"
          ? ["--internal"]
          : ["--opt", "com.docker.network.bridge.enable_ip_masquerade=false"];
      await docker("network", "create", ...options, EXTRA);
      await docker("network", "connect", EXTRA, await e2e.containerOf("agent"));
      const { code, report, holes } = await verify();
      expect([code, report.passed]).toEqual([1, false]);
      const ids = holes.map(({ id }) => id);
      expect(ids).toEqual(expect.arrayContaining(["agent-networks", "interfaces", "TOP-02"]));
      // The machine's own listener was reached, as the decoy is there to show.
      expect(holes.find(({ id }) => id === "TOP-02")?.happened).toMatch(/:\d+\/tcp (answered|refused)/);

      await eventually(statuses, areAll(503), 15_000);
      const doors = await askDoors();
      for (const [door, { text }] of Object.entries(doors)) {
        expect(text, door).toContain("stack_unverified");
        expect(text, door).toContain("./claws verify");
      }
      const records = await readRecords();
      expect(records.findLast(({ event }) => event === "stack.verified")).toMatchObject({
        outcome: "failed",
        detail: { holes: expect.arrayContaining(["agent-networks"]) },
      });
      expect(records.findLast(({ event }) => event === "anomaly.detected")).toMatchObject({
        outcome: "failed",
        subject: "verification",
      });
      const { stdout: log } = await e2e.compose(["logs", "--no-log-prefix", "broker"]);
      expect(log).toMatch(/"level":"error"[^\n]*verification FAILED/);
    },
  );
});

describe("before the boot run has passed", () => {
  it("no door opens; with the proof, all do", async () => {
    await docker("stop", "--time", "2", await e2e.containerOf("launcher"));
    // None of them may remember an earlier proof.
    for (const service of ["broker", "model-gateway", "egress-filter"])
      await docker("restart", "--time", "2", await e2e.containerOf(service));
    await eventually(statuses, areAll(503));
    const doors = await askDoors();
    for (const [door, { text }] of Object.entries(doors)) expect(text, door).toContain("stack_unverified");
    await docker("start", await e2e.containerOf("launcher"));
    await eventually(statuses, areAll(200));
  });
});
