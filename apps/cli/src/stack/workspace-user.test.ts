import { chownSync, existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readWorkspaceUser } from "./workspace-user.ts";

const root = mkdtempSync(join(tmpdir(), "claws-workspace-"));
afterAll(() => rmSync(root, { recursive: true }));

const isRoot = process.getuid?.() === 0;
const OURS = { uid: 10_001, gid: 10_001 };
const OWNER = { uid: 1_234, gid: 5_678 };
if (isRoot) chownSync(root, OWNER.uid, OWNER.gid);
const owner = { uid: statSync(root).uid, gid: statSync(root).gid };

describe("the user of the workspace", () => {
  it.each([undefined, "", "workspace", "my-volume"])("is ours for a volume (%s)", (workspace) => {
    expect(readWorkspaceUser(workspace, root)).toEqual(OURS);
  });

  it.each([root, "./", "."])("is the folder's owner for a folder (%s)", (workspace) => {
    expect(readWorkspaceUser(workspace, root)).toEqual(owner);
  });

  it("is the user's own for a folder that is made now, unless the user is root", () => {
    const read = () => readWorkspaceUser("./work/deep", root);
    if (isRoot) expect(read).toThrow("belongs to root");
    else expect(read()).toEqual(owner);
    expect(existsSync(join(root, "work/deep"))).toBe(true);
  });

  it("is never root: a folder of root's is refused with what to type", () => {
    const refusal = "WORKSPACE / belongs to root, and the agent never runs as root: chown 10001:10001 /";
    expect(() => readWorkspaceUser("/", root)).toThrow(refusal);
  });

  it("is looked up in the home folder behind a tilde, as Compose does", () => {
    const home = statSync(homedir());
    if (home.uid === 0)
      expect(() => readWorkspaceUser("~", root)).toThrow(`WORKSPACE ${homedir()} belongs to root`);
    else expect(readWorkspaceUser("~", root)).toEqual({ uid: home.uid, gid: home.gid });
    expect(existsSync(join(root, "~"))).toBe(false);
  });
});
