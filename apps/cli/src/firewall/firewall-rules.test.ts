import { describe, expect, it } from "vitest";
import { BRIDGE_PREFIX } from "@claws/contracts";
import { BACKENDS, chooseBackend, writeFirewallRules } from "./firewall-rules.ts";

describe("the backend of a machine", () => {
  it.each([
    [{ ufwIsActive: true, hasNft: true, hasIptables: true }, "ufw"],
    [{ ufwIsActive: true, hasNft: true, hasIptables: false }, "nftables"],
    [{ ufwIsActive: false, hasNft: true, hasIptables: true }, "nftables"],
    [{ ufwIsActive: false, hasNft: false, hasIptables: true }, "iptables"],
    [{ ufwIsActive: false, hasNft: false, hasIptables: false }, undefined],
  ] as const)("with %j is %s", (programs, backend) => expect(chooseBackend(programs)).toBe(backend));
});

/** The rules of one chain, in their order, without counters and comments. */
function chainOf(text: string, family: string, chain: string): string[] {
  const table = text.split(`table ${family} claws {`)[1] ?? "";
  const body = table.split(`chain ${chain} {`)[1]?.split("}")[0] ?? "";
  return body
    .split("\n")
    .map((line) =>
      line
        .replace(/ comment ".*"/, "")
        .replace(" counter", "")
        .trim(),
    )
    .filter((line) => line !== "");
}

describe("nftables", () => {
  const { text, apply, remove, unit, file } = writeFirewallRules("nftables");

  it.each([
    [
      "inet",
      "input",
      [
        "type filter hook input priority filter - 10; policy accept;",
        'iifname "clw-*" ct state established ct direction reply accept',
        'iifname "clw-*" drop',
      ],
    ],
    [
      "inet",
      "forward",
      [
        "type filter hook forward priority filter - 10; policy accept;",
        'meta mark 0x636c7721 iifname "clw-*" oifname "clw-*" meta mark set 0 accept',
        "meta mark 0x636c7721 meta mark set 0",
        'iifname "clw-*" drop',
        'oifname "clw-*" drop',
      ],
    ],
    [
      "bridge",
      "forward",
      [
        "type filter hook forward priority filter - 10; policy accept;",
        'iifname "veth*" oifname "veth*" meta mark 0 meta mark set 0x636c7721',
      ],
    ],
  ])("%s %s", (family, chain, rules) => expect(chainOf(text, family, chain)).toEqual(rules));

  it("are one transaction that begins by removing what an earlier one left, and touches no table but ours", () => {
    expect(apply).toEqual({ command: "nft", args: ["-f", "-"], input: text });
    expect(text).toContain(remove.input);
    expect(remove.input?.trim().split("\n")).toEqual([
      "table inet claws",
      "delete table inet claws",
      "table bridge claws",
      "delete table bridge claws",
    ]);
    expect(text).not.toMatch(/flush ruleset/);
    expect([...text.matchAll(/table \w+ (\w+)/g)].every(([, name]) => name === "claws")).toBe(true);
  });

  it("are in place before Docker starts anything", () => {
    expect(unit).toContain("Before=docker.service");
    expect(unit).toContain(`ExecStart=/usr/sbin/nft -f ${file}`);
  });
});

describe.each(["iptables", "ufw"] as const)("%s", (backend) => {
  const { text, apply, remove, unit, file } = writeFirewallRules(backend);

  it("has what is dropped in chains of its own, and one jump into each, in front", () => {
    expect(text.split("\n").filter((line) => /^-[AI] /.test(line))).toEqual([
      "-A CLAWS-INPUT -i clw-+ -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j RETURN",
      "-A CLAWS-INPUT -i clw-+ -j DROP",
      "-A CLAWS-FORWARD -i clw-+ -o clw-+ -m physdev --physdev-is-bridged -j RETURN",
      "-A CLAWS-FORWARD -i clw-+ -j DROP",
      "-A CLAWS-FORWARD -o clw-+ -j DROP",
      "-I INPUT 1 -j CLAWS-INPUT",
      "-I $between 1 -j CLAWS-FORWARD",
    ]);
  });

  it("flushes and declares no chain but its own", () => {
    expect(new Set(text.match(/^:\S+/gm))).toEqual(new Set([":CLAWS-INPUT", ":CLAWS-FORWARD"]));
    expect(text.match(/-restore" .*/g)).toEqual(Array(2).fill('-restore" -w --noflush <<RULES'));
    expect(text).not.toMatch(/^-[FP] /m);
  });

  it("is for both families", () => {
    expect(text).toContain("$run iptables\n");
    expect(text).toContain("then $run ip6tables; fi");
  });

  it("runs what it prints", () => {
    expect(apply).toEqual({ command: "sh", args: ["-c", text, "claws-firewall", "start"] });
    expect(remove).toEqual({ command: "sh", args: ["-c", text, "claws-firewall", "stop"] });
  });

  it("comes back after Docker has made its chains, whenever it starts", () => {
    expect(unit).toContain("PartOf=docker.service");
    expect(unit).toMatch(
      backend === "ufw" ? /^After=docker\.service ufw\.service$/m : /^After=docker\.service$/m,
    );
    expect(unit).toContain(`ExecStart=${file} start`);
    expect(text.includes(`start) ${file} start ;;`)).toBe(backend === "ufw");
  });
});

it.each(BACKENDS)("%s looks for no interface but by our prefix", (backend) => {
  const { text } = writeFirewallRules(backend);
  const interfaces = [...text.matchAll(/(?:[io]ifname "|-[io] )([^"\s]+)/g)].map(([, name]) => name ?? "");
  expect(interfaces.length).toBeGreaterThan(4);
  expect(interfaces.filter((name) => !name.startsWith(BRIDGE_PREFIX) && name !== "veth*")).toEqual([]);
});
