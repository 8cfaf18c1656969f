import { describe, expect, it } from "vitest";
import { createEgressRules } from "./egress-rules.ts";

describe("a method that the rule does not speak of", () => {
  const rules = [{ action: "allow", host: "allowed.test", port: 80, key: "egress.rules[0]" }] as const;
  const ask = (mode: "allowlist" | "public", host: string, method: string) =>
    createEgressRules({ mode, rules }).decide({ host, port: 80, method, path: "/", headers: () => [] });

  it.each(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("is usual: %s", (method) => {
    expect(ask("allowlist", "allowed.test", method).outcome).toBe("allow");
    expect(ask("public", "other.test", method).outcome).toBe("allow");
  });

  it.each(["TRACE", "QUERY", "PROPFIND", "get"])("is not: %s", (method) => {
    expect(ask("allowlist", "allowed.test", method)).toMatchObject({ reason: "method_denied" });
    expect(ask("public", "other.test", method)).toMatchObject({ reason: "method_denied" });
  });
});
