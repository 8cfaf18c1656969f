import { randomBytes } from "node:crypto";
import { close, createLogger, listen } from "@claws/service-kit";
import { expect, test } from "vitest";
import { createDoor } from "./door.ts";
import { createFailureLimit } from "./failure-limit.ts";

test("nothing at all is answered while the namespace has a way out, and everything once it has none", async () => {
  let open = true;
  const server = createDoor({
    logger: createLogger("test", { write: () => true }),
    tokens: { redeem: async () => true },
    failures: createFailureLimit({ max: 10, windowMs: 60_000, now: Date.now }),
    sessionKey: randomBytes(32),
    now: Date.now,
    publicHosts: ["127.0.0.1"],
    hasWayOut: () => open,
    forward: (_request, response) => void response.end("in"),
  });
  const origin = `http://127.0.0.1:${await listen(server, 0, "127.0.0.1")}`;
  const logIn = () =>
    fetch(`${origin}/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ token: "a".repeat(43) }),
    });
  for (const answer of [await fetch(`${origin}/login`), await fetch(origin), await logIn()]) {
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: "service_unavailable", service: "front-door" });
  }
  open = false;
  expect((await fetch(`${origin}/login`)).status).toBe(200);
  expect((await logIn()).status).toBe(200);
  await close(server, 0);
});
