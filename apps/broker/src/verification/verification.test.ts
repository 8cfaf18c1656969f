import { VerificationReport, VerificationState } from "@claws/contracts";
import { createServiceClient } from "@claws/service-kit";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningBroker, startBroker } from "../testing/start-broker.ts";
import { runVerifyCommand } from "./verify-command.ts";

const NOW = "2026-01-01T00:00:00.000Z";
const HOLE = {
  id: "TOP-02",
  from: "agent:main",
  tried: "TCP to the machine",
  expected: "no way there",
  happened: "10.0.0.1:22/tcp answered",
  passed: false,
};
const found = (probes: object[]) => () => ({
  version: 1,
  startedAt: NOW,
  finishedAt: NOW,
  passed: probes.length === 0,
  probes,
});

let broker: RunningBroker;
const ending: (() => Promise<void>)[] = [];
beforeAll(async () => {
  broker = await startBroker();
});
beforeEach(() => broker.neighbours.reset());
afterAll(async () => {
  for (const end of ending) await end();
  await broker.close();
});

async function connectAs(service: "broker" | "egress-filter" | "model-gateway" | "auditor") {
  const identity = await broker.identityOf(service);
  const client = createServiceClient({
    target: "broker",
    host: "localhost",
    port: broker.controlPort,
    identity,
  });
  ending.push(() => client.close());
  return client;
}
const STATE = { method: "GET", path: "/v1/verification" } as const;
const run = (body: object = {}) => ({ method: "POST", path: "/v1/verification/runs", body }) as const;

async function command(...args: string[]) {
  const printed: string[] = [];
  const complaints: string[] = [];
  const [name = "", ...rest] = args;
  const settings = {
    CONTROL_LISTEN_HOST: "localhost",
    CONTROL_LISTEN_PORT: broker.controlPort,
    IDENTITY_DIR: broker.directory,
  };
  const code = await runVerifyCommand(name, rest, settings, {
    print: (line) => printed.push(line),
    complain: (line) => complaints.push(line),
  });
  return { code, printed, complaints };
}

describe("the listener for services", () => {
  it.each(["egress-filter", "model-gateway", "broker"] as const)("tells %s the state", async (service) => {
    const answer = await (await connectAs(service)).call(VerificationState, STATE);
    expect(answer).toEqual({ ok: true, value: { state: "passed", at: NOW, holes: [] } });
  });

  it("tells nobody else", async () => {
    expect(await (await connectAs("auditor")).call(VerificationState, STATE)).toMatchObject({
      ok: false,
      problem: { code: "peer_not_allowed" },
    });
  });

  it("lets nobody but broker's own command have a run made", async () => {
    const client = await connectAs("egress-filter");
    expect(await client.call(VerificationReport, run())).toMatchObject({
      ok: false,
      problem: { code: "peer_not_allowed" },
    });
    expect(broker.neighbours.asked("launcher")).toEqual([]);
  });

  it.each([{ decoyPort: 0 }, { decoyPort: "22" }, { image: "evil" }])("takes no %j", async (body) => {
    const answer = await (await connectAs("broker")).call(VerificationReport, run(body));
    expect(answer).toMatchObject({ ok: false, problem: { code: "request_invalid" } });
    expect(broker.neighbours.asked("launcher")).toEqual([]);
  });
});

describe("the command", () => {
  it("has a run made with the decoy's port, and prints the report", async () => {
    const { code, printed } = await command("verify", "--decoy-port", "45000");
    expect(code).toBe(0);
    expect(VerificationReport.parse(JSON.parse(printed.join("")))).toMatchObject({ passed: true });
    expect(broker.neighbours.asked("launcher").map(({ body }) => body)).toEqual([{ decoyPort: 45_000 }]);
    expect(broker.neighbours.records()).toMatchObject([{ event: "stack.verified", outcome: "done" }]);
  });

  it("prints the last report without a run", async () => {
    const { code, printed } = await command("verified");
    expect([code, VerificationReport.parse(JSON.parse(printed.join(""))).passed]).toEqual([0, true]);
    expect(broker.neighbours.asked("launcher")).toEqual([]);
  });

  it.each([
    ["help"],
    ["verify", "--decoy-port"],
    ["verify", "--decoy-port", "0"],
    ["verify", "--decoy-port", "1e3"],
    ["verify", "--decoy-port", "80", "x"],
    ["verified", "--decoy-port", "80"],
  ])("%s %s %s is none", async (...args) => {
    const { code, complaints } = await command(...args);
    expect([code, complaints.join("")]).toEqual([64, expect.stringContaining("usage")]);
  });
});

describe("a hole", () => {
  beforeEach(async () => {
    broker.neighbours.answers.launcher = found([HOLE]);
    await command("verify");
  });
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(new URL(path, broker.url), {
      ...init,
      headers: { authorization: `Bearer ${broker.token}`, "content-type": "application/json" },
    });

  it("is told to the other doors", async () => {
    expect(await (await connectAs("egress-filter")).call(VerificationState, STATE)).toMatchObject({
      value: { state: "failed", holes: ["TOP-02"] },
    });
  });

  it("closes the tool door on every face, with what to do", async () => {
    const expected = {
      code: "stack_unverified",
      service: "broker",
      detail: expect.stringMatching(/TOP-02.*claws verify/),
    };
    const list = await ask("/v1/tools");
    expect([list.status, await list.json()]).toEqual([503, expect.objectContaining(expected)]);
    const call = await ask("/v1/tools/fs__read_file/call", { method: "POST", body: '{"arguments":{}}' });
    expect([call.status, await call.json()]).toEqual([503, expect.objectContaining(expected)]);
    expect(broker.neighbours.records()).toContainEqual(
      expect.objectContaining({ event: "call.decided", outcome: "deny", code: "stack_unverified" }),
    );
    expect(broker.neighbours.servers["fs"]?.received).toEqual([]);
  });

  it("opens it again once it is closed, and says so in the records", async () => {
    broker.neighbours.answers.launcher = found([]);
    await command("verify");
    expect((await ask("/v1/tools")).status).toBe(200);
    expect(broker.neighbours.records().at(-1)).toMatchObject({ event: "stack.verified", outcome: "done" });
  });
});

it("the first failure after a proof is an anomaly, the same failure again is not", async () => {
  await command("verify");
  broker.neighbours.answers.launcher = found([HOLE]);
  await command("verify");
  await command("verify");
  const events = broker.neighbours
    .records()
    .map(({ event, outcome, subject }) => `${event} ${outcome} ${subject}`);
  expect(events).toEqual([
    "stack.verified done verification",
    "stack.verified failed verification",
    "anomaly.detected failed verification",
  ]);
});
