import { createLogger } from "@claws/service-kit";
import { MicroUsd } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import type { Journey } from "../gate.ts";
import { createFakeService, DOWN } from "../testing/fake-service.ts";
import { createTestJourney, prepareTestCall } from "../testing/prepare-test-call.ts";
import { createSettle } from "./settle.ts";

const logger = createLogger("broker");
logger.level = "silent";

function start(answer = () => ({ state: "committed" }) as unknown) {
  const limiter = createFakeService(answer);
  const gateway = createFakeService(answer);
  return { limiter, gateway, settle: createSettle(limiter, gateway, logger) };
}

describe("settling", () => {
  it("books the price, or releases, exactly once", async () => {
    const { settle, limiter } = start();
    const journey: Journey = { ...createTestJourney(), reservation: "r1" };
    await settle.reservation(journey, { commit: MicroUsd.parse(7) });
    await settle.reservation(journey, "release");
    expect(limiter.requests).toMatchObject([
      { path: "/v1/admissions/r1/settlement", body: { outcome: "commit", actualMicroUsd: 7 } },
    ]);
  });

  it("releases what was not sent", async () => {
    const { settle, limiter } = start();
    await settle.reservation({ ...createTestJourney(), reservation: "r1" }, "release");
    expect(limiter.requests).toMatchObject([{ body: { outcome: "release" } }]);
  });

  it("leaves alone what an open approval keeps", async () => {
    const { settle, limiter } = start();
    await settle.reservation({ ...createTestJourney(), held: "r1" }, "release");
    expect(limiter.requests).toEqual([]);
  });

  it("tells the gateway how an approved call ended, and nothing of others", async () => {
    const { settle, gateway } = start();
    await settle.approval(createTestJourney(), "executed");
    const consumed = { call: prepareTestCall().call, receipt: "r" };
    await settle.approval({ ...createTestJourney(), approval: { id: "a1", consumed } }, "indeterminate");
    expect(gateway.requests).toMatchObject([
      { path: "/v1/approvals/a1/outcome", body: { status: "indeterminate" } },
    ]);
  });

  it("never fails the call: a lease ends by itself, a consumed approval stays consumed", async () => {
    const { settle } = start(() => DOWN({ method: "GET", path: "" }));
    const consumed = { call: prepareTestCall().call, receipt: "r" };
    const journey: Journey = { ...createTestJourney(), reservation: "r1", approval: { id: "a1", consumed } };
    await settle.reservation(journey, "release");
    await settle.approval(journey, "executed");
  });
});
