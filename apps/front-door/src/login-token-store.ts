import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { mkdir, readdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

const TOKEN_BYTES = 32;
const LIFETIME_MS = 10 * 60_000;
const MAX_OUTSTANDING = 10;
const TOKEN_FILE = /^[0-9a-f]{64}$/;

export interface LoginTokenStoreOptions {
  readonly directory: string;
  readonly now?: () => number;
}

export type IssuedLogin =
  | { readonly ok: true; readonly token: string }
  | { readonly ok: false; readonly reason: string };

export interface LoginTokenStore {
  /** Makes the folder; rejects where the state directory is missing or cannot be written. */
  prepare(): Promise<void>;
  issue(): Promise<IssuedLogin>;
  /** True once for a token that was issued and is not expired; never again. */
  redeem(token: string): Promise<boolean>;
}

/**
 * One-time login tokens, each a small file named by the token's SHA-256 that holds when it expires. The
 * command and the service are two processes on one directory: renaming makes a token, and unlinking its
 * file uses it up, which succeeds for exactly one of any number of callers.
 */
export function createLoginTokenStore({
  directory,
  now = Date.now,
}: LoginTokenStoreOptions): LoginTokenStore {
  const folder = join(directory, "login-tokens");

  async function isLive(name: string): Promise<boolean> {
    const expires = Number(await readFile(join(folder, name), "utf8").catch(absent));
    return Number.isSafeInteger(expires) && now() < expires && expires <= now() + LIFETIME_MS;
  }

  async function takeAway(name: string): Promise<boolean> {
    try {
      await unlink(join(folder, name));
      return true;
    } catch (error) {
      absent(error);
      return false;
    }
  }

  async function readNames(): Promise<string[]> {
    try {
      return (await readdir(folder)).filter((name) => TOKEN_FILE.test(name));
    } catch (error) {
      absent(error);
      return [];
    }
  }

  async function prepare(): Promise<void> {
    try {
      await mkdir(folder, { mode: 0o700 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }

  return {
    prepare,
    async issue() {
      await prepare();
      let outstanding = 0;
      for (const name of await readNames()) {
        if (await isLive(name)) outstanding += 1;
        else await takeAway(name);
      }
      if (outstanding >= MAX_OUTSTANDING) {
        const reason = `${MAX_OUTSTANDING} login links wait to be used: use one, or wait until they expire (10 min)`;
        return { ok: false, reason };
      }
      const token = randomBytes(TOKEN_BYTES).toString("base64url");
      const draft = join(folder, `draft-${randomBytes(8).toString("hex")}`);
      await writeFile(draft, String(now() + LIFETIME_MS), { mode: 0o600, flag: "wx" });
      await rename(draft, join(folder, digestOf(token).toString("hex")));
      return { ok: true, token };
    },
    async redeem(token) {
      const digest = digestOf(token);
      let found: string | undefined;
      for (const name of await readNames()) {
        if (timingSafeEqual(Buffer.from(name, "hex"), digest)) found = name;
      }
      if (found === undefined) return false;
      const live = await isLive(found);
      const taken = await takeAway(found);
      return live && taken;
    },
  };
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

/** What is not there is an ordinary answer; any other trouble with the volume is not. */
function absent(error: unknown): string {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
  throw error;
}
