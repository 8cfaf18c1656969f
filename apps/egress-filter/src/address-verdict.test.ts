import { describe, expect, it } from "vitest";
import { classifyAddress } from "./address-class.ts";
import { decideAddresses } from "./address-verdict.ts";

describe("the addresses of a name", () => {
  it.each([
    [["93.184.216.34"], [], ["93.184.216.34"]],
    [["93.184.216.34", "2606:4700::1111"], [], ["93.184.216.34", "2606:4700::1111"]],
    [["::ffff:93.184.216.34"], [], ["93.184.216.34"]],
    [["10.1.2.3"], ["10.1.0.0/16"], ["10.1.2.3"]],
    [["10.1.2.3", "93.184.216.34"], ["10.1.0.0/16"], ["10.1.2.3", "93.184.216.34"]],
  ])("%j with grants %j are dialled as %j", (answers, granted, addresses) => {
    expect(decideAddresses(answers, granted, classifyAddress)).toEqual({ ok: true, addresses });
  });

  it.each([
    [["93.184.216.34", "10.0.0.1"], [], "10.0.0.1", "private", true],
    [["10.0.0.1", "93.184.216.34"], [], "10.0.0.1", "private", true],
    [["10.2.0.1"], ["10.1.0.0/16"], "10.2.0.1", "private", true],
    [["127.0.0.1"], ["127.0.0.0/8"], "127.0.0.1", "loopback", false],
    [["169.254.169.254"], ["0.0.0.0/0"], "169.254.169.254", "metadata", false],
    [["168.63.129.16"], ["168.63.129.16/32"], "168.63.129.16", "metadata", false],
    [["fd00:ec2::254"], ["fd00::/8"], "fd00:ec2::254", "metadata", false],
    [["::"], ["::/0"], "::", "unspecified", false],
    [["0.0.0.0"], ["0.0.0.0/0"], "0.0.0.0", "unspecified", false],
    [["224.0.0.1"], ["0.0.0.0/0"], "224.0.0.1", "multicast", false],
    [["::ffff:127.0.0.1"], ["::/0"], "::ffff:127.0.0.1", "loopback", false],
    [["64:ff9b::a00:1"], ["::/0"], "64:ff9b::a00:1", "translated", false],
    [["not an address"], ["0.0.0.0/0"], "not an address", "unreadable", false],
  ])("%j with grants %j are refused for %s, %s", (answers, granted, address, kind, isGrantable) => {
    expect(decideAddresses(answers, granted, classifyAddress)).toEqual({
      ok: false,
      address,
      reason: `the address is ${kind}`,
      isGrantable,
    });
  });

  it("are refused when there are none", () => {
    expect(decideAddresses([], [], classifyAddress)).toMatchObject({ ok: false });
  });

  it("are refused when one is our own, whatever is granted", () => {
    const classify = (address: string) => classifyAddress(address, ["172.20.0.5"]);
    expect(decideAddresses(["172.20.0.5"], ["172.16.0.0/12"], classify)).toMatchObject({
      ok: false,
      reason: "the address is own",
    });
    expect(decideAddresses(["172.20.0.6"], ["172.16.0.0/12"], classify)).toMatchObject({ ok: true });
  });
});
