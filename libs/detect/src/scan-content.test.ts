import { Finding } from "@claws/contracts";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDefaultDetectors } from "./default-detectors.ts";
import { redactFindings } from "./redact-findings.ts";
import { scanContent } from "./scan-content.ts";

const TOKEN = ["gh", "p_", "q7Zp2XvB9kLm4TnR8sWd3YfH6jGc1EaU5oQi"].join("");
const detectors = createDefaultDetectors();
const scan = (content: Parameters<typeof scanContent>[0]) => scanContent(content, detectors);
const places = (content: Parameters<typeof scanContent>[0]) =>
  scan(content).map(({ rule, path }) => [rule, path]);

describe("scanContent", () => {
  it("names the string by its JSON pointer and the place in it", () => {
    const [finding] = scan({ a: [{ "b/c~d": `use ${TOKEN} now` }] });
    expect(finding).toEqual({
      rule: "github-token",
      category: "secret",
      severity: "critical",
      confidence: 0.98,
      path: "/a/0/b~1c~0d",
      span: [4, 44],
      evidence: "ghp***Qi".replace("Qi", TOKEN.slice(-2)),
      decodedBy: [],
    });
    expect(Finding.safeParse(finding).success).toBe(true);
  });

  it("looks at member names, members named __proto__, long numbers, and a bare string", () => {
    expect(places({ [TOKEN]: 1 })).toEqual([["github-token", `/${TOKEN}#`]]);
    expect(places(JSON.parse(`{"__proto__":"${TOKEN}"}`))).toEqual([["github-token", "/__proto__"]]);
    expect(places({ n: 4111111111111111 })).toEqual([["payment-card", "/n"]]);
    expect(places(TOKEN)).toEqual([["github-token", ""]]);
  });

  it("undoes one layer of base64 and of percent-encoding and points at the encoded part", () => {
    const base64 = Buffer.from(`token ${TOKEN}`).toString("base64");
    expect(scan(`echo ${base64} | x`)).toMatchObject([
      { rule: "github-token", span: [5, 5 + base64.length], decodedBy: ["base64"] },
    ]);
    const percent = Buffer.from(TOKEN).toString("hex").replace(/../g, "%$&");
    expect(scan(`https://h.example/?q=${percent}&r=1`)).toMatchObject([
      { rule: "github-token", span: [19, 21 + percent.length], decodedBy: ["percent"] },
    ]);
  });

  it("does not report again what shows in a partly encoded text", () => {
    expect(scan(`${TOKEN}%20`).filter(({ rule }) => rule === "github-token")).toHaveLength(1);
  });

  it("reports what the decoding budget left unread", () => {
    const content = Buffer.from(TOKEN).toString("base64");
    expect(scanContent(content, detectors, content.length - 1)).toMatchObject([
      { rule: "decoding-budget", category: "size" },
    ]);
    expect(scanContent(content, detectors, content.length)).toMatchObject([{ rule: "github-token" }]);
  });

  it.each([
    ["123456789012345", "123***45"],
    ["12345678901234", "123***4"],
    ["123456", "12***"],
    ["12", "***"],
  ])("masks %j as %j", (found, masked) => {
    const rule = { id: "r", category: "pii", severity: "low", confidence: 1 } as const;
    const everything = {
      detect: (text: string) => [{ rule, start: 0, end: text.length, decodedBy: [] }],
    };
    expect(scanContent(found, [everything])[0]?.evidence).toBe(masked);
  });

  it("gives the same findings every time", () => {
    const content = { a: `${TOKEN} jo@mail.example.org`, b: [`password = "Tr0ub4dor&3x"`] };
    expect(scan(content)).toEqual(scan(content));
    expect(scan(content)).toHaveLength(3);
  });
});

describe("redactFindings", () => {
  const redact = (content: Parameters<typeof scanContent>[0]) => redactFindings(content, scan(content));

  it("replaces values, member names and numbers, and leaves the rest", () => {
    expect(redact({ a: `x ${TOKEN} y`, [TOKEN]: true, n: 4111111111111111, m: [null, 1.5] })).toEqual({
      a: "x [redacted:github-token] y",
      "[redacted:github-token]": true,
      n: "[redacted:payment-card]",
      m: [null, 1.5],
    });
  });

  it("keeps members apart whose names become the same", () => {
    const other = `${TOKEN.slice(0, -1)}Z`;
    expect(Object.values(redact({ [TOKEN]: 1, [other]: 2 }) as object)).toEqual([1, 2]);
  });

  it("merges overlapping spans under the most severe rule", () => {
    const finding = (rule: string, severity: Finding["severity"], span: [number, number]): Finding => ({
      rule,
      severity,
      span,
      category: "pii",
      confidence: 1,
      path: "",
      evidence: "",
      decodedBy: [],
    });
    const findings = [
      finding("mild", "low", [2, 6]),
      finding("grave", "high", [4, 8]),
      finding("apart", "low", [8, 9]),
    ];
    expect(redactFindings("0123456789", findings)).toBe("01[redacted:grave][redacted:apart]9");
  });

  it("takes the whole encoded part", () => {
    const base64 = Buffer.from(`token ${TOKEN}`).toString("base64");
    expect(redact(`echo ${base64} | x`)).toBe("echo [redacted:github-token] | x");
  });

  it("leaves nothing behind that is found again", () => {
    const piece = fc.oneof(
      fc.constantFrom(
        TOKEN,
        "4111 1111 1111 1111",
        "536-22-8726",
        "jo@mail.example.org",
        Buffer.from(TOKEN).toString("base64"),
      ),
      fc.string({ maxLength: 12 }),
    );
    const content = fc.dictionary(
      fc.string({ maxLength: 5 }),
      fc.array(piece, { maxLength: 4 }).map((all) => all.join(" ")),
    );
    fc.assert(
      fc.property(content, (value) => {
        const left = JSON.stringify(redact(value));
        expect(left).not.toContain(TOKEN);
        expect(scan(redact(value)).filter(({ category }) => category === "pii")).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
