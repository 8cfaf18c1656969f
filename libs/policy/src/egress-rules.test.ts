import type { EgressRule } from "@claws/contracts";
import { array, assert, constantFrom, integer, property, record, subarray } from "fast-check";
import { describe, expect, it } from "vitest";
import { createEgressRules } from "./egress-rules.ts";
import { matchesHost } from "./host-pattern.ts";
import { isSpecialName } from "./special-name.ts";

type Given = Omit<EgressRule, "key">;
type Mode = "allowlist" | "public";

/** Rules by hand, numbered as the compiler does. */
function rulesOf(given: readonly Given[], mode: Mode = "allowlist") {
  return createEgressRules({
    mode,
    rules: given.map((rule, index) => ({ ...rule, key: `egress.rules[${index}]` })),
  });
}

const RULES: readonly Given[] = [
  { action: "allow", host: "allowed.test", port: 443 },
  { action: "allow", host: "**.wild.test", port: 443 },
  { action: "allow", host: "api.test", port: 80, methods: ["GET", "HEAD"] },
  { action: "allow", host: "both.test", port: 443, methods: ["CONNECT"] },
  { action: "allow", host: "lan.test", port: 443, addresses: ["10.1.0.0/16"] },
  { action: "allow", host: "mock-api", port: 80 },
  { action: "allow", host: "93.184.216.34", port: 443 },
  { action: "deny", host: "secret.wild.test", port: 443 },
  { action: "allow", host: "*.one.test", port: 443 },
  { action: "ask", host: "asked.test", port: 443 },
  { action: "allow", host: "**.internal", port: 443 },
  { action: "allow", host: "**.local", port: 443 },
  { action: "allow", host: "ollama.internal", port: 80 },
];

const LIST = "egress.rules";

