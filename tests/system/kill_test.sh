#!/usr/bin/env bash
# kill_test.sh - kill -9 of each daemon while applications are under way, then a restart: nothing is lost, nothing doubled.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/stack.sh"

quickstart --no-demo
stack_env
story_setup

submit_and_confirm() { # a new individual; its number is appended to $work/numbers
	person_iin=$(new_iin)
	person_phone=+7701$(random_digits 7)
	person=(--kind individual --iin "$person_iin" --surname "ТЕСТОВ" --given "ТЕСТ" --phone "$person_phone")
	rm -rf "$story/person" "$story/person.number"
	local status=0
	individual_submits || status=1
	if [ -s "$story/person.number" ]; then cat "$story/person.number" >>"$work/numbers"; fi # told to the applicant
	[ "$status" -eq 0 ] && individual_confirms
}

# Kills NAME at a random moment while two applications run, starts it again, and lets the applicant repeat what failed.
kill_during() {
	local name=$1 pid killer
	pid=$(pid_of "$name")
	(
		sleep "0.$((RANDOM % 9))"
		kill -KILL "$pid"
	) &
	killer=$!
	local i
	for i in 1 2; do
		submit_and_confirm >"$work/submit.out" 2>&1 || echo "submit $i interrupted: $(tail -n 1 "$work/submit.out")"
	done
	wait "$killer" || return 1
	[ "$(pid_of "$name" || true)" != "$pid" ] || { echo "$name was not killed"; return 1; }
	rm -f "$home/pid/$name.pid"
	services_start
}

for name in signd-ca signd-ocsp cad rad crld ocspd; do
	check "kill -9 $name, restart" kill_during "$name"
	check "afterwards an application goes through" submit_and_confirm
done

ended() { [ "$(sql "SELECT count(*) FROM application WHERE state IN ('approved', 'issuing')")" -eq 0 ]; }
check "no approved application waits for ever" within 30 ended
check "each acknowledged application is in the ledger" \
	[ "$(sort -u "$work/numbers" | wc -l)" -eq "$(sql "SELECT count(*) FROM application WHERE number IN ($(sed "s/.*/'&'/" "$work/numbers" | paste -sd,))")" ]
check "exactly one certificate for each request of an issued application" \
	[ "$(sql "SELECT count(*) FROM request r JOIN application a ON a.id = r.application_id LEFT JOIN certificate c ON c.request_id = r.id
		WHERE a.state IN ('issued', 'delivered') GROUP BY r.id HAVING count(c.id) <> 1" | wc -l)" -eq 0 ]
check "no certificate without its write-ahead row" \
	[ "$(sql "SELECT count(*) FROM certificate c LEFT JOIN issuance i ON i.issuer = c.issuer AND i.serial = c.serial
		WHERE c.origin = 'issued' AND i.serial IS NULL")" -eq 0 ]
check "the last application's certificates are fetched" individual_fetches
check "and are good" within 60 ocsp_says "$story/person/sign.pem" good
story_from=2020-01-01T00:00:00Z
check "the log is whole" audit_verifies
