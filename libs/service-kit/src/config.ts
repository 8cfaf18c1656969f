import * as z from "zod";

/** Thrown when a service cannot start as configured; the message lists every mistake at once. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/**
 * Parses a service's configuration from its environment, naming every wrong variable in one error.
 * An empty variable counts as unset: Compose passes `NAME=` for what `.env` leaves out.
 */
export function readConfig<Shape extends z.ZodType>(
  schema: Shape,
  env: NodeJS.ProcessEnv,
): Readonly<z.infer<Shape>> {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = schema.safeParse(set);
  if (parsed.success) return Object.freeze(parsed.data);
  const mistakes = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new ConfigError(`wrong configuration: ${mistakes.join("; ")}`);
}

/** A boolean setting, spelt `true` or `false` and nothing else. */
export const BooleanSetting = z.enum(["true", "false"]).transform((value) => value === "true");

/** A TCP port from the environment; 0 asks the system for a free one. */
export const PortSetting = z.coerce.number().int().min(0).max(65_535);
