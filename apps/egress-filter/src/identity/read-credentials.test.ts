import { assert, base64String, property, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { readCredentials } from "./read-credentials.ts";

const basic = (text: string) => `Basic ${Buffer.from(text, "latin1").toString("base64")}`;

describe("reading Proxy-Authorization", () => {
  it.each([
    [basic("main:a.b-c_d"), { scheme: "basic", username: "main", password: "a.b-c_d" }],
    [basic("main:").replace("Basic", "bAsIc"), { scheme: "basic", username: "main", password: "" }],
    ["Bearer a.b-c_d", { scheme: "bearer", token: "a.b-c_d" }],
    ["bearer a.b", { scheme: "bearer", token: "a.b" }],
  ])("takes %j", (header, credentials) => {
    expect(readCredentials(header)).toEqual({ ok: true, credentials });
  });

  it.each([
    ["nothing", "", "plain form"],
    ["a scheme alone", "Basic", "plain form"],
    ["a scheme and a space", "Bearer ", "plain form"],
    ["another scheme", "Digest abc", "plain form"],
    ["two spaces", "Bearer  abc", "plain form"],
    ["a tab", "Bearer\tabc", "plain form"],
    ["two credentials in one field", "Bearer abc, Bearer def", "plain form"],
    ["parameters", 'Basic abcd realm="x"', "plain form"],
    ["a line feed", "Bearer abc\n", "plain form"],
    ["something not base64", "Basic ab~d", "canonical base64"],
    ["base64 without its padding", "Basic bWFpbjp4eA", "canonical base64"],
    ["bits left over in base64", "Basic bWFpbjp4eB==", "canonical base64"],
    ["base64url", basic("main:\xff\xfe").replace("/", "_"), "canonical base64"],
    ["no colon", basic("main"), "one colon"],
    ["a colon more", basic("main:a:b"), "one colon"],
    ["a control character", basic("main:a\nb"), "printable ASCII"],
    ["a NUL in the name", basic("ma\0in:a"), "printable ASCII"],
    ["a space", basic("main:a b"), "printable ASCII"],
    ["bytes above ASCII", basic("m\xe4in:a"), "printable ASCII"],
    ["a header of more than 8 KiB", `Bearer ${"a".repeat(8_192)}`, "longer than 8192"],
  ])("refuses %s", (_what, header, detail) => {
    expect(readCredentials(header)).toEqual({ ok: false, detail: expect.stringContaining(detail) });
  });

  it("takes nothing that it would not write in the same way", () => {
    assert(
      property(base64String({ maxLength: 200 }), (encoded) => {
        const reading = readCredentials(`Basic ${encoded}`);
        if (!reading.ok || reading.credentials.scheme !== "basic") return true;
        const { username, password } = reading.credentials;
        return basic(`${username}:${password}`) === `Basic ${encoded}`;
      }),
      { seed: 3, numRuns: 1_000 },
    );
  });

  it("never throws, and never repeats what was sent", () => {
    assert(
      property(uint8Array({ minLength: 12 }), (bytes) => {
        const header = Buffer.from(bytes).toString("latin1");
        const reading = readCredentials(header);
        return reading.ok || !reading.detail.includes(header);
      }),
      { seed: 4, numRuns: 1_000 },
    );
  });
});
