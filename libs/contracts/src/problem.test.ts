import { describe, expect, it } from "vitest";
import { createProblem, Problem, type ProblemCode, PROBLEMS } from "./problem.ts";

const codes = Object.keys(PROBLEMS) as ProblemCode[];

describe("the catalogue of problems", () => {
  it("has a title of its own for every code", () => {
    const titles = codes.map((code) => PROBLEMS[code].title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it.each(codes)("%s makes a document that a client can read", (code) => {
    const problem = createProblem(code, { service: "broker", detail: "what to do" });
    expect(Problem.parse(problem)).toEqual({
      type: `urn:sandbox-claws:problem:${code}`,
      title: PROBLEMS[code].title,
      status: PROBLEMS[code].status,
      detail: "what to do",
      code,
      service: "broker",
    });
  });
});

describe("createProblem", () => {
  it.each([
    [{ rule: "egress.rules[2]" }, { rule: "egress.rules[2]" }],
    [{ key: "limits.callsPerMinute" }, { key: "limits.callsPerMinute" }],
    [{ retryAfterMs: 0 }, { retryAfterMs: 0 }],
    [
      { rule: "agent", key: "k", retryAfterMs: 1_500 },
      { rule: "agent", key: "k", retryAfterMs: 1_500 },
    ],
    [{ rule: undefined, key: undefined, retryAfterMs: undefined }, {}],
  ])("with %j says %j and nothing else", (given, said) => {
    const { rule, key, retryAfterMs, ...rest } = createProblem("rate_limited", {
      service: "rate-limiter",
      detail: "later",
      ...given,
    });
    expect(Object.keys(rest)).toEqual(["type", "title", "status", "detail", "code", "service"]);
    expect(JSON.parse(JSON.stringify({ rule, key, retryAfterMs }))).toEqual(said);
  });

  it.each([
    ["a code that is not ours", { code: "teapot" }],
    ["a status that is not an error", { status: 200 }],
    ["a status beyond HTTP", { status: 600 }],
    ["a negative pause", { retryAfterMs: -1 }],
    ["no detail", { detail: undefined }],
  ])("is not confused with a document that has %s", (_what, change) => {
    const problem = createProblem("internal", { service: "broker", detail: "see the log" });
    expect(Problem.safeParse({ ...problem, ...change }).success).toBe(false);
  });

  it("leaves room for members that a newer service adds (RFC 9457)", () => {
    const problem = createProblem("internal", { service: "broker", detail: "see the log" });
    expect(Problem.safeParse({ ...problem, instance: "urn:x" }).success).toBe(true);
  });
});
