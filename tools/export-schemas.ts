/**
 * Writes the JSON Schema of profiles, which editors check them with. `--check` fails when the one that is
 * checked in is stale instead of writing it. Run: node --conditions=@claws/source tools/export-schemas.ts
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createProfileJsonSchema } from "@claws/policy";

const path = join(import.meta.dirname, "../profiles/profile.schema.json");
const schema = `${JSON.stringify(createProfileJsonSchema(), null, 2)}\n`;
const isCurrent = existsSync(path) && readFileSync(path, "utf8") === schema;

if (!isCurrent && process.argv.includes("--check")) {
  console.error(
    "stale: profiles/profile.schema.json. Run: node --conditions=@claws/source tools/export-schemas.ts",
  );
  process.exit(1);
}
if (!isCurrent) writeFileSync(path, schema);
