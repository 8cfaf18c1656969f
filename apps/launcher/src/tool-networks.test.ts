import { PassThrough } from "node:stream";
import { AgentId, ServerName } from "@claws/contracts";
import { createLogger } from "@claws/service-kit";
import { beforeEach, describe, expect, it } from "vitest";
import { FakeEngine } from "./fake-engine.ts";
import { createToolNetworks, type ToolNetworks } from "./tool-networks.ts";

const [ada, bob] = ["ada", "bob"].map((name) => AgentId.parse(name)) as [AgentId, AgentId];
const [web, mail] = ["web", "mail"].map((name) => ServerName.parse(name)) as [ServerName, ServerName];

let engine: FakeEngine;
let networks: ToolNetworks;
const start = (pool = "10.214.0.0/26") =>
  createToolNetworks({
    engine,
    logger: createLogger("launcher", new PassThrough().resume()),
    project: "claws-test",
    pool,
  });
const all = () => [...engine.networks.values()];
const names = () => all().map(({ name }) => name);
beforeEach(() => {
  engine = new FakeEngine();
  networks = start();
});

describe("the networks of servers", () => {
  it("are internal, without an address of the host, and known to the firewall by their bridges", async () => {
    await networks.join(ada, web);
    expect(all()[0]?.spec).toEqual({
      Name: "claws-test_tool-ada-web",
      CheckDuplicate: true,
      Driver: "bridge",
      Internal: true,
      Attachable: false,
      EnableIPv6: false,
      IPAM: {
        Driver: "default",
        Config: [{ Subnet: "10.214.0.0/28", IPRange: "10.214.0.8/29", Gateway: "10.214.0.1" }],
      },
      Options: {
        "com.docker.network.bridge.inhibit_ipv4": "true",
        "com.docker.network.bridge.name": expect.stringMatching(/^clw-[0-9a-f]{6}-[0-9a-f]{4}$/),
      },
      Labels: { "claws.project": "claws-test", "claws.server": "web", "claws.agent": "ada" },
    });
  });

  it("are one for each agent and server, each with egress-filter at its fixed address", async () => {
    const joined = await Promise.all([
      networks.join(ada, web),
      networks.join(ada, mail),
      networks.join(bob, web),
    ]);
    expect(joined.map(({ name, filterAddress }) => `${name} ${filterAddress}`)).toEqual([
      "claws-test_tool-ada-web 10.214.0.2",
      "claws-test_tool-ada-mail 10.214.0.18",
      "claws-test_tool-bob-web 10.214.0.34",
    ]);
    const bridges = all().map(({ spec }) => spec.Options?.["com.docker.network.bridge.name"]);
    expect(new Set(bridges).size).toBe(3);
    expect(new Set(bridges.map((bridge) => bridge?.slice(0, 10))).size).toBe(1);
  });

  it("live until the last run of the server has left, however often it says so", async () => {
    const [first, second] = await Promise.all([networks.join(ada, web), networks.join(ada, web)]);
    await Promise.all([first.leave(), first.leave()]);
    expect(names()).toEqual(["claws-test_tool-ada-web"]);
    await second.leave();
    expect(names()).toEqual([]);
  });

  it("are made anew by one who joins while the last leaves", async () => {
    const first = await networks.join(ada, web);
    const [, second] = await Promise.all([first.leave(), networks.join(ada, web)]);
    expect(names()).toEqual(["claws-test_tool-ada-web"]);
    expect(all()[0]?.members).toHaveLength(1);
    await second.leave();
    expect(names()).toEqual([]);
  });

  it("keep off addresses of other networks, those that the engine lists and those it refuses", async () => {
    const foreign = { id: "x", name: "x", labels: {}, members: [], spec: { Name: "x" } };
    engine.networks.set("x", { ...foreign, subnets: ["10.214.0.0/27", "fd00::/64"] });
    const list = engine.listNetworks.bind(engine);
    engine.networks.set("y", { ...foreign, id: "y", name: "y", subnets: ["10.214.0.32/28"] });
    engine.listNetworks = async () => (await list()).filter(({ id }) => id !== "y");
    expect((await networks.join(ada, web)).filterAddress).toBe("10.214.0.50");
  });

  it("are refused when the pool is used up, and free again when one leaves", async () => {
    networks = start("10.214.0.0/28");
    const first = await networks.join(ada, web);
    await expect(networks.join(ada, mail)).rejects.toThrow(/TOOL_POOL 10\.214\.0\.0\/28/);
    await first.leave();
    expect((await networks.join(ada, mail)).filterAddress).toBe("10.214.0.2");
  });

  it("let egress-filter go before they are removed, also one that is stopped", async () => {
    const order: string[] = [];
    const disconnect = engine.disconnectNetwork.bind(engine);
    engine.disconnectNetwork = async (id, container) => {
      order.push(`disconnect ${container}`);
      await disconnect(id, container);
    };
    const removeNetwork = engine.removeNetwork.bind(engine);
    engine.removeNetwork = async (id) => {
      order.push("remove");
      await removeNetwork(id);
    };
    await (await networks.join(ada, web)).leave();
    expect(order).toEqual(["disconnect egress-filter-1", "remove"]);
  });

  it("take an egress-filter that was made anew into a network that is in use", async () => {
    await networks.join(ada, web);
    engine.filters = ["egress-filter-2"];
    await networks.join(ada, web);
    expect(all()[0]?.members).toContain("egress-filter-2 egress-filter 10.214.0.2");
  });

  it("take it in by themselves while their servers run, once, and as soon as the engine lets them", async () => {
    await networks.refresh();
    await networks.join(ada, web);
    await networks.refresh();
    expect(all()[0]?.members).toEqual(["egress-filter-1 egress-filter 10.214.0.2"]);
    engine.filters = [];
    await networks.refresh();
    engine.filters = ["egress-filter-2"];
    engine.failing = "connect";
    await networks.refresh();
    engine.failing = undefined;
    await networks.refresh();
    await networks.refresh();
    expect(all()[0]?.members).toEqual([
      "egress-filter-1 egress-filter 10.214.0.2",
      "egress-filter-2 egress-filter 10.214.0.2",
    ]);
  });

  it("are swept if they are of this project and of the launcher, and no others", async () => {
    const left = { subnets: [], members: ["egress-filter-1 egress-filter 10.214.0.2"], spec: { Name: "" } };
    for (const [id, labels] of Object.entries({
      ours: { "claws.project": "claws-test", "claws.server": "web" },
      other: { "claws.project": "claws-test2", "claws.server": "web" },
      compose: { "claws.project": "claws-test" },
      foreign: {},
    }))
      engine.networks.set(id, { id, name: id, labels, ...left });
    await networks.sweep();
    expect(names()).toEqual(["other", "compose", "foreign"]);
  });

  it("that somebody else has removed are made anew, and outlive the runs from before", async () => {
    const before = await networks.join(ada, web);
    engine.networks.clear();
    const after = await networks.join(ada, web);
    expect(all()[0]?.members).toHaveLength(1);
    await after.leave();
    expect(names()).toEqual([]);
    await before.leave();
    expect(names()).toEqual([]);
  });

  it("that an earlier removal left behind are replaced", async () => {
    engine.failing = "network removal";
    await (await networks.join(ada, web)).leave();
    expect(names()).toHaveLength(1);
    engine.failing = undefined;
    await networks.join(ada, web);
    expect(names()).toEqual(["claws-test_tool-ada-web"]);
  });
});
