import { statSync } from "node:fs";

/**
 * How the two containers that need the Docker socket get at it: with the socket's group where that is
 * enough, else as uid 0 without any capability (docs/hardening.md).
 */
export function readSocketUser(socket: string): { CLAWS_SOCKET_USER?: string; CLAWS_SOCKET_GROUP?: string } {
  const GROUP_MAY_WRITE = 0o060;
  try {
    const { gid, mode } = statSync(socket);
    const byGroup = (mode & GROUP_MAY_WRITE) === GROUP_MAY_WRITE && gid !== 0;
    return byGroup ? { CLAWS_SOCKET_USER: "65532", CLAWS_SOCKET_GROUP: String(gid) } : {};
  } catch (error) {
    // A remote engine or one inside a VM has no socket here; the containers' own default applies.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw error;
  }
}
