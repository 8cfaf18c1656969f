import * as z from "zod";
import { type Deployment, e2e } from "./deployment.ts";

const Answer = z.object({ status: z.number(), body: z.looseObject({}) });
export type BrokerAnswer = z.infer<typeof Answer>;

/** Calls a tool over the broker's REST face from inside the agent's container, as any process there could. */
export async function callTool(
  tool: string,
  values: unknown,
  deployment: Deployment = e2e,
): Promise<BrokerAnswer> {
  const script = `
    import { readFileSync } from "node:fs";
    const token = readFileSync("/run/claws/token", "utf8").trim();
    const response = await fetch("http://broker:7000/v1/tools/${tool}/call", {
      method: "POST",
      headers: { authorization: "Bearer " + token, "content-type": "application/json" },
      body: ${JSON.stringify(JSON.stringify({ arguments: values }))},
    }).catch((error) => ({ status: 0, json: async () => ({ error: String(error.cause ?? error) }) }));
    console.log(JSON.stringify({ status: response.status, body: await response.json() }));`;
  const { stdout, stderr } = await deployment.evaluate("agent", script);
  if (stdout === "") throw new Error(`the agent's container did not answer: ${stderr}`);
  return Answer.parse(JSON.parse(stdout));
}
