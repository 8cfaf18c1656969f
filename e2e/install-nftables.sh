#!/bin/sh
# Installs nft from the distribution's packages where it is missing: firewall.e2e.ts tries every backend.
set -eu

command -v nft >/dev/null 2>&1 && exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
	echo "claws: nft is missing: install the package nftables, or run this as root on a Debian system" >&2
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null
apt-get install -y -qq --no-install-recommends nftables >/dev/null
