import { describe, expect, it } from "vitest";
import { createKnownSecretDetector } from "./known-secret.ts";

const VALUE = 'Zk/9"q+ü m';
const { detect } = createKnownSecretDetector([VALUE, "short", "123456"]);
const found = (text: string) =>
  detect(text, undefined).map(({ decodedBy }) => decodedBy.join("+") || "plain");

describe("known secrets", () => {
  it.each([
    ["as they are", VALUE, "plain"],
    ["inside JSON", JSON.stringify({ a: VALUE }), "json"],
    ["in a URL", encodeURIComponent(VALUE), "percent"],
    ["in a form", new URLSearchParams({ v: VALUE }).toString(), "percent"],
    ["with every byte escaped", Buffer.from(VALUE).toString("hex").replace(/../g, "%$&"), "percent"],
    ["in hexadecimal", Buffer.from(VALUE).toString("hex").toUpperCase(), "hex"],
    ["in base64", Buffer.from(VALUE).toString("base64"), "base64"],
    ["in base64 behind one byte", Buffer.from(`x${VALUE}tail`).toString("base64"), "base64"],
    ["in base64 behind two bytes", Buffer.from(`xy${VALUE}tail`).toString("base64"), "base64"],
    ["in base64url", Buffer.from(VALUE).toString("base64url"), "base64"],
  ])("are found %s", (_how, text, encoding) => expect(found(`<${text}>`)).toContain(encoding));

  it.each([
    ["values of five characters", "short", []],
    ["values of six characters", "123456", ["plain"]],
    ["another value", "123457", []],
  ])("of %s: %j gives %j", (_what, text, expected) => expect(found(text)).toEqual(expected));

  it("need not exist", () => expect(createKnownSecretDetector([]).detect("", undefined)).toEqual([]));
});
