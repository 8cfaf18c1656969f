import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ApprovalState, createProblem } from "@claws/contracts";
import type { CallOptions } from "@claws/service-kit";
import { afterAll, describe, expect, it } from "vitest";
import { openConsumedLedger } from "../approvals/consumed-ledger.ts";
import type { Journey } from "../gate.ts";
import { createFakeService, DOWN, type FakeAnswer, refuse } from "../testing/fake-service.ts";
import { createTestJourney, prepareTestCall } from "../testing/prepare-test-call.ts";
import { TEST_POLICY } from "../testing/test-policy.ts";
import { createApproveGate } from "./approve.ts";

const directory = mkdtempSync(join(tmpdir(), "claws-approve-"));
const RESERVATION = "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b01";
const prepared = prepareTestCall();
let approvals = 0;
let ledgers = 0;

afterAll(() => rmSync(directory, { recursive: true }));

/** What the gateway says to each of the three requests; what is left out goes well. */
interface Gateway {
  readonly request?: FakeAnswer;
  readonly wait?: FakeAnswer;
  readonly consume?: FakeAnswer;
}

function statusOf(state: ApprovalState, change: object = {}) {
  const id = `0198a7c2-6c1e-7a3f-9b1d-${String(++approvals).padStart(12, "0")}`;
  return { id, state, digest: prepared.digest, expiresAt: 1, reservation: RESERVATION, ...change };
}

function start({ request, wait, consume }: Gateway, receiptProblem?: string) {
  const pending = statusOf("pending");
  const gateway = createFakeService((asked) => {
    if (asked.path === "/v1/approvals") return request ? request(asked) : pending;
    if (asked.path.endsWith("/consume"))
      return consume ? consume(asked) : { call: prepared.call, receipt: "receipt" };
    return wait ? wait(asked) : { ...pending, state: "approved" };
  });
  const gate = createApproveGate({
    policy: TEST_POLICY,
    approvals: gateway,
    ledger: openConsumedLedger(join(directory, String(++ledgers))),
    verifyReceipt: async () =>
      receiptProblem === undefined
        ? undefined
        : createProblem("approval_invalid", { service: "broker", detail: receiptProblem }),
  });
  const decide = async (journey: Journey = admitted()) => ({
    verdict: await gate.decide(prepared, journey),
    journey,
  });
  const asked = () => gateway.requests.map(({ method, path }: CallOptions) => `${method} ${path}`);
  return { decide, asked, pending };
}

const admitted = (signal?: AbortSignal): Journey => ({
  ...createTestJourney(signal),
  reservation: RESERVATION,
});
const resumed = (): Journey => ({ ...createTestJourney(), held: RESERVATION });

/** Where the reservation ended up: to be settled with the call, or left to the open approval. */
const isKept = (journey: Journey) => journey.reservation === undefined && journey.held === RESERVATION;
const isOurs = (journey: Journey) => journey.reservation === RESERVATION && journey.held === undefined;

describe("a call that nobody needs to approve", () => {
  it.each(["LOW", "MEDIUM"] as const)("passes at risk %s, and the gateway is not asked", async (risk) => {
    const gateway = createFakeService(DOWN);
    const ledger = openConsumedLedger(join(directory, String(++ledgers)));
    const gate = createApproveGate({
      policy: TEST_POLICY,
      approvals: gateway,
      ledger,
      verifyReceipt: async () => undefined,
    });
    expect(await gate.decide(prepareTestCall({ risk }), admitted())).toEqual({ verdict: "allow" });
    expect(gateway.requests).toEqual([]);
  });
});

