import { gzipSync } from "node:zlib";
import type { DlpActions } from "@claws/contracts";
import { createDefaultDetectors } from "@claws/detect";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BodyBlocked, BodyGate, type BodyGateOptions, OVERLAP_BYTES, WINDOW_BYTES } from "./body-gate.ts";
import { type ContentFinding, createContentJudge } from "./content-judge.ts";
import { spellingsOf } from "./echo-watch.ts";

const detectors = createDefaultDetectors();
const ALLOW: DlpActions = {
  secret: "allow",
  pii: "allow",
  exfiltration: "allow",
  injection: "allow",
  size: "allow",
};
const KEY = "AKIAQ3EGRZ7XLP2MTWVB";

/** The key, each of its letters behind a prefix and in hexadecimal. */
const escapeAll = (prefix: string) => Buffer.from(KEY).toString("hex").replaceAll(/../g, `${prefix}$&`);

interface Run {
  readonly passed: Buffer;
  readonly blockedBy: string | undefined;
  readonly findings: readonly ContentFinding[];
}

async function run(
  chunks: readonly (string | Buffer)[],
  actions: Partial<DlpActions>,
  options: Partial<BodyGateOptions> = {},
): Promise<Run> {
  const findings: ContentFinding[] = [];
  const judge = createContentJudge({
    direction: "egress-requests",
    actions: { ...ALLOW, ...actions },
    detectors,
  });
  const gate = new BodyGate({
    judge,
    contentEncoding: "",
    pace: "window",
    onFinding: (finding) => void findings.push(finding),
    ...options,
  });
  const passed: Buffer[] = [];
  let blockedBy: string | undefined;
  try {
    for (const chunk of chunks) passed.push(...(await gate.take(Buffer.from(chunk))));
    passed.push(...(await gate.finish()));
  } catch (error) {
    if (!(error instanceof BodyBlocked)) throw error;
    blockedBy = error.finding.rule;
  } finally {
    gate.destroy();
  }
  return { passed: Buffer.concat(passed), blockedBy, findings };
}

/** Bytes that look random, and are the same each time. */
function noise(length: number, seed: number): Buffer {
  let state = seed | 1;
  return Buffer.from(Array.from({ length }, () => (state = (state * 48_271) % 2_147_483_647) & 255));
}

function split(bytes: Buffer, at: readonly number[]): Buffer[] {
  const cuts = [0, ...at.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end));
}