describe("the rules of an allowlist", () => {
  it.each([
    ["CONNECT", "allowed.test", 443, "allow", undefined, "egress.rules[0]"],
    ["CONNECT", "allowed.test", 444, "deny", "port_denied", LIST],
    ["CONNECT", "allowed.test", 22, "deny", "port_denied", LIST],
    ["GET", "allowed.test", 80, "deny", "port_denied", LIST],
    ["CONNECT", "allowed.test.evil.test", 443, "deny", "not_allowed", LIST],
    ["CONNECT", "evil.test", 443, "deny", "not_allowed", LIST],
    ["CONNECT", "xallowed.test", 443, "deny", "not_allowed", LIST],
    ["CONNECT", "a.b.wild.test", 443, "allow", undefined, "egress.rules[1]"],
    ["CONNECT", "wild.test", 443, "deny", "not_allowed", LIST],
    ["CONNECT", ".wild.test", 443, "deny", "not_allowed", LIST],
    ["CONNECT", "evilwild.test", 443, "deny", "not_allowed", LIST],
    ["CONNECT", "secret.wild.test", 443, "deny", "deny_rule", "egress.rules[7]"],
    ["CONNECT", "a.secret.wild.test", 443, "allow", undefined, "egress.rules[1]"],
    ["CONNECT", "a.one.test", 443, "allow", undefined, "egress.rules[8]"],
    ["CONNECT", "a.b.one.test", 443, "deny", "not_allowed", LIST],
    ["GET", "api.test", 80, "allow", undefined, "egress.rules[2]"],
    ["POST", "api.test", 80, "deny", "method_denied", "egress.rules[2].methods"],
    ["QUERY", "api.test", 80, "deny", "method_denied", "egress.rules[2].methods"],
    ["CONNECT", "both.test", 443, "allow", undefined, "egress.rules[3]"],
    ["GET", "both.test", 443, "deny", "method_denied", "egress.rules[3].methods"],
    ["GET", "mock-api", 80, "allow", undefined, "egress.rules[5]"],
    ["CONNECT", "asked.test", 443, "ask", undefined, "egress.rules[9]"],
    ["GET", "redis", 80, "deny", "special_name", LIST],
    ["CONNECT", "93.184.216.34", 443, "allow", undefined, "egress.rules[6]"],
    ["CONNECT", "93.184.216.34", 80, "deny", "port_denied", LIST],
    ["CONNECT", "93.184.216.35", 443, "deny", "ip_literal_denied", LIST],
    ["CONNECT", "[::ffff:7f00:1]", 443, "deny", "ip_literal_denied", LIST],
    ["CONNECT", "169.254.169.254", 80, "deny", "ip_literal_denied", LIST],
  ])("say of %s %s:%i: %s %s", (method, host, port, outcome, reason, key) => {
    const decision = rulesOf(RULES).decide({ host, port, method, path: "/" });
    expect(decision).toMatchObject(reason === undefined ? { outcome, key } : { outcome, key, reason });
  });

  it.each([
    "host.docker.internal",
    "gateway.docker.internal",
    "kubernetes.docker.internal",
    "metadata",
    "metadata.google.internal",
    "instance-data",
    "printer.local",
    "nas.home.arpa",
    "x.onion",
    "localhost",
    "a.localhost",
    "localhost.localdomain",
    "redis",
    "mock-apis",
    "api.default.svc",
  ])("open the special name %s only by its own name", (host) => {
    const byWildcard = RULES.concat({ action: "allow", host: "**.docker.internal", port: 443 });
    for (const mode of ["allowlist", "public"] as const) {
      const denied = rulesOf(byWildcard, mode);
      expect(denied.decide({ host, port: 443, method: "CONNECT" })).toMatchObject({
        outcome: "deny",
        reason: "special_name",
      });
      expect(denied.couldReach(host)).toBe(false);
      const allowed = rulesOf([{ action: "allow", host, port: 443 }], mode);
      expect(allowed.decide({ host, port: 443, method: "CONNECT" })).toMatchObject({ outcome: "allow" });
      expect(allowed.couldReach(host)).toBe(true);
    }
  });

  it("deny a special name by a wildcard, though none opens one", () => {
    const rules = rulesOf([
      { action: "allow", host: "ollama.internal", port: 80 },
      { action: "deny", host: "**.internal", port: 80 },
    ]);
    expect(rules.decide({ host: "ollama.internal", port: 80, method: "GET", path: "/" })).toMatchObject({
      reason: "deny_rule",
    });
  });

  it.each<[string, number, string, string]>([
    ["api.test", 80, "GET", "allow api.test:80 for GET, HEAD"],
    ["secret.wild.test", 443, "CONNECT", "deny secret.wild.test:443"],
    ["asked.test", 443, "CONNECT", "ask asked.test:443"],
  ])("give the text of the rule that decided about %s:%i", (host, port, method, rule) => {
    expect(rulesOf(RULES).decide({ host, port, method, path: "/" })).toMatchObject({ rule });
  });

  it("grant the addresses of the rule that decided and of no other", () => {
    const { decide } = rulesOf(RULES);
    const addresses = (host: string) => decide({ host, port: 443, method: "CONNECT" });
    expect(addresses("lan.test")).toMatchObject({ addresses: ["10.1.0.0/16"] });
    expect(addresses("allowed.test")).toMatchObject({ addresses: [] });
  });

  it("deny everything when there are none, and name the list where one would go", () => {
    const rules = createEgressRules({ mode: "allowlist", rules: [], key: "servers.web.egress" });
    expect(rules.decide({ host: "a.test", port: 443, method: "CONNECT" })).toEqual({
      outcome: "deny",
      reason: "not_allowed",
      detail: "no rule names a.test",
      key: "servers.web.egress",
    });
  });

  it.each<[string, Given]>([
    ["host", { action: "deny", host: "*", port: 443 }],
    ["path", { action: "deny", host: "x.test", port: 443, paths: ["/a/../b"] }],
  ])("deny everything when the %s of one cannot be read, since it may be a deny rule", (_what, broken) => {
    for (const mode of ["allowlist", "public"] as const) {
      const rules = rulesOf([...RULES, broken], mode);
      expect(rules.decide({ host: "allowed.test", port: 443, method: "CONNECT" })).toMatchObject({
        outcome: "deny",
        reason: "deny_rule",
        detail: expect.stringContaining("cannot be read"),
        key: `egress.rules[${RULES.length}]`,
      });
      expect(rules.couldReach("allowed.test")).toBe(false);
    }
  });
});

