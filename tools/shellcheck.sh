#!/bin/sh
# Checks every shell script of the project with shellcheck, installing it where it is missing.
set -eu
cd "$(dirname "$0")/.."
if ! command -v shellcheck >/dev/null 2>&1; then
	if ! command -v apt-get >/dev/null 2>&1 || [ "$(id -u)" != 0 ]; then
		echo "claws: shellcheck is missing: install it with your system's packages" >&2
		exit 1
	fi
	DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends shellcheck >/dev/null
fi
git ls-files -z -- claws .ci/run '*.sh' | xargs -0 shellcheck
