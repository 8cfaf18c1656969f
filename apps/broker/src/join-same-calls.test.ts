import { ToolName } from "@claws/contracts";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { CallOutcome } from "./call-outcome.ts";
import { joinSameCalls } from "./join-same-calls.ts";
import type { Pipeline, ToolRequest } from "./pipeline.ts";
import { MAIN, READER } from "./testing/test-policy.ts";

afterEach(() => void vi.useRealTimers());

const result = (text: string): CallOutcome => ({
  kind: "result",
  result: { content: [text], failed: false },
});

/** A caller who can hang up. */
function caller(change: Partial<ToolRequest> = {}) {
  const connection = new AbortController();
  const request: ToolRequest = {
    identity: MAIN,
    tool: ToolName.parse("mail__send"),
    arguments: { to: "a", options: { x: 1, y: 2 } },
    signal: connection.signal,
    ...change,
  };
  return { request, hangUp: () => connection.abort() };
}

/** A pipeline whose runs end when the test says so. */
function startJoined(isHeld = true) {
  const runs: PromiseWithResolvers<CallOutcome>[] = [];
  const run: Pipeline = () => {
    const ending = Promise.withResolvers<CallOutcome>();
    runs.push(ending);
    return ending.promise;
  };
  return { runs, send: joinSameCalls(run, () => isHeld) };
}

describe("the same call sent again", () => {
  it("while the first is under way is one run with one outcome", async () => {
    const { runs, send } = startJoined();
    const outcomes = [caller(), caller(), caller()].map(({ request }) => send(request));
    runs[0]?.resolve(result("sent"));
    expect(await Promise.all(outcomes)).toEqual([result("sent"), result("sent"), result("sent")]);
    expect(runs).toHaveLength(1);
  });

  it("with its keys in another order is the same call", () => {
    const { runs, send } = startJoined();
    void send(caller().request);
    void send(caller({ arguments: { options: { y: 2, x: 1 }, to: "a" } }).request);
    expect(runs).toHaveLength(1);
  });

  it.each<[string, Partial<ToolRequest>]>([
    ["agent", { identity: { ...MAIN, agent: READER.agent } }],
    ["session", { identity: { ...MAIN, session: READER.session } }],
    ["tool", { tool: ToolName.parse("mail__echo") }],
    ["argument", { arguments: { to: "b", options: { x: 1, y: 2 } } }],
  ])("with another %s is another call", (_what, change) => {
    const { runs, send } = startJoined();
    void send(caller().request);
    void send(caller(change).request);
    expect(runs).toHaveLength(2);
  });

  it("after the first was answered is a call of its own", async () => {
    const { runs, send } = startJoined();
    const first = send(caller().request);
    runs[0]?.resolve(result("first"));
    await first;
    const second = send(caller().request);
    runs[1]?.resolve(result("second"));
    expect(await second).toEqual(result("second"));
  });

  it("after its run failed is a call of its own", async () => {
    const { runs, send } = startJoined();
    const first = send(caller().request);
    runs[0]?.reject(new Error("a surprise"));
    await expect(first).rejects.toThrow("a surprise");
    void send(caller().request);
    expect(runs).toHaveLength(2);
  });

  it("is never joined where no person decides", () => {
    const { runs, send } = startJoined(false);
    void send(caller().request);
    void send(caller().request);
    expect(runs).toHaveLength(2);
  });
});

describe("a result that nobody was there to receive", () => {
  async function leaveUndelivered() {
    const joined = startJoined();
    const first = caller();
    const outcome = joined.send(first.request);
    first.hangUp();
    joined.runs[0]?.resolve(result("sent"));
    await outcome;
    return joined;
  }

  it("is delivered when the call is sent again, once", async () => {
    const { runs, send } = await leaveUndelivered();
    expect(await send(caller().request)).toEqual(result("sent"));
    expect(runs).toHaveLength(1);
    void send(caller().request);
    expect(runs).toHaveLength(2);
  });

  it("is not delivered to another call", async () => {
    const { runs, send } = await leaveUndelivered();
    void send(caller({ arguments: { to: "b" } }).request);
    expect(runs).toHaveLength(2);
  });

  it("is forgotten after ten minutes", async () => {
    vi.useFakeTimers();
    const { runs, send } = await leaveUndelivered();
    vi.advanceTimersByTime(600_000);
    void send(caller().request);
    expect(runs).toHaveLength(2);
  });

  it("is not kept when a second caller of the same call received it", async () => {
    const { runs, send } = startJoined();
    const [first, second] = [caller(), caller()];
    const outcomes = [send(first.request), send(second.request)];
    first.hangUp();
    runs[0]?.resolve(result("sent"));
    await Promise.all(outcomes);
    void send(caller().request);
    expect(runs).toHaveLength(2);
  });

  it("is kept when the second caller hung up too", async () => {
    const { runs, send } = startJoined();
    const callers = [caller(), caller()];
    const outcomes = callers.map(({ request }) => send(request));
    callers.forEach(({ hangUp }) => hangUp());
    runs[0]?.resolve(result("sent"));
    await Promise.all(outcomes);
    expect(await send(caller().request)).toEqual(result("sent"));
    expect(runs).toHaveLength(1);
  });

  it("is not kept when it is no result: a person may decide otherwise next time", async () => {
    const { runs, send } = startJoined();
    const first = caller();
    const approval = { id: "x" } as Extract<CallOutcome, { kind: "pending" }>["approval"];
    const outcome = send(first.request);
    first.hangUp();
    runs[0]?.resolve({ kind: "pending", approval });
    await outcome;
    void send(caller().request);
    expect(runs).toHaveLength(2);
  });
});
