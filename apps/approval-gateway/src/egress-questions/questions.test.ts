import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { EgressOverlay } from "@claws/contracts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createOperatorClient } from "../testing/gateway-clients.ts";
import { startGateway, type TestGateway } from "../testing/start-gateway.ts";
import {
  answerQuestion,
  createFilterClient,
  createTestQuestion,
  listQuestions,
  readOverlay,
} from "./testing/filter-client.ts";

const refused = (code: string) => ({ ok: false, problem: { code } });
const state = (name: string) => ({ ok: true, value: { state: name } });

describe("questions about destinations", () => {
  let gateway: TestGateway;
  let filter: Awaited<ReturnType<typeof createFilterClient>>;
  let owner: Awaited<ReturnType<typeof createOperatorClient>>;

  beforeAll(async () => {
    gateway = await startGateway();
    filter = await createFilterClient(gateway);
    owner = await createOperatorClient(gateway);
  });
  afterAll(async () => {
    await filter.close();
    owner.close();
    await gateway.close();
  });
  beforeEach(() => {
    gateway.auditor.events.length = 0;
    gateway.auditor.isDown = false;
  });

  const store = (id: string, field: string, value: string | number) =>
    gateway.storeWriter.hset(`{approvals}:egress:question:${id}`, field, value);
  const audited = () => gateway.auditor.events.map(({ event, outcome }) => `${event} ${outcome}`);

  it("a destination is asked about, shown, answered once, and the one who waits hears of it", async () => {
    const request = createTestQuestion();
    const question = await filter.open(request);
    expect(question).toMatchObject({ state: "open", host: "ask.example", port: 443, caller: request.caller });
    expect(question.expiresAt - question.askedAt).toBe(30_000);
    expect((await listQuestions(owner, "open"))[0]).toEqual(question);

    const waiting = filter.read(question.id, 20_000);
    expect(await answerQuestion(owner, question, "once")).toBe("once");
    expect(await waiting).toMatchObject({ ok: true, value: { state: "once", by: "owner" } });
    expect((await listQuestions(owner, "open")).map(({ id }) => id)).not.toContain(question.id);
    expect((await listQuestions(owner, "all"))[0]).toMatchObject({ id: question.id, state: "once" });

    const again = await filter.open(request);
    expect(again).toMatchObject({ state: "open" });
    expect(again.id).not.toBe(question.id);
  });

  it("who asked, for what, by which rule, and who answered what, is in the audit before it holds", async () => {
    const request = createTestQuestion();
    const question = await filter.open(request);
    await answerQuestion(owner, question, "deny");
    expect(gateway.auditor.events).toEqual([
      {
        event: "egress.asked",
        outcome: "hold",
        agent: request.caller.kind === "agent" ? request.caller.agent : "",
        session: request.caller.session,
        subject: "ask.example:443",
        rule: "egress.rules[3]",
        detail: expect.objectContaining({ question: question.id, method: "CONNECT", lifetimeMs: 30_000 }),
      },
      expect.objectContaining({
        event: "egress.answered",
        outcome: "deny",
        subject: "ask.example:443",
        detail: expect.objectContaining({ question: question.id, answer: "deny", by: "owner" }),
      }),
    ]);
  });

  it("20 requests at once of one caller for one destination are one question", async () => {
    const request = createTestQuestion();
    const answers = await Promise.all(Array.from({ length: 20 }, () => filter.open(request)));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(await listQuestions(owner, "open")).toHaveLength(
      new Set((await listQuestions(owner, "open")).map(({ id }) => id)).size,
    );
  });

  it.each([
    ["another host", { host: "other.example" }],
    ["another port", { port: 8443 }],
    ["another session", { session: true }],
  ])("%s is another question", async (_name, change: Record<string, unknown>) => {
    const request = createTestQuestion();
    const caller = { ...request.caller, session: randomUUID() };
    const first = await filter.open(request);
    const other = await filter.open(
      createTestQuestion({ ...request, ...(change["session"] ? { caller } : change) }),
    );
    expect(other.id).not.toBe(first.id);
  });

  it("one caller has at most maxOpen questions open, however many come at once; another has its own", async () => {
    const { caller } = createTestQuestion();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_value, turn) =>
        filter.ask(createTestQuestion({ caller, host: `h${turn}.example` })),
      ),
    );
    const open = answers.flatMap((answer) => (answer.ok ? [answer.value] : []));
    expect(open).toHaveLength(5);
    expect(answers.filter((answer) => !answer.ok && answer.problem.code === "rate_limited")).toHaveLength(25);

    const elsewhere = { caller: { ...caller, session: randomUUID() }, host: "more.example" };
    expect(await filter.ask(createTestQuestion(elsewhere))).toMatchObject(refused("rate_limited"));
    expect(await filter.ask(createTestQuestion({ host: "more.example" }))).toMatchObject(state("open"));

    const [first] = open;
    if (first === undefined) throw new Error("none is open");
    await answerQuestion(owner, first, "once");
    expect(await filter.ask(createTestQuestion({ ...elsewhere, caller }))).toMatchObject(state("open"));
  });

  it("silence is no: after its time on Redis' clock a question reads as expired, and an answer is refused", async () => {
    const request = createTestQuestion();
    const question = await filter.open(request);
    await store(question.id, "expiresAt", 1);
    expect(await answerQuestion(owner, question, "always")).toBe("approval_expired");
    expect(await filter.read(question.id)).toMatchObject(state("expired"));
    expect((await listQuestions(owner, "open")).map(({ id }) => id)).not.toContain(question.id);
    expect(await readOverlay(owner)).toEqual([]);
    expect((await filter.open(request)).id).not.toBe(question.id);
  });

  it("a question that nobody looks at expires by itself, and leaves room for the next", async () => {
    const { caller } = createTestQuestion();
    const brief = (host: string) => createTestQuestion({ caller, host, expireAfterSeconds: 1, maxOpen: 1 });
    const question = await filter.open(brief("brief.example"));
    expect(await filter.ask(brief("next.example"))).toMatchObject(refused("rate_limited"));
    expect(await filter.read(question.id, 20_000)).toMatchObject(state("expired"));
    expect(await filter.ask(brief("next.example"))).toMatchObject(state("open"));
  });

  it("of two answers at once one is taken, 200 times, and that one is what everybody sees", async () => {
    const pairs = [
      ["once", "deny"],
      ["session", "deny"],
      ["always", "deny"],
      ["always", "session"],
    ] as const;
    const taken: string[] = [];
    const race = async (round: number) => {
      const question = await filter.open();
      const pair = pairs[round % pairs.length] ?? [];
      const answers = await Promise.all(pair.map((answer) => answerQuestion(owner, question, answer)));
      const [winner = "", loser] = answers.toSorted((one) => (one === "approval_invalid" ? 1 : -1));
      expect([pair, loser]).toEqual([expect.arrayContaining([winner]), "approval_invalid"]);
      expect(await filter.read(question.id)).toMatchObject(state(winner));
      taken.push(winner);
    };
    const races = Array.from({ length: 200 }, (_value, round) => round);
    while (races.length > 0) await Promise.all(races.splice(0, 8).map(race));
    const times = (answer: string) => taken.filter((winner) => winner === answer).length;
    expect(await readOverlay(owner)).toHaveLength(times("always"));
    expect(await filter.grants()).toHaveLength(times("session"));
    const done = gateway.auditor.events.filter(({ event }) => event === "egress.answered");
    expect(done.filter(({ outcome }) => outcome !== "failed").length).toBeGreaterThanOrEqual(200);
    rmSync(dirname(gateway.overlayFile), { recursive: true, force: true });
  }, 60_000);

  it.each([
    ["host", { host: "ask.example.evil.example" }],
    ["port", { port: 80 }],
  ])("an answer to another %s than that of the question is refused", async (_name, change) => {
    const question = await filter.open();
    expect(await answerQuestion(owner, { ...question, ...change }, "once")).toBe("approval_invalid");
    expect(await filter.read(question.id)).toMatchObject(state("open"));
    expect(audited()).toEqual(["egress.asked hold"]);
  });

  it.each(["yes", "open", "expired", "", "ONCE"])("%j is no answer", async (answer) => {
    expect(await answerQuestion(owner, await filter.open(), answer)).toBe("request_invalid");
  });

  it.each([
    "*.example",
    "ask.example/",
    "a b",
    "ASK.example",
    "ask.example:1",
    "ä.example",
    "",
    "a".repeat(254),
  ])("%j is no host to ask about", async (host) => {
    expect(await filter.ask({ ...createTestQuestion(), host })).toMatchObject(refused("request_invalid"));
  });

  it("without an audit record nothing is asked, answered or forgotten", async () => {
    const request = createTestQuestion();
    const question = await filter.open();
    const kept = await filter.open();
    await answerQuestion(owner, kept, "always");
    const [entry] = await readOverlay(owner);
    gateway.auditor.isDown = true;
    expect(await filter.ask(request)).toMatchObject(refused("service_unavailable"));
    for (const answer of ["once", "session", "always", "deny"])
      expect(await answerQuestion(owner, question, answer)).toBe("service_unavailable");
    expect((await owner.send("POST", "/api/egress/overlay/remove", forgotten(entry))).status).toBe(503);
    gateway.auditor.isDown = false;
    expect(await filter.read(question.id)).toMatchObject(state("open"));
    expect(await readOverlay(owner)).toEqual([entry]);
    expect((await listQuestions(owner, "open")).map(({ caller }) => caller)).not.toContainEqual(
      request.caller,
    );
    expect((await owner.send("POST", "/api/egress/overlay/remove", forgotten(entry))).status).toBe(200);
  });
  const forgotten = (entry: EgressOverlay["rules"][number] | undefined) => ({
    allow: entry?.allow ?? "",
    caller: entry?.caller ?? "",
  });

  it("a yes for the session holds for that session, is listed, and survives a restart of the gateway", async () => {
    const request = createTestQuestion();
    const question = await filter.open(request);
    expect(await answerQuestion(owner, question, "session")).toBe("session");
    await gateway.restart();
    await filter.close();
    filter = await createFilterClient(gateway);
    expect(await filter.ask(request)).toMatchObject({
      ok: true,
      value: { id: question.id, state: "session" },
    });
    const grant = (await filter.grants()).find(({ session }) => session === request.caller.session);
    expect(grant).toMatchObject({
      caller: expect.stringMatching(/^agent:/),
      host: "ask.example",
      port: 443,
      by: "owner",
      at: expect.any(Number),
      until: expect.any(Number),
    });
    const other = { ...request.caller, session: randomUUID() };
    expect(await filter.ask({ ...request, caller: other })).toMatchObject(state("open"));
  });

  it("a yes for the session ends on Redis' clock", async () => {
    const request = createTestQuestion();
    const question = await filter.open(request);
    await answerQuestion(owner, question, "session");
    await gateway.storeWriter.zadd("{approvals}:egress:grants", 1, question.id);
    expect((await filter.grants()).map(({ session }) => session)).not.toContain(request.caller.session);
  });

  it("a no holds for a while: asking again at once does not bring the question back", async () => {
    const request = createTestQuestion();
    const question = await filter.open(request);
    await answerQuestion(owner, question, "deny");
    expect(await filter.ask(request)).toMatchObject({ ok: true, value: { id: question.id, state: "deny" } });
    expect(await filter.ask({ ...request, port: 8443 })).toMatchObject(state("open"));
    const [key = ""] = await gateway.storeWriter.keys("{approvals}:egress:standing:*");
    expect(await gateway.storeWriter.pttl(key)).toBeGreaterThan(0);
  });

  it.each(["once", "session", "always"])(
    "whoever writes %s into Redis opens nothing: it reads as a no",
    async (answer) => {
      const request = createTestQuestion();
      const question = await filter.open(request);
      await store(question.id, "state", answer);
      await store(question.id, "by", "owner");
      expect(await filter.read(question.id)).toMatchObject(state("deny"));
      await gateway.storeWriter.zadd("{approvals}:egress:grants", Date.now() + 60_000, question.id);
      expect((await filter.grants()).map(({ session }) => session)).not.toContain(request.caller.session);
    },
  );

  it("a yes for one destination cannot be moved to another one in Redis", async () => {
    const question = await filter.open();
    await answerQuestion(owner, question, "session");
    await store(question.id, "host", "evil.example");
    expect(await filter.read(question.id)).toMatchObject(state("deny"));
  });

  it.each(["broker", "front-door", "rate-limiter", "model-gateway", "launcher"] as const)(
    "%s may not ask, read or list here",
    async (peer) => {
      const stranger = await createFilterClient(gateway, peer);
      const question = await filter.open();
      expect(await stranger.ask(createTestQuestion())).toMatchObject(refused("peer_not_allowed"));
      expect(await stranger.read(question.id)).toMatchObject(refused("peer_not_allowed"));
      await expect(stranger.grants()).rejects.toThrow("may not call");
      await stranger.close();
    },
  );

  it("an unknown question is not found, and nobody waits longer than 25 s", async () => {
    expect(await filter.read(randomUUID())).toMatchObject(refused("not_found"));
    expect(await filter.read("x")).toMatchObject(refused("request_invalid"));
    const { id } = await filter.open();
    expect(await filter.read(id, 25_001)).toMatchObject(refused("request_invalid"));
    expect(await filter.read(id, 50)).toMatchObject(state("open"));
  });

  it.each([
    ["a request without an operator", "", {}, "login_required"],
    ["another site", "owner", { "sec-fetch-site": "cross-site" }, "cross_site"],
    ["a form", "owner", { "content-type": "text/plain" }, "request_invalid"],
  ])("%s answers nothing", async (_name, operator, headers, code) => {
    const question = await filter.open();
    const somebody = await createOperatorClient(gateway, { operator });
    const { id, host, port } = question;
    const path = `/api/egress/questions/${id}/answer`;
    const answer = await somebody.send("POST", path, { answer: "always", host, port }, headers);
    expect(answer.body).toMatchObject({ code });
    if (operator === "") {
      expect((await somebody.send("GET", "/api/egress/questions")).status).toBe(401);
      expect((await somebody.send("GET", "/api/egress/overlay")).status).toBe(401);
    }
    expect(await filter.read(id)).toMatchObject(state("open"));
    somebody.close();
  });

  it("egress-filter cannot answer its own questions", async () => {
    const question = await filter.open();
    const insider = await createOperatorClient(gateway, { peer: "egress-filter" });
    expect(await answerQuestion(insider, question, "once")).toBe("peer_not_allowed");
    insider.close();
  });

  it("the console hears of each change", async () => {
    const reader = new AbortController();
    const stream = await owner.events(reader.signal);
    const question = await filter.open();
    await answerQuestion(owner, question, "deny");
    const wanted = [`{"id":"${question.id}","state":"open"}`, `{"id":"${question.id}","state":"deny"}`];
    let seen = "";
    for await (const chunk of stream) {
      seen += String(chunk);
      if (wanted.every((data) => seen.includes(`event: question\ndata: ${data}`))) break;
    }
    expect(seen).toContain("event: question");
    reader.abort();
  });

  it("without Redis nothing is asked or answered; the question is there when it returns", async () => {
    const question = await filter.open();
    await gateway.redis.kill();
    expect(await filter.ask(createTestQuestion())).toMatchObject(refused("service_unavailable"));
    expect(await answerQuestion(owner, question, "once")).toBe("service_unavailable");
    await gateway.redis.start();
    await gateway.untilReady();
    expect(await filter.read(question.id)).toMatchObject(state("open"));
    expect(await answerQuestion(owner, question, "once")).toBe("once");
  });

  describe("for good", () => {
    beforeEach(() => rmSync(dirname(gateway.overlayFile), { recursive: true, force: true }));

    it("writes who, when, what and for whom into the overlay file, once", async () => {
      const request = createTestQuestion({
        caller: { kind: "agent", agent: "main", session: randomUUID() },
      });
      expect(await answerQuestion(owner, await filter.open(request), "always")).toBe("always");
      const written = EgressOverlay.parse(JSON.parse(readFileSync(gateway.overlayFile, "utf8")));
      expect(written.rules).toEqual([
        { allow: "ask.example:443", caller: "agent:main", by: "owner", at: expect.any(String) },
      ]);
      expect(await readOverlay(owner)).toEqual(written.rules);
    });

    it("holds for every session of the caller, and for nobody else, without a question", async () => {
      const request = createTestQuestion();
      await answerQuestion(owner, await filter.open(request), "always");
      const later = { ...request, caller: { ...request.caller, session: randomUUID() } };
      expect(await filter.ask(later)).toMatchObject(state("always"));
      expect(await filter.ask(createTestQuestion())).toMatchObject(state("open"));
    });

    it("is taken back, with a record, and then asked about again", async () => {
      const request = createTestQuestion();
      await answerQuestion(owner, await filter.open(request), "always");
      const [entry] = await readOverlay(owner);
      const removed = await owner.send("POST", "/api/egress/overlay/remove", forgotten(entry));
      expect(removed.body).toEqual({ version: 1, rules: [] });
      expect(audited().at(-1)).toBe("egress.forgotten done");
      expect(await filter.ask(request)).toMatchObject(state("open"));
      const twice = await owner.send("POST", "/api/egress/overlay/remove", forgotten(entry));
      expect(twice.body).toMatchObject({ code: "not_found" });
    });

    it("is refused while the overlay file cannot be read, and the file stays as it is", async () => {
      const request = createTestQuestion();
      const question = await filter.open(request);
      mkdirSync(dirname(gateway.overlayFile), { recursive: true });
      writeFileSync(gateway.overlayFile, "{ broken");
      expect(await answerQuestion(owner, question, "always")).toBe("service_unavailable");
      expect(readFileSync(gateway.overlayFile, "utf8")).toBe("{ broken");
      expect(await filter.read(question.id)).toMatchObject(state("open"));
      expect(await answerQuestion(owner, question, "once")).toBe("once");
    });
  });
});
