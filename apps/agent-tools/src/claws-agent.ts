/**
 * The reference agent: `claws-agent "task"` asks the model, runs the tools that it asks for through the
 * broker, and repeats, for at most 20 turns. Small on purpose: it shows the two doors in use.
 */
import { connectToBroker } from "./broker-client.ts";
import { readAgentEnvironment } from "./environment.ts";
import * as z from "zod";

const MAX_TURNS = 20;
/** Longer than the broker's longest hold, so that an approval in time is an answer and not a retry. */
const CALL_TIMEOUT_MS = 120_000;

const Completion = z.object({
  choices: z
    .array(
      z.object({
        message: z.looseObject({
          content: z.string().nullish(),
          tool_calls: z
            .array(
              z.object({ id: z.string(), function: z.object({ name: z.string(), arguments: z.string() }) }),
            )
            .optional(),
        }),
      }),
    )
    .min(1),
});

const task = process.argv.slice(2).join(" ").trim();
if (task === "") {
  process.stderr.write('usage: claws-agent "what to do"\n');
  process.exit(2);
}
const environment = readAgentEnvironment(process.env);
const client = await connectToBroker(environment, "claws-agent");
const { tools } = await client.listTools();
const messages: unknown[] = [{ role: "user", content: task }];

for (let turn = 0; turn < MAX_TURNS; turn++) {
  const response = await fetch(new URL("/v1/chat/completions", environment.modelUrl), {
    method: "POST",
    headers: { authorization: `Bearer ${environment.token}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: environment.model,
      messages,
      tools: tools.map(({ name, description, inputSchema }) => ({
        type: "function",
        function: { name, description, parameters: inputSchema },
      })),
    }),
  });
  if (!response.ok) {
    process.stderr.write(`${await response.text()}\n`);
    process.exit(1);
  }
  const message = Completion.parse(await response.json()).choices[0]?.message;
  messages.push({ role: "assistant", ...message });
  const calls = message?.tool_calls ?? [];
  if (calls.length === 0) {
    process.stdout.write(`${message?.content ?? ""}\n`);
    break;
  }
  for (const call of calls) {
    process.stderr.write(`tool ${call.function.name}\n`);
    const result = await client.callTool(
      { name: call.function.name, arguments: JSON.parse(call.function.arguments) as Record<string, unknown> },
      { timeout: CALL_TIMEOUT_MS },
    );
    messages.push({ role: "tool", tool_call_id: call.id, content: JSON.stringify(result.content) });
  }
}
await client.close();
