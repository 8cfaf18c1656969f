import { createContext, Script } from "node:vm";

/** Calls the task; where it must be bounded, throws once it has taken too long. */
export type Run = <Value>(task: () => Value) => Value;

const LIMIT_MS = 250;
const MAX_PLAIN_CHARACTERS = 8_000;
/** Keywords whose work a schema's author can make grow without measure, whatever the value's size. */
const COSTLY = /"(?:\$ref|\$dynamicRef|\$recursiveRef|pattern|patternProperties|uniqueItems|contains)"/;

const sandbox = createContext({ task: undefined as unknown });
const script = new Script("task()");

/**
 * How a schema that a server wrote is applied to a value. `^(a+)+$`, or definitions that refer to each
 * other twice each, would keep the one thread of the broker busy for ever. V8 can only end code that it
 * entered with a time limit, and that costs a thread each time: plain schemas are applied without.
 */
export function chooseRun(schema: unknown): Run {
  const text = JSON.stringify(schema) ?? "";
  return text.length <= MAX_PLAIN_CHARACTERS && !COSTLY.test(text) ? (task) => task() : runBounded;
}

function runBounded<Value>(task: () => Value): Value {
  sandbox["task"] = task;
  try {
    return script.runInContext(sandbox, { timeout: LIMIT_MS }) as Value;
  } catch (error) {
    // The error of V8's own belongs to the other context and is no Error of ours.
    if (error instanceof Error) throw error;
    throw new Error(`it takes longer than ${LIMIT_MS} ms to apply`);
  } finally {
    sandbox["task"] = undefined;
  }
}
