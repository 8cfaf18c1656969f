import { createServer, connect, type Server, type Socket } from "node:net";
import { classifyAddress } from "../../apps/egress-filter/src/address-class.ts";
import { type RunningFilter, startFilter } from "../../apps/egress-filter/src/testing/start-filter.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runExchange } from "./attacker.ts";
import { EXPECTATIONS } from "./expectations.ts";
import { ALLOWED_ADDRESS, answerFor, BUDGET } from "./policy.ts";
import type { Answered, Scenario } from "./scenario.ts";
import { scenarioOf } from "./scenarios.ts";
import { receive, takeArrivals } from "./sink.ts";
import { groupOf, readCorpus } from "./vectors.ts";
import { isAsWritten, judge } from "./verdict.ts";

/** Every vector against the whole service on loopback: the name server and every destination are ours. */
const executable = readCorpus().vectors.flatMap((vector) => {
  const found = scenarioOf(vector);
  return found.ok ? [{ ...vector, scenario: found.scenario, group: groupOf(vector) }] : [];
});

const queries: string[] = [];
const asked = new Map<string, number>();
let filter: RunningFilter;
let sink: Server;
const arriving: { address: string; port: number }[] = [];

beforeEach(async () => {
  queries.length = 0;
  asked.clear();
  takeArrivals();
  sink = createServer({ allowHalfOpen: true }, (socket) => {
    const { address, port } = arriving.shift() ?? { address: "?", port: 0 };
    receive(socket, address, port);
  });
  const sinkPort = await new Promise<number>((resolve) => {
    sink.listen(0, "127.0.0.1", () => {
      const bound = sink.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : 0);
    });
  });
  const rule = (host: string, port: number, index: number) =>
    ({ action: "allow", host, port, key: `egress.rules[${index}]` }) as const;
  filter = await startFilter({
    egress: {
      mode: "allowlist",
      rules: [rule("allowed.test", 443, 0), rule("allowed.test", 80, 1), rule("*.wild.test", 443, 2)],
    },
    outside: {
      async resolve(host) {
        queries.push(host);
        const turn = asked.get(host) ?? 0;
        asked.set(host, turn + 1);
        const { addresses } = answerFor(host);
        return { ok: true, addresses: addresses[turn % addresses.length] ?? [] };
      },
      classify: (address) =>
        address === ALLOWED_ADDRESS ? { kind: "public", isGrantable: false } : classifyAddress(address),
      // Whatever address is dialled, the connection ends here, and it is written down which one was meant.
      async dial([address = "?"], port, onread) {
        arriving.push({ address, port });
        const at = { port: sinkPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true };
        const socket: Socket = connect(onread === undefined ? at : { ...at, onread });
        if (onread !== undefined) socket.pause();
        socket.on("error", () => socket.destroy());
        await new Promise((resolve) => socket.once("connect", resolve));
        return { ok: true, socket, address };
      },
    },
  });
  filter.neighbours.grant = limitBytes();
});
afterEach(async () => {
  await filter.stop();
  sink.close();
});

/** The bench's byte quotas for each host. */
function limitBytes(): RunningFilter["neighbours"]["grant"] {
  const left = new Map<string, { up: number; down: number }>();
  return ({ host, requests, upBytes, downBytes }) => {
    const account = left.get(host) ?? { up: BUDGET.uploadBytes, down: BUDGET.downloadBytes };
    const granted = { up: Math.min(upBytes, account.up), down: Math.min(downBytes, account.down) };
    left.set(host, { up: account.up - granted.up, down: account.down - granted.down });
    const refusal = (what: "upBytes" | "downBytes", key: string, limit: number) => ({
      what,
      key,
      limit,
      retryAfterMs: null,
    });
    return {
      requests,
      upBytes: granted.up,
      downBytes: granted.down,
      refused: [
        ...(granted.up < upBytes
          ? [refusal("upBytes", "egress.quotas.uploadMbPerHost", BUDGET.uploadBytes)]
          : []),
        ...(granted.down < downBytes
          ? [refusal("downBytes", "egress.quotas.downloadMbPerHost", BUDGET.downloadBytes)]
          : []),
      ],
    };
  };
}

async function attack({ exchanges }: Scenario): Promise<Answered[]> {
  const proxy = {
    host: "127.0.0.1",
    port: filter.port,
    credentials: `Proxy-Authorization: ${filter.credentials}\r\n`,
  };
  const answers: Answered[] = [];
  for (const exchange of exchanges) answers.push(await runExchange(proxy, exchange));
  await new Promise((resolve) => setTimeout(resolve, 50));
  return answers;
}

describe("at the socket", { timeout: 60_000 }, () => {
  it.each(executable)("$id $cls", async ({ id, group, scenario }) => {
    const answers = await attack(scenario);
    const observation = { id, answers, arrivals: takeArrivals(), queries: [...queries] };
    const expectation = EXPECTATIONS[id];
    if (expectation === undefined) throw new Error(`no expectation for ${id}`);
    const { verdict, seen } = judge(group, expectation, observation);
    expect(`${verdict}: ${seen}`).toMatch(/^PASS: /);
    expect(isAsWritten(expectation, observation), seen).toBe(true);
  });
});
