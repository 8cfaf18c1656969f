import type { EgressReason, EgressRule } from "@claws/contracts";
import type { EgressPermit, EgressQuery, EgressThrough } from "./egress-decision.ts";
import { matchesPath, readPathPattern, type PathPattern } from "./path-pattern.ts";
import { widenPath } from "./read-path.ts";
import { describeRule } from "./rule-text.ts";

/** A request as far as it can be read; what is missing fits no allow rule and every deny rule. */
export interface ReadableRequest {
  readonly method: string;
  /** Canonical, see `readPath`. */
  readonly path: string | undefined;
  readonly headers: EgressQuery["headers"];
}

export type Misfit = Extract<EgressReason, "method_denied" | "path_denied" | "header_denied">;

/** A rule made ready: every pattern read, every answer that does not depend on the request written out. */
export interface ReadyRule {
  readonly rule: EgressRule;
  readonly text: string;
  /** Whether it can only be judged by what is inside of a tunnel. */
  readonly isConditional: boolean;
  /** What a tunnel becomes by an allow or ask rule. */
  readonly tunnel: EgressThrough;
  /** Whether a deny rule refuses the tunnel itself. */
  readonly deniesTunnel: boolean;
  /** Whether a deny rule refuses whatever goes to the destination. */
  readonly deniesAll: boolean;
  readonly permit: Readonly<Record<EgressThrough, EgressPermit>>;
  /** The first condition of an allow or ask rule that the request does not meet. */
  readonly misfit: (request: ReadableRequest) => Misfit | undefined;
  /** Whether a deny rule means the request; what cannot be read, it means. */
  readonly denies: (request: ReadableRequest) => boolean;
}

/**
 * What a rule without methods means: those of everyday use. TRACE sends a request's headers back, and what QUERY or
 * PROPFIND do depends on who is asked; a rule that wants one of them names it.
 */
export const USUAL_METHODS: readonly string[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** Undefined when a path pattern of the rule cannot be read. */
export function makeReady(rule: EgressRule): ReadyRule | undefined {
  const paths = readPatterns(rule.paths);
  if (paths === "unreadable") return undefined;
  const { methods, headers } = rule;
  const isForTunnels = methods?.includes("CONNECT") ?? true;
  const isConditional = !isForTunnels || paths !== undefined || headers !== undefined;
  const text = describeRule(rule);
  const wanted = Object.entries(headers ?? {});
  return {
    rule,
    text,
    isConditional,
    tunnel: rule.inspect === true ? "inspect" : isConditional ? "readable" : "opaque",
    deniesTunnel: !isConditional,
    deniesAll: methods === undefined && !isConditional,
    permit: {
      opaque: permitBy(rule, text, "opaque"),
      inspect: permitBy(rule, text, "inspect"),
      readable: permitBy(rule, text, "readable"),
    },
    misfit(request) {
      if (!(methods ?? USUAL_METHODS).includes(request.method)) return "method_denied";
      if (paths !== undefined && !isAnyPath(paths, request.path)) return "path_denied";
      if (!wanted.every(([name, values]) => hasOnce(request, name, values))) return "header_denied";
      return undefined;
    },
    denies(request) {
      if (methods !== undefined && !methods.includes(request.method.toUpperCase())) return false;
      if (paths !== undefined && !mayBePath(paths, request.path)) return false;
      return wanted.every(([name, values]) => mayHave(request, name, values));
    },
  };
}

interface Patterns {
  readonly asWritten: readonly PathPattern[];
  /** In the form of `widenPath`, for deny rules. */
  readonly widened: readonly PathPattern[];
}

function readPatterns(texts: readonly string[] | undefined): Patterns | undefined | "unreadable" {
  if (texts === undefined) return undefined;
  const asWritten: PathPattern[] = [];
  for (const text of texts) {
    const reading = readPathPattern(text);
    if (!reading.ok) return "unreadable";
    asWritten.push(reading.pattern);
  }
  const widened = asWritten.map(({ segments, isPrefix }) => ({
    segments: widenPath(`/${segments.join("/")}`)
      .slice(1)
      .split("/"),
    isPrefix,
  }));
  return { asWritten, widened: widened.map(dropEmpty) };
}

/** The pattern `/` has no segment, which joining and splitting would turn into an empty one. */
function dropEmpty({ segments, isPrefix }: PathPattern): PathPattern {
  return { segments: segments.length === 1 && segments[0] === "" ? [] : segments, isPrefix };
}

function permitBy(rule: EgressRule, text: string, through: EgressThrough): EgressPermit {
  const outcome = rule.action === "ask" ? "ask" : "allow";
  return { outcome, rule: text, key: rule.key, matched: rule, addresses: rule.addresses ?? [], through };
}

function isAnyPath({ asWritten }: Patterns, path: string | undefined): boolean {
  return path !== undefined && asWritten.some((pattern) => matchesPath(pattern, path));
}

function mayBePath(patterns: Patterns, path: string | undefined): boolean {
  if (path === undefined || isAnyPath(patterns, path)) return true;
  const widest = widenPath(path);
  return patterns.widened.some((pattern) => matchesPath(pattern, widest));
}

function hasOnce({ headers }: ReadableRequest, name: string, values: readonly string[]): boolean {
  if (headers === undefined) return false;
  const given = headers(name);
  if (values.length === 0) return given.length === 0;
  const [only] = given;
  return given.length === 1 && only !== undefined && values.includes(only);
}

/** Sending a header twice must not get it past a rule that refuses one of its values. */
function mayHave({ headers }: ReadableRequest, name: string, values: readonly string[]): boolean {
  if (headers === undefined) return true;
  const given = headers(name);
  return values.length === 0 ? given.length === 0 : given.some((value) => values.includes(value.trim()));
}
