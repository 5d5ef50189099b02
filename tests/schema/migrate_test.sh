#!/usr/bin/env bash
# migrate_test.sh - schema/migrate on a fresh database: applies, reruns, refuses what was changed, leaves nothing half done.
#
# SPDX-License-Identifier: Apache-2.0
set -uo pipefail

. "$NUC_SOURCE/tests/support/pg.sh"
dir=$(mktemp -d)
trap 'pg_stop; rm -rf "$dir"' EXIT
pg_start "$dir"
rc=$?
[ $rc -eq 77 ] && exit 77
[ $rc -eq 0 ] || exit 1

failed=0
check() { # WHAT EXPECTED GOT
	if [ "$2" = "$3" ]; then echo "ok $1"; else
		echo "FAILED $1: expected [$2], got [$3]"
		failed=1
	fi
}
value() { psql -X -At -c "$1"; }
run() { "$schema/migrate" "$@" >"$dir/out" 2>"$dir/err"; }

# A schema folder of our own, so that the test can add and change files.
schema=$dir/schema
cp -r "$NUC_SOURCE/schema" "$schema"
known=$(ls "$schema"/[0-9]*.sql | wc -l)

check "all applied" "$known" "$(value 'SELECT count(*) FROM schema_migration')"
check "digest recorded" "$(sha256sum "$schema/0001_ledger.sql" | cut -d ' ' -f 1)" \
	"$(value 'SELECT sha256 FROM schema_migration WHERE number = 1')"
check "owner" nuc_owner "$(value "SELECT tableowner FROM pg_tables WHERE tablename = 'certificate'")"
run
check "a second run" 0 $?
check "a second run says nothing" "" "$(cat "$dir/out" "$dir/err")"
run --status
check "status" 0 $?

next=$(printf '%04d' $((known + 1)))
echo "CREATE TABLE later (a int);" >"$schema/${next}_later.sql"
run --status
check "status with a missing one" 1 $?
check "status names it" "${next}_later missing" "$(tail -n 1 "$dir/out")"
run
check "the next one" 0 $?
check "the next one is applied" 1 "$(value "SELECT count(*) FROM pg_tables WHERE tablename = 'later'")"

# Two at once: one waits for the other, each is applied once.
after=$(printf '%04d' $((known + 2)))
echo "CREATE TABLE once (a int); SELECT pg_sleep(0.2);" >"$schema/${after}_once.sql"
run & first=$!
"$schema/migrate" >"$dir/out2" 2>"$dir/err2" & second=$!
wait $first
check "first of two at once" 0 $?
wait $second
check "second of two at once" 0 $?

# A failure in the middle of a file leaves nothing of it.
bad=$(printf '%04d' $((known + 3)))
echo "CREATE TABLE half (a int); SELECT 1/0;" >"$schema/${bad}_bad.sql"
run
check "a failing one" 1 $?
check "nothing of it" 0 "$(value "SELECT count(*) FROM pg_tables WHERE tablename = 'half'")"
check "not recorded" 0 "$(value "SELECT count(*) FROM schema_migration WHERE number = $((10#$bad))")"
rm "$schema/${bad}_bad.sql"

echo "-- changed" >>"$schema/${next}_later.sql"
run
check "a changed one" 1 $?
check "it is named" 1 "$(grep -c "${next}_later.sql was changed after it was applied" "$dir/err")"
run --status
check "status of a changed one" "${next}_later changed" "$(grep changed "$dir/out")"

rm "$schema/${next}_later.sql"
run
check "a gap in the numbers" 1 $?
rm "$schema/${after}_once.sql"
run
check "an older program" 1 $?
check "it says so" 1 "$(grep -c 'the database is newer than this program' "$dir/err")"

run --what
check "usage" 2 $?
run --help
check "help" 0 $?
PGHOST=/nonexistent run
check "no database" 3 $?

exit $failed
