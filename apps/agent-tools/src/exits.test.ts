import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { readGateways, tryTcp } from "./exits.ts";

describe("the attempts to leave", () => {
  it("report a TCP listener as open", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    expect((await tryTcp("127.0.0.1", (server.address() as AddressInfo).port)).open).toBe(true);
    server.close();
  });

  it("count a refusal as open, since it came from the other end", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    expect(await tryTcp("127.0.0.1", port)).toMatchObject({ open: true, happened: "ECONNREFUSED" });
  });

  it("name an address for every network but loopback", () => {
    expect(readGateways()).not.toContain("127.0.0.1");
  });
});
