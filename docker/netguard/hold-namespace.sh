#!/bin/sh
# Closes this container's network namespace and keeps it: front-door runs inside and answers on published
# ports, which arrive from the bridge, but can begin nothing outward. The default routes are deleted, and
# on the interface that had one nothing may start: without that, the bridge's own address would still
# lead to whatever the host listens on. Needs NET_ADMIN and nothing else.
set -eu

refuse() { printf 'netguard: %s\n' "$*" >&2; exit 1; }

outward=$(ip -o route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | sort -u)
[ -n "$outward" ] || refuse "this namespace never had a default route: which interface is the publishing one?"

for interface in $outward; do
	# Answers to what came in pass (TCP segments other than a lone SYN); everything that begins here is dropped.
	nft -f - <<RULES || refuse "cannot set a packet filter on $interface: does the kernel have nf_tables, and this container NET_ADMIN?"
table inet netguard_$interface {
	chain output {
		type filter hook output priority filter; policy accept;
		oifname "$interface" meta l4proto tcp tcp flags & (syn | ack) != syn accept
		oifname "$interface" drop
	}
}
RULES
done

for family in -4 -6; do
	# One bridge leaves one default route; several networks may leave several.
	while ip "$family" route show default | grep -q .; do
		ip "$family" route del default ||
			refuse "cannot delete the default route ($family): give this container cap_add NET_ADMIN"
	done
done

/usr/local/bin/no-way-out.sh || refuse "a way out is left: not holding this namespace"
printf 'netguard: nothing can begin outward on %s; holding the namespace\n' "$outward" >&2
exec sleep infinity
