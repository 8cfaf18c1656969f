import { JsonObject, type JsonValue, type Sha256Hex, type ToolName } from "@claws/contracts";
import { type OutputUnit, type Schema, type SchemaDraft, Validator } from "@cfworker/json-schema";
import type { Tool } from "@modelcontextprotocol/client";
import { digestOf } from "../parse/freeze-call.ts";
import { chooseRun } from "./bounded-run.ts";

/** A tool as its server declares it, with the hash that approvals are bound to. */
export interface ToolDefinition {
  readonly name: ToolName;
  readonly declared: Tool;
  readonly hash: Sha256Hex;
  /** The first mistake in the arguments against the declared schema, in words. */
  findArgumentMistake(values: Readonly<Record<string, JsonValue>>): string | undefined;
  /** Whether a structured result is what the declared output schema promises; true where none is declared. */
  acceptsResult(structured: JsonValue | undefined): boolean;
}

const DRAFTS: readonly (readonly [marker: string, draft: SchemaDraft])[] = [
  ["2020-12", "2020-12"],
  ["2019-09", "2019-09"],
  ["draft-07", "7"],
  ["draft-06", "7"],
  ["draft-04", "4"],
];

/**
 * Prepares a declared tool. The validator interprets the schema: a hostile server's schema is never
 * compiled to code, and never applied for longer than a moment. Every field that a person or a model reads
 * goes into the hash, `_meta` excepted.
 */
export function createToolDefinition(name: ToolName, declared: Tool): ToolDefinition {
  const { _meta, ...pinned } = declared;
  const validate = prepareSchema(declared.inputSchema as Schema);
  const validateResult = declared.outputSchema && prepareSchema(declared.outputSchema as Schema);
  return {
    name,
    declared,
    hash: digestOf(pinned),
    findArgumentMistake(values) {
      try {
        const result = validate(values);
        return result.valid ? undefined : describe(result.errors);
      } catch (error) {
        const [reason = ""] = (error as Error).message.split("\n");
        return `the tool's own schema cannot be applied: ${reason}`;
      }
    },
    acceptsResult(structured) {
      if (validateResult === undefined) return true;
      try {
        return structured !== undefined && validateResult(structured).valid;
      } catch {
        // A schema that cannot be applied accepts nothing.
        return false;
      }
    },
  };
}

/** Throws where the schema is none, or of a dialect that is not known. */
function prepareSchema(schema: Schema) {
  const readable = JsonObject.safeParse(schema);
  if (!readable.success) throw new Error(`the schema ${readable.error.issues[0]?.message}`);
  const run = chooseRun(schema);
  const validator = run(() => new Validator(schema, draftOf(schema), true));
  return (value: unknown) => run(() => validator.validate(value));
}

function draftOf(schema: Schema): SchemaDraft {
  const dialect = typeof schema.$schema === "string" ? schema.$schema : "2020-12";
  const known = DRAFTS.find(([marker]) => dialect.includes(marker));
  if (known === undefined) throw new Error(`the schema's dialect ${dialect} is not known`);
  return known[1];
}

function describe(errors: readonly OutputUnit[]): string {
  const last = errors.at(-1);
  if (last === undefined) return "the arguments do not match the schema";
  const place = last.instanceLocation.replace(/^#\/?/, "");
  return place === "" ? last.error : `${place}: ${last.error}`;
}
