import { describe, expect, it } from "vitest";
import { createResolver } from "./resolve.ts";

const fails = (code: string) => async () => {
  throw Object.assign(new Error(code), { code });
};
const answers =
  (...addresses: string[]) =>
  async () =>
    addresses.map((address) => ({ address, ttl: 0 }));
const hangs = () => new Promise<never>(() => undefined);

describe("resolving", () => {
  it("gives both families, IPv4 first", async () => {
    const resolve = createResolver({ resolve4: answers("192.0.2.1"), resolve6: answers("2001:db8::1") });
    expect(await resolve("a.test")).toEqual({ ok: true, addresses: ["192.0.2.1", "2001:db8::1"] });
  });

  it.each([
    ["fails", fails("ESERVFAIL")],
    ["hangs", hangs],
    ["is empty", answers()],
  ])("is content with one family when the other %s", async (_case, resolve6) => {
    const resolve = createResolver({ resolve4: answers("192.0.2.1"), resolve6 }, 20);
    expect(await resolve("a.test")).toEqual({ ok: true, addresses: ["192.0.2.1"] });
  });

  it("says why there is no address", async () => {
    const missing = createResolver({ resolve4: fails("ENOTFOUND"), resolve6: fails("ENODATA") });
    expect(await missing("a.test")).toEqual({ ok: false, detail: "the name has no address (ENOTFOUND)" });
    const slow = createResolver({ resolve4: hangs, resolve6: hangs }, 20);
    expect(await slow("a.test")).toEqual({ ok: false, detail: "the name has no address (ETIMEOUT)" });
    const empty = createResolver({ resolve4: answers(), resolve6: answers() });
    expect(await empty("a.test")).toEqual({ ok: false, detail: "the name has no address (ENODATA)" });
  });

  it.each([
    [15, 15],
    [16, 16],
    [17, 16],
  ])("of %i answers takes %i", async (given, taken) => {
    const many = Array.from({ length: given }, (_, index) => `192.0.2.${index}`);
    const resolve = createResolver({ resolve4: answers(...many), resolve6: fails("ENODATA") });
    expect(await resolve("a.test")).toMatchObject({ addresses: many.slice(0, taken) });
  });

  it("asks again when the time to live is over, and not before", async () => {
    let asked = 0;
    let now = 0;
    const resolve4 = async () => {
      asked++;
      return [{ address: `192.0.2.${asked}`, ttl: 20 }];
    };
    const resolve = createResolver({ resolve4, resolve6: fails("ENODATA") }, 20, () => now);
    expect(await resolve("a.test")).toMatchObject({ addresses: ["192.0.2.1"] });
    now = 19_999;
    expect(await resolve("a.test")).toMatchObject({ addresses: ["192.0.2.1"] });
    now = 20_001;
    expect(await resolve("a.test")).toMatchObject({ addresses: ["192.0.2.2"] });
  });

  it("uses an answer without time to live once, and one with a long one for 30 s", async () => {
    let ttl = 0;
    let asked = 0;
    let now = 0;
    const resolve4 = async () => [{ address: `192.0.2.${++asked}`, ttl }];
    const resolve = createResolver({ resolve4, resolve6: fails("ENODATA") }, 20, () => now);
    await resolve("a.test");
    ttl = 86_400;
    await resolve("a.test");
    expect(asked).toBe(2);
    now = 30_001;
    await resolve("a.test");
    expect(asked).toBe(3);
  });
});
