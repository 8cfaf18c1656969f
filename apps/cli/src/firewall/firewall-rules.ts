import { BRIDGE_PREFIX } from "@claws/contracts";

export const BACKENDS = ["nftables", "iptables", "ufw"] as const;
export type Backend = (typeof BACKENDS)[number];

/** A program with its arguments and its standard input. */
export interface FirewallCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly input?: string;
}

/** The host firewall in the words of one backend. */
export interface FirewallRules {
  /** What `print` shows and `apply` runs: a ruleset for nft, or a shell script that takes `start` and `stop`. */
  readonly text: string;
  /** Where the unit expects the text. */
  readonly file: string;
  /** A systemd unit that brings the rules back after a restart. */
  readonly unit: string;
  readonly apply: FirewallCommand;
  readonly remove: FirewallCommand;
}

/** What is on this machine, as far as it decides which backend is meant. */
export interface HostPrograms {
  readonly ufwIsActive: boolean;
  readonly hasNft: boolean;
  readonly hasIptables: boolean;
}

/** A user of ufw looks there for rules; else nft, which closes both families and every moment of a boot. */
export function chooseBackend({ ufwIsActive, hasNft, hasIptables }: HostPrograms): Backend | undefined {
  if (ufwIsActive && hasIptables) return "ufw";
  if (hasNft) return "nftables";
  return hasIptables ? "iptables" : undefined;
}

/** The rules for every bridge whose name begins with `BRIDGE_PREFIX`, those included that do not exist yet. */
export function writeFirewallRules(backend: Backend): FirewallRules {
  return backend === "nftables" ? writeNftables() : writeIptables(backend);
}

const OUR_BRIDGES = `"${BRIDGE_PREFIX}*"`;

/**
 * On a packet that one port of a bridge hands to another. Nobody else can set it: it is on no packet that
 * comes from a container (the kernel clears the mark where a packet changes its network namespace).
 */
const BRIDGED = "0x636c7721";

const NFT_FILE = "/etc/claws-firewall.nft";

// Declared before it is deleted, a table may be missing; and one file is one transaction.
const NFT_REMOVE = ["inet", "bridge"]
  .flatMap((family) => [`table ${family} claws`, `delete table ${family} claws`])
  .join("\n");

const NFT_TEXT = `#!/usr/sbin/nft -f
# Sandbox Claws: what agents and MCP servers are on leads neither to this host nor to another network.
${NFT_REMOVE}

table inet claws {
	chain input {
		type filter hook input priority filter - 10; policy accept;
		iifname ${OUR_BRIDGES} ct state established ct direction reply accept comment "answers to the host"
		iifname ${OUR_BRIDGES} counter drop
	}
	chain forward {
		type filter hook forward priority filter - 10; policy accept;
		meta mark ${BRIDGED} iifname ${OUR_BRIDGES} oifname ${OUR_BRIDGES} meta mark set 0 accept comment "inside one bridge"
		meta mark ${BRIDGED} meta mark set 0 comment "other bridges: as it was"
		iifname ${OUR_BRIDGES} counter drop
		oifname ${OUR_BRIDGES} counter drop
	}
}

# With br_netfilter, traffic inside a bridge comes through the chain above too; only here can it be told apart.
table bridge claws {
	chain forward {
		type filter hook forward priority filter - 10; policy accept;
		iifname "veth*" oifname "veth*" meta mark 0 meta mark set ${BRIDGED}
	}
}
`;

function writeNftables(): FirewallRules {
  return {
    text: NFT_TEXT,
    file: NFT_FILE,
    unit: `[Unit]
Description=Sandbox Claws: host firewall around the agents' bridges
After=nftables.service
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${NFT_FILE}
ExecStop=/usr/sbin/nft "delete table inet claws; delete table bridge claws"

[Install]
WantedBy=multi-user.target
`,
    apply: { command: "nft", args: ["-f", "-"], input: NFT_TEXT },
    remove: { command: "nft", args: ["-f", "-"], input: `${NFT_REMOVE}\n` },
  };
}