describe("public mode", () => {
  it.each([
    ["CONNECT", "anything.test", 443, "allow", undefined],
    ["GET", "anything.test", 80, "allow", undefined],
    ["CONNECT", "anything.test", 22, "deny", "port_denied"],
    ["GET", "anything.test", 81, "deny", "port_denied"],
    ["CONNECT", "secret.wild.test", 443, "deny", "deny_rule"],
    ["CONNECT", "asked.test", 443, "ask", undefined],
    ["GET", "redis", 80, "deny", "special_name"],
    ["GET", "mock-api", 80, "allow", undefined],
    ["POST", "api.test", 80, "allow", undefined],
    ["CONNECT", "93.184.216.35", 443, "allow", undefined],
    ["CONNECT", "93.184.216.35", 22, "deny", "port_denied"],
    ["CONNECT", "[2606:4700::1111]", 443, "allow", undefined],
  ])("says of %s %s:%i: %s %s", (method, host, port, outcome, reason) => {
    const decision = rulesOf(RULES, "public").decide({ host, port, method, path: "/" });
    expect(decision).toMatchObject(reason === undefined ? { outcome } : { outcome, reason });
  });

  it("is the only other mode there is", () => {
    const rules = createEgressRules({ mode: "open" as "public", rules: [] });
    expect(rules.decide({ host: "a.test", port: 443, method: "CONNECT" })).toMatchObject({ outcome: "deny" });
    expect(rules.couldReach("a.test")).toBe(false);
  });

  it("opens tunnels that nobody looks into", () => {
    const { decide } = rulesOf([{ action: "allow", host: "a.test", port: 443, methods: ["GET"] }], "public");
    for (const host of ["a.test", "b.test"])
      expect(decide({ host, port: 443, method: "CONNECT" })).toMatchObject({ through: "opaque" });
  });
});

