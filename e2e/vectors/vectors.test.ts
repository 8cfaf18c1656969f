import { describe, expect, it } from "vitest";
import { withCredentials } from "./attacker.ts";
import { buildHello } from "./client-hello.ts";
import { EXPECTATIONS } from "./expectations.ts";
import { ALLOWED_ADDRESS } from "./policy.ts";
import type { Observation } from "./scenario.ts";
import { scenarioOf } from "./scenarios.ts";
import { bytesOf, readCorpus } from "./vectors.ts";
import { judge } from "./verdict.ts";

const { vectors } = readCorpus();

describe("the corpus", () => {
  it("is all there, each vector once", () => {
    expect(vectors.length).toBe(143);
    expect(new Set(vectors.map(({ id }) => id)).size).toBe(143);
  });

  it.each(vectors)("$id can be executed and judged, or says where it is proved", (vector) => {
    const executable = scenarioOf(vector);
    if (!executable.ok) return expect(executable.where).not.toBe("");
    expect(executable.scenario.exchanges.length).toBeGreaterThan(0);
    expect(EXPECTATIONS[vector.id]?.status.length).toBeGreaterThan(0);
  });

  it("has no expectation without a vector", () => {
    const ids = new Set(vectors.map(({ id }) => id));
    expect(Object.keys(EXPECTATIONS).filter((id) => !ids.has(id))).toEqual([]);
  });

  it.each([
    ["\\r\\n\\x05\\x00", "\r\n\x05\0"],
    ["http://evil.test\\\\@allowed.test/", "http://evil.test\\@allowed.test/"],
    ["ａb (UTF-8 bytes):443", "\u00ef\u00bd\u0081b:443"],
    ["\\\\n", "\\n"],
  ])("writes %j as the bytes %j", (send, bytes) => expect(bytesOf({ send })).toBe(bytes));
});

describe("credentials stand behind the request line:", () => {
  const line = "P: x\r\n";
  it.each([
    ["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nP: x\r\nHost: a\r\n\r\n"],
    ["GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\nP: x\nHost: a\n\n"],
    ["CONNECT a:443\r\n\r\n", "CONNECT a:443\r\nP: x\r\n\r\n"],
    [
      "CONNECT a:443\nX: y HTTP/1.1\r\nHost: a\r\n\r\n",
      "CONNECT a:443\nX: y HTTP/1.1\r\nP: x\r\nHost: a\r\n\r\n",
    ],
    ["\r\n\r\nGET / HTTP/1.1\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\nP: x\r\n\r\n"],
    ["PROXY TCP4 1 2\r\nGET / HTTP/1.1\r\n\r\n", "PROXY TCP4 1 2\r\nGET / HTTP/1.1\r\nP: x\r\n\r\n"],
  ])("%j", (bytes, expected) => expect(withCredentials(bytes, line)).toBe(expected));
});

describe("a ClientHello", () => {
  it("is one handshake record that says its lengths", () => {
    const hello = Buffer.from(buildHello({ serverNames: [["allowed.test"]] }), "latin1");
    expect(hello.readUInt16BE(3)).toBe(hello.length - 5);
    expect(hello.readUIntBE(6, 3)).toBe(hello.length - 9);
    expect(hello.includes("allowed.test")).toBe(true);
  });

  it("comes in as many records as asked for", () => {
    const whole = buildHello({ serverNames: [["a.test"]] }).length - 5;
    const split = buildHello({ serverNames: [["a.test"]], recordBytes: 5 }).length;
    expect(split).toBe(whole + 5 * Math.ceil(whole / 5));
  });
});

describe("a verdict", () => {
  const answer = { status: 403, reason: null, code: null, closed: true, tookMs: 1, received: 0, text: "" };
  const nothing: Observation = { id: "X", answers: [answer], arrivals: [], queries: [] };
  const taken = { ...answer, status: 200, closed: false };
  const at = (address: string, port: number, bytes = "x") => ({ address, port, bytes, total: bytes.length });
  const denied = { status: [403], mayReach: false };
  it.each<[string, Parameters<typeof judge>, string]>([
    ["refused", ["NAME", denied, nothing], "PASS"],
    ["dialled elsewhere", ["DNS", denied, { ...nothing, arrivals: [at("127.0.0.1", 443, "")] }], "REACH"],
    ["another port", ["NAME", denied, { ...nothing, arrivals: [at(ALLOWED_ADDRESS, 22)] }], "REACH"],
    ["asked a name server", ["DNS", denied, { ...nothing, queries: ["payload.evil.test"] }], "REACH"],
    ["asked for an allowed name", ["DNS", denied, { ...nothing, queries: ["a.wild.test"] }], "PASS"],
    [
      "malformed, at the allowed host",
      ["NAME", denied, { ...nothing, arrivals: [at(ALLOWED_ADDRESS, 443)] }],
      "LENIENT",
    ],
    [
      "hidden, at the allowed host",
      ["TLS", denied, { ...nothing, arrivals: [at(ALLOWED_ADDRESS, 443)] }],
      "OPAQUE",
    ],
    ["answered with success", ["NAME", denied, { ...nothing, answers: [taken] }], "LENIENT"],
    [
      "not ended",
      ["TLS", { ...denied, status: [200], mustEnd: true }, { ...nothing, answers: [taken] }],
      "LENIENT",
    ],
    ["good and refused", ["TLS", { status: [200], mayReach: true, mustReach: true }, nothing], "REFUSED"],
  ])("%s", (_what, [group, expectation, observation], verdict) => {
    expect(judge(group, expectation, observation).verdict).toBe(verdict);
  });
});
