import { createHash, randomBytes } from "node:crypto";
import type { KeyVolume } from "./key-volume.ts";

/** What each Redis user may touch. Nobody else can log in. */
const USERS = [
  { name: "rate-limiter", keys: "~{limits}:*" },
  { name: "approval-gateway", keys: "~{approvals}:*" },
] as const;

const COMMANDS =
  "+@read +@write +@transaction +@scripting +@connection -@dangerous -@blocking -scan -function -script +time +info";

/** One ACL user per service with a password of its own; Redis is given only the passwords' hashes. */
export function provideRedisUsers(volumeOf: (name: string) => KeyVolume): void {
  const lines = USERS.map(({ name, keys }) => {
    const password = volumeOf(name).readOrCreate("redis.password", () =>
      randomBytes(32).toString("base64url"),
    );
    const hash = createHash("sha256").update(password).digest("hex");
    return `user ${name} on #${hash} resetchannels ${keys} ${COMMANDS}`;
  });
  // Off for everybody, yet with all rights: Redis replays transactions of its append-only file as `default`,
  // and without them drops what scripts wrote (redis/redis#14541).
  const unused = "user default off resetpass ~* &* +@all";
  const health = "user health on nopass resetkeys resetchannels -@all +ping";
  const content = [unused, health, ...lines, ""].join("\n");
  const volume = volumeOf("redis");
  if (volume.read("users.acl") !== content) volume.write("users.acl", content);
}
