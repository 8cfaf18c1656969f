/**
 * Sends the corpus to one proxy and prints a line of JSON for each vector: what was seen and the verdict.
 * `run-attacks <host of the proxy> [id…]`, in a container that reaches the proxy and its sinks.
 */
import { existsSync, readFileSync } from "node:fs";
import { type Proxy, runExchange } from "./attacker.ts";
import { EXPECTATIONS } from "./expectations.ts";
import { takeLine } from "./line-server.ts";
import type { Answered, Arrival, Scenario } from "./scenario.ts";
import { scenarioOf } from "./scenarios.ts";
import { groupOf, readCorpus } from "./vectors.ts";
import { isAsWritten, judge } from "./verdict.ts";

const NAME_SERVER = "bench-names";
const TOKEN_FILE = "/run/claws/token";
/** Until what was sent has arrived at a sink. */
const SETTLE_MS = 100;

const [host = "", ...wanted] = process.argv.slice(2);
const proxy: Proxy = { host, port: 3128, credentials: readCredentials() };

async function attack({ id, exchanges }: Scenario) {
  await Promise.all([takeLine(host), takeLine(NAME_SERVER)]);
  const answers: Answered[] = [];
  for (const exchange of exchanges) answers.push(await runExchange(proxy, exchange));
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const [arrivals, queries] = await Promise.all([takeLine(host), takeLine(NAME_SERVER)]);
  return { id, answers, arrivals: arrivals as Arrival[], queries: queries as string[] };
}

function readCredentials(): string {
  if (!existsSync(TOKEN_FILE)) return "";
  const pair = `main:${readFileSync(TOKEN_FILE, "utf8").trim()}`;
  return `Proxy-Authorization: Basic ${Buffer.from(pair).toString("base64")}\r\n`;
}

for (const vector of readCorpus().vectors) {
  if (wanted.length > 0 && !wanted.includes(vector.id)) continue;
  const { id, cls } = vector;
  const group = groupOf(vector);
  const executable = scenarioOf(vector);
  const expectation = EXPECTATIONS[id];
  let line: object = { id, group, cls, skipped: executable.ok ? "no expectation" : executable.where };
  if (executable.ok && expectation !== undefined) {
    const observation = await attack(executable.scenario);
    const { verdict, seen } = judge(group, expectation, observation);
    line = { id, group, cls, verdict, seen, asWritten: isAsWritten(expectation, observation) };
  }
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
