import type { Risk } from "@claws/contracts";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createBrokerClient, createOperatorClient } from "./testing/gateway-clients.ts";
import { startGateway, type TestGateway } from "./testing/start-gateway.ts";
import { createTestRequest } from "./testing/test-call.ts";

type Operator = Awaited<ReturnType<typeof createOperatorClient>>;

describe("what operators see of approvals", () => {
  let gateway: TestGateway;
  let owner: Operator;

  beforeAll(async () => {
    gateway = await startGateway();
    owner = await createOperatorClient(gateway);
  });
  afterAll(async () => {
    owner.close();
    await gateway.close();
  });
  beforeEach(() => {
    gateway.auditor.events.length = 0;
    gateway.auditor.isDown = false;
  });

  async function hold(risk: Risk = "HIGH") {
    const broker = await createBrokerClient(gateway);
    const request = createTestRequest(risk);
    const answer = await broker.request(request);
    await broker.close();
    if (!answer.ok) throw new Error(answer.problem.detail);
    return { id: answer.value.id, digest: request.digest, call: request.call };
  }
  const age = async (id: string, ms: number) => {
    const key = `{approvals}:record:${id}`;
    const createdAt = Number(await gateway.storeWriter.hget(key, "createdAt"));
    await gateway.storeWriter.hset(key, "createdAt", createdAt - ms);
  };

  it("a held call is shown with its exact arguments, newest first, and leaves the open list when denied", async () => {
    const first = await hold();
    const second = await hold();
    const open = await owner.list("open");
    expect(open.slice(0, 2).map(({ id }) => id)).toEqual([second.id, first.id]);
    expect(open[0]).toMatchObject({ call: second.call, state: "pending", approvedBy: [] });
    await owner.decide(first.id, first.digest, "deny");
    expect((await owner.list("open")).map(({ id }) => id)).not.toContain(first.id);
    expect((await owner.list("all")).find(({ id }) => id === first.id)).toMatchObject({
      state: "denied",
      deniedBy: "owner",
    });
    expect((await owner.send("GET", `/api/approvals/${second.id}`)).body).toMatchObject({ id: second.id });
  });

  it("a decision on another digest than the one on the screen is refused", async () => {
    const { id } = await hold();
    const { digest } = createTestRequest();
    expect(await owner.decide(id, digest, "approve")).toBe("approval_invalid");
    expect(gateway.auditor.events.map(({ event }) => event)).toEqual(["approval.requested"]);
  });

  it("of 20 approvals and 20 denials at once, one is taken", async () => {
    const { id, digest } = await hold();
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_value, turn) => owner.decide(id, digest, turn % 2 ? "approve" : "deny")),
    );
    expect(answers.filter((answer) => answer !== "approval_invalid")).toHaveLength(1);
  });

  it("without an audit record no decision is taken", async () => {
    const { id, digest } = await hold();
    gateway.auditor.isDown = true;
    expect(await owner.decide(id, digest, "approve")).toBe("service_unavailable");
    gateway.auditor.isDown = false;
    expect(await owner.decide(id, digest, "approve")).toBe("approved");
  });

  it("one person alone cannot approve a CRITICAL call at once, and the record says it was one person", async () => {
    const { id, digest } = await hold("CRITICAL");
    const early = await owner.send("POST", `/api/approvals/${id}/decision`, { decision: "approve", digest });
    expect(early.body).toMatchObject({ code: "approval_invalid", retryAfterMs: expect.any(Number) });
    await age(id, 10_000);
    expect(await owner.decide(id, digest, "approve")).toBe("approved");
    expect(gateway.auditor.events.at(-1)).toMatchObject({
      event: "approval.decided",
      detail: { operator: "owner", singleOperator: true, minimumAgeMs: 10_000 },
    });
  });

  it("a CRITICAL call can be denied at once", async () => {
    const { id, digest } = await hold("CRITICAL");
    expect(await owner.decide(id, digest, "deny")).toBe("denied");
  });

  describe("with two operators", () => {
    let second: Operator;
    beforeAll(async () => {
      await gateway.restart({ SINGLE_OPERATOR: "false" });
      second = await createOperatorClient(gateway, { operator: "second" });
    });
    afterAll(async () => {
      second.close();
      await gateway.restart();
    });

    it("a CRITICAL call takes two people, and one person twice is one", async () => {
      const { id, digest } = await hold("CRITICAL");
      expect(await owner.decide(id, digest, "approve")).toBe("pending");
      expect(await owner.decide(id, digest, "approve")).toBe("approval_invalid");
      expect(await second.decide(id, digest, "approve")).toBe("approved");
    });

    it("the second person may deny what the first approved", async () => {
      const { id, digest } = await hold("CRITICAL");
      await owner.decide(id, digest, "approve");
      expect(await second.decide(id, digest, "deny")).toBe("denied");
    });

    it("a HIGH call takes one", async () => {
      const { id, digest } = await hold();
      expect(await second.decide(id, digest, "approve")).toBe("approved");
    });
  });

  it.each(["broker", "auditor", "egress-filter"] as const)(
    "%s may not come here, not even for the page",
    async (peer) => {
      const stranger = await createOperatorClient(gateway, { peer });
      const { id, digest } = await hold();
      expect(await stranger.decide(id, digest, "approve")).toBe("peer_not_allowed");
      expect((await stranger.send("GET", "/")).status).toBe(403);
      stranger.close();
    },
  );

  it.each(["", "a b", "<owner>", "x".repeat(65)])(
    "a request without a proper operator is refused: %j",
    async (operator) => {
      const nobody = await createOperatorClient(gateway, { operator });
      const { id, digest } = await hold();
      expect(await nobody.decide(id, digest, "approve")).toBe("login_required");
      expect((await nobody.send("GET", "/api/approvals")).status).toBe(401);
      nobody.close();
    },
  );

  it.each([
    ["another site", { "sec-fetch-site": "cross-site" }, "cross_site"],
    ["a sibling site", { "sec-fetch-site": "same-site" }, "cross_site"],
    ["a form", { "content-type": "text/plain" }, "request_invalid"],
  ])("a decision sent by %s is refused", async (_name, headers, code) => {
    const { id, digest } = await hold();
    const path = `/api/approvals/${id}/decision`;
    const answer = await owner.send("POST", path, { decision: "approve", digest }, headers);
    expect(answer.body).toMatchObject({ code });
    expect((await owner.send("GET", path)).status).toBe(404);
    expect((await owner.send("GET", `/api/approvals/${id}`)).body).toMatchObject({ state: "pending" });
  });

  it.each(["/", "/api/approvals", "/missing"])(
    "%s travels with headers that let nothing foreign in",
    async (path) => {
      const { headers } = await owner.send("GET", path);
      expect(headers["content-security-policy"]).toContain("default-src 'none'");
      expect(headers["content-security-policy"]).toContain("frame-ancestors 'none'");
      expect(headers["content-security-policy"]).not.toContain("unsafe");
      expect(headers["x-frame-options"]).toBe("DENY");
      expect(headers["cache-control"]).toBe("no-store");
    },
  );

  it("the console's page is served", async () => {
    const page = await owner.send("GET", "/");
    expect(page.status).toBe(200);
    expect(page.body).toContain("console");
    expect((await owner.send("GET", "/../policy.json")).status).toBe(404);
  });

  it("says who is asked and whether one person decides alone", async () => {
    expect((await owner.send("GET", "/api/operator")).body).toEqual({
      operator: "owner",
      singleOperator: true,
    });
  });

  describe("events", () => {
    /** Reads the stream until `wanted` has been seen; gives all of it so far. */
    async function readUntil(stream: AsyncIterable<Buffer>, wanted: string): Promise<string> {
      let seen = "";
      for await (const chunk of stream) {
        seen += chunk.toString();
        if (seen.includes(wanted)) return seen;
      }
      throw new Error(`the stream ended before ${wanted}`);
    }

    it("tell each change of state, and replay what a reader missed", async () => {
      const reader = new AbortController();
      const stream = await owner.events(reader.signal);
      expect(stream.headers["content-type"]).toContain("text/event-stream");
      const { id, digest } = await hold();
      await owner.decide(id, digest, "deny");
      const seen = await readUntil(stream, `{"id":"${id}","state":"denied"}`);
      expect(seen).toContain("event: live");
      expect(seen).toContain(`event: approval\ndata: {"id":"${id}","state":"pending"}`);
      reader.abort();

      const position = /id: (\S+)\nevent: approval\ndata: \{"id":"[^"]+","state":"pending"\}/.exec(seen)?.[1];
      const later = new AbortController();
      const replayed = await owner.events(later.signal, { "last-event-id": position ?? "" });
      await readUntil(replayed, `{"id":"${id}","state":"denied"}`);
      later.abort();
    });

    it("say when the gateway cannot see approvals any more, and when it can again", async () => {
      const reader = new AbortController();
      const stream = await owner.events(reader.signal);
      const chunks = stream[Symbol.asyncIterator]();
      const untilSeen = async (wanted: string) => {
        for (let seen = ""; !seen.includes(wanted); ) seen += String((await chunks.next()).value);
      };
      await untilSeen("event: live");
      await gateway.redis.kill();
      await untilSeen("event: stale");
      await gateway.redis.start();
      await untilSeen("event: live");
      await gateway.untilReady();
      reader.abort();
    });

    it("end when the gateway stops", async () => {
      const stream = await owner.events(new AbortController().signal);
      await readUntil(stream, "event: live");
      const later = owner.events(new AbortController().signal);
      gateway.drain();
      for await (const _chunk of await later) continue;
      await gateway.restart();
    });
  });
});