describe("a call that a person must approve", () => {
  it("is shown whole, waited for, consumed once, and passes", async () => {
    const { decide, asked, pending } = start({});
    const { verdict, journey } = await decide();
    expect(verdict).toEqual({ verdict: "allow" });
    expect(asked()).toEqual([
      "POST /v1/approvals",
      `GET /v1/approvals/${pending.id}?waitMs=2000`,
      `POST /v1/approvals/${pending.id}/consume`,
    ]);
    expect(journey.approval).toMatchObject({ id: pending.id, consumed: { call: prepared.call } });
    expect(isOurs(journey)).toBe(true);
  });

  it("does not wait where it was approved while nobody was there", async () => {
    const { decide, asked } = start({ request: () => statusOf("approved") });
    expect((await decide(resumed())).verdict).toEqual({ verdict: "allow" });
    expect(asked()).toHaveLength(2);
  });

  it("is held, with its reservation, while nobody decides", async () => {
    const { decide, pending } = start({
      wait: () => statusOf("pending", { id: "0198a7c2-6c1e-7a3f-9b1d-2f5e8c7a4b99" }),
    });
    const { verdict, journey } = await decide();
    expect(verdict).toMatchObject({
      verdict: "hold",
      outcome: { kind: "pending", approval: { state: "pending" } },
    });
    expect(isKept(journey)).toBe(true);
    expect(pending.state).toBe("pending");
  });

  it("is held, with its reservation, when the agent hangs up", async () => {
    const connection = new AbortController();
    const { decide, pending } = start({
      wait() {
        connection.abort();
        return refuse("service_unavailable");
      },
    });
    const { verdict, journey } = await decide(admitted(connection.signal));
    expect(verdict).toMatchObject({ verdict: "hold", outcome: { approval: { id: pending.id } } });
    expect(isKept(journey)).toBe(true);
  });

  it.each<[ApprovalState, string]>([
    ["denied", "approval_denied"],
    ["expired", "approval_expired"],
    ["consumed", "approval_consumed"],
    ["executed", "approval_consumed"],
    ["failed", "approval_consumed"],
    ["indeterminate", "approval_consumed"],
  ])("is refused when the approval is %s, and gets its reservation back", async (state, code) => {
    for (const gateway of [{ wait: () => statusOf(state) }, { request: () => statusOf(state) }]) {
      const { verdict, journey } = await start(gateway).decide();
      expect(verdict).toMatchObject({ verdict: "deny", problem: { code } });
      expect(isOurs(journey)).toBe(true);
    }
  });

  it("is refused with the operator's reason", async () => {
    const { decide } = start({ wait: () => statusOf("denied", { reason: "wrong recipient" }) });
    expect((await decide()).verdict).toMatchObject({
      problem: { detail: "mail__send: wrong recipient", rule: "tools.rules[1] (mail__send)" },
    });
  });

  it("is refused when its receipt does not verify", async () => {
    const { verdict, journey } = await start({}, "not from the gateway").decide();
    expect(verdict).toMatchObject({ verdict: "deny", problem: { code: "approval_invalid" } });
    expect(journey.approval).toBeUndefined();
  });

  it("is refused when the broker's own ledger knows the approval, whatever the gateway says", async () => {
    const again = statusOf("approved");
    const { decide } = start({ request: () => again });
    expect((await decide()).verdict).toEqual({ verdict: "allow" });
    const { verdict, journey } = await decide();
    expect(verdict).toMatchObject({ verdict: "deny", problem: { code: "approval_consumed" } });
    expect(journey.approval).toBeUndefined();
  });

  it("must have been admitted before", async () => {
    await expect(start({}).decide(createTestJourney())).rejects.toThrow("after it was admitted");
  });
});

describe("when the gateway cannot be asked", () => {
  const elsewhere: FakeAnswer = () => ({ state: "approved" });

  it.each<[string, Gateway]>([
    ["to open the approval", { request: DOWN }],
    ["to open the approval, for its answer is odd", { request: elsewhere }],
    ["to wait for the decision", { wait: DOWN }],
    ["to consume the approval", { consume: DOWN }],
    ["to consume the approval, for its answer is odd", { consume: elsewhere }],
  ])("%s, the call is refused", async (_what, gateway) => {
    for (const journey of [admitted(), resumed()]) {
      const { verdict } = await start(gateway).decide(journey);
      expect(verdict).toMatchObject({ verdict: "deny", problem: { code: "service_unavailable" } });
      expect(journey.approval).toBeUndefined();
    }
  });

  it("a reservation goes back where no approval was opened", async () => {
    const { journey } = await start({ request: DOWN }).decide(admitted());
    expect(isOurs(journey)).toBe(true);
  });

  it.each<[string, Gateway, Journey]>([
    ["when a held call resumes", { request: DOWN }, resumed()],
    ["while it waits", { wait: DOWN }, admitted()],
    ["when it may have been consumed or not", { consume: DOWN }, admitted()],
  ])("a reservation stays with the open approval %s", async (_when, gateway, journey) => {
    await start(gateway).decide(journey);
    expect(isKept(journey)).toBe(true);
  });

  it("a reservation goes back when the gateway says that the approval cannot be consumed", async () => {
    const { verdict, journey } = await start({ consume: () => refuse("approval_consumed") }).decide();
    expect(verdict).toMatchObject({ verdict: "deny", problem: { code: "approval_consumed" } });
    expect(isOurs(journey)).toBe(true);
  });
});
