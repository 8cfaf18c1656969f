import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { prepareWorkspace, readWorkspaceUser } from "./workspace-user.ts";

const root = mkdtempSync(join(tmpdir(), "claws-workspace-"));
afterAll(() => rmSync(root, { recursive: true }));

const isRoot = process.getuid?.() === 0;
const OURS = { uid: 10_001, gid: 10_001 };
const makeFolder = (name: string): string => {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  if (isRoot) chownSync(path, 1_234, 5_678);
  return path;
};

describe("the user of the workspace", () => {
  it.each([undefined, "", "workspace", "my-volume", "./missing", "/"])(
    "is ours for a volume, and for what has no other owner (%s)",
    (workspace) => {
      expect(readWorkspaceUser(workspace, root)).toEqual(OURS);
      expect(existsSync(join(root, "missing"))).toBe(false);
    },
  );

  it("is the folder's owner for a folder", () => {
    const { uid, gid } = statSync(makeFolder("work"));
    expect(readWorkspaceUser("./work", root)).toEqual({ uid, gid });
  });

  it("is looked up in the home folder behind a tilde, as Compose does", () => {
    const { uid, gid } = statSync(homedir());
    expect(readWorkspaceUser("~", root)).toEqual(uid === 0 ? OURS : { uid, gid });
  });
});

describe("the workspace folder", () => {
  it("may lie in the project, in a folder of its own", () => {
    makeFolder("work");
    expect(() => prepareWorkspace("./work", root)).not.toThrow();
    expect(() => prepareWorkspace("workspace", root)).not.toThrow();
  });

  it("is made where it is missing, for the user; root's is refused with what to type", () => {
    const prepare = () => prepareWorkspace("./deep/new", root);
    if (isRoot)
      expect(prepare).toThrow(`belongs to root, and the agent never runs as root: chown 10001:10001`);
    else expect(prepare).not.toThrow();
    expect(existsSync(join(root, "deep/new"))).toBe(true);
  });

  it.each([".", "./", "..", "/", "~", "/etc", "/var"])(
    "is never one that holds what the operator runs or keeps (%s)",
    (workspace) => {
      expect(() => prepareWorkspace(workspace, root)).toThrow(/holds .* name a folder of its own/);
    },
  );

  it.each(["./profiles", "./docker/agents", "./.git/hooks"])(
    "is never the project's own (%s)",
    (workspace) => {
      makeFolder(workspace);
      expect(() => prepareWorkspace(workspace, root)).toThrow(/project's own folder/);
    },
  );
});
