#!/bin/sh
# The unit tests of what rests on Redis start a real one: gets redis-server where it is missing.
set -eu
command -v redis-server >/dev/null 2>&1 && exit 0
if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
	echo "claws: the tests need redis-server on PATH: install it with your system's packages" >&2
	exit 1
fi
echo "claws: installing redis-server from the distribution's packages, for the tests" >&2
export DEBIAN_FRONTEND=noninteractive
# The package must not start a server of its own: policy-rc.d refuses that for the time of the install.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	made=1
fi
trap '[ -z "$made" ] || rm -f "$policy"' EXIT
apt-get update -qq >/dev/null
apt-get install -y -qq --no-install-recommends redis-server >/dev/null
