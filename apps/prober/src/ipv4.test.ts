import { describe, expect, it } from "vitest";
import { edgesOf, nextHopOf, toAddress, toNumber } from "./ipv4.ts";

const route = (destination: string, mask: string, gateway = "0.0.0.0") => ({
  device: "eth0",
  destination: toNumber(destination),
  mask: toNumber(mask),
  gateway: toNumber(gateway),
});
const LINK = route("10.0.0.0", "255.255.255.0");
const DEFAULT = route("0.0.0.0", "0.0.0.0", "10.0.0.1");
const NARROW = route("192.0.2.0", "255.255.255.0", "10.0.0.9");

describe("the next hop", () => {
  it.each([
    ["10.0.0.7", [LINK, DEFAULT], "10.0.0.7"],
    ["192.0.2.1", [LINK], undefined],
    ["192.0.2.1", [LINK, DEFAULT], "10.0.0.1"],
    ["192.0.2.1", [DEFAULT, NARROW, LINK], "10.0.0.9"],
    ["255.255.255.254", [DEFAULT], "10.0.0.1"],
    ["192.0.2.1", [], undefined],
  ])("to %s", (address, routes, hop) => expect(nextHopOf(address, routes)).toBe(hop));
});

describe("the edges of a subnet", () => {
  it.each([
    ["172.18.0.5", "255.255.0.0", ["172.18.0.1", "172.18.255.254"]],
    ["10.214.0.18", "255.255.255.240", ["10.214.0.17", "10.214.0.30"]],
    ["200.1.2.3", "255.255.255.255", []],
    ["200.1.2.3", "255.255.255.254", []],
    ["223.255.255.9", "0.0.0.0", ["0.0.0.1", "255.255.255.254"]],
  ])("of %s/%s", (address, mask, edges) => expect(edgesOf(address, mask)).toEqual(edges));
});

it.each(["0.0.0.0", "10.1.2.3", "255.255.255.255"])("%s is the same after both ways", (address) =>
  expect(toAddress(toNumber(address))).toBe(address),
);
