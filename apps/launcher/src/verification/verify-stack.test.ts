import type { Probe } from "@claws/contracts";
import { createLogger } from "@claws/service-kit";
import { beforeEach, describe, expect, it } from "vitest";
import { FakeEngine } from "../fake-engine.ts";
import { FakeInspector, SOUND_FACTS } from "./fake-inspector.ts";
import type { ListedContainer } from "./inspector.ts";
import { createVerifyStack, type VerifyStack } from "./verify-stack.ts";

const POLICY = {
  agents: {},
  servers: {},
  egress: {
    rules: [
      { action: "allow", host: "*.wild.example", port: 443, key: "egress.rules[0]" },
      { action: "allow", host: "docs.example.org", port: 443, key: "egress.rules[1]" },
    ],
  },
} as unknown as Parameters<typeof createVerifyStack>[0]["policy"];

const compose = (service: string, project = "claws") => ({
  "com.docker.compose.project": project,
  "com.docker.compose.service": service,
});
const attached = (network: string, last: number, gateway = "") => ({
  network,
  address: `10.0.${network.length}.${last}`,
  gateway,
});
const listed = (
  id: string,
  labels: Record<string, string>,
  ...networks: ListedContainer["networks"]
): ListedContainer => ({
  id,
  name: `claws-${id}-1`,
  labels,
  networks,
  ports: [],
});
const AGENT = listed("agent", compose("agent"), attached("claws_agent", 5, "10.0.11.1"));
const DOORS = [
  listed("broker", compose("broker"), attached("claws_agent", 2), attached("claws_control", 2)),
  listed("model-gateway", compose("model-gateway"), attached("claws_agent", 3)),
  listed(
    "egress-filter",
    compose("egress-filter"),
    attached("claws_agent", 4),
    attached("claws_internet", 4),
  ),
];
const FS = listed(
  "fs",
  { "claws.project": "claws", "claws.server": "fs", "claws.agent": "main" },
  { network: "none", address: "", gateway: "" },
);
const PASSED: Probe = {
  id: "TOP-01",
  from: "agent:main",
  tried: "routes",
  expected: "none",
  happened: "none",
  passed: true,
};

/** An engine whose containers print, as soon as they run, what a test wants them to. */
class ProbingEngine extends FakeEngine {
  print: string | undefined = JSON.stringify([PASSED]);
  complain = "";
  image: string | undefined = `sha256:${"a".repeat(64)}`;

  override async imageId() {
    return this.image as string;
  }
  override async start(id = "") {
    await super.start();
    const { output } = this.get(id);
    if (this.complain !== "") this.say(id, 2, this.complain);
    if (this.print !== undefined) this.say(id, 1, this.print);
    output.end();
  }
}

let engine: ProbingEngine;
let inspector: FakeInspector;
let verify: VerifyStack;
beforeEach(() => {
  engine = new ProbingEngine();
  inspector = new FakeInspector();
  inspector.containers = [AGENT, ...DOORS];
  inspector.facts.set("agent", SOUND_FACTS);
  inspector.facts.set("fs", { ...SOUND_FACTS, networkMode: "none", networks: ["none"], mounts: [] });
  const logger = createLogger("launcher");
  logger.level = "silent";
  verify = createVerifyStack({
    engine,
    inspector,
    project: "claws",
    policy: POLICY,
    proberImage: "prober",
    logger,
  });
});

const environmentOf = (index: number) =>
  Object.fromEntries((engine.specs[index]?.Env ?? []).map((entry) => entry.split(/=(.*)/s).slice(0, 2)));
const failedIds = (probes: readonly Probe[]) => probes.filter(({ passed }) => !passed).map(({ id }) => id);