const IPTABLES_FILE = "/usr/local/sbin/claws-firewall";

const OUR_BRIDGE = `${BRIDGE_PREFIX}+`;

const IPTABLES_SCRIPT = `set -eu

# Deletes the jumps of an earlier run: one that something else was put in front of is moved up again.
jumps() { printf '%s\\n' "$1" | sed -n 's/^-A \\([^ ]* -j CLAWS-[IF][NO][A-Z]*\\)$/-D \\1/p'; }

start() {
	rules=$("$1" -w -S)
	# Docker accepts in chains of its own, behind DOCKER-USER and in front of the rest of FORWARD.
	between=FORWARD
	if printf '%s\\n' "$rules" | grep -qx -e '-N DOCKER-USER'; then between=DOCKER-USER; fi
	"$1-restore" -w --noflush <<RULES
*filter
$(jumps "$rules")
:CLAWS-INPUT - [0:0]
:CLAWS-FORWARD - [0:0]
-A CLAWS-INPUT -i ${OUR_BRIDGE} -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j RETURN
-A CLAWS-INPUT -i ${OUR_BRIDGE} -j DROP
-A CLAWS-FORWARD -i ${OUR_BRIDGE} -o ${OUR_BRIDGE} -m physdev --physdev-is-bridged -j RETURN
-A CLAWS-FORWARD -i ${OUR_BRIDGE} -j DROP
-A CLAWS-FORWARD -o ${OUR_BRIDGE} -j DROP
-I INPUT 1 -j CLAWS-INPUT
-I $between 1 -j CLAWS-FORWARD
COMMIT
RULES
}

stop() {
	rules=$("$1" -w -S)
	if ! printf '%s\\n' "$rules" | grep -q -e '^-N CLAWS-'; then return 0; fi
	"$1-restore" -w --noflush <<RULES
*filter
$(jumps "$rules")
:CLAWS-INPUT - [0:0]
:CLAWS-FORWARD - [0:0]
-X CLAWS-INPUT
-X CLAWS-FORWARD
COMMIT
RULES
}

case \${1:-} in
start) run=start ;;
stop) run=stop ;;
*) echo 'usage: claws-firewall start|stop' >&2; exit 2 ;;
esac
$run iptables
# A kernel without IPv6 has nothing to close there.
if [ -e /proc/net/if_inet6 ]; then $run ip6tables; fi
`;

/**
 * ufw's before.rules cannot say it: loaded again, they would add a second jump to DOCKER-USER, or empty that chain
 * of what others have put there. Its after.init can, and runs whenever ufw has loaded its own rules.
 */
const UFW_NOTE = `# With ufw, keep it as ${IPTABLES_FILE}, and have /etc/ufw/after.init (mode 0755) say
#   start) ${IPTABLES_FILE} start ;;
`;

function writeIptables(backend: "iptables" | "ufw"): FirewallRules {
  const text = `#!/bin/sh
# Sandbox Claws: what agents and MCP servers are on leads neither to this host nor to another network.
# Usage: claws-firewall start|stop
${backend === "ufw" ? UFW_NOTE : ""}${IPTABLES_SCRIPT}`;
  const run = (verb: "start" | "stop"): FirewallCommand => ({
    command: "sh",
    args: ["-c", text, "claws-firewall", verb],
  });
  return {
    text,
    file: IPTABLES_FILE,
    unit: `[Unit]
Description=Sandbox Claws: host firewall around the agents' bridges
After=docker.service${backend === "ufw" ? " ufw.service" : ""}
PartOf=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=${IPTABLES_FILE} start
ExecStop=${IPTABLES_FILE} stop

[Install]
WantedBy=multi-user.target docker.service
`,
    apply: run("start"),
    remove: run("stop"),
  };
}
