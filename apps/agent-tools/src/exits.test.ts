import { createSocket } from "node:dgram";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { readGateways, tryTcp, tryUdp } from "./exits.ts";

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

  it("report a UDP answer as open", async () => {
    const server = createSocket("udp4");
    server.on("message", (_message, sender) => server.send("back", sender.port, sender.address));
    await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
    expect((await tryUdp("127.0.0.1", server.address().port)).open).toBe(true);
    server.close();
  });

  it("name an address for every network but loopback", () => {
    expect(readGateways()).not.toContain("127.0.0.1");
  });
});