describe("a tunnel", () => {
  const A = { host: "a.test", port: 443 } as const;
  const plain: Given = { action: "allow", ...A };
  const inspected: Given = { action: "allow", ...A, inspect: true, paths: ["/v1/"] };
  const readable: Given = { action: "allow", ...A, methods: ["GET"] };
  const asking: Given = { action: "ask", ...A };
  const askingForPosts: Given = { action: "ask", ...A, methods: ["POST"] };
  const askingInside: Given = { action: "ask", ...A, methods: ["POST"], inspect: true };
  const denyingPosts: Given = { action: "deny", ...A, methods: ["POST"] };
  const denyingPath: Given = { action: "deny", ...A, paths: ["/admin/"] };
  const denyingTunnels: Given = { action: "deny", ...A, methods: ["POST", "CONNECT"] };

  it.each<[string, Given[], string, number | undefined]>([
    ["a plain rule", [plain], "allow opaque", 0],
    ["methods with CONNECT", [{ ...plain, methods: ["GET", "CONNECT"] }], "allow opaque", 0],
    ["methods without CONNECT", [readable], "allow readable", 0],
    ["paths", [{ ...plain, paths: ["/a"] }], "allow readable", 0],
    ["headers", [{ ...plain, headers: { "x-a": ["1"] } }], "allow readable", 0],
    ["CONNECT with paths", [{ ...plain, methods: ["CONNECT"], paths: ["/a"] }], "allow readable", 0],
    ["inspect", [inspected], "allow inspect", 0],
    ["inspect and methods without CONNECT", [{ ...inspected, methods: ["GET"] }], "allow inspect", 0],
    ["the first of inspect and opaque: inspect", [inspected, plain], "allow inspect", 0],
    ["the first of inspect and opaque: opaque", [plain, inspected], "allow opaque", 0],
    ["readable only when nothing else is", [readable, plain], "allow opaque", 1],
    ["an ask rule", [asking, plain], "ask opaque", 0],
    ["an ask rule that comes too late", [plain, asking], "allow opaque", 0],
    ["an ask rule that hides in the tunnel", [askingForPosts, plain], "ask opaque", 0],
    ["an ask rule that is judged inside", [askingInside, plain], "allow inspect", 1],
    ["an ask rule that is judged inside, alone", [askingInside], "ask inspect", 0],
    ["a conditional deny rule that hides", [plain, denyingPosts], "deny", 1],
    ["a conditional deny rule by path that hides", [denyingPath, plain], "deny", 0],
    ["a conditional deny rule that is judged inside", [denyingPosts, plain, inspected], "allow inspect", 2],
    ["a conditional deny rule over plain HTTP", [denyingPosts, plain, readable], "allow readable", 2],
    ["a deny rule for tunnels", [inspected, denyingTunnels], "deny", 1],
    ["a deny rule for everything", [inspected, { action: "deny", ...A }], "deny", 1],
  ])("by %s", (_what, given, expected, index) => {
    const decision = rulesOf(given).decide({ ...A, method: "CONNECT" });
    const found = decision.outcome === "deny" ? "deny" : `${decision.outcome} ${decision.through}`;
    expect([found, decision.key]).toEqual([expected, `egress.rules[${index}]`]);
  });

  it.each<[string, Given[], string]>([
    ["a conditional deny rule that hides", [denyingPosts], "deny undefined"],
    ["a conditional deny rule that is judged inside", [denyingPosts, inspected], "allow inspect"],
    ["a conditional deny rule over plain HTTP", [denyingPosts, readable], "allow readable"],
    ["an ask rule that hides", [askingForPosts], "ask opaque"],
    ["an ask rule that is judged inside", [askingInside], "allow inspect"],
  ])("in public mode by %s", (_what, given, expected) => {
    const decision = rulesOf(given, "public").decide({ ...A, method: "CONNECT" });
    const through = decision.outcome === "deny" ? undefined : decision.through;
    expect(`${decision.outcome} ${through}`).toBe(expected);
  });

  it.each<[string, Given[], Mode, string]>([
    ["a plain rule", [plain], "allowlist", "allow opaque"],
    ["a conditional deny rule", [denyingPosts, plain], "allowlist", "allow readable"],
    ["a conditional deny rule", [denyingPosts], "public", "allow readable"],
    ["a conditional ask rule", [askingForPosts, plain], "allowlist", "allow readable"],
    ["a conditional ask rule", [askingForPosts], "public", "allow readable"],
    ["a deny rule for tunnels", [denyingTunnels, plain], "allowlist", "deny undefined"],
    ["an ask rule", [asking, plain], "allowlist", "ask opaque"],
    ["a conditional deny rule alone", [denyingPosts], "allowlist", "deny undefined"],
  ])("on port 80 is held to plain HTTP rather than closed: by %s", (_what, given, mode, expected) => {
    const onPort80 = given.map((rule) => ({ ...rule, port: 80 }));
    const decision = rulesOf(onPort80, mode).decide({ host: A.host, port: 80, method: "CONNECT" });
    const through = decision.outcome === "deny" ? undefined : decision.through;
    expect(`${decision.outcome} ${through}`).toBe(expected);
  });

  it("that asks opens no addresses but those of the rule behind the question", () => {
    const { decide } = rulesOf([
      { ...askingForPosts, addresses: ["10.0.0.0/8"] },
      { ...plain, addresses: ["10.1.0.0/16"] },
    ]);
    expect(decide({ ...A, method: "CONNECT" })).toMatchObject({ outcome: "ask", addresses: ["10.1.0.0/16"] });
  });

  it.each([
    ["GET", "/v1/x", "allow", undefined],
    ["GET", "/v2/x", "deny", "path_denied"],
    ["POST", "/v1/x", "deny", "deny_rule"],
    ["post", "/v1/x", "deny", "deny_rule"],
  ])("is judged again by what is inside: %s %s", (method, path, outcome, reason) => {
    const decision = rulesOf([inspected, denyingPosts]).decide({ ...A, method, path });
    expect(decision).toMatchObject(
      reason === undefined ? { outcome, through: "inspect" } : { outcome, reason },
    );
  });
});

