import * as z from "zod";

/** Lower-case hexadecimal SHA-256. */
export const Sha256Hex = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .brand<"Sha256Hex">();
export type Sha256Hex = z.infer<typeof Sha256Hex>;

/** SHA-256 of the canonical JSON (RFC 8785) of a frozen call. What a person approves and the broker executes. */
export const CallDigest = Sha256Hex.brand<"CallDigest">();
export type CallDigest = z.infer<typeof CallDigest>;

const NAME = /^[a-z][a-z0-9-]{0,31}$/;
const NAME_RULE = "a name is a letter of a-z, then a-z, 0-9 and -, at most 32 in all";

/** Name of an agent as the profile spells it. */
export const AgentId = z.string().regex(NAME, NAME_RULE).brand<"AgentId">();
export type AgentId = z.infer<typeof AgentId>;

/** A session as the operator's side issued it inside the agent's token. */
export const SessionId = z
  .string()
  .regex(/^[0-9A-Za-z_-]{16,64}$/)
  .brand<"SessionId">();
export type SessionId = z.infer<typeof SessionId>;

/** Name of an MCP server as the profile spells it; the prefix of its tools' names. */
export const ServerName = z.string().regex(NAME, NAME_RULE).brand<"ServerName">();
export type ServerName = z.infer<typeof ServerName>;

/** A tool's full name, `server__tool`. */
export const ToolName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}__[A-Za-z0-9_.-]{1,128}$/)
  .brand<"ToolName">();
export type ToolName = z.infer<typeof ToolName>;

/** Money as an integer of millionths of a US dollar; never a float. */
export const MicroUsd = z.int().nonnegative().brand<"MicroUsd">();
export type MicroUsd = z.infer<typeof MicroUsd>;

/** Milliseconds since the Unix epoch. */
export const EpochMs = z.int().positive();

/** Identifier of a request-like thing (approval, reservation, admission): a UUID. */
export const RecordId = z.uuid();