describe("a run", () => {
  it("probes in the agent's namespace, with our image, every wall up, and removes the prober", async () => {
    const report = await verify({ decoyPort: 45_000 });
    expect(report).toMatchObject({ version: 1, passed: true });
    expect(report.probes).toContainEqual(PASSED);
    expect(engine.specs[0]).toMatchObject({
      Image: engine.image,
      User: "10001:10001",
      Labels: { "claws.project": "claws", "claws.prober": "true", "com.docker.compose.project": "" },
      HostConfig: {
        NetworkMode: "container:agent",
        ReadonlyRootfs: true,
        Privileged: false,
        CapDrop: ["ALL"],
        SecurityOpt: ["no-new-privileges:true"],
        PidsLimit: 64,
        AutoRemove: true,
        Mounts: [{ Type: "volume", Source: "claws_keys-agent-main", Target: "/run/claws", ReadOnly: true }],
      },
    });
    expect(engine.running.size).toBe(0);
  });

  it("tells the prober who is where", async () => {
    await verify({ decoyPort: 45_000 });
    const environment = environmentOf(0);
    expect(environment).toMatchObject({
      FROM: "agent:main",
      NETWORKS: "1",
      DOORS: "broker=10.0.11.2:7000,model-gateway=10.0.11.3:7001,egress-filter=10.0.11.4:3128+53",
      HOST_ADDRESSES: "10.0.11.1",
      DECOY_PORT: "45000",
      PROXY: "10.0.11.4:3128",
      DNS_ADDRESS: "10.0.11.4",
      ALLOWED_NAME: "docs.example.org",
      PROXY_USER: "main",
      TOKEN_FILE: "/run/claws/token",
    });
    expect(environment["NEIGHBOURS"]).toMatch(/^broker=10\.0\.11\.2:[\d+]*\+9090,/);
    expect(environment["NEIGHBOURS"]?.split(",")[0]?.split(/[:+]/)).not.toContain("7000");
    expect(environment["STRANGERS"]).toContain("broker on claws_control=10.0.13.2:");
    expect(environment["STRANGERS"]).toContain("egress-filter on claws_internet=10.0.14.4:");
  });

  it("probes in the namespace of each MCP server too, without a token", async () => {
    inspector.containers = [AGENT, ...DOORS, FS];
    expect((await verify({})).passed).toBe(true);
    const targets = engine.specs.map(({ HostConfig }) => HostConfig.NetworkMode);
    expect(new Set(targets)).toEqual(new Set(["container:agent", "container:fs"]));
    const index = engine.specs.findIndex(({ HostConfig }) => HostConfig.NetworkMode === "container:fs");
    expect(engine.specs[index]?.HostConfig.Mounts).toEqual([]);
    expect(environmentOf(index)).toMatchObject({
      FROM: "server:fs",
      NETWORKS: "0",
      DOORS: "",
      NEIGHBOURS: "",
    });
    expect(environmentOf(index)).not.toHaveProperty("TOKEN_FILE");
  });

  it("leaves out a server that ended meanwhile", async () => {
    inspector.containers = [AGENT, ...DOORS, FS];
    inspector.facts.delete("fs");
    const report = await verify({});
    expect(report.passed).toBe(true);
    expect(report.probes.every(({ from }) => from === "agent:main")).toBe(true);
  });

  it("runs no prober as root, whoever the agent is", async () => {
    inspector.facts.set("agent", { ...SOUND_FACTS, user: "0" });
    const { probes } = await verify({});
    expect(engine.specs[0]?.User).toBe("65532:65532");
    expect(failedIds(probes)).toEqual(["agent-privileges"]);
  });

  it("removes what an earlier launcher left behind", async () => {
    engine.leftovers = ["old"];
    await verify({});
    expect(engine.leftovers).toEqual([]);
  });

  it("takes nobody of another project for the agent, a door, or a server of ours", async () => {
    const others = [
      listed("x-agent", compose("agent", "other"), attached("other_agent", 9)),
      listed("x-broker", compose("broker", "other"), attached("claws_agent", 9)),
      listed("x-fs", { ...FS.labels, "claws.project": "other" }),
    ];
    inspector.containers = [AGENT, ...DOORS, ...others];
    const { probes } = await verify({});
    expect(engine.specs).toHaveLength(1);
    expect(failedIds(probes)).toEqual(["agent-network-members"]);
    expect(environmentOf(0)["DOORS"]).not.toContain("10.0.11.9");
    expect(environmentOf(0)["NEIGHBOURS"]).toContain("claws-x-broker-1=10.0.11.9:");
  });
});

describe("a run finds", () => {
  it("the agent on a second network", async () => {
    inspector.containers = [
      { ...AGENT, networks: [attached("bridge", 9, "172.17.0.1"), ...AGENT.networks] },
      ...DOORS,
    ];
    inspector.facts.set("agent", { ...SOUND_FACTS, networks: ["bridge", "claws_agent"] });
    const report = await verify({});
    expect([report.passed, failedIds(report.probes)]).toEqual([false, ["agent-networks"]]);
    // The doors are looked for where they belong all the same.
    expect(environmentOf(0)["DOORS"]).toContain("broker=10.0.11.2:7000");
    expect(environmentOf(0)["HOST_ADDRESSES"]).toContain("172.17.0.1");
  });

  it("what its prober found", async () => {
    engine.print = JSON.stringify([{ ...PASSED, passed: false }]);
    const report = await verify({});
    expect([report.passed, report.failure, failedIds(report.probes)]).toEqual([false, undefined, ["TOP-01"]]);
  });

  it("a door that does not run, as what may still come", async () => {
    inspector.containers = [AGENT, ...DOORS.slice(0, 2)];
    const report = await verify({});
    expect([report.passed, failedIds(report.probes)]).toEqual([false, ["door-answers"]]);
    expect(engine.specs).toEqual([]);
  });
});

describe("a run that cannot be made says so:", () => {
  it("no agent", async () => {
    inspector.containers = DOORS;
    expect(await verify({})).toMatchObject({
      passed: false,
      probes: [],
      failure: expect.stringContaining("no container of service agent runs in project claws"),
    });
  });

  it("no image", async () => {
    engine.image = undefined;
    expect((await verify({})).failure).toMatch(/the image prober is missing: '.\/claws up' builds it/);
  });

  it("an agent that ended meanwhile", async () => {
    inspector.facts.delete("agent");
    expect((await verify({})).failure).toContain("agent:main ended meanwhile");
  });

  it.each<[string, string | undefined]>([
    ["nothing printed", undefined],
    ["no JSON", "hello"],
    ["no probes", "[]"],
    ["another shape", '[{"id":"x"}]'],
    ["too much", `["${"x".repeat(1_100_000)}"]`],
  ])("%s", async (_what, print) => {
    engine.print = print;
    engine.complain = "Error: out of memory";
    const report = await verify({});
    expect(report.passed).toBe(false);
    expect(report.failure).toMatch(/from agent:main: the prober gave no report.*out of memory/);
    expect(engine.running.size).toBe(0);
  });

  it.each(["image", "list", "create", "start", "all"])("the engine fails at %s", async (step) => {
    engine.failing = step;
    if (step === "image") engine.imageId = FakeEngine.prototype.imageId.bind(engine);
    const report = await verify({});
    expect(report.passed).toBe(false);
    expect(report.failure).toContain("the Docker engine");
    engine.failing = undefined;
    expect((await verify({})).passed).toBe(true);
  });
});