describe("paths", () => {
  const given: Given[] = [
    { action: "allow", host: "api.test", port: 80, paths: ["/v1/*", "/docs/"], methods: ["GET"] },
    { action: "deny", host: "api.test", port: 80, paths: ["/v1/secret", "/docs/private/"] },
    { action: "allow", host: "free.test", port: 80 },
    { action: "allow", host: "closed.test", port: 80 },
    { action: "deny", host: "closed.test", port: 80 },
  ];

  it.each([
    ["api.test", "/v1/x", "allow"],
    ["api.test", "/v1/x?a=/../b", "allow"],
    ["api.test", "/docs/a/b", "allow"],
    ["api.test", "/v1/x/y", "path_denied"],
    ["api.test", "/v1%2fadmin", "path_denied"],
    ["api.test", "/v1", "path_denied"],
    ["api.test", "/v1/secret", "deny_rule"],
    ["api.test", "/v1/%73ecret", "deny_rule"],
    ["api.test", "/v1/SECRET", "deny_rule"],
    ["api.test", "/v1/secret;a=b", "deny_rule"],
    ["api.test", "/v1%2fsecret", "deny_rule"],
    ["api.test", "/docs/private/x", "deny_rule"],
    ["api.test", "/v1/100%", "path_ambiguous"],
    ["api.test", "/v1/a%5cb", "path_ambiguous"],
    ["api.test", "/v1/../admin", "path_ambiguous"],
    ["free.test", "/v1/../admin", "path_ambiguous"],
    ["free.test", "/v1/%2e%2e/admin", "path_ambiguous"],
    ["free.test", "/v1/%252e%252e/admin", "path_ambiguous"],
    ["free.test", "//v1/x", "path_ambiguous"],
    ["free.test", "/v1;x/../admin", "path_ambiguous"],
    ["free.test", "/v1/..;/admin", "path_ambiguous"],
    ["free.test", "/v1%2fadmin", "allow"],
    ["free.test", "/100%", "allow"],
    ["free.test", "/caf%e9", "allow"],
    ["free.test", "/a%5cb", "allow"],
    ["other.test", "/v1/../admin", "not_allowed"],
    ["closed.test", "/v1/../admin", "deny_rule"],
  ])("%s%s: %s", (host, path, expected) => {
    const decision = rulesOf(given).decide({ host, port: 80, method: "GET", path });
    expect(decision.outcome === "deny" ? decision.reason : decision.outcome).toBe(expected);
  });

  it("that nobody can see fit no allow rule and every deny rule", () => {
    const { decide } = rulesOf(given);
    expect(decide({ host: "api.test", port: 80, method: "GET" })).toMatchObject({ reason: "deny_rule" });
    const allowing = rulesOf(given.slice(0, 1));
    expect(allowing.decide({ host: "api.test", port: 80, method: "GET" })).toMatchObject({
      reason: "path_denied",
    });
  });
});

describe("headers", () => {
  const given: Given[] = [
    { action: "allow", host: "api.test", port: 80, headers: { "x-team": ["red", "blue"], cookie: [] } },
    { action: "deny", host: "api.test", port: 80, headers: { "x-mode": ["admin"] } },
  ];

  it.each<[Record<string, string[]>, string]>([
    [{ "x-team": ["red"] }, "allow"],
    [{ "x-team": ["green"] }, "header_denied"],
    [{ "x-team": ["RED"] }, "header_denied"],
    [{ "x-team": ["red", "red"] }, "header_denied"],
    [{}, "header_denied"],
    [{ "x-team": ["red"], cookie: ["a=b"] }, "header_denied"],
    [{ "x-team": ["red"], "x-mode": ["admin"] }, "deny_rule"],
    [{ "x-team": ["red"], "x-mode": ["user", "admin"] }, "deny_rule"],
    [{ "x-team": ["red"], "x-mode": ["user"] }, "allow"],
  ])("%j: %s", (headers, expected) => {
    const decision = rulesOf(given).decide({
      host: "api.test",
      port: 80,
      method: "GET",
      path: "/",
      headers: (name) => headers[name] ?? [],
    });
    expect(decision.outcome === "deny" ? decision.reason : decision.outcome).toBe(expected);
    expect(JSON.stringify(decision.outcome === "deny" ? decision : {})).not.toContain("a=b");
  });
});

describe("the nearest reason", () => {
  it("names the rule that all but fitted", () => {
    const { decide } = rulesOf([
      { action: "allow", host: "a.test", port: 80, methods: ["PUT"] },
      { action: "allow", host: "a.test", port: 80, methods: ["GET"], paths: ["/v1/"] },
    ]);
    expect(decide({ host: "a.test", port: 80, method: "GET", path: "/v2" })).toMatchObject({
      reason: "path_denied",
      rule: "allow a.test:80 for GET at /v1/",
      key: "egress.rules[1].paths",
    });
  });
});

describe("couldReach", () => {
  const given: Given[] = [
    { action: "allow", host: "*.a.test", port: 443 },
    { action: "ask", host: "asked.test", port: 443 },
    { action: "deny", host: "x.a.test", port: 443 },
    { action: "deny", host: "y.a.test", port: 80 },
    { action: "deny", host: "z.a.test", port: 443, methods: ["POST"] },
    { action: "deny", host: "closed.test", port: 443 },
    { action: "deny", host: "closed.test", port: 80 },
    { action: "deny", host: "half.test", port: 443 },
  ];

  it.each<[string, boolean, boolean]>([
    ["b.a.test", true, true],
    ["a.test", false, true],
    ["asked.test", true, true],
    ["x.a.test", false, true],
    ["y.a.test", true, true],
    ["z.a.test", true, true],
    ["closed.test", false, false],
    ["half.test", false, true],
    ["redis", false, false],
  ])("%s: %s in an allowlist, %s in public mode", (host, inAllowlist, inPublic) => {
    expect(rulesOf(given).couldReach(host)).toBe(inAllowlist);
    expect(rulesOf(given, "public").couldReach(host)).toBe(inPublic);
  });
});

