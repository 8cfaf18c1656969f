#!/bin/sh
# Installs what `./claws` needs from the distribution's own packages: Docker Engine, and the
# Compose v2 and buildx plugins. Prints what it is about to install before it does.
# Needs root and apt. Anything else is refused with one line that says what to install by hand.
set -eu

plugins=/usr/local/lib/docker/cli-plugins
minimum_compose=2.24

say() { printf 'claws: %s\n' "$*" >&2; }
refuse() { say "$*"; exit 1; }

have_engine() { command -v dockerd >/dev/null 2>&1; }
have_buildx() { docker buildx version >/dev/null 2>&1; }
have_compose() {
	version=$(docker compose version --short 2>/dev/null) || return 1
	version=${version#v}
	[ "$(printf '%s\n%s\n' "$minimum_compose" "$version" | sort -V | head -n 1)" = "$minimum_compose" ]
}
reachable() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

# A remote or rootless engine may be reachable without a local dockerd.
engine_needed() { ! reachable && ! have_engine; }

missing=
engine_needed && missing="$missing docker.io"
command -v iptables >/dev/null 2>&1 || ! engine_needed || missing="$missing iptables"
have_compose || missing="$missing docker-compose(v2)"
have_buildx || missing="$missing docker-buildx"
[ -n "$missing" ] || exit 0

by_hand="install Docker Engine, Compose $minimum_compose or newer and buildx (https://docs.docker.com/engine/install/), then run this again"
command -v apt-get >/dev/null 2>&1 || refuse "missing:$missing. This is not a Debian system, so nothing was installed: $by_hand"
[ "$(id -u)" = 0 ] || refuse "missing:$missing. Installing needs root: run 'sudo ./claws up …' once, or $by_hand"

say "missing:$missing. Installing them from the distribution's packages."
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null || refuse "'apt-get update' failed: check the network and /etc/apt, then run this again"

if engine_needed; then
	apt-get install -y -qq --no-install-recommends docker.io iptables ca-certificates >/dev/null ||
		refuse "'apt-get install docker.io' failed: run it by hand to see why"
fi

# Plugins from the distribution's own release where they are new enough (trixie and later) …
install_native() {
	apt-cache policy docker-buildx 2>/dev/null | grep -q 'Candidate: [0-9]' || return 1
	apt-get install -y -qq --no-install-recommends docker-compose docker-buildx >/dev/null && have_compose && have_buildx
}

# … else the same two packages (static programs) of trixie, unpacked beside the old release
# without adding a source to the machine.
install_from_trixie() {
	# shellcheck disable=SC2016 # apt expands these, not the shell
	mirror=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Identifier: Packages' |
		awk '$1 == "Debian" && $2 !~ /security/ { print $2; exit }')
	[ -n "$mirror" ] || refuse "no Debian mirror is configured in /etc/apt: $by_hand"
	work=$(mktemp -d)
	mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$plugins"
	printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s trixie main\n' "$mirror" >"$work/trixie.list"
	chmod 755 "$work"
	apt_trixie() {
		apt-get -qq -o Dir::Etc::sourcelist="$work/trixie.list" -o Dir::Etc::sourceparts=- \
			-o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User=root "$@"
	}
	(
		cd "$work"
		apt_trixie update >/dev/null
		apt_trixie download docker-compose docker-buildx >/dev/null
		for package in ./*.deb; do dpkg -x "$package" unpacked; done
		install -m 0755 unpacked/usr/libexec/docker/cli-plugins/docker-compose "$plugins/docker-compose"
		install -m 0755 unpacked/usr/libexec/docker/cli-plugins/docker-buildx "$plugins/docker-buildx"
	) || refuse "Compose and buildx could not be had from trixie's packages: $by_hand"
	rm -rf "$work"
}

if ! have_compose || ! have_buildx; then
	install_native || install_from_trixie
fi
have_compose || refuse "Compose is still missing or older than $minimum_compose: $by_hand"
have_buildx || refuse "buildx is still missing: $by_hand"
say "installed: $(docker --version), Compose $(docker compose version --short)"
