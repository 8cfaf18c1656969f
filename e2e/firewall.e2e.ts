import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import * as z from "zod";
import { e2e } from "./deployment.ts";
import { type Ran, run } from "./run-program.ts";

/**
 * The host firewall on real bridges that have lost what Compose gives them: not internal, an address of the host
 * on each, IPv6 too, and a rule of somebody else's that lets them forward. Only the names of the bridges are right.
 */
const PROJECT = "claws-e2e-firewall";

/** Two bridges of ours, and one that is somebody else's. */
const NETWORKS = {
  agent: { bridge: "clw-e2ef1e-agt", ipv6: "fd5c:1a35:e2e0:1::/64" },
  tool: { bridge: "clw-e2ef1e-t001", ipv6: "fd5c:1a35:e2e0:2::/64" },
  other: { bridge: "e2e-fw-other", ipv6: "fd5c:1a35:e2e0:3::/64" },
} as const;
type NetworkName = keyof typeof NETWORKS;

const CONTAINERS = { asker: "agent", peer: "agent", server: "tool", stranger: "other" } as const;
type ContainerName = keyof typeof CONTAINERS;

const nameOf = (what: string) => `${PROJECT}-${what}`;
const PORT = 7000;

async function must(command: string, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${stderr}`);
  return stdout.trim();
}

/** Any image of this machine with our Node.js: what is tried is the network around it. */
async function findImage(): Promise<string> {
  const images = ["sandbox-claws/agent:local", e2e.env["CLAWS_NODE_IMAGE"] || "node:24.21.0-bookworm-slim"];
  for (const image of images) {
    if ((await run("docker", ["image", "inspect", image])).code === 0) return image;
  }
  throw new Error(`none of these images is here: ${images.join(", ")}`);
}

/** Other people's rule, as on a machine where the engine's isolation of bridges is switched off. */
async function letForward(verb: "-I" | "-D"): Promise<void> {
  for (const direction of ["-i", "-o"])
    await run("iptables", ["-w", verb, "DOCKER-USER", direction, NETWORKS.agent.bridge, "-j", "ACCEPT"]);
}

async function sweep(): Promise<void> {
  await letForward("-D");
  await run("docker", ["rm", "--force", "--volumes", ...Object.keys(CONTAINERS).map(nameOf)]);
  await run("docker", ["network", "rm", ...Object.keys(NETWORKS).map(nameOf)]);
}

async function startContainer(name: ContainerName, image: string): Promise<void> {
  const listen = `require("node:net").createServer((socket) => socket.end()).listen(${PORT}, "::")`;
  const walls = ["--read-only", "--cap-drop", "ALL", "--user", "65532:65532", "--init"];
  const network = nameOf(CONTAINERS[name]);
  const program = ["--entrypoint", "/usr/local/bin/node", image, "-e", listen];
  await must("docker", [
    "run",
    "--detach",
    "--name",
    nameOf(name),
    "--network",
    network,
    ...walls,
    ...program,
  ]);
}

const Endpoint = z.object({ IPAddress: z.ipv4(), GlobalIPv6Address: z.ipv6() });
const Gateways = z.array(z.object({ Gateway: z.string() }));

async function addressOf(name: ContainerName): Promise<z.infer<typeof Endpoint>> {
  const format = `{{json (index .NetworkSettings.Networks "${nameOf(CONTAINERS[name])}")}}`;
  return Endpoint.parse(JSON.parse(await must("docker", ["inspect", "--format", format, nameOf(name)])));
}

async function gatewayOf(name: NetworkName, family: 4 | 6): Promise<string> {
  const format = "{{json .IPAM.Config}}";
  const configs = JSON.parse(await must("docker", ["network", "inspect", "--format", format, nameOf(name)]));
  const gateways = Gateways.parse(configs.filter((config: object) => "Gateway" in config)).map(
    ({ Gateway }) => Gateway.replace(/\/\d+$/, ""),
  );
  const given = gateways.find((gateway) => gateway.includes(":") === (family === 6));
  // An engine does not always write down the IPv6 gateway that it chose: the first address of the subnet.
  return given ?? NETWORKS[name].ipv6.replace(/\/64$/, "1");
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
}

/** Tries all targets at once from inside a container: `open`, or how it ended. */
async function tryFrom(
  name: ContainerName,
  targets: Record<string, Target>,
): Promise<Record<string, string>> {
  const script = `
    const tcp = ({ host, port }) => new Promise((resolve) => {
      const socket = require("node:net").connect({ host, port });
      const end = (how) => { socket.destroy(); resolve(how); };
      socket.setTimeout(2500, () => end("timeout"));
      socket.on("connect", () => end("open")).on("error", ({ code }) => end(code));
    });
    const udp = ({ host, port }) => new Promise((resolve) => {
      const socket = require("node:dgram").createSocket("udp4");
      const timer = setTimeout(() => end("timeout"), 2500);
      const end = (how) => { clearTimeout(timer); socket.close(); resolve(how); };
      socket.on("message", () => end("open")).on("error", ({ code }) => end(code)).send("?", port, host);
    });
    const targets = Object.entries(JSON.parse(process.argv[1]));
    Promise.all(targets.map(async ([name, target]) => [name, await { tcp, udp }[target.protocol](target)]))
      .then((ended) => { console.log(JSON.stringify(Object.fromEntries(ended))); process.exit(); });`;
  const node = ["/usr/local/bin/node", "-e", script, JSON.stringify(targets)];
  const stdout = await must("docker", ["exec", nameOf(name), ...node]);
  return z.record(z.string(), z.string()).parse(JSON.parse(stdout));
}

async function tryFromHost(host: string): Promise<string> {
  const connect = `require("node:net").connect({ host: "${host}", port: ${PORT}, timeout: 2500 })
    .on("connect", () => { console.log("open"); process.exit(); })
    .on("timeout", () => { console.log("timeout"); process.exit(); })
    .on("error", ({ code }) => console.log(code))`;
  return must(process.execPath, ["-e", connect]);
}

const OPEN = {
  "the host, at its address on this bridge": "open",
  "the host, there by IPv6": "open",
  "the host, there by UDP": "open",
  "the host, at its address on another bridge": "open",
  "a container on a bridge that is not ours": "open",
  "a container on another bridge of ours": "open",
  "a neighbour on this bridge": "open",
  "a neighbour on this bridge, by IPv6": "open",
  "from a bridge that is not ours": "open",
  "from the host": "open",
};

const CLOSED: Record<keyof typeof OPEN, string> = {
  "the host, at its address on this bridge": "timeout",
  "the host, there by IPv6": "timeout",
  "the host, there by UDP": "timeout",
  "the host, at its address on another bridge": "timeout",
  "a container on a bridge that is not ours": "timeout",
  "a container on another bridge of ours": "timeout",
  "a neighbour on this bridge": "open",
  "a neighbour on this bridge, by IPv6": "open",
  "from a bridge that is not ours": "timeout",
  "from the host": "open",
};

/** Listens on every address of the host, TCP and UDP on one port, and says back what it hears. */
async function listenOnHost(): Promise<{ port: number; close: () => void }> {
  const server = createServer((socket) => socket.on("error", () => socket.destroy()).pipe(socket)).listen(
    0,
    "::",
  );
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const datagrams = createSocket("udp4", (message, from) => datagrams.send(message, from.port, from.address));
  datagrams.bind(port, "0.0.0.0");
  await once(datagrams, "listening");
  return {
    port,
    close: () => {
      server.close();
      datagrams.close();
    },
  };
}

async function lookAround(hostPort: number): Promise<Record<string, string>> {
  const [asker, peer, server, stranger, own, own6, elsewhere] = await Promise.all([
    addressOf("asker"),
    addressOf("peer"),
    addressOf("server"),
    addressOf("stranger"),
    gatewayOf("agent", 4),
    gatewayOf("agent", 6),
    gatewayOf("other", 4),
  ]);
  const tcp = (host: string, port = PORT): Target => ({ host, port, protocol: "tcp" });
  const [outward, inward, fromHost] = await Promise.all([
    tryFrom("asker", {
      "the host, at its address on this bridge": tcp(own, hostPort),
      "the host, there by IPv6": tcp(own6, hostPort),
      "the host, there by UDP": { host: own, port: hostPort, protocol: "udp" },
      "the host, at its address on another bridge": tcp(elsewhere, hostPort),
      "a container on a bridge that is not ours": tcp(stranger.IPAddress),
      "a container on another bridge of ours": tcp(server.IPAddress),
      "a neighbour on this bridge": tcp(peer.IPAddress),
      "a neighbour on this bridge, by IPv6": tcp(peer.GlobalIPv6Address),
    }),
    tryFrom("stranger", { "from a bridge that is not ours": tcp(asker.IPAddress) }),
    tryFromHost(asker.IPAddress),
  ]);
  return { ...outward, ...inward, "from the host": fromHost };
}

/** A connection from a container to the host that stays open and says back what is written into it. */
function holdConnection(
  host: string,
  port: number,
): { say: (word: string) => void; heard: () => string; end: () => void } {
  const script = `const socket = require("node:net").connect({ host: "${host}", port: ${port} });
    process.stdin.pipe(socket).pipe(process.stdout); process.stdin.on("end", () => process.exit());`;
  const child = spawn("docker", ["exec", "-i", nameOf("asker"), "/usr/local/bin/node", "-e", script]);
  let heard = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    heard += text;
  });
  return {
    say: (word) => void child.stdin.write(word),
    heard: () => heard,
    end: () => child.stdin.end(),
  };
}

async function until(holds: () => boolean, timeoutMs: number): Promise<boolean> {
  for (const end = Date.now() + timeoutMs; Date.now() < end; ) {
    if (holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return holds();
}

/** Everything that a firewall of this machine is made of, without counters. */
async function readHostRules(): Promise<string> {
  const parts = [
    await must("iptables", ["-w", "-S"]),
    await must("ip6tables", ["-w", "-S"]),
    (await must("nft", ["list", "tables"]))
      .split("\n")
      .filter((table) => table.endsWith(" claws"))
      .join("\n"),
    (await run("nft", ["--stateless", "list", "table", "inet", "claws"])).stdout,
    (await run("nft", ["--stateless", "list", "table", "bridge", "claws"])).stdout,
  ];
  return parts.join("\n---\n");
}

async function firewall(verb: "apply" | "remove", ...options: string[]): Promise<Ran> {
  const ran = await e2e.claws(["firewall", verb, ...options]);
  expect(ran.code, ran.stderr).toBe(0);
  return ran;
}

describe.skipIf(process.getuid?.() !== 0)("the host firewall", () => {
  let listener: { port: number; close: () => void };
  let before: string;

  beforeAll(async () => {
    await must("sh", ["e2e/install-nftables.sh"]);
    if (/claws/i.test(await readHostRules()))
      throw new Error(
        "this machine has our firewall in place, and the tests would remove it: ./claws firewall remove",
      );
    await sweep();
    const image = await findImage();
    for (const [name, { bridge, ipv6 }] of Object.entries(NETWORKS)) {
      const option = `com.docker.network.bridge.name=${bridge}`;
      await must("docker", ["network", "create", "--ipv6", "--subnet", ipv6, "--opt", option, nameOf(name)]);
    }
    for (const name of Object.keys(CONTAINERS) as ContainerName[]) await startContainer(name, image);
    await letForward("-I");
    listener = await listenOnHost();
    before = await readHostRules();
  });

  afterEach(async () => {
    await firewall("remove");
  });

  afterAll(async () => {
    listener.close();
    await sweep();
  });

  it.each(["nftables", "iptables"])("closes with %s what was open, and opens it again", async (backend) => {
    expect(await lookAround(listener.port)).toEqual(OPEN);

    await firewall("apply", "--backend", backend);
    expect(await lookAround(listener.port)).toEqual(CLOSED);

    const once = await readHostRules();
    await firewall("apply", "--backend", backend);
    expect(await readHostRules()).toBe(once);
    expect(await lookAround(listener.port)).toEqual(CLOSED);

    await firewall("remove", "--backend", backend);
    expect(await readHostRules()).toBe(before);
    expect(await lookAround(listener.port)).toEqual(OPEN);
  });

  it.each(["nftables", "iptables"])("cuts with %s a connection that was open before", async (backend) => {
    const connection = holdConnection(await gatewayOf("agent", 4), listener.port);
    try {
      connection.say("first");
      expect(await until(() => connection.heard() === "first", 20_000)).toBe(true);
      await firewall("apply", "--backend", backend);
      connection.say("second");
      expect(await until(() => connection.heard() !== "first", 2_500)).toBe(false);
    } finally {
      connection.end();
    }
  });

  it("moves its jumps in front again when something was put before them", async () => {
    await firewall("apply", "--backend", "iptables");
    const first = await readHostRules();
    try {
      for (const chain of ["INPUT", "DOCKER-USER"])
        await must("iptables", ["-w", "-I", chain, "-i", NETWORKS.agent.bridge, "-j", "ACCEPT"]);
      expect(await lookAround(listener.port)).not.toEqual(CLOSED);
      await firewall("apply", "--backend", "iptables");
      expect(await lookAround(listener.port)).toEqual(CLOSED);
    } finally {
      for (const chain of ["INPUT", "DOCKER-USER"])
        await run("iptables", ["-w", "-D", chain, "-i", NETWORKS.agent.bridge, "-j", "ACCEPT"]);
    }
    expect(await readHostRules()).toBe(first);
  });

  it("is removed whichever backend it was, and removing it twice is no mistake", async () => {
    await firewall("apply", "--backend", "nftables");
    await firewall("apply", "--backend", "iptables");
    await firewall("remove");
    expect(await readHostRules()).toBe(before);
    await firewall("remove");
    expect(await readHostRules()).toBe(before);
  });

  it.each(["nftables", "iptables", "ufw"])("prints for %s and changes nothing", async (backend) => {
    const { code, stdout } = await e2e.claws(["firewall", "print", "--backend", backend]);
    expect(code).toBe(0);
    expect(stdout).toContain(backend === "nftables" ? 'iifname "clw-*"' : "-i clw-+ -j DROP");
    const { stdout: unit } = await e2e.claws(["firewall", "print", "--backend", backend, "--unit"]);
    expect(unit).toMatch(/^\[Unit\]\n/);
    expect(await readHostRules()).toBe(before);
  });
});

describe("the host firewall without root", () => {
  it.skipIf(process.getuid?.() !== 0)("is one clear refusal", async () => {
    const node = [process.execPath, "--conditions=@claws/source", "apps/cli/src/main.ts"];
    for (const verb of ["apply", "remove"]) {
      const { code, stderr } = await run("setpriv", [
        "--reuid",
        "65534",
        "--clear-groups",
        ...node,
        "firewall",
        verb,
      ]);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^claws: firewall \w+ needs root: run 'sudo \.\/claws firewall \w+', or .*\n$/);
    }
  });
});
