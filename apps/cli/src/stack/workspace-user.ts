import { mkdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { ClawsError } from "../claws-error.ts";

export interface WorkspaceUser {
  readonly uid: number;
  readonly gid: number;
}

const CONTAINER_USER = 10_001;

/**
 * Under which user the agent and the MCP servers run: the one who owns the mounted folder, so that files
 * which the agent writes are the user's own. Never root.
 */
export function readWorkspaceUser(workspace: string | undefined, root: string): WorkspaceUser {
  if (workspace === undefined || !/^[./~]/.test(workspace))
    return { uid: CONTAINER_USER, gid: CONTAINER_USER };
  // As Compose reads it: `~` is the home folder.
  const path = resolve(root, workspace.replace(/^~(?=\/|$)/, homedir()));
  mkdirSync(path, { recursive: true });
  const { uid, gid } = statSync(path);
  if (uid === 0) {
    throw new ClawsError(
      `WORKSPACE ${path} belongs to root, and the agent never runs as root: chown ${CONTAINER_USER}:${CONTAINER_USER} ${path}`,
    );
  }
  return { uid, gid };
}
