import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFailureLimit } from "./failure-limit.ts";
import { createLoginTokenStore, type LoginTokenStore } from "./login-token-store.ts";
import { printLoginLink } from "./print-login-link.ts";

const TEN_MINUTES = 600_000;
let directory: string;
let time = 1_800_000_000_000;
let store: LoginTokenStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "state-"));
  store = createLoginTokenStore({ directory, now: () => time });
});
afterEach(() => rmSync(directory, { recursive: true }));

async function issue(): Promise<string> {
  const issued = await store.issue();
  if (!issued.ok) throw new Error(issued.reason);
  return issued.token;
}
const files = () => readdirSync(join(directory, "login-tokens"));

test("a token is 32 bytes of which only the hash is kept", async () => {
  const token = await issue();
  expect(Buffer.from(token, "base64url")).toHaveLength(32);
  const [name = ""] = files();
  expect(name).toBe(createHash("sha256").update(token).digest("hex"));
  expect(readFileSync(join(directory, "login-tokens", name), "utf8")).toBe(String(time + TEN_MINUTES));
});

test("of many that redeem a token at once, in two processes' stores, one succeeds", async () => {
  const token = await issue();
  const other = createLoginTokenStore({ directory, now: () => time });
  const outcomes = await Promise.all(
    Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? store : other).redeem(token)),
  );
  expect(outcomes.filter(Boolean)).toHaveLength(1);
  expect(files()).toEqual([]);
});

test("a token is good until ten minutes have passed", async () => {
  const [early, late] = [await issue(), await issue()];
  time += TEN_MINUTES - 1;
  expect(await store.redeem(early)).toBe(true);
  time += 1;
  expect(await store.redeem(late)).toBe(false);
  expect(files()).toEqual([]);
});

test("what was never issued is no token, and uses none up", async () => {
  const token = await issue();
  for (const wrong of [
    "",
    "x",
    `${token}x`,
    "../../etc/passwd",
    createHash("sha256").update(token).digest("hex"),
  ]) {
    expect(await store.redeem(wrong)).toBe(false);
  }
  expect(await store.redeem(token)).toBe(true);
});

test("an empty state directory knows no token", async () => {
  expect(await store.redeem("x")).toBe(false);
});

test("the eleventh link is refused until one is used or expires", async () => {
  const tokens = [];
  for (let count = 0; count < 10; count += 1) tokens.push(await issue());
  expect(await store.issue()).toMatchObject({ ok: false });
  await store.redeem(tokens[0] ?? "");
  await issue();
  expect(await store.issue()).toMatchObject({ ok: false });
  time += TEN_MINUTES;
  await issue();
  expect(files()).toHaveLength(1);
});

test("the command prints one line with the token in the fragment", async () => {
  const written = { stdout: "", stderr: "" };
  const output = {
    stdout: { write: (text: string) => (written.stdout += text) },
    stderr: { write: (text: string) => (written.stderr += text) },
  };
  expect(await printLoginLink({ STATE_DIR: directory }, output)).toBe(0);
  expect(written.stdout).toMatch(/^http:\/\/127\.0\.0\.1:8082\/login#[A-Za-z0-9_-]{43}\n$/);
  expect(await printLoginLink({ STATE_DIR: "/proc/nowhere" }, output)).toBe(1);
  expect(written.stderr).toMatch(/^front-door: no login link: .*\n$/);
});

test("ten failed logins in a minute are the limit, and a good one does not count", () => {
  let now = 0;
  const limit = createFailureLimit({ max: 10, windowMs: 60_000, now: () => now });
  for (let count = 0; count < 50; count += 1) {
    expect(limit.begin().ok).toBe(true);
    limit.succeed();
  }
  for (let count = 0; count < 10; count += 1) expect(limit.begin().ok).toBe(true);
  expect(limit.begin()).toEqual({ ok: false, retryAfterMs: 60_000 });
  now = 59_999;
  expect(limit.begin()).toEqual({ ok: false, retryAfterMs: 1 });
  now = 60_000;
  expect(limit.begin().ok).toBe(true);
});
