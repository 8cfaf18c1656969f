import type { EgressCredential } from "@claws/contracts";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lookupIn } from "../read-request.ts";
import { judgeCredential } from "./credential.ts";

const SECRET = "s3cr3t-value-of-the-operator";
const read = (name: string) =>
  name === "TOKEN" ? ({ ok: true, value: SECRET } as const) : ({ ok: false, detail: `no ${name}` } as const);

const BEARER: EgressCredential = { header: "authorization", scheme: "Bearer", secret: "TOKEN", mode: "pin" };
const KEY: EgressCredential = { header: "x-api-key", secret: "TOKEN", mode: "pin" };
const SWAP: EgressCredential = { ...BEARER, mode: "swap" };
const SWAP_KEY: EgressCredential = { ...KEY, mode: "swap" };
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;

function judge(credential: EgressCredential, rawHeaders: string[], path = "/") {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  return judgeCredential(credential, { path, headers: lookupIn(rawHeaders) }, names, read);
}

describe("a pinned credential", () => {
  it.each([
    ["the secret", BEARER, ["Authorization", `Bearer ${SECRET}`]],
    ["the secret behind a scheme in another case", BEARER, ["authorization", `bearer ${SECRET}`]],
    ["the secret without a scheme", KEY, ["X-Api-Key", SECRET]],
    ["no credential at all", BEARER, ["Accept", "*/*"]],
  ])("lets %s pass as it is", (_what, credential, headers) => {
    expect(judge(credential, headers)).toEqual({ ok: true });
  });

  it.each([
    ["another secret", BEARER, ["Authorization", "Bearer other"]],
    ["nothing behind the scheme", BEARER, ["Authorization", "Bearer "]],
    ["the secret without its scheme", BEARER, ["Authorization", SECRET]],
    ["the secret with another scheme", BEARER, ["Authorization", `Token ${SECRET}`]],
    ["the secret and more", BEARER, ["Authorization", `Bearer ${SECRET}, Bearer other`]],
    ["the secret behind two spaces", BEARER, ["Authorization", `Bearer  ${SECRET}`]],
    ["the beginning of the secret", BEARER, ["Authorization", `Bearer ${SECRET.slice(0, -1)}`]],
    ["the secret twice", BEARER, ["Authorization", `Bearer ${SECRET}`, "authorization", `Bearer ${SECRET}`]],
    ["a placeholder", BEARER, ["Authorization", "Bearer claws-secret-TOKEN"]],
    ["an empty header", KEY, ["x-api-key", ""]],
  ])("refuses %s", (_what, credential, headers) => {
    expect(judge(credential, headers)).toMatchObject({ ok: false, reason: "credential_denied" });
  });
});

describe("a swapped credential", () => {
  it.each([
    ["a header with a scheme", SWAP, "Bearer claws-secret-TOKEN", `Bearer ${SECRET}`],
    ["a header without one", SWAP_KEY, "claws-secret-TOKEN", SECRET],
    [
      "a password, as git sends it",
      SWAP,
      basic("x-access-token:claws-secret-TOKEN"),
      basic(`x-access-token:${SECRET}`),
    ],
    ["a password without a user", SWAP, basic(":claws-secret-TOKEN"), basic(`:${SECRET}`)],
  ])("takes the placeholder's place in %s", (_what, credential, sent, value) => {
    expect(judge(credential, [credential.header, sent])).toEqual({
      ok: true,
      replace: { header: credential.header, value },
      hidden: SECRET,
    });
  });

  it.each([
    ["another placeholder", "Bearer claws-secret-OTHER"],
    ["a key of the agent's own", "Bearer ghp_somebodyelses"],
    ["the real secret", `Bearer ${SECRET}`],
    ["more than the placeholder", "Bearer claws-secret-TOKEN2"],
    ["a user name as long as a token", basic(`${"a".repeat(40)}:claws-secret-TOKEN`)],
    ["two passwords", basic("u:claws-secret-TOKEN:x")],
    ["the placeholder as the user's name", basic("claws-secret-TOKEN:")],
    ["what is no base64", "Basic ???"],
    ["nothing", ""],
  ])("is not given for %s", (_what, value) => {
    const verdict = judge(SWAP, ["authorization", value]);
    expect(verdict).toMatchObject({ ok: false, reason: "credential_denied" });
    expect(JSON.stringify(verdict)).not.toContain(SECRET);
  });

  it("passes a request without any credential, and watches its answer all the same", () => {
    expect(judge(SWAP, [])).toEqual({ ok: true, hidden: SECRET });
  });

  it("that is not stored says how to store it", () => {
    const verdict = judge({ ...SWAP, secret: "MISSING" }, ["authorization", "Bearer claws-secret-MISSING"]);
    expect(verdict).toMatchObject({ ok: false, reason: "dependency_down", detail: "no MISSING" });
  });

  it("never appears in a refusal, whatever was sent", () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom(BEARER, KEY, SWAP, SWAP_KEY), (value, credential) => {
        const verdict = judge(credential, [credential.header, value]);
        if (!verdict.ok) expect(JSON.stringify(verdict)).not.toContain(SECRET);
      }),
      { seed: 23, numRuns: 500 },
    );
  });
});

describe("at a host with a credential", () => {
  it.each([
    "Authorization",
    "X-Api-Key",
    "api-key",
    "X-Goog-Api-Key",
    "Private-Token",
    "Cookie",
    "X-Auth-Token",
    "X-Amz-Security-Token",
    "Proxy-Authorization",
    "proxy-anything",
  ])("the header %s is refused beside it", (name) => {
    const credential = name === "Authorization" ? KEY : BEARER;
    expect(judge(credential, [name, "x"])).toMatchObject({
      ok: false,
      reason: "credential_denied",
      detail: expect.stringContaining(name.toLowerCase()),
    });
  });

  it.each([
    "/?key=x",
    "/?a=1&api_key=x",
    "/?ACCESS_TOKEN=x",
    "/?token",
    "/?a;sig=x",
    "/?%6bey=x",
    "/?a?token=x",
    "/?token[]=x",
    "/?%61pi%5fkey=x",
    "/?X-Amz-Signature=x",
  ])("the query of %s is refused", (path) => {
    expect(judge(BEARER, [], path)).toMatchObject({ ok: false, reason: "credential_denied" });
  });

  it.each(["/?q=key", "/key", "/?monkey=1&tokens=2", "/?", "/?%zz=1", "/?%=key"])("%s passes", (path) => {
    expect(judge(BEARER, [], path)).toEqual({ ok: true });
  });
});
