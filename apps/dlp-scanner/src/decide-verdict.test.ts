import type { DlpActions, Finding } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { decideVerdict } from "./decide-verdict.ts";

const actions = (change: Partial<DlpActions> = {}): DlpActions => ({
  secret: "allow",
  pii: "allow",
  exfiltration: "allow",
  injection: "allow",
  size: "allow",
  ...change,
});

const finding = (change: Partial<Finding> = {}): Finding => ({
  rule: "a-rule",
  category: "secret",
  severity: "high",
  confidence: 0.9,
  path: "/a",
  span: [0, 2],
  evidence: "***",
  decodedBy: [],
  ...change,
});
const secret = finding({ rule: "key" });
const mail = finding({ rule: "mail", category: "pii", severity: "low", span: [3, 5] });
const content = { a: "01 34 6" };

describe("decideVerdict", () => {
  it.each([
    ["nothing found", [], actions({ secret: "block" }), "allow", 0],
    ["what the profile allows is dropped", [secret], actions(), "allow", 0],
    ["what it flags passes and is listed", [secret], actions({ secret: "flag" }), "allow", 1],
    ["redact beats flag", [mail, secret], actions({ pii: "flag", secret: "redact" }), "redact", 2],
    ["block beats redact", [mail, secret], actions({ pii: "redact", secret: "block" }), "block", 2],
  ])("%s", (_claim, findings, chosen, action, listed) => {
    const verdict = decideVerdict(content, findings, chosen);
    expect(verdict.action).toBe(action);
    expect(verdict.findings).toHaveLength(listed);
  });

  it("redacts what is to be redacted and leaves what is only flagged", () => {
    expect(decideVerdict(content, [secret, mail], actions({ secret: "redact", pii: "flag" }))).toMatchObject({
      content: { a: "[redacted:key] 34 6" },
    });
  });

  it("names the gravest of the blocking rules and where it stands", () => {
    const grave = finding({ rule: "grave", severity: "critical", path: "/b" });
    expect(decideVerdict(content, [secret, grave], actions({ secret: "block" }))).toMatchObject({
      rule: "grave",
      path: "/b",
    });
  });

  it("redacts beyond the number of findings that it lists", () => {
    const text = "x".repeat(501);
    const findings = Array.from(text, (_unit, index) =>
      finding({ rule: "r", path: "", span: [index, index + 1] }),
    );
    const verdict = decideVerdict(text, findings, actions({ secret: "redact" }));
    expect(verdict.findings).toHaveLength(500);
    expect(verdict).toMatchObject({ content: "[redacted:r]".repeat(501) });
  });

  it("keeps a member name that was found out of every pointer", () => {
    const name = finding({ rule: "key", path: "/a/s3cret#" });
    const below = finding({ rule: "mail", category: "pii", path: "/a/s3cret/b" });
    const beside = finding({ rule: "mail", category: "pii", path: "/a/s3cretary" });
    const paths = decideVerdict({}, [name, below, beside], actions({ secret: "flag", pii: "flag" })).findings;
    expect(paths.map(({ path }) => path)).toEqual(["/a/[redacted]#", "/a/[redacted]/b", "/a/s3cretary"]);
  });
});
