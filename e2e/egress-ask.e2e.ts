import { EgressOverlay, EgressQuestion } from "@claws/contracts";
import { afterEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { e2e, eventually } from "./deployment.ts";
import { logIn } from "./operator.ts";

/** What curl inside the agent's container got: the status, and the reason of a refusal. */
interface Outcome {
  readonly status: number;
  readonly body: string;
}

/** Sends one request from inside the agent's container; it ends when a person, or nobody, has answered. */
async function request(host: string): Promise<Outcome> {
  const { stdout, stderr } = await e2e.exec("agent", [
    "curl",
    "-sS",
    "--max-time",
    "60",
    "-w",
    "\\n%{http_code}",
    `http://${host}/`,
  ]);
  const lines = stdout.split("\n");
  const status = Number(lines.pop());
  if (!Number.isInteger(status) || status === 0) throw new Error(`curl said nothing: ${stderr}`);
  return { status, body: lines.join("\n") };
}

const reasonOf = ({ body }: Outcome) => z.object({ reason: z.string() }).parse(JSON.parse(body)).reason;

async function pending(): Promise<EgressQuestion[]> {
  const { code, stdout, stderr } = await e2e.claws(["egress", "pending", "--json"]);
  expect(code, stderr).toBe(0);
  return z.array(EgressQuestion).parse(JSON.parse(stdout));
}

/** The question about a host, as soon as it is open. */
async function questionOf(host: string): Promise<EgressQuestion> {
  const find = async () => (await pending()).find((question) => question.host === host);
  const question = await eventually(find, (found) => found !== undefined, 20_000);
  if (question === undefined) throw new Error(`nobody asked for ${host}`);
  return question;
}

async function answer(words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await e2e.claws(["egress", ...words]);
  expect(code, stderr).toBe(0);
  return stdout;
}

async function overlay(): Promise<EgressOverlay["rules"]> {
  const { stdout } = await e2e.claws(["egress", "overlay", "--json"]);
  return EgressOverlay.parse(JSON.parse(stdout)).rules;
}

describe("a destination that a rule asks about", () => {
  afterEach(async () => {
    for (const { id } of await pending()) await e2e.claws(["egress", "deny", id]);
  });

  it("waits until a person allows it once, and is asked about again", async () => {
    const waiting = request("once.ask.example");
    const question = await questionOf("once.ask.example");
    expect(question).toMatchObject({
      caller: { kind: "agent", agent: "main" },
      port: 80,
      method: "GET",
      state: "open",
    });
    const list = await e2e.claws(["egress", "pending"]);
    expect(list.stdout).toContain("once.ask.example:80");
    expect(await answer(["allow", question.id.slice(0, 8), "once"])).toContain("once (owner)");
    expect(await waiting).toMatchObject({ status: 200, body: expect.stringContaining("once.ask.example") });

    const again = request("once.ask.example");
    const next = await questionOf("once.ask.example");
    expect(next.id).not.toBe(question.id);
    await answer(["deny", next.id]);
    expect(reasonOf(await again)).toBe("ask_denied");
  });

  it("stays open for a session that a person allowed, through a restart of gateway and filter", async () => {
    const waiting = request("session.ask.example");
    await answer(["allow", (await questionOf("session.ask.example")).id, "session"]);
    expect((await waiting).status).toBe(200);
    expect((await request("session.ask.example")).status).toBe(200);
    const restarted = await e2e.compose(["restart", "approval-gateway", "egress-filter"]);
    expect(restarted.code, restarted.stderr).toBe(0);
    await eventually(
      () => request("session.ask.example"),
      ({ status }) => status === 200,
    );
    expect(await pending()).toEqual([]);
  });

  it("is allowed for good by an entry with who and when, and no more once that is forgotten", async () => {
    const waiting = request("good.ask.example");
    await answer(["allow", (await questionOf("good.ask.example")).id, "always"]);
    expect((await waiting).status).toBe(200);
    expect(await overlay()).toEqual([
      { allow: "good.ask.example:80", caller: "agent:main", by: "owner", at: expect.any(String) },
    ]);
    // The filter reads the file each second: with the rule's own addresses, no question is left.
    await eventually(
      () => request("good.ask.example"),
      ({ status }) => status === 200,
    );
    expect(await pending()).toEqual([]);

    await answer(["forget", "good.ask.example:80"]);
    expect(await overlay()).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const again = request("good.ask.example");
    await answer(["deny", (await questionOf("good.ask.example")).id]);
    expect(reasonOf(await again)).toBe("ask_denied");
  });

  it("is refused at once for a while after a no, and silence is no", async () => {
    const waiting = request("no.ask.example");
    await answer(["deny", (await questionOf("no.ask.example")).id]);
    expect(await waiting).toMatchObject({ status: 403 });
    expect(reasonOf(await request("no.ask.example"))).toBe("ask_denied");
    expect(await pending()).toEqual([]);
    expect(reasonOf(await request("silent.ask.example"))).toBe("ask_timeout");
  });

  it("is answered in the console, by the one login, from its own pages alone", async () => {
    const session = await logIn(e2e);
    const waiting = request("once.ask.example:8080");
    const { id, host, port } = await questionOf("once.ask.example");
    const path = `/api/egress/questions/${id}/answer`;
    const forged = await session.post(
      path,
      { answer: "once", host, port },
      { origin: "http://evil.example" },
    );
    expect(forged.status).toBe(403);
    const other = await session.post(path, { answer: "once", host, port: 80 });
    expect(await other.json()).toMatchObject({ code: "approval_invalid" });
    const taken = await session.post(path, { answer: "deny", host, port });
    expect(await taken.json()).toMatchObject({ state: "deny", by: "owner" });
    expect(reasonOf(await waiting)).toBe("ask_denied");
  });

  it("is refused while nobody can be asked", async () => {
    await e2e.compose(["stop", "approval-gateway"]);
    try {
      expect(reasonOf(await request("silent.ask.example"))).toBe("dependency_down");
    } finally {
      await e2e.compose(["start", "approval-gateway"]);
    }
    const session = await logIn(e2e);
    await eventually(
      async () => (await session.get("/api/egress/questions")).status,
      (status) => status === 200,
    );
  });

  it("leaves a record of who asked and who answered", async () => {
    const { stdout } = await e2e.claws(["audit", "tail", "200"]);
    const events = stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.find(({ event }) => event === "egress.asked")).toMatchObject({
      outcome: "hold",
      service: "approval-gateway",
      agent: "main",
    });
    expect(events.find(({ event }) => event === "egress.answered")).toMatchObject({
      detail: expect.objectContaining({ by: "owner" }),
    });
    expect(events.find(({ event }) => event === "egress.forgotten")).toMatchObject({
      subject: "good.ask.example:80",
    });
  });
});