describe("whatever the rules are", () => {
  const HOSTS = ["a.test", "b.a.test", "c.b.a.test", "test", "x.local", "192.0.2.1"];
  const PATTERNS = [...HOSTS, "*.a.test", "**.a.test", "**.test", "**.local"];
  const rule = record({
    action: constantFrom("allow", "ask", "deny"),
    host: constantFrom(...PATTERNS),
    port: constantFrom(80, 443),
    methods: constantFrom(undefined, ["GET"], ["CONNECT"], ["GET", "CONNECT"], ["POST"]),
    paths: constantFrom(undefined, ["/a"], ["/b/"]),
    inspect: constantFrom(undefined, true),
  });
  const lists = array(rule, { maxLength: 8 });
  const query = record({
    host: constantFrom(...HOSTS),
    port: constantFrom(80, 443, 22),
    method: constantFrom("GET", "POST", "CONNECT"),
    path: constantFrom("/a", "/b/c", "/c"),
  });
  const clean = (given: object[]): Given[] => given.map((one) => JSON.parse(JSON.stringify(one)) as Given);
  const SEED = { seed: 20_261_122, numRuns: 2_000 };

  it("a request is decided as by the plain reading of the semantics", () => {
    assert(
      property(lists, query, constantFrom<Mode>("allowlist", "public"), (list, asked, mode) => {
        const given = clean(list);
        const method = asked.method === "CONNECT" ? "HEAD" : asked.method;
        const decision = rulesOf(given, mode).decide({ ...asked, method });
        const fits = ({ host, port, methods, paths, action }: Given) =>
          matchesHost(host, asked.host) &&
          port === asked.port &&
          (methods?.includes(method) ?? true) &&
          (paths?.some((path) => path === asked.path || (path === "/b/" && asked.path === "/b/c")) ?? true) &&
          (action === "deny" || host === asked.host || !isSpecialName(asked.host));
        const expected =
          given.find((one) => one.action === "deny" && fits(one))?.action ??
          given.find(fits)?.action ??
          (mode === "public" && asked.port !== 22 && !isSpecialName(asked.host) ? "allow" : "deny");
        return decision.outcome === expected;
      }),
      SEED,
    );
  });

  it("nothing is permitted where couldReach says no, and no deny rule is passed over in the dark", () => {
    assert(
      property(lists, query, constantFrom<Mode>("allowlist", "public"), (list, asked, mode) => {
        const given = clean(list);
        const rules = rulesOf(given, mode);
        const decision = rules.decide(asked);
        if (decision.outcome === "deny") return true;
        const denying = given.filter(
          ({ action, host, port }) =>
            action === "deny" && matchesHost(host, asked.host) && port === asked.port,
        );
        return rules.couldReach(asked.host) && (decision.through !== "opaque" || denying.length === 0);
      }),
      SEED,
    );
  });

  it("another deny rule never opens anything", () => {
    assert(
      property(lists, rule, query, integer({ min: 0, max: 8 }), (list, more, asked, at) => {
        const given = clean(list);
        const denied = rulesOf(given).decide(asked).outcome === "deny";
        const [extra] = clean([{ ...more, action: "deny" }]) as [Given];
        return !denied || rulesOf(given.toSpliced(at, 0, extra)).decide(asked).outcome === "deny";
      }),
      SEED,
    );
  });

  it("taking allow and ask rules away never opens anything in an allowlist", () => {
    assert(
      property(
        lists.chain((list) => record({ list: constantFrom(list), kept: subarray(list) })),
        query,
        ({ list, kept }, asked) => {
          const left = list.filter((one) => one.action === "deny" || kept.includes(one));
          return (
            rulesOf(clean(list)).decide(asked).outcome !== "deny" ||
            rulesOf(clean(left)).decide(asked).outcome === "deny"
          );
        },
      ),
      SEED,
    );
  });
});
