/**
 * The load of `./claws bench egress`, one JSON line per round:
 * `egress-load rounds <count> [figure…]` measures every target in turn, in another order each round;
 * `egress-load many <target> <count>` opens and closes that many tunnels;
 * `egress-load hold <target> <count> <seconds>` keeps that many open and says when they are.
 */
import type { Socket } from "node:net";
import { createBenchHello } from "./bench-hello.ts";
import {
  measureConnectP50,
  measureHttpRate,
  measureThroughput,
  measureTunnelRate,
  runTunnels,
} from "./measures.ts";
import { ORIGIN, readTarget, type Target, type TargetName } from "./target.ts";
import { createTunnelSlot, openTunnel } from "./tunnel.ts";

const CONCURRENT = 32;

interface Figure {
  readonly targets: readonly TargetName[];
  readonly measure: (target: Target) => Promise<number>;
}

const FIGURES: Readonly<Record<string, Figure>> = {
  connect_p50: {
    targets: ["ours", "squid", "direct"],
    measure: (target) => measureConnectP50(target, 300),
  },
  tunnels_per_s: {
    targets: ["ours", "squid"],
    measure: (target) => measureTunnelRate(target, CONCURRENT, 3_000),
  },
  throughput: { targets: ["ours", "squid", "direct"], measure: (target) => measureThroughput(target, 512) },
  http_rps: { targets: ["ours", "squid"], measure: (target) => measureHttpRate(target, 3_000) },
};

const print = (value: unknown) => void process.stdout.write(`${JSON.stringify(value)}\n`);
const [command, ...args] = process.argv.slice(2);
if (command === "rounds") await measureRounds(Number(args[0]), args.slice(1));
else if (command === "many") {
  await runTunnels(await readTarget(args[0] as TargetName), Number(args[1]), CONCURRENT);
  print({ done: Number(args[1]) });
} else if (command === "hold") await hold(args[0] as TargetName, Number(args[1]), Number(args[2]));
else throw new Error("rounds, many or hold?");

async function measureRounds(count: number, names: readonly string[]): Promise<void> {
  const targets = new Map<TargetName, Target>();
  for (const name of ["ours", "squid", "direct"] as const) targets.set(name, await readTarget(name));
  const chosen = Object.entries(FIGURES).filter(([id]) => names.length === 0 || names.includes(id));
  // Compilers, name caches and kept connections are warm before the first round, on both sides alike.
  for (const target of targets.values()) await runTunnels(target, 500, CONCURRENT);
  for (let round = 0; round < count; round++) {
    const figures: Record<string, Record<string, number>> = {};
    for (const [id, { targets: of, measure }] of chosen) {
      const values: Record<string, number> = {};
      for (let turn = 0; turn < of.length; turn++) {
        const name = of[(turn + round) % of.length] ?? "direct";
        const target = targets.get(name);
        if (target !== undefined) values[name] = await measure(target);
      }
      figures[id] = values;
    }
    print(figures);
  }
}

async function hold(name: TargetName, count: number, seconds: number): Promise<void> {
  const target = await readTarget(name);
  const hello = await createBenchHello(ORIGIN, { task: "reply-and-stay" });
  const sockets: Socket[] = [];
  let left = count;
  const work = async () => {
    while (left-- > 0) {
      const { socket } = await openTunnel(createTunnelSlot(target, hello, 1_024), false);
      socket.setTimeout(0);
      sockets.push(socket);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, work));
  print({ open: sockets.filter(({ destroyed }) => !destroyed).length });
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  print({ stillOpen: sockets.filter(({ destroyed }) => !destroyed).length });
  for (const socket of sockets) socket.destroy();
}
