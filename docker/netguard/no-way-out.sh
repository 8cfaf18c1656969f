#!/bin/sh
# Exit code 0 while neither IPv4 nor IPv6 has a default route; 1 while one has, or routes cannot be listed.
set -eu

families=-4
if [ -e /proc/net/if_inet6 ]; then families='-4 -6'; fi

for family in $families; do
	routes=$(ip "$family" route show default) || { printf 'netguard: cannot list routes (%s)\n' "$family" >&2; exit 1; }
	[ -z "$routes" ] || { printf 'netguard: a default route is left: %s\n' "$routes" >&2; exit 1; }
done
