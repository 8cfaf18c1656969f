import { array, assert, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { freeToolSubnets, isToolPool } from "./tool-subnets.ts";

const free = (pool: string, used: string[] = []) => [...freeToolSubnets(pool, used)].map(({ cidr }) => cidr);

describe("the pool of the servers' networks", () => {
  it("gives each server sixteen addresses: one for the filter, half for the engine to give out", () => {
    expect([...freeToolSubnets("10.214.0.0/28", [])]).toEqual([
      { cidr: "10.214.0.0/28", gateway: "10.214.0.1", filter: "10.214.0.2", dynamic: "10.214.0.8/29" },
    ]);
    expect(free("10.214.0.0/20")).toHaveLength(256);
    expect(free("10.214.0.0/20").at(-1)).toBe("10.214.15.240/28");
  });

  it.each([
    ["a neighbour of the same size", ["10.0.0.16/28"], ["10.0.0.0/28", "10.0.0.32/28", "10.0.0.48/28"]],
    ["a single address", ["10.0.0.20/32"], ["10.0.0.0/28", "10.0.0.32/28", "10.0.0.48/28"]],
    ["a network around it", ["10.0.0.0/8"], []],
    ["a network from before into it", ["10.0.0.0/27"], ["10.0.0.32/28", "10.0.0.48/28"]],
    ["everything", ["0.0.0.0/0"], []],
    ["networks elsewhere, and of IPv6", ["172.17.0.0/16", "fd00::/64", ""], undefined],
  ])("passes over %s", (_what, used, expected) => {
    expect(free("10.0.0.0/26", used)).toEqual(expected ?? free("10.0.0.0/26"));
  });

  it("gives out nothing twice", () => {
    assert(
      property(array(nat(15), { maxLength: 16 }), (indices) => {
        const all = free("10.0.0.0/24");
        const used = indices.flatMap((index) => all[index] ?? []);
        expect(free("10.0.0.0/24", used)).toEqual(all.filter((cidr) => !used.includes(cidr)));
      }),
      { seed: 7 },
    );
  });

  it.each([
    ["10.214.0.0/20", true],
    ["10.214.0.0/28", true],
    ["10.214.0.0/29", false],
    ["10.214.0.1/20", false],
    ["10.214.0.0", false],
    ["10.214.0.256/28", false],
    ["10.214.0.0/33", false],
    ["fd00::/64", false],
    ["", false],
  ])("is %j: %j", (text, expected) => expect(isToolPool(text)).toBe(expected));
});
