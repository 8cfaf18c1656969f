import type { Attempt } from "../attempt.ts";
import { connectTcp } from "../connect-tcp.ts";
import { judgeClosed, judgeOpen, judgeShut } from "../judge-closed.ts";
import { sendUdp } from "../send-udp.ts";
import type { Target } from "../settings.ts";
import { type Finding, toFinding } from "./probe-group.ts";
import type { Judge } from "./probe-places.ts";

const DATAGRAM = Buffer.from("claws");
const tcpTo = (targets: readonly Target[]) =>
  Promise.all(targets.flatMap(({ address, ports }) => ports.map((port) => connectTcp(address, port))));
const namesOf = (targets: readonly Target[]) => targets.map(({ name }) => name).join(", ") || "nobody";

/** A door that starts at this moment listens soon. */
const DOOR_PATIENCE_MS = 1_000;
const DOOR_PAUSE_MS = 100;

async function connectToDoors(doors: readonly Target[]): Promise<Attempt[]> {
  const end = performance.now() + DOOR_PATIENCE_MS;
  for (;;) {
    const attempts = await tcpTo(doors);
    if (judgeOpen(attempts).passed || performance.now() >= end) return attempts;
    await new Promise((resolve) => setTimeout(resolve, DOOR_PAUSE_MS));
  }
}

/** The doors themselves: without them, a dead network would pass every other probe. */
export async function probeDoors(doors: readonly Target[]): Promise<Finding[]> {
  const claim = {
    id: "door-answers",
    tried: doors.map(({ name, ports }) => `${name}:${ports.join("+")}`).join(", ") || "the doors",
    expected: "each takes a connection",
  };
  return [toFinding(claim, judgeOpen(await connectToDoors(doors)))];
}

/** Those on the same network: nothing but the doors' own ports answers, neither an admin listener nor a name server. */
export async function probeNeighbours(neighbours: readonly Target[]): Promise<Finding[]> {
  if (neighbours.length === 0) return [];
  // The policy DNS is a door of its neighbour: where port 53 is none to be tried, UDP is not either.
  const nameless = neighbours.filter(({ ports }) => ports.includes(53));
  const [tcp, udp] = await Promise.all([
    tcpTo(neighbours),
    Promise.all(nameless.map(({ address }) => sendUdp(address, 53, DATAGRAM))),
  ]);
  const claim = {
    id: "TOP-17",
    tried: `${namesOf(neighbours)}, on every port of ours but the doors', and UDP 53`,
    expected: "nothing answers",
  };
  return [toFinding(claim, judgeShut([...tcp, ...udp]))];
}

/** Containers that share no network with this one. */
export async function probeStrangers(strangers: readonly Target[]): Promise<Judge> {
  const attempts = await tcpTo(strangers);
  const claim = {
    id: "TOP-12",
    tried: `${strangers.length} addresses of other containers: ${namesOf(strangers)}`,
    expected: "no way there",
  };
  return (evidence) => [toFinding(claim, judgeClosed(attempts, evidence))];
}
