import { Writable } from "node:stream";
import { createLogger, createMetrics } from "@claws/service-kit";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DnsDecision } from "./decide-query.ts";
import { createDnsJournal } from "./dns-journal.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance"] }));
afterEach(() => void vi.useRealTimers());

function open() {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString("utf8"));
      done();
    },
  });
  const metrics = createMetrics("egress-filter");
  return { lines, metrics, journal: createDnsJournal(createLogger("egress-filter", destination), metrics) };
}

const plain = (name: string): DnsDecision => ({
  name,
  type: "A",
  outcome: "nxdomain",
  reason: "not_allowed",
});
const suspicious = (name: string): DnsDecision => ({
  name,
  type: "A",
  outcome: "refused",
  reason: "dns_label_suspicious",
  indicator: "encoded_label",
});

describe("the DNS journal", () => {
  it("writes a decision with the same fields every time", () => {
    const { lines, journal } = open();
    expect(journal.decided(plain("evil.test"))).toBe(true);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({
      msg: "dns decided",
      name: "evil.test",
      type: "A",
      outcome: "nxdomain",
      reason: "not_allowed",
      indicator: "none",
    });
  });

  it("writes the same question three times a minute and counts it always", async () => {
    const { lines, metrics, journal } = open();
    for (let round = 0; round < 50; round += 1) journal.decided(plain("evil.test"));
    expect(lines).toHaveLength(3);
    vi.advanceTimersByTime(60_000);
    for (let round = 0; round < 50; round += 1) journal.decided(plain("evil.test"));
    expect(lines).toHaveLength(6);
    const text = await metrics.metrics();
    expect(text).toMatch(/egress_dns_decisions_total\{[^}]*reason="not_allowed"[^}]*\} 100\n/);
    expect(text).toMatch(/egress_dns_lines_suppressed_total(?:\{[^}]*\})? 94\n/);
  });

  it("stays readable under any number of names, and does not lose the one that matters in them", () => {
    const { lines, journal } = open();
    for (let round = 0; round < 5_000; round += 1) journal.decided(plain(`n${round}.evil.test`));
    expect(lines).toHaveLength(40);
    expect(journal.decided(suspicious("4d79207365637265.evil.test"))).toBe(true);
  });

  it("has no label that an agent chooses", async () => {
    const { metrics, journal } = open();
    journal.decided({ ...suspicious("chosen-by-agent.evil.test"), type: "TYPE65280" });
    journal.dropped("flood");
    const text = await metrics.metrics();
    expect(text).not.toMatch(/chosen-by-agent|TYPE65280/);
    expect(text).toMatch(/egress_dns_dropped_total\{[^}]*cause="flood"[^}]*\} 1\n/);
  });
});
