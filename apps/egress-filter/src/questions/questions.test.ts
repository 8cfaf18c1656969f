import { createStackIdentities } from "@claws/certificates";
import { AgentId, CompiledPolicy, type EgressReason, ServerName, SessionId } from "@claws/contracts";
import { createLogger, createServiceClient, type ServiceClient } from "@claws/service-kit";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Caller } from "../caller.ts";
import type { Opening } from "../judge.ts";
import type { EgressRequest } from "../read-request.ts";
import { createQuestions, type Questions } from "./questions.ts";
import { startGateway } from "./testing/start-gateway.ts";

const SESSION = SessionId.parse("session-0123456789");
const OTHER_SESSION = SessionId.parse("session-9876543210");
const main: Caller = { kind: "agent", agent: AgentId.parse("main"), session: SESSION };
const other: Caller = { kind: "agent", agent: AgentId.parse("other"), session: SESSION };
const later: Caller = { kind: "agent", agent: AgentId.parse("main"), session: OTHER_SESSION };
const server: Caller = { kind: "server", server: ServerName.parse("web"), session: SESSION };
const opening: Opening = {
  outcome: "ask",
  rule: "ask ask.example:443",
  key: "egress.rules[2]",
  addresses: [],
  through: "opaque",
};
const to = (host: string, port = 443): EgressRequest => ({
  host,
  port,
  method: "CONNECT",
  headers: () => [],
  isChunked: false,
  isWebSocket: false,
});

const logger = createLogger("egress-filter");
logger.level = "silent";

let identityOf: Awaited<ReturnType<typeof createStackIdentities>>;
let gateway: Awaited<ReturnType<typeof startGateway>>;
let client: ServiceClient;
let questions: Questions;
let ask = { seconds: 30, maxOpen: 4 };

const policy = {
  current: () => ({ egress: { ask } }) as Pick<CompiledPolicy, "egress"> as CompiledPolicy,
};
async function connect(peer: Parameters<typeof identityOf>[0] = "egress-filter"): Promise<void> {
  const identity = await identityOf(peer);
  client = createServiceClient({
    target: "approval-gateway",
    host: "localhost",
    port: gateway.port,
    identity,
  });
  questions = createQuestions({ client, policy, logger, reloadMs: 50 });
}

beforeAll(async () => {
  identityOf = await createStackIdentities();
});
beforeEach(async () => {
  ask = { seconds: 30, maxOpen: 4 };
  gateway = await startGateway(await identityOf("approval-gateway"));
  await connect();
});
afterEach(async () => {
  questions.close();
  await gateway.stop();
  await client.close();
});

/** `yes`, or the reason of the refusal. */
const reasonOf = async (answer: Promise<{ reason: EgressReason } | undefined>) =>
  (await answer)?.reason ?? "yes";
const asks = (caller: Caller, request: EgressRequest) => reasonOf(questions.ask(caller, request, opening));

