#!/usr/bin/env bash
# story_test.sh - deploy/quickstart from nothing: the whole story, foreign judges on what was issued, a second start that
# keeps the data, and a stop that leaves no process.
# SPDX-License-Identifier: Apache-2.0
. "$(dirname "$0")/stack.sh"

quickstart --no-demo
stack_env
story_setup
judge=$top/tests/judge/judge.sh
ca=$home/ca/rsa

ocsp_answer() { # CERTIFICATE FILE
	openssl ocsp -issuer "$ca/issuing.pem" -cert "$1" -url "$NUC_OCSP_URL" -no_nonce -CAfile "$ca/root.pem" \
		-verify_other "$ca/chain.pem" -respout "$2" -timeout 5
}

check "an individual submits, twice, one number" individual_submits
check "the individual confirms" individual_confirms
check "the individual fetches" individual_fetches
check "operator1 enters a head" head_is_entered
check "the enterer may not approve" enterer_is_refused
check "the second operator approves" operator_approves operator2 approved_once
check "the same operator does not count twice" refused ctl --as operator2 approve "$(cat "$story/head.number")"
check "the third operator approves" operator_approves operator3 "approved issuing issued"
check "the head fetches" head_fetches
for name in person/auth person/sign head/auth head/sign; do
	check "judges: certificate $name" "$judge" cert "$ca/root.pem" "$ca/issuing.pem" "$story/$name.pem"
done
check "OCSP good" ocsp_good
ocsp_answer "$story/person/sign.pem" "$work/good.der" >/dev/null
check "judges: OCSP good" "$judge" ocsp "$ca/root.pem" "$ca/issuing.pem" "$story/person/sign.pem" "$work/good.der" good
curl -sf "$NUC_CRL_URL" -o "$work/before.crl"
check "judges: CRL before" "$judge" crl "$ca/root.pem" "$ca/issuing.pem" "$work/before.crl" "" "$story/person/sign.pem"
check "operator2 revokes" operator_revokes
check "OCSP revoked" ocsp_revoked
check "CRL revoked" crl_revoked
ocsp_answer "$story/person/sign.pem" "$work/revoked.der" >/dev/null
check "judges: OCSP revoked" "$judge" ocsp "$ca/root.pem" "$ca/issuing.pem" "$story/person/sign.pem" "$work/revoked.der" revoked
curl -sf "$NUC_CRL_URL" -o "$work/after.crl"
check "judges: CRL after" "$judge" crl "$ca/root.pem" "$ca/issuing.pem" "$work/after.crl" "$story/person/sign.pem" "$story/head/sign.pem"
story_from=2020-01-01T00:00:00Z
check "the audit export verifies" audit_verifies

applications=$(sql "SELECT count(*) FROM application")
certificates=$(sql "SELECT count(*) FROM certificate")
check "status: all ready" quickstart --status
check "stop" quickstart --stop
left() { ! pgrep -af -- "$home"; } # pgrep leaves itself out
check "no process is left" left
check "status: down" refused quickstart --status
check "second start" quickstart --no-demo
check "the data are kept" [ "$(sql "SELECT count(*) FROM application"):$(sql "SELECT count(*) FROM certificate")" = "$applications:$certificates" ]
check "OCSP still says revoked" within 60 ocsp_says "$story/person/sign.pem" revoked
check "the CRL still holds it" crl_has "$(serial_of "$story/person/sign.pem")"
check "the demonstration runs on the kept home" quickstart
