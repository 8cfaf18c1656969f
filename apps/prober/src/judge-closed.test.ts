import { describe, expect, it } from "vitest";
import { type Attempt, type Outcome, readErrorCode } from "./attempt.ts";
import { toNumber } from "./ipv4.ts";
import { isClosed, judgeClosed, judgeOpen, judgeShut } from "./judge-closed.ts";

const LINK = {
  device: "eth0",
  destination: toNumber("10.0.0.0"),
  mask: toNumber("255.255.255.0"),
  gateway: 0,
};
const DEFAULT = { device: "eth0", destination: 0, mask: 0, gateway: toNumber("10.0.0.1") };
const to = (address: string, outcome: Outcome): Attempt => ({ protocol: "tcp", address, port: 80, outcome });
const SILENT: Outcome = { kind: "silent" };
const code = (text: string, address = "192.0.2.1") => to(address, readErrorCode(text, address));

describe("a place that no packet may get to", () => {
  const nobody = new Map<string, "present" | "absent">();
  const dead = new Map([["10.0.0.1", "absent" as const]]);
  const live = new Map([["10.0.0.1", "present" as const]]);

  it.each<[string, Attempt, Parameters<typeof isClosed>[1], boolean]>([
    ["ENETUNREACH", code("ENETUNREACH"), { routes: [], neighbours: nobody }, true],
    ["EHOSTUNREACH", code("EHOSTUNREACH"), { routes: [DEFAULT], neighbours: dead }, true],
    ["an answer", to("192.0.2.1", { kind: "answered" }), { routes: [], neighbours: nobody }, false],
    ["a refusal: the packet got there", code("ECONNREFUSED"), { routes: [], neighbours: nobody }, false],
    [
      "silence behind a gateway that is not there",
      to("192.0.2.1", SILENT),
      { routes: [DEFAULT], neighbours: dead },
      true,
    ],
    [
      "silence behind a gateway that is",
      to("192.0.2.1", SILENT),
      { routes: [DEFAULT], neighbours: live },
      false,
    ],
    [
      "silence behind a gateway of which nothing is known",
      to("192.0.2.1", SILENT),
      { routes: [DEFAULT], neighbours: nobody },
      false,
    ],
    [
      "silence of an address on the link that nobody has",
      to("10.0.0.1", SILENT),
      { routes: [LINK], neighbours: dead },
      true,
    ],
    [
      "silence of a machine on the link, which may listen",
      to("10.0.0.1", SILENT),
      { routes: [LINK], neighbours: live },
      false,
    ],
    ["silence over IPv6", to("2001:db8::1", SILENT), { routes: [], neighbours: nobody }, false],
    [
      "no IPv6 address to come from",
      code("EADDRNOTAVAIL", "2001:db8::1"),
      { routes: [], neighbours: nobody },
      true,
    ],
    [
      "no port to come from, which proves nothing",
      code("EADDRNOTAVAIL"),
      { routes: [], neighbours: nobody },
      false,
    ],
    ["no socket left, which proves nothing", code("EMFILE"), { routes: [], neighbours: nobody }, false],
    ["a rule of the machine's own", code("EPERM"), { routes: [], neighbours: nobody }, false],
  ])("with %s", (_what, attempt, evidence, closed) => {
    expect(isClosed(attempt, evidence)).toBe(closed);
    expect(judgeClosed([attempt], evidence).passed).toBe(closed);
  });

  it("is named when it is open, what answered first, and not more of them than can be read", () => {
    const refused = Array.from({ length: 9 }, (_, index) => code("ECONNREFUSED", `10.0.0.${index}`));
    const attempts = [...refused, to("192.0.2.7", { kind: "answered" })];
    const { happened } = judgeClosed(attempts, { routes: [], neighbours: nobody });
    expect(happened).toMatch(/^192\.0\.2\.7:80\/tcp answered, 10\.0\.0\.0:80\/tcp refused, .*, and 6 more$/);
  });
});

describe("a port of a neighbour that is there", () => {
  it.each<[Outcome, boolean]>([
    [{ kind: "refused" }, true],
    [SILENT, true],
    [{ kind: "unreachable", code: "EHOSTUNREACH" }, true],
    [{ kind: "answered" }, false],
    [{ kind: "odd", code: "EMFILE" }, false],
  ])("%j", (outcome, passed) => expect(judgeShut([to("10.0.0.2", outcome)]).passed).toBe(passed));
});

describe("a door", () => {
  it.each<[Outcome, boolean]>([
    [{ kind: "answered" }, true],
    [{ kind: "refused" }, false],
    [SILENT, false],
  ])("%j", (outcome, passed) => expect(judgeOpen([to("10.0.0.2", outcome)]).passed).toBe(passed));

  it("that nobody named proves nothing", () => expect(judgeOpen([]).passed).toBe(false));
});
