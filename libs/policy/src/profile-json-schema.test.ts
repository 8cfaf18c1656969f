import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createProfileJsonSchema } from "./profile-json-schema.ts";

const CHECKED_IN = join(import.meta.dirname, "../../../profiles/profile.schema.json");

describe("the JSON Schema of profiles", () => {
  it("that is checked in is the one that the compiler's schema makes (else run tools/export-schemas.ts)", () => {
    expect(JSON.parse(readFileSync(CHECKED_IN, "utf8"))).toEqual(createProfileJsonSchema());
  });

  it("asks for the version only, knows every key, and says what each is for", () => {
    expect(createProfileJsonSchema()).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      title: "Sandbox Claws profile",
      type: "object",
      required: ["version"],
      additionalProperties: false,
      properties: {
        version: { const: 1 },
        tools: { properties: { block: { description: "wins over allow" } } },
        egress: { properties: { mode: { enum: ["allowlist", "public"], default: "allowlist" } } },
      },
    });
  });
});