describe("asking a person", () => {
  it.each([
    ["once", "yes"],
    ["session", "yes"],
    ["always", "yes"],
    ["deny", "ask_denied"],
    ["expired", "ask_timeout"],
  ] as const)("the answer %s is %s", async (answer, expected) => {
    const waiting = asks(main, to("ask.example"));
    await gateway.answer("ask.example", answer);
    expect(await waiting).toBe(expected);
  });

  it("says who asks for what, by which rule, for how long", async () => {
    const waiting = asks(server, { ...to("ask.example", 8443), method: "GET".repeat(30) });
    await gateway.answer("ask.example", "deny");
    await waiting;
    expect(gateway.asked).toEqual([
      {
        caller: server,
        host: "ask.example",
        port: 8443,
        method: "GET".repeat(30).slice(0, 32),
        rule: "egress.rules[2]",
        expireAfterSeconds: 30,
        maxOpen: 4,
      },
    ]);
  });

  it("a refusal names the rule, and what to change", async () => {
    gateway.standing = "deny";
    expect(await questions.ask(main, to("ask.example"), opening)).toMatchObject({
      reason: "ask_denied",
      rule: "ask ask.example:443",
      key: "egress.rules[2]",
      detail: expect.stringContaining("ask.example:443"),
    });
  });

  it("requests that wait for one destination share one question, and once covers exactly those", async () => {
    const waiting = Array.from({ length: 20 }, () => asks(main, to("ask.example")));
    await gateway.answer("ask.example", "once");
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["yes"]));
    expect(gateway.asked).toHaveLength(1);

    const next = asks(main, to("ask.example"));
    await vi.waitFor(() => expect(gateway.asked).toHaveLength(2));
    await gateway.answer("ask.example", "deny");
    expect(await next).toBe("ask_denied");
  });

  it.each([
    ["another agent", other, to("ask.example")],
    ["an MCP server", server, to("ask.example")],
    ["another session", later, to("ask.example")],
    ["another port", main, to("ask.example", 8443)],
    ["another host", main, to("other.example")],
  ] as const)("%s asks for itself", async (_name, caller, request) => {
    const first = asks(main, to("ask.example"));
    await gateway.answer("ask.example", "session");
    expect(await first).toBe("yes");
    gateway.standing = "deny";
    expect(await asks(caller, request)).toBe("ask_denied");
    expect(await asks(main, to("ask.example"))).toBe("yes");
    expect(gateway.asked).toHaveLength(2);
  });

  it("a yes that the gateway has already needs no waiting", async () => {
    gateway.standing = "always";
    expect(await asks(main, to("ask.example"))).toBe("yes");
    expect(gateway.polls).toBe(0);
  });

  it("what was allowed for a session before a restart is known from the gateway's list, until it ends", async () => {
    const at = Date.now();
    const grant = { caller: "agent:main", session: SESSION, host: "ask.example", port: 443, by: "owner", at };
    gateway.grants = [
      { ...grant, until: at + 60_000 },
      { ...grant, host: "ended.example", until: at - 1 },
    ];
    gateway.standing = "deny";
    questions.close();
    await connect();
    await vi.waitFor(async () => expect(await asks(main, to("ask.example"))).toBe("yes"), {
      timeout: 20_000,
      interval: 20,
    });
    expect(await asks(main, to("ended.example"))).toBe("ask_denied");
    expect(await asks(later, to("ask.example"))).toBe("ask_denied");
    gateway.grants = [];
    await vi.waitFor(async () => expect(await asks(main, to("ask.example"))).toBe("ask_denied"), {
      timeout: 20_000,
      interval: 20,
    });
  });

  it("a caller with maxOpen questions open asks no more, and another one does", async () => {
    const hosts = ["a.example", "b.example", "c.example", "d.example"];
    const waiting = hosts.map((host) => asks(main, to(host)));
    expect(await asks(later, to("e.example"))).toBe("ask_full");
    expect(gateway.asked.map(({ host }) => host)).not.toContain("e.example");
    const another = asks(other, to("e.example"));
    await gateway.answer("e.example", "once");
    expect(await another).toBe("yes");
    for (const host of hosts) await gateway.answer(host, "once");
    await Promise.all(waiting);
    gateway.standing = "once";
    expect(await asks(main, to("e.example"))).toBe("yes");
  });

  it("the gateway's own cap is passed on", async () => {
    gateway.mostOpen = 0;
    expect(await asks(main, to("ask.example"))).toBe("ask_full");
  });

  it("no more than 64 requests wait for one answer", async () => {
    const waiting = Array.from({ length: 70 }, () => asks(main, to("ask.example")));
    await gateway.answer("ask.example", "once");
    const answers = await Promise.all(waiting);
    expect(answers.filter((answer) => answer === "yes")).toHaveLength(64);
    expect(answers.filter((answer) => answer === "ask_full")).toHaveLength(6);
  });

  it("after a no, asking in a loop does not reach the gateway", async () => {
    gateway.standing = "deny";
    for (let turn = 0; turn < 50; turn++) expect(await asks(main, to("ask.example"))).toBe("ask_denied");
    expect(gateway.asked).toHaveLength(1);
  });

  it("silence is no, although the gateway never says so", async () => {
    ask = { seconds: 1, maxOpen: 4 };
    expect(await asks(main, to("ask.example"))).toBe("ask_timeout");
  });

  it("a gateway that is away is a no at once, and when it goes in the middle too", async () => {
    const waiting = asks(main, to("ask.example"));
    await gateway.questionOf("ask.example");
    await gateway.stop();
    expect(await waiting).toBe("dependency_down");
    expect(await asks(main, to("ask.example"))).toBe("dependency_down");
  });

  it("an answer of the wrong shape is a no", async () => {
    gateway.standing = "perhaps" as "once";
    expect(await asks(main, to("ask.example"))).toBe("dependency_down");
  });

  it("nobody is asked about what the stack itself does", async () => {
    expect(await asks({ kind: "service", service: "model-gateway" }, to("ask.example"))).toBe("ask_denied");
    expect(gateway.asked).toEqual([]);
  });

  it("closing ends every wait", async () => {
    const waiting = asks(main, to("ask.example"));
    await gateway.questionOf("ask.example");
    questions.close();
    expect(await waiting).toBe("dependency_down");
  });
});
