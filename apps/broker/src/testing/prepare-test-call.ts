import { type JsonValue, type Risk, ServerName, ToolName } from "@claws/contracts";
import { readToolTerms } from "@claws/policy";
import type { Journey, PreparedCall } from "../gate.ts";
import { freezeCall } from "../parse/freeze-call.ts";
import { createToolDefinition } from "../upstream/tool-definition.ts";
import { IMAGE_DIGEST } from "./fake-mcp-server.ts";
import { MAIN, TEST_POLICY } from "./test-policy.ts";

export interface TestCall {
  readonly tool?: string;
  readonly values?: Record<string, JsonValue>;
  readonly risk?: Risk;
  readonly inputSchema?: Record<string, JsonValue>;
}

/** A call as the gates get it: frozen, with its definition and the policy's terms. */
export function prepareTestCall(given: TestCall = {}): PreparedCall {
  const { tool = "mail__send", values = { to: "friend@allowed.example" }, inputSchema = {} } = given;
  const name = ToolName.parse(tool);
  const own = tool.slice(tool.indexOf("__") + 2);
  const definition = createToolDefinition(name, {
    name: own,
    inputSchema: { ...inputSchema, type: "object" },
  });
  const frozen = freezeCall({
    ...MAIN,
    profile: TEST_POLICY.profile,
    server: ServerName.parse(tool.slice(0, tool.indexOf("__"))),
    imageDigest: IMAGE_DIGEST,
    toolDefinitionHash: definition.hash,
    tool: name,
    arguments: values,
    policyHash: TEST_POLICY.hash,
  });
  const terms = readToolTerms(TEST_POLICY, name);
  return { ...frozen, definition, terms: given.risk === undefined ? terms : { ...terms, risk: given.risk } };
}

export function createTestJourney(signal = new AbortController().signal): Journey {
  return { signal, flagged: [] };
}
