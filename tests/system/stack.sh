# stack.sh - a whole running system for a script test: deploy/quickstart in a fresh home, removed at the end.
# Sourced. Gives $home, $stack (the command that steers it), the functions of deploy/lib/story.sh, and check().
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
top=${NUC_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
export NUC_BUILD=${NUC_BUILD:-$top/build/dev}
home=$(mktemp -d /tmp/nuc-stack.XXXXXX)
chmod 755 "$home"
port_base=$((20000 + ($$ % 1000) * 16))
build=$NUC_BUILD
work=$(mktemp -d)
unset NUC_HOME NUC_PORT_BASE
. "$top/deploy/packages.sh"
. "$top/deploy/lib/home.sh"
. "$top/deploy/lib/configure.sh"
. "$top/deploy/lib/hsm.sh"
. "$top/deploy/lib/services.sh"
. "$top/deploy/lib/story.sh"

quickstart() { "$top/deploy/quickstart" --home "$home" --port-base "$port_base" --fast-demo "$@"; }

stack_end() {
	local status=$?
	if [ "$status" -ne 0 ]; then
		for log in "$home"/log/*.log; do
			echo "--- $log"
			tail -n 15 "$log"
		done
	fi
	quickstart --stop >/dev/null 2>&1 || true
	rm -rf "$home" "$work"
	exit "$status"
}
trap stack_end EXIT

stack_env() {
	set -a
	. "$home/env"
	set +a
	export NUC_HOME=$home
}

# check WHAT COMMAND...: one line a claim; the test fails at the first that does not hold.
check() {
	local what=$1 status
	shift
	set +e
	(
		set -e
		"$@"
	) >"$work/out" 2>&1
	status=$?
	set -e
	if [ "$status" -ne 0 ]; then
		echo "FAIL $what"
		cat "$work/out"
		exit 1
	fi
	echo "ok   $what"
}
refused() { ! "$@"; }

# sql QUERY: as the auditor.
sql() { PGHOST=$home/pg-run PGUSER=nuc_auditor PGDATABASE=nuc psql -XAtqc "$1"; }
