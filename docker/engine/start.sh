#!/bin/sh
# Starts dockerd in its own session where none answers, and waits for it. With a service manager
# the service is started; without one (containers, minimal VMs) the daemon is started directly.
# Prints `started <pid>` on stdout when this call started the daemon itself.
set -eu

log=${CLAWS_ENGINE_LOG:-/var/log/claws-dockerd.log}
say() { printf 'claws: %s\n' "$*" >&2; }
reachable() { docker version --format '{{.Server.Version}}' >/dev/null 2>&1; }

reachable && exit 0
command -v dockerd >/dev/null 2>&1 || { say "no Docker engine answers and dockerd is not installed here"; exit 1; }
[ "$(id -u)" = 0 ] || {
	say "the Docker engine does not answer. Start it (sudo systemctl start docker), or let this user reach it (sudo usermod -aG docker $(id -un), then log in again)"
	exit 1
}
pid=
if [ -d /run/systemd/system ]; then
	say "starting the Docker engine (systemctl start docker)"
	systemctl start docker
else
	# After a power cut the pid files may name a process that is now another program: the engine would
	# take itself for running.
	for daemon in dockerd:/var/run/docker.pid containerd:/var/run/docker/containerd/containerd.pid; do
		file=${daemon#*:}
		[ -f "$file" ] || continue
		[ "$(cat "/proc/$(cat "$file")/comm" 2>/dev/null)" = "${daemon%%:*}" ] || rm -f "$file"
	done
	say "starting the Docker engine (dockerd, log in $log)"
	setsid dockerd >>"$log" 2>&1 </dev/null &
	pid=$!
fi
tries=0
until reachable; do
	tries=$((tries + 1))
	if [ "$tries" -ge 120 ]; then
		say "the Docker engine did not come up in 60 s; its last words:"
		tail -n 5 "$log" >&2 2>/dev/null || true
		exit 1
	fi
	sleep 0.5
done
[ -z "$pid" ] || printf 'started %s\n' "$(cat /var/run/docker.pid 2>/dev/null || echo "$pid")"
