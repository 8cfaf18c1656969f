/**
 * `claws-tool list` and `claws-tool call <tool> ['{"json": …}' | -]`: the broker's tools for agents and
 * scripts that do not speak MCP. Exit codes: 0 done, 1 refused or failed, 2 usage, 3 waiting for a person.
 */
import { text } from "node:stream/consumers";
import { readAgentEnvironment } from "./environment.ts";

const USAGE = "usage: claws-tool list | claws-tool call <tool> ['{\"argument\": …}' | -]";

function fail(message: string, code: number): never {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}

async function readArguments(source: string | undefined): Promise<unknown> {
  const json = source === "-" ? await text(process.stdin) : (source ?? "{}");
  try {
    return JSON.parse(json);
  } catch (error) {
    return fail(`the arguments are not JSON: ${(error as Error).message}`, 2);
  }
}

async function readAnswer(answered: Response): Promise<unknown> {
  const body = await answered.text();
  try {
    return JSON.parse(body);
  } catch {
    return fail(
      `the broker answered ${answered.status} with something else than JSON: ${body.slice(0, 200)}`,
      1,
    );
  }
}

const { brokerUrl, token } = readAgentEnvironment(process.env);
const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
const [command, tool, source] = process.argv.slice(2);

let response: Response;
if (command === "list") {
  response = await fetch(new URL("/v1/tools", brokerUrl), { headers });
} else if (command === "call" && tool !== undefined) {
  const body = JSON.stringify({ arguments: await readArguments(source) });
  response = await fetch(new URL(`/v1/tools/${encodeURIComponent(tool)}/call`, brokerUrl), {
    method: "POST",
    headers,
    body,
  });
} else {
  fail(USAGE, 2);
}
const answer = await readAnswer(response);
process.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
const isFailure = !response.ok || (answer as { status?: unknown } | null)?.status === "failed";
process.exitCode = response.status === 202 ? 3 : isFailure ? 1 : 0;
