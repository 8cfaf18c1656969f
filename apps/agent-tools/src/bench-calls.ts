/**
 * Calls one small tool over and over and prints how long it took: `bench-calls broker` through the
 * broker, `bench-calls direct <server.mjs>` straight over stdio. One JSON line with the figures.
 */
import { Client, type CallToolRequest } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { connectToBroker } from "./broker-client.ts";
import { readAgentEnvironment } from "./environment.ts";

const WARM_UP = 100;
const CALLS = 500;
const CONCURRENT = 8;

const [mode, server] = process.argv.slice(2);
const isDirect = mode === "direct";
let client: Client;
if (isDirect) {
  if (server === undefined) throw new Error("which server?");
  client = new Client({ name: "claws-bench", version: "1" });
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [server], stderr: "ignore" }),
  );
} else {
  client = await connectToBroker(readAgentEnvironment(process.env), "claws-bench");
}

const tool = isDirect ? "echo" : "mail__echo";
let calls = 0;
const request = (): CallToolRequest["params"] => ({ name: tool, arguments: { text: `bench ${calls++}` } });
async function callOnce(): Promise<number> {
  const startedAt = performance.now();
  const result = await client.callTool(request());
  if (result.isError === true) throw new Error(`a call failed: ${JSON.stringify(result.content)}`);
  return performance.now() - startedAt;
}

for (let index = 0; index < WARM_UP; index++) await callOnce();
const times: number[] = [];
for (let index = 0; index < CALLS; index++) times.push(await callOnce());
times.sort((a, b) => a - b);
const at = (share: number) =>
  times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;

const startedAt = performance.now();
await Promise.all(
  Array.from({ length: CONCURRENT }, async () => {
    for (let index = 0; index < CALLS / CONCURRENT; index++) await callOnce();
  }),
);
const callsPerSecond = CALLS / ((performance.now() - startedAt) / 1_000);
process.stdout.write(
  `${JSON.stringify({ runs: [{ p50: at(0.5), p95: at(0.95), p99: at(0.99), callsPerSecond }] })}\n`,
);
await client.close();
