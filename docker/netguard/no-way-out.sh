#!/bin/sh
# Exit code 0 while no default route is left and the packet filter stands; 1 otherwise.
set -eu

refuse() { printf 'netguard: %s\n' "$*" >&2; exit 1; }

families=-4
if [ -e /proc/net/if_inet6 ]; then families='-4 -6'; fi

for family in $families; do
	routes=$(ip "$family" route show default) || refuse "cannot list routes ($family)"
	[ -z "$routes" ] || refuse "a default route is left: $routes"
done
nft list tables | grep -q '^table inet netguard_' || refuse "the packet filter is gone"
