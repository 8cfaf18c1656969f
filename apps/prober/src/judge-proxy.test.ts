import { describe, expect, it } from "vitest";
import { type ProxyReply, readReply } from "./ask-proxy.ts";
import { judgeProxyAnswers, judgeRefused, judgeUnauthenticated } from "./judge-proxy.ts";

const reply = (status?: number, reason?: string): ProxyReply => ({
  request: { line: "CONNECT 169.254.169.254:80", host: "169.254.169.254:80" },
  outcome: status === undefined ? { kind: "silent" } : { kind: "answered" },
  ...(status === undefined ? {} : { status }),
  ...(reason === undefined ? {} : { reason }),
});

describe("the proxy's answer", () => {
  it.each<[string, ProxyReply, { refused: boolean; unauthenticated: boolean; answers: boolean }]>([
    ["403", reply(403, "special_name"), { refused: true, unauthenticated: false, answers: true }],
    ["407", reply(407, "auth"), { refused: true, unauthenticated: true, answers: true }],
    [
      "503 of the closed door",
      reply(503, "unverified"),
      { refused: true, unauthenticated: true, answers: true },
    ],
    ["200", reply(200), { refused: false, unauthenticated: false, answers: true }],
    [
      "502: it was allowed, and nobody is there",
      reply(502, "unreachable"),
      { refused: false, unauthenticated: false, answers: true },
    ],
    ["400", reply(400, "bad_authority"), { refused: false, unauthenticated: false, answers: true }],
    [
      "503 of a neighbour that is missing",
      reply(503, "dependency_down"),
      { refused: true, unauthenticated: true, answers: false },
    ],
    ["429", reply(429, "rate_limited"), { refused: true, unauthenticated: true, answers: false }],
    ["none", reply(), { refused: true, unauthenticated: true, answers: false }],
  ])("%s", (_what, given, expected) => {
    expect({
      refused: judgeRefused([given]).passed,
      unauthenticated: judgeUnauthenticated([given]).passed,
      answers: judgeProxyAnswers([given]).passed,
    }).toEqual(expected);
  });

  it.each([
    [
      'HTTP/1.1 403 Forbidden\r\ncontent-length: 25\r\n\r\n{"reason":"special_name"}',
      { status: 403, reason: "special_name" },
    ],
    ["HTTP/1.1 200 OK\r\n\r\n", { status: 200 }],
    ["HTTP/2 200\r\n\r\n", {}],
    ["SSH-2.0-x\r\n", {}],
    ["", {}],
  ])("is read from %j", (text, expected) => expect(readReply(text)).toEqual(expected));
});
