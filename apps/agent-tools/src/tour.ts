/**
 * The main job from inside the agent's container: every door tried the way an agent would, and every
 * wall tried the way an attacker would. Prints one JSON line per step for `./claws tour`; a step that
 * did not end as it must makes the exit code 1.
 */
import { parseArgs } from "node:util";
import { connectToBroker } from "./broker-client.ts";
import { readAgentEnvironment } from "./environment.ts";
import { createTourSteps } from "./tour-steps.ts";

const { values } = parseArgs({
  options: {
    "allowed-url": { type: "string" },
    "forbidden-url": { type: "string" },
    "outside-address": { type: "string" },
    "host-port": { type: "string" },
  },
});
const need = (name: keyof typeof values): string => {
  const value = values[name];
  if (value === undefined) throw new Error(`--${name} is missing`);
  return value;
};

const environment = readAgentEnvironment(process.env);
const client = await connectToBroker(environment, "claws-tour");
const steps = createTourSteps({
  client,
  environment,
  allowedUrl: need("allowed-url"),
  forbiddenUrl: need("forbidden-url"),
  outsideAddress: need("outside-address"),
  hostPort: Number(need("host-port")),
});
let surprises = 0;
for (const step of steps) {
  const seen = await step
    .run()
    .catch((error: unknown) => ({ ok: false, happened: String(error), by: "tour" }));
  if (!seen.ok) surprises++;
  process.stdout.write(`${JSON.stringify({ tried: step.tries, ...seen })}\n`);
}
await client.close();
process.exitCode = surprises === 0 ? 0 : 1;
