# services.sh - starts, stops and watches the daemons of a home. Sourced by deploy/quickstart.
# SPDX-License-Identifier: Apache-2.0

pid_of() { # NAME: its process id when that process is really ours
	local pid
	pid=$(cat "$home/pid/$1.pid" 2>/dev/null) || return 1
	[ -n "$pid" ] && [ -d "/proc/$pid" ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -q "$home" && echo "$pid"
}

# launch NAME COMMAND...: in the background, as its user, its log in log/NAME.log.
launch() {
	local name=$1
	shift
	if pid_of "$name" >/dev/null; then return 0; fi
	(
		umask 007
		cd /
		if is_root; then
			exec setpriv --reuid="$(user_of "$name")" --regid=nuc --clear-groups --no-new-privs -- "$@"
		fi
		exec "$@"
	) </dev/null >>"$home/log/$name.log" 2>&1 &
	echo $! >"$home/pid/$name.pid"
	disown
}

program_of() { case $1 in signd-*) echo signd ;; *) echo "$1" ;; esac; }

is_ready() { # NAME
	[ "$(curl -s -m 2 -o /dev/null -w '%{http_code}' --unix-socket "$home/admin/$1.sock" http://localhost/readyz 2>/dev/null)" = 200 ]
}

# wait_ready NAME SECONDS: asks until it is ready, died, or the time is over.
wait_ready() {
	local until=$((SECONDS + $2))
	while ! is_ready "$1"; do
		if ! pid_of "$1" >/dev/null; then
			echo "$1 ended:"
			tail -n 20 "$home/log/$1.log"
			return 1
		fi
		if [ "$SECONDS" -ge "$until" ]; then
			echo "$1 is not ready after $2 s:"
			curl -s -m 2 --unix-socket "$home/admin/$1.sock" http://localhost/readyz || true
			tail -n 20 "$home/log/$1.log"
			return 1
		fi
		sleep 0.05
	done
}

services_start() {
	local name
	launch simulators "$home/bin/nuc-simulators" --port "$((port_base + 5))" --key "$home/sim/identification.key" \
		--cert "$home/sim/identification.pem"
	for name in $DAEMONS; do
		launch "$name" "$home/bin/$(program_of "$name")" -c "$home/conf/$name.conf"
	done
	for name in $DAEMONS; do wait_ready "$name" 60; done
}

# stop_one NAME SECONDS: asks it to end, waits, and says when it had to be killed.
stop_one() {
	local pid until
	pid=$(pid_of "$1") || { rm -f "$home/pid/$1.pid"; return 0; }
	kill -TERM "$pid"
	until=$((SECONDS + $2))
	while [ -d "/proc/$pid" ]; do
		if [ "$SECONDS" -ge "$until" ]; then
			echo "$1 did not end within $2 s and was killed" >&2
			kill -KILL "$pid" 2>/dev/null || true
			break
		fi
		sleep 0.05
	done
	rm -f "$home/pid/$1.pid"
}

services_stop() {
	local name
	for name in rad ocspd crld cad signd-ocsp signd-ca simulators; do stop_one "$name" 15; done
	if [ -e "$home/pg/PG_VERSION" ] && pg "$PGBIN/pg_ctl" -D "$home/pg" status >/dev/null 2>&1; then
		(cd / && pg "$PGBIN/pg_ctl" -D "$home/pg" -m fast -w stop >/dev/null)
	fi
	echo "stopped; the data stay in $home"
}

services_status() {
	local name bad=0 pid
	for name in postgres $DAEMONS; do
		if [ "$name" = postgres ]; then
			if [ -e "$home/pg/PG_VERSION" ] && pg "$PGBIN/pg_ctl" -D "$home/pg" status >/dev/null 2>&1; then
				echo "postgres    ready"
			else
				echo "postgres    down"
				bad=1
			fi
		elif ! pid=$(pid_of "$name"); then
			printf '%-11s down\n' "$name"
			bad=1
		elif is_ready "$name"; then
			printf '%-11s ready  pid %s\n' "$name" "$pid"
		else
			printf '%-11s not ready  pid %s: %s\n' "$name" "$pid" \
				"$(curl -s -m 2 --unix-socket "$home/admin/$name.sock" http://localhost/readyz 2>/dev/null | tr '\n' ' ')"
			bad=1
		fi
	done
	return $bad
}
