import { mkdirSync, realpathSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { relative, resolve, sep } from "node:path";
import { ClawsError } from "../claws-error.ts";

export interface WorkspaceUser {
  readonly uid: number;
  readonly gid: number;
}

const CONTAINER_USER = 10_001;

/** The project's own folders: what the agent could write there, its operator would run. */
const OWN_FOLDERS = [
  "apps",
  "libs",
  "docker",
  "profiles",
  "tools",
  "e2e",
  "docs",
  "node_modules",
  ".git",
  ".ci",
  ".claws",
];

/** The folder that WORKSPACE names; undefined when it names a volume. */
function readFolder(workspace: string | undefined, root: string): string | undefined {
  if (workspace === undefined || !/^[./~]/.test(workspace)) return undefined;
  // As Compose reads it: `~` is the home folder.
  return resolve(root, workspace.replace(/^~(?=\/|$)/, homedir()));
}

/**
 * Under which user the agent and the MCP servers run: the one who owns the mounted folder, so that files
 * which the agent writes are the user's own. Never root.
 */
export function readWorkspaceUser(workspace: string | undefined, root: string): WorkspaceUser {
  const folder = readFolder(workspace, root);
  const owner = folder === undefined ? undefined : statSync(folder, { throwIfNoEntry: false });
  if (owner === undefined || owner.uid === 0) return { uid: CONTAINER_USER, gid: CONTAINER_USER };
  return { uid: owner.uid, gid: owner.gid };
}

/** Makes the folder where it is missing, and refuses one that an agent must not be given. */
export function prepareWorkspace(workspace: string | undefined, root: string): void {
  const folder = readFolder(workspace, root);
  if (folder === undefined) return;
  mkdirSync(folder, { recursive: true });
  const path = realpathSync(folder);
  for (const precious of [realpathSync(root), homedir(), "/var/run", "/etc"]) {
    if (isInside(precious, path)) {
      throw new ClawsError(
        `WORKSPACE ${path} holds ${precious}, which the agent could then change: name a folder of its own, for instance ./work`,
      );
    }
  }
  const [top] = relative(realpathSync(root), path).split(sep);
  if (OWN_FOLDERS.some((name) => name === top)) {
    throw new ClawsError(
      `WORKSPACE ${path} lies in the project's own folder ${top}: name a folder of its own, for instance ./work`,
    );
  }
  if (statSync(path).uid === 0) {
    throw new ClawsError(
      `WORKSPACE ${path} belongs to root, and the agent never runs as root: chown ${CONTAINER_USER}:${CONTAINER_USER} ${path}`,
    );
  }
}

/** Whether `inner` is `outer` or lies below it. */
function isInside(inner: string, outer: string): boolean {
  const way = relative(outer, inner);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`));
}
