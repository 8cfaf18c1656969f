import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readSocketUser } from "./socket-user.ts";

const directory = mkdtempSync(join(tmpdir(), "claws-socket-"));
const socket = join(directory, "docker.sock");
writeFileSync(socket, "");
afterAll(() => rmSync(directory, { recursive: true }));

const isRoot = process.getuid?.() === 0;
/** A group other than root's: where we are not root, our own is one. */
function useGroup(mode: number): number {
  if (isRoot) chownSync(socket, 0, 999);
  chmodSync(socket, mode);
  return statSync(socket).gid;
}

describe("the user of the containers that need the Docker socket", () => {
  it.each([0o660, 0o670, 0o666])("has its group where the group may use it (mode %o)", (mode) => {
    const gid = useGroup(mode);
    expect(readSocketUser(socket)).toEqual({ CLAWS_SOCKET_USER: "65532", CLAWS_SOCKET_GROUP: String(gid) });
  });

  it.each([0o600, 0o640, 0o620])("is the containers' default where it may not (mode %o)", (mode) => {
    useGroup(mode);
    expect(readSocketUser(socket)).toEqual({});
  });

  it("is the containers' default where the group is root's", () => {
    const rootsOwn = isRoot ? socket : "/";
    useGroup(0o660);
    if (isRoot) chownSync(socket, 0, 0);
    expect(readSocketUser(rootsOwn)).toEqual({});
  });

  it("is the containers' default where there is no socket on this machine", () => {
    expect(readSocketUser(join(directory, "none"))).toEqual({});
  });

  it("is not guessed where the socket cannot be looked at", () => {
    expect(() => readSocketUser(join(socket, "inside"))).toThrow("ENOTDIR");
  });
});
