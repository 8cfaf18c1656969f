import type { JsonValue, Sha256Hex, ToolName } from "@claws/contracts";
import { type OutputUnit, type Schema, type SchemaDraft, Validator } from "@cfworker/json-schema";
import type { Tool } from "@modelcontextprotocol/client";
import { digestOf } from "../parse/freeze-call.ts";

/** A tool as its server declares it, with the hash that approvals are bound to. */
export interface ToolDefinition {
  readonly name: ToolName;
  readonly declared: Tool;
  readonly hash: Sha256Hex;
  /** The first mistake in the arguments against the declared schema, in words. */
  findArgumentMistake(values: Readonly<Record<string, JsonValue>>): string | undefined;
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
 * compiled to code. Every field that a person or a model reads goes into the hash, `_meta` excepted.
 */
export function createToolDefinition(name: ToolName, declared: Tool): ToolDefinition {
  const { _meta, ...pinned } = declared;
  const schema = declared.inputSchema as Schema;
  const validator = new Validator(schema, draftOf(schema), true);
  return {
    name,
    declared,
    hash: digestOf(pinned),
    findArgumentMistake(values) {
      // The validator looks keys up on the object, so it needs a plain one.
      const result = validator.validate({ ...values });
      return result.valid ? undefined : describe(result.errors);
    },
  };
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
