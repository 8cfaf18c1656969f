import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { e2e } from "./deployment.ts";
import { type LineProcess, listenIn, startLineProcess } from "./line-process.ts";
import { ROOT } from "./run-program.ts";
import { EXPECTATIONS } from "./vectors/expectations.ts";
import { ALLOWED_ADDRESS } from "./vectors/policy.ts";
import type { Answered, Arrival } from "./vectors/scenario.ts";
import { scenarioOf } from "./vectors/scenarios.ts";
import { groupOf, readCorpus } from "./vectors/vectors.ts";
import { isAsWritten, judge } from "./vectors/verdict.ts";

/**
 * The corpus from inside the agent's container, through the deployment as it is shipped: real network, real
 * token, rules of a profile, quotas of the rate-limiter. What is allowed leads to the container `sink`, which
 * writes down what arrives; every name that the proxy asks outside arrives at `names`.
 */
const SINK = "198.51.100.20";

/** It needs an address that is public and there; at the socket it is proved with a stub in place of DNS. */
const NEEDS_PUBLIC_ADDRESS = "DNS-01";

const executable = readCorpus().vectors.flatMap((vector) => {
  const found = scenarioOf(vector);
  if (!found.ok || vector.id === NEEDS_PUBLIC_ADDRESS) return [];
  return [{ ...vector, scenario: found.scenario, group: groupOf(vector) }];
});

let agent: LineProcess;
let sink: LineProcess;
let names: LineProcess;

beforeAll(async () => {
  agent = startLineProcess(await e2e.containerOf("agent"), await bundleAttacker());
  [sink, names] = [listenIn(await e2e.containerOf("sink")), listenIn(await e2e.containerOf("names"))];
});
afterAll(() => {
  for (const each of [agent, sink, names]) each.end();
});
beforeEach(async () => {
  await Promise.all([sink.ask("take"), names.ask("take")]);
});

/** One file, since nothing can be mounted into the agent's container. */
async function bundleAttacker(): Promise<string> {
  const contents = `
    import { readFileSync } from "node:fs";
    import { runExchange } from "./attacker.ts";
    const pair = "main:" + readFileSync("/run/claws/token", "utf8").trim();
    const credentials = "Proxy-Authorization: Basic " + Buffer.from(pair).toString("base64") + "\\r\\n";
    const proxy = { host: "egress-filter", port: 3128, credentials };
    globalThis.answer = (line) => runExchange(proxy, JSON.parse(line));`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: join(ROOT, "e2e/vectors"), loader: "ts" },
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node24",
    write: false,
  });
  return `${outputFiles[0]?.text ?? ""}\nconst { answer } = globalThis;\n`;
}

/** Until what was sent has arrived. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 60));

describe("from inside the agent", { timeout: 120_000 }, () => {
  it.each(executable)("$id $cls", async ({ id, group, scenario }) => {
    const answers: Answered[] = [];
    for (const exchange of scenario.exchanges)
      answers.push((await agent.ask(JSON.stringify(exchange))) as Answered);
    await settle();
    const arrivals = ((await sink.ask("take")) as Arrival[]).map((arrival) => ({
      ...arrival,
      address: arrival.address === SINK ? ALLOWED_ADDRESS : arrival.address,
    }));
    const queries = (await names.ask("take")) as string[];
    const expectation = EXPECTATIONS[id];
    if (expectation === undefined) throw new Error(`no expectation for ${id}`);
    const observation = { id, answers, arrivals, queries };
    const { verdict, seen } = judge(group, expectation, observation);
    expect(`${verdict}: ${seen}`).toMatch(/^PASS: /);
    expect(isAsWritten(expectation, observation), seen).toBe(true);
  });

  it("leaves a record of each refusal, with its reason and nothing of what was sent", async () => {
    const { stdout } = await e2e.claws(["audit", "tail", "1000"]);
    const refused = stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as { event: string; outcome: string; detail?: { reason?: string } })
      .filter(({ event, outcome }) => event === "egress.decided" && outcome === "deny");
    const reasons = new Set(refused.map(({ detail }) => detail?.reason));
    for (const reason of [
      "ip_literal_denied",
      "not_allowed",
      "bad_authority",
      "bad_framing",
      "private_ip",
      "auth",
    ])
      expect(reasons).toContain(reason);
    expect(stdout).not.toMatch(/Basic [A-Za-z0-9+/=]{8}|claws_agent_/);
  });
});
