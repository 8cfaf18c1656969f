import { describe, expect, test } from "vitest";
import { createEventLines } from "./event-lines.ts";
import { showEvent } from "./show-event.ts";

const ID = "a".repeat(64);
const line = (action: string, attributes: Record<string, string>) =>
  JSON.stringify({ Type: "container", Action: action, Actor: { ID, Attributes: attributes } });
const ours = { "claws.project": "mine", name: "agent-1", secret: "hidden" };

describe("an event is shown", () => {
  test.each([
    ["start", ours, true],
    ["health_status: unhealthy", ours, true],
    ["health_status: sk-secret", ours, false],
    ["exec_create: sh -c secret", ours, false],
    ["start", { name: "foreign" }, false],
    ["start", { "claws.project": "mine2" }, false],
  ])("%s of %o: %s", (action, attributes, shown) => {
    expect(showEvent(line(action, attributes as Record<string, string>), "mine") !== undefined).toBe(shown);
  });

  test("without attributes that are not known to be harmless", () => {
    const shown = showEvent(line("start", ours), "mine") ?? "";
    expect(JSON.parse(shown)).toMatchObject({ Actor: { ID, Attributes: { name: "agent-1" } } });
    expect(shown).not.toContain("hidden");
  });

  test.each(["", "{", "[]", '{"Type":"image"}', "null"])("never, when the line is %j", (text) => {
    expect(showEvent(text, "mine")).toBeUndefined();
  });
});

test("lines are put together across chunks, inside a character too", async () => {
  const lines = createEventLines((text) => (text === "drop" ? undefined : text));
  const bytes = Buffer.from("één\ndrop\nzwei\nlast");
  for (const byte of bytes) lines.write(Buffer.from([byte]));
  lines.end();
  const chunks = await lines.toArray();
  expect(Buffer.concat(chunks as Buffer[]).toString("utf8")).toBe("één\nzwei\nlast\n");
});

test("a line without end ends the stream instead of filling the memory", async () => {
  const lines = createEventLines((text) => text);
  lines.write(Buffer.alloc(1024 * 1024 + 1, 97));
  await expect(lines.toArray()).rejects.toThrow("1 MiB");
});
