# pg.sh - a private PostgreSQL cluster for script tests. Sourced.
#
#   . "$NUC_SOURCE/tests/support/pg.sh"
#   dir=$(mktemp -d); trap 'pg_stop; rm -rf "$dir"' EXIT
#   pg_start "$dir"            exports PGHOST PGUSER=postgres PGDATABASE=nuc (migrated); trust authentication, fsync off
#   pg_stop                    safe to call twice
#
# SPDX-License-Identifier: Apache-2.0

PG_BIN=${PG_BIN:-/usr/lib/postgresql/15/bin}
pg_test_dir=

# pg_test_as COMMAND...: PostgreSQL refuses to run as root.
pg_test_as() {
	if [ "$(id -u)" -eq 0 ]; then
		(cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@")
	else
		"$@"
	fi
}

pg_start() {
	[ -x "$PG_BIN/initdb" ] || return 77
	pg_test_dir=$1/pg
	mkdir -p "$pg_test_dir"
	if [ "$(id -u)" -eq 0 ]; then
		chown postgres:postgres "$pg_test_dir"
		chmod 711 "$1"
	fi
	pg_test_as "$PG_BIN/initdb" -D "$pg_test_dir/data" -U postgres -A trust --locale=C.UTF-8 -E UTF8 --no-sync \
		>"$pg_test_dir.log" 2>&1 || { cat "$pg_test_dir.log" >&2; return 1; }
	pg_test_run || return 1
	export PGHOST=$pg_test_dir PGUSER=postgres PGDATABASE=nuc
	unset PGPORT PGPASSWORD PGSERVICE
	psql -X -q -d postgres -c "CREATE DATABASE nuc TEMPLATE template0" || return 1
	"${NUC_SOURCE:?}/schema/migrate" >/dev/null
}

# pg_test_run starts the server of an existing cluster.
pg_test_run() {
	pg_test_as "$PG_BIN/pg_ctl" -D "$pg_test_dir/data" -w -s -l "$pg_test_dir/server.log" \
		-o "-k $pg_test_dir -c listen_addresses='' -c fsync=off -c max_connections=60 -c shared_buffers=32MB" start
}

pg_stop() {
	[ -n "$pg_test_dir" ] && [ -e "$pg_test_dir/data/postmaster.pid" ] || return 0
	pg_test_as "$PG_BIN/pg_ctl" -D "$pg_test_dir/data" -w -s -m "${1:-immediate}" stop
}
