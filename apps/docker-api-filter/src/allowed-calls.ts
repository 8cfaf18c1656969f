import * as z from "zod";

/** A query value of a closed shape; what does not match is refused, what does is sent on as it stands. */
export type QueryRule = z.ZodType<string, string>;

const Flag = z.string().regex(/^(?:0|1|true|false)$/);
const Tail = z.string().regex(/^(?:all|\d{0,7})$/);
/** Seconds with nanoseconds; negative because Go's zero time, which Dozzle sends for "from the start", is. */
const Timestamp = z.string().regex(/^-?\d{1,12}(?:\.\d{1,9})?$/);

/** Filters by which a caller may narrow. `before` and `since` are left out: they tell of foreign containers. */
const FILTER_KEYS = [
  "id",
  "name",
  "label",
  "status",
  "health",
  "type",
  "event",
  "container",
  "scope",
] as const;
const FilterValues = z.union([
  z.array(z.string().max(256)).max(64),
  z.record(z.string().max(256), z.boolean()),
]);
const Filters = z
  .string()
  .max(4_096)
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: "custom", message: "is not JSON" });
      return z.NEVER;
    }
  })
  .pipe(z.partialRecord(z.enum(FILTER_KEYS), FilterValues))
  .transform((filters) => JSON.stringify(filters));

export type CallKind = "ping" | "version" | "info" | "events" | "list" | "inspect" | "logs" | "stats";

export interface AllowedCall {
  readonly kind: CallKind;
  readonly methods: readonly string[];
  /** Path after the version; the one group, if any, is the container. */
  readonly path: RegExp;
  readonly query: Readonly<Record<string, QueryRule>>;
}

const ID = "([0-9a-f]{12,64})";

/** Everything that may be asked of the engine. What is not in this table is refused. */
export const ALLOWED_CALLS: readonly AllowedCall[] = [
  { kind: "ping", methods: ["GET", "HEAD"], path: /^\/_ping$/, query: {} },
  { kind: "version", methods: ["GET"], path: /^\/version$/, query: {} },
  { kind: "info", methods: ["GET"], path: /^\/info$/, query: {} },
  {
    kind: "events",
    methods: ["GET"],
    path: /^\/events$/,
    query: { since: Timestamp, until: Timestamp, filters: Filters },
  },
  { kind: "list", methods: ["GET"], path: /^\/containers\/json$/, query: { all: Flag, filters: Filters } },
  { kind: "inspect", methods: ["GET"], path: new RegExp(`^/containers/${ID}/json$`), query: {} },
  {
    kind: "logs",
    methods: ["GET"],
    path: new RegExp(`^/containers/${ID}/logs$`),
    query: {
      follow: Flag,
      stdout: Flag,
      stderr: Flag,
      timestamps: Flag,
      since: Timestamp,
      until: Timestamp,
      tail: Tail,
    },
  },
  {
    kind: "stats",
    methods: ["GET"],
    path: new RegExp(`^/containers/${ID}/stats$`),
    query: { stream: Flag, "one-shot": Flag },
  },
];
