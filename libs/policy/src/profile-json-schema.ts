import * as z from "zod";
import { ProfileSource } from "./profile-schema.ts";

/** The JSON Schema (2020-12) of a profile, for editors; generated from the schema that the compiler uses. */
export function createProfileJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(ProfileSource, { io: "input", unrepresentable: "any" }),
    title: "Sandbox Claws profile",
  };
}
