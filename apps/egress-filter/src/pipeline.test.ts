import { describe, expect, it } from "vitest";
import { problemOf, sendRaw } from "./testing/raw-client.ts";
import { startFilter } from "./testing/start-filter.ts";

const rules = [{ action: "allow", host: "allowed.test", port: 443, key: "egress.rules[0]" }] as const;
const egress = { mode: "allowlist", rules: [...rules], quotas: { connections: 2 } } as const;
const CONNECT = "CONNECT allowed.test:443 HTTP/1.1\r\nHost: allowed.test:443\r\n\r\n";

describe("an error of our own", () => {
  it.each([
    ["resolving", { resolve: () => Promise.reject(new Error("broken")) }],
    [
      "classifying",
      {
        classify: () => {
          throw new Error("broken");
        },
      },
    ],
  ])("while %s is a recorded refusal, and keeps no place", async (_case, broken) => {
    const filter = await startFilter({
      egress: { ...egress, rules: [...rules] },
      outside: {
        resolve: async () => ({ ok: true, addresses: ["93.184.216.34"] }),
        classify: () => ({ kind: "public", isGrantable: false }),
        dial: async () => ({ ok: false, detail: "nobody is dialled here" }),
        ...broken,
      },
    });
    try {
      for (let count = 1; count <= 5; count++) {
        expect(problemOf(await sendRaw(filter.port, CONNECT))).toMatchObject({
          status: 500,
          reason: "internal",
        });
      }
      expect(await filter.decisions(5)).toHaveLength(5);
    } finally {
      await filter.stop();
    }
  });
});
