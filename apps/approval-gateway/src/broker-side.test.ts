import { randomUUID } from "node:crypto";
import { ReceiptClaims } from "@claws/contracts";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createBrokerClient, createOperatorClient } from "./testing/gateway-clients.ts";
import { startGateway, type TestGateway } from "./testing/start-gateway.ts";
import { createTestCall, createTestRequest, OTHER_POLICY_HASH } from "./testing/test-call.ts";

const refused = (code: string) => ({ ok: false, problem: { code } });
const status = (state: string) => ({ ok: true, value: { state } });

describe("what the broker sees of approvals", () => {
  let gateway: TestGateway;
  let broker: Awaited<ReturnType<typeof createBrokerClient>>;
  let owner: Awaited<ReturnType<typeof createOperatorClient>>;

  beforeAll(async () => {
    gateway = await startGateway();
    broker = await createBrokerClient(gateway);
    owner = await createOperatorClient(gateway);
  });
  afterAll(async () => {
    await broker.close();
    owner.close();
    await gateway.close();
  });
  beforeEach(() => {
    gateway.auditor.events.length = 0;
    gateway.auditor.isDown = false;
  });

  /** Holds a call; gives its approval's id and the request. */
  async function hold(request = createTestRequest()) {
    const answer = await broker.request(request);
    if (!answer.ok) throw new Error(answer.problem.detail);
    return { id: answer.value.id, request, digest: request.digest };
  }
  async function approved() {
    const held = await hold();
    expect(await owner.decide(held.id, held.digest, "approve")).toBe("approved");
    return held;
  }
  const store = (id: string, field: string, value: string | number) =>
    gateway.storeWriter.hset(`{approvals}:record:${id}`, field, value);
  const audited = () => gateway.auditor.events.map(({ event, outcome }) => `${event} ${outcome}`);

  it("a held call is pending until a person decides, and its state says nothing of arguments or people", async () => {
    const { id, request, digest } = await hold();
    const answer = await broker.status(id);
    expect(answer).toEqual({
      ok: true,
      value: {
        id,
        state: "pending",
        digest,
        reservation: request.reservation,
        expiresAt: expect.any(Number),
      },
    });
  });

  it("an approved call is consumed with a receipt that only this gateway can sign, and settled", async () => {
    const { id, request, digest } = await approved();
    const consumed = await broker.consume(id, request);
    if (!consumed.ok) throw new Error(consumed.problem.detail);
    expect(consumed.value.call).toEqual(request.call);

    const { receipt } = consumed.value;
    expect(decodeProtectedHeader(receipt).alg).toBe("EdDSA");
    const { payload } = await jwtVerify(receipt, gateway.receiptPublicKey, {
      issuer: "approval-gateway",
      audience: "broker",
      algorithms: ["EdDSA"],
    });
    const claims = ReceiptClaims.parse(payload);
    expect(claims).toMatchObject({
      jti: id,
      digest,
      policyHash: request.call.policyHash,
      approvedBy: ["owner"],
    });
    expect(claims.exp - Number(payload.iat)).toBe(60);

    expect(await broker.settle(id, "executed")).toMatchObject(status("executed"));
    expect(await broker.settle(id, "executed")).toMatchObject(status("executed"));
    expect(await broker.settle(id, "failed")).toMatchObject(refused("approval_invalid"));
    expect(audited()).toEqual([
      "approval.requested hold",
      "approval.decided allow",
      "approval.consumed allow",
      "approval.settled done",
    ]);
  });

  it("50 consumes at once give exactly one receipt", async () => {
    const { id, request } = await approved();
    const answers = await Promise.all(Array.from({ length: 50 }, () => broker.consume(id, request)));
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    const codes = answers.flatMap((answer) => (answer.ok ? [] : [answer.problem.code]));
    // A busy machine may not take 50 TLS connections at once; who did not get through has no receipt either.
    const refusals = codes.filter((code) => code !== "service_unavailable");
    expect(new Set(refusals)).toEqual(new Set(["approval_consumed"]));
  });

  it("the same call sent again finds the approval that holds it", async () => {
    const { id, request } = await hold();
    const again = { ...request, reservation: randomUUID() };
    expect(await broker.request(again)).toMatchObject({
      ok: true,
      value: { id, reservation: request.reservation },
    });
    await owner.decide(id, request.digest, "approve");
    expect(await broker.request(again)).toMatchObject({ ok: true, value: { id, state: "approved" } });
    expect(await broker.findOpen(request.digest)).toMatchObject({ value: { id, state: "approved" } });
    await broker.consume(id, request);
    expect(await broker.findOpen(request.digest)).toMatchObject(refused("not_found"));
    const next = await broker.request(again);
    expect(next).toMatchObject(status("pending"));
    expect(next.ok && next.value.id).not.toBe(id);
  });

  it("20 requests for one call at once open one approval", async () => {
    const request = createTestRequest();
    const answers = await Promise.all(Array.from({ length: 20 }, () => broker.request(request)));
    expect(new Set(answers.map((answer) => answer.ok && answer.value.id)).size).toBe(1);
  });

  it("a call whose arguments were edited after hashing is refused", async () => {
    const request = createTestRequest();
    const edited = createTestCall({ ...request.call, arguments: { to: "b@example.org", body: "hello" } });
    expect(await broker.request({ ...request, call: edited })).toMatchObject(refused("approval_invalid"));
    expect(audited()).toEqual([]);
  });

  it.each([
    ["another digest", () => ({ digest: createTestRequest().digest })],
    ["another policy", () => ({ policyHash: OTHER_POLICY_HASH })],
  ])("%s is refused at consume, and the approval is not burnt", async (_name, change) => {
    const { id, request } = await approved();
    expect(await broker.consume(id, request, change())).toMatchObject(refused("approval_invalid"));
    expect(await broker.consume(id, request)).toMatchObject({ ok: true });
  });

  it("what nobody decided cannot be consumed", async () => {
    const { id, request } = await hold();
    expect(await broker.consume(id, request)).toMatchObject(refused("approval_invalid"));
  });

  it("a denied call can never be consumed, and the reason is passed on", async () => {
    const { id, request, digest } = await hold();
    expect(await owner.decide(id, digest, "deny", "wrong recipient")).toBe("denied");
    expect(await owner.decide(id, digest, "approve")).toBe("approval_invalid");
    expect(await broker.consume(id, request)).toMatchObject(refused("approval_denied"));
    expect(await broker.status(id)).toMatchObject({ value: { state: "denied", reason: "wrong recipient" } });
  });

  it("silence denies: after its time a pending call reads as expired everywhere", async () => {
    const { id, request, digest } = await hold();
    await store(id, "expiresAt", 1);
    expect(await broker.findOpen(digest)).toMatchObject(refused("not_found"));
    expect(await broker.status(id)).toMatchObject(status("expired"));
    expect(await owner.decide(id, digest, "approve")).toBe("approval_expired");
    expect(await broker.consume(id, request)).toMatchObject(refused("approval_expired"));
    expect((await owner.list("open")).map((approval) => approval.id)).not.toContain(id);
  });

  it("an approval that nobody used in time has expired too", async () => {
    const { id, request } = await approved();
    await store(id, "expiresAt", 1);
    expect(await broker.consume(id, request)).toMatchObject(refused("approval_expired"));
  });

  it("whoever writes into Redis approves nothing", async () => {
    const { id, request } = await hold();
    await store(id, "state", "approved");
    expect(await broker.consume(id, request)).toMatchObject(refused("approval_invalid"));
    await store(id, "approvals", JSON.stringify([{ operator: "owner", seal: "x" }]));
    expect(await broker.consume(id, request)).toMatchObject(refused("approval_invalid"));
  });

  it("a stored call that was written over is not handed out", async () => {
    const { id, request } = await approved();
    const other = createTestCall({ ...request.call, arguments: { to: "thief@example.org" } });
    await store(id, "call", JSON.stringify(other));
    expect(await broker.consume(id, request)).toMatchObject(refused("approval_invalid"));
  });

  it("only a consumed approval has an outcome", async () => {
    const { id, request } = await approved();
    expect(await broker.settle(id, "executed")).toMatchObject(refused("approval_invalid"));
    await broker.consume(id, request);
    expect(await broker.settle(id, "indeterminate")).toMatchObject(status("indeterminate"));
    expect(await broker.settle(id, "lost")).toMatchObject(refused("request_invalid"));
  });

  it("a waiting caller is answered by the decision", async () => {
    const { id, digest } = await hold();
    const waiting = broker.status(id, 40_000);
    await owner.decide(id, digest, "approve");
    expect(await waiting).toMatchObject(status("approved"));
  });

  it("a waiting caller is answered by expiry, and by the end of its own patience", async () => {
    const { id } = await hold();
    expect(await broker.status(id, 50)).toMatchObject(status("pending"));
    const waiting = broker.status(id, 40_000);
    await store(id, "expiresAt", 1);
    expect(await waiting).toMatchObject(status("expired"));
    expect(await broker.status(id, 50_001)).toMatchObject(refused("request_invalid"));
  });

  it("without an audit record nothing is held, consumed or settled", async () => {
    const fresh = createTestRequest();
    const ready = await approved();
    const used = await approved();
    await broker.consume(used.id, used.request);
    gateway.auditor.isDown = true;
    expect(await broker.request(fresh)).toMatchObject(refused("service_unavailable"));
    expect(await broker.consume(ready.id, ready.request)).toMatchObject(refused("service_unavailable"));
    expect(await broker.settle(used.id, "executed")).toMatchObject(refused("service_unavailable"));
    gateway.auditor.isDown = false;
    expect(await broker.findOpen(fresh.digest)).toMatchObject(refused("not_found"));
    expect(await broker.consume(ready.id, ready.request)).toMatchObject({ ok: true });
    expect(await broker.settle(used.id, "executed")).toMatchObject(status("executed"));
  });

  it.each(["front-door", "rate-limiter", "model-gateway"] as const)("%s may not ask here", async (peer) => {
    const stranger = await createBrokerClient(gateway, peer);
    expect(await stranger.request(createTestRequest())).toMatchObject(refused("peer_not_allowed"));
    await stranger.close();
  });

  it("a decision survives a restart of the gateway", async () => {
    const { id, request } = await approved();
    await gateway.restart();
    await broker.close();
    broker = await createBrokerClient(gateway);
    expect(await broker.status(id)).toMatchObject(status("approved"));
    expect(await broker.consume(id, request)).toMatchObject({ ok: true });
  });

  it("without Redis everything is refused; pending calls are still there when it returns", async () => {
    const { id, request } = await hold();
    const ready = await approved();
    await gateway.redis.kill();
    expect(await broker.request(createTestRequest())).toMatchObject(refused("service_unavailable"));
    expect(await broker.status(id)).toMatchObject(refused("service_unavailable"));
    expect(await broker.consume(ready.id, ready.request)).toMatchObject(refused("service_unavailable"));
    expect(await owner.decide(id, request.digest, "approve")).toBe("service_unavailable");
    await gateway.redis.start();
    await gateway.untilReady();
    expect(await broker.status(id)).toMatchObject(status("pending"));
    expect(await broker.consume(ready.id, ready.request)).toMatchObject({ ok: true });
  });

  it("a waiting caller is answered as things stand when the gateway stops", async () => {
    const { id } = await hold();
    const waiting = broker.status(id, 40_000);
    gateway.drain();
    expect(await waiting).toMatchObject(status("pending"));
    expect(await broker.status(id, 40_000)).toMatchObject(status("pending"));
  });
});