describe("a body that is judged", () => {
  it("comes out as it went in, in any chunks, at any pace, coded or not", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 3 * WINDOW_BYTES }),
        fc.nat(),
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.constantFrom("window" as const, "chunk" as const),
        fc.constantFrom("block" as const, "flag" as const, "allow" as const),
        fc.boolean(),
        async (length, seed, cuts, pace, size, isCoded) => {
          const bytes = noise(length, seed);
          const body = isCoded ? gzipSync(bytes) : bytes;
          const contentEncoding = isCoded ? "gzip" : "";
          const hidden = spellingsOf("s3cr3t-value-of-the-operator");
          const { passed, blockedBy } = await run(
            split(body, cuts),
            { size },
            { pace, contentEncoding, hidden },
          );
          expect([blockedBy, passed.equals(body)]).toEqual([undefined, true]);
        },
      ),
      { seed: 25, numRuns: 60 },
    );
  });

  it("leaves nothing of a secret behind, wherever it stands and wherever chunks end", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 3 * WINDOW_BYTES }),
        fc.nat({ max: 2 * WINDOW_BYTES }),
        fc.array(fc.nat(), { maxLength: 6 }),
        async (before, after, cuts) => {
          const body = Buffer.from(`${".".repeat(before)} ${KEY} ${".".repeat(after)}`);
          const { passed, blockedBy } = await run(split(body, cuts), { secret: "block" });
          expect(blockedBy).toBe("aws-access-key-id");
          expect(passed.length).toBeLessThanOrEqual(before + 1);
        },
      ),
      { seed: 26, numRuns: 60 },
    );
  });

  it("of less than a window leaves not at all when it is blocked", async () => {
    const { passed } = await run(["x".repeat(1_000), "y".repeat(50_000), KEY], { secret: "block" });
    expect(passed.length).toBe(0);
  });

  it.each([-21, -10, -1, 0])("is blocked for a secret %d characters from a window's end", async (offset) => {
    const body = Buffer.concat([
      Buffer.alloc(WINDOW_BYTES + offset, "."),
      Buffer.from(`${KEY} `),
      Buffer.alloc(WINDOW_BYTES, "."),
    ]);
    const { passed, blockedBy } = await run(split(body, [WINDOW_BYTES]), { secret: "block" });
    expect(blockedBy).toBe("aws-access-key-id");
    expect(passed.toString()).not.toContain("A");
  });

  it("passes a secret that is flagged, and says so once, without the secret", async () => {
    const body = [".".repeat(WINDOW_BYTES - 30), KEY, ".".repeat(WINDOW_BYTES)];
    const { passed, findings } = await run(body, { secret: "flag" });
    expect(passed.length).toBe(body.join("").length);
    expect(findings).toMatchObject([
      { rule: "aws-access-key-id", category: "secret", severity: "critical", action: "flag", place: "body" },
    ]);
    expect(JSON.stringify(findings)).not.toContain(KEY);
  });

  it("is blocked where a part would have to be redacted", async () => {
    expect((await run([KEY], { secret: "redact" })).blockedBy).toBe("aws-access-key-id");
  });

  it.each([
    ["base64", Buffer.from(`the key is ${KEY} indeed`).toString("base64")],
    ["JSON's escapes", `{"k":"${escapeAll("\\u00")}"}`],
    ["UTF-16", Buffer.from(`key ${KEY} `, "utf16le")],
    ["percent-encoding", escapeAll("%")],
    ["multipart", `--b\r\nContent-Disposition: form-data; name="f"\r\n\r\n${KEY}\r\n--b--\r\n`],
  ])("is blocked for a secret in %s", async (_how, body) => {
    expect((await run([body], { secret: "block" })).blockedBy).toBe("aws-access-key-id");
  });

  it.each([
    ["gzip", gzipSync(`${".".repeat(5_000)}${KEY}`), "aws-access-key-id"],
    ["gzip, gzip", gzipSync(gzipSync(KEY)), undefined],
    ["aes128gcm", Buffer.from(KEY), undefined],
    ["gzip", Buffer.from(`${KEY} as plain text`), "broken-encoding"],
    ["gzip", Buffer.concat([gzipSync("x"), Buffer.from(KEY)]), "broken-encoding"],
    ["gzip", gzipSync(Buffer.alloc(50_000_000)), "decompression-bomb"],
  ])("coded as %s is opened to be read", async (contentEncoding, body, blockedBy) => {
    const verdict = await run([body], { secret: "block", size: "flag" }, { contentEncoding });
    expect(verdict.blockedBy).toBe(blockedBy);
    expect(verdict.passed.length).toBe(blockedBy === undefined ? body.length : 0);
    if (blockedBy === undefined) expect(verdict.findings).toMatchObject([{ rule: "unreadable-encoding" }]);
  });

  it("that is a bomb is blocked also where everything else is only flagged", async () => {
    const body = gzipSync(Buffer.alloc(50_000_000));
    const { blockedBy } = await run([body], { secret: "flag" }, { contentEncoding: "gzip" });
    expect(blockedBy).toBe("decompression-bomb");
  });

  it("in a coding that cannot be read is blocked when a value may hide in it", async () => {
    const hidden = spellingsOf("s3cr3t-value-of-the-operator");
    const { blockedBy } = await run(["x"], {}, { contentEncoding: "aes128gcm", hidden });
    expect(blockedBy).toBe("unreadable-encoding");
  });

  it("at the pace of its chunks waits for nothing but the beginning of a hidden value", async () => {
    const value = "s3cr3t-value-of-the-operator";
    const judge = createContentJudge({ direction: "egress-responses", actions: ALLOW, detectors });
    const gate = new BodyGate({
      judge,
      contentEncoding: "",
      pace: "chunk",
      hidden: spellingsOf(value),
      onFinding: () => undefined,
    });
    const take = async (text: string) => Buffer.concat(await gate.take(Buffer.from(text))).toString();
    expect(await take("data: one\n\n")).toBe("data: one\n\n");
    expect(await take("data: s3cr")).toBe("data: ");
    expect(await take("own\n\n")).toBe("s3crown\n\n");
    expect(await take(`data: ${value.slice(0, 12)}`)).toBe("data: ");
    await expect(take(value.slice(12))).rejects.toThrow(BodyBlocked);
  });

  it("tells no more than twenty findings one by one", async () => {
    const cards = "4111 1111 1111 1111 ".repeat(500);
    expect((await run([cards], { pii: "flag" })).findings).toHaveLength(20);
  });

  it("holds back no more than the overlap of what was judged", async () => {
    const judge = createContentJudge({
      direction: "egress-requests",
      actions: { ...ALLOW, secret: "block" },
      detectors,
    });
    const gate = new BodyGate({ judge, contentEncoding: "", pace: "window", onFinding: () => undefined });
    expect(await gate.take(Buffer.alloc(WINDOW_BYTES - 1, "."))).toEqual([]);
    const released = Buffer.concat(await gate.take(Buffer.alloc(1, ".")));
    expect(released.length).toBe(WINDOW_BYTES - OVERLAP_BYTES);
  });
});
