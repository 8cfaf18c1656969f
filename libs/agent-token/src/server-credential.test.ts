import { createHmac, randomBytes } from "node:crypto";
import { ServerName, SessionId } from "@claws/contracts";
import { assert, constantFrom, nat, property, string } from "fast-check";
import { describe, expect, it } from "vitest";
import { issueServerCredential, readServerEgressKey, verifyServerCredential } from "./server-credential.ts";

const key = randomBytes(32);
const NOW = 1_800_000_000_000;
const ALPHABET = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");
const credential = {
  server: ServerName.parse("web"),
  run: SessionId.parse("run-0123456789abcdef"),
  expiresAt: NOW / 1_000 + 60,
};
const issued = issueServerCredential(key, credential);
const verify = (change: Partial<typeof issued>, at = NOW) =>
  verifyServerCredential(key, { ...issued, ...change }, at);

describe("a server's proxy credential", () => {
  it("is an HMAC over the server, the expiry and the run", () => {
    const mac = createHmac("sha256", key).update("server\0web\x001800000060\0run-0123456789abcdef");
    expect(issued).toEqual({
      username: "server.web",
      password: `1800000060.run-0123456789abcdef.${mac.digest("base64url")}`,
    });
  });

  it("names the server and its run", () => {
    expect(verify({})).toEqual({ ok: true, credential });
  });

  const mac = issued.password.slice(-43);
  it.each([
    ["another server's name", { username: "server.mail" }, "not issued by this stack"],
    ["no server's name", { username: "web" }, "user name"],
    ["a name in upper case", { username: "server.Web" }, "user name"],
    ["a longer expiry", { password: issued.password.replace("1800000060", "1900000060") }, "not issued"],
    ["another run", { password: issued.password.replace("run-0", "run-1") }, "not issued"],
    ["a run that is too short", { password: `1800000060.run.${mac}` }, "not a server's credential"],
    ["no MAC", { password: "1800000060.run-0123456789abcdef." }, "not a server's credential"],
    ["a MAC cut short", { password: issued.password.slice(0, -1) }, "not a server's credential"],
    ["one field more", { password: `${issued.password}.x` }, "not a server's credential"],
    ["an expiry with a leading zero", { password: `0${issued.password}` }, "not a server's credential"],
    ["an expiry that is no number", { password: `1e9.run-0123456789abcdef.${mac}` }, "not a server's"],
    ["nothing", { password: "" }, "not a server's credential"],
  ])("is refused with %s", (_what, change, reason) => {
    expect(verify(change)).toEqual({ ok: false, reason: expect.stringContaining(reason) });
  });

  it("is good until its second and not in it", () => {
    expect(verify({}, credential.expiresAt * 1_000 - 1).ok).toBe(true);
    expect(verify({}, credential.expiresAt * 1_000)).toEqual({
      ok: false,
      reason: expect.stringContaining("expired"),
    });
  });

  it("is refused under another key", () => {
    expect(verifyServerCredential(randomBytes(32), issued, NOW).ok).toBe(false);
  });

  it("is refused with any one character changed, the ones that decode to the same bytes included", () => {
    const last = issued.password.length - 1;
    assert(
      property(nat(last), constantFrom(...ALPHABET), (at, by) => {
        const password = issued.password.slice(0, at) + by + issued.password.slice(at + 1);
        return password === issued.password || !verify({ password }).ok;
      }),
      { seed: 1, numRuns: 2_000 },
    );
  });

  it("is refused, and never throws, for whatever is sent in its place", () => {
    assert(
      property(
        string(),
        string(),
        (username, password) => !verifyServerCredential(key, { username, password }, NOW).ok,
      ),
      { seed: 2 },
    );
  });
});

describe("readServerEgressKey", () => {
  it.each([
    [key.toString("base64url"), key],
    [randomBytes(31).toString("base64url"), undefined],
    [key.toString("base64"), undefined],
    ["", undefined],
  ])("of %j is %j", (text, expected) => {
    expect(readServerEgressKey(text)).toEqual(expected);
  });
});
