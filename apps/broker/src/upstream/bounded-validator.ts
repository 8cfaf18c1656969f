import type { jsonSchemaValidator } from "@modelcontextprotocol/client";
import { CfWorkerJsonSchemaValidator } from "@modelcontextprotocol/client/validators/cf-worker";
import { chooseRun } from "./bounded-run.ts";

/** What the SDK checks structured results with: schema and result are both the server's, so time is bounded. */
export function createBoundedValidator(): jsonSchemaValidator {
  const inner = new CfWorkerJsonSchemaValidator();
  return {
    getValidator<Value>(schema: Parameters<typeof inner.getValidator>[0]) {
      const run = chooseRun(schema);
      const validate = run(() => inner.getValidator<Value>(schema));
      return (input: unknown) => run(() => validate(input));
    },
  };
}
