# story.sh - the main job, driven once through the public commands only. Sourced by deploy/quickstart.
# Each function is one step: it fails unless the system did what the step's name says.
# SPDX-License-Identifier: Apache-2.0

apply() { "$home/bin/nucapply" "$@"; }
ctl() { "$home/bin/nucctl" "$@"; }
say() { echo "say: $*"; }

# Waits until COMMAND... succeeds; fails after SECONDS. For what other processes do in their own time.
within() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$until" ] || { "$@" || true; return 1; }
		sleep 0.05
	done
}

random_digits() { od -An -N16 -tu8 /dev/urandom | tr -d ' \n' | tail -c "$1"; }
new_iin() { # a person nobody has seen yet
	local iin=
	while [ "${#iin}" -ne 12 ]; do iin=$(iin_of "900101$((3 + RANDOM % 2))$(random_digits 4)"); done
	echo "$iin"
}
new_bin() {
	local bin=
	while [ "${#bin}" -ne 12 ]; do bin=$(iin_of "940140$(random_digits 5)"); done
	echo "$bin"
}

state_of() { apply status "$1" --json | jq -r .state; }
has_state() { case " $2 " in *" $(state_of "$1") "*) ;; *) return 1 ;; esac; }

sms_code() { # PHONE: the newest code that the gateway's simulator has for it
	curl -sf --get --data-urlencode "to=$1" "http://127.0.0.1:$((port_base + 5))/sms" |
		jq -r '.messages[-1].text' | grep -oE '[0-9]{6}' | head -n 1
}
has_code() { [ -n "$(sms_code "$1")" ]; }

story_setup() {
	story=$(mktemp -d)
	person_iin=$(new_iin)
	person_phone=+7701$(random_digits 7)
	head_iin=$(new_iin)
	head_bin=$(new_bin)
	person=(--kind individual --iin "$person_iin" --surname "ӘБДІҒАЛИҚЫЗЫ" --given "ҮМІТ" --patronymic "ӨМІРҰЛЫ"
		--email person@example.kz --phone "$person_phone")
	head=(--kind head --iin "$head_iin" --surname "ТЕСТОВ" --given "ТЕСТ" --patronymic "ТЕСТОВИЧ" --bin "$head_bin"
		--org 'АО "ТЕСТ"' --email head@example.kz --phone +77010000001)
}

individual_submits() {
	apply keys "${person[@]}" -o "$story/person"
	person_number=$(apply submit "${person[@]}" --csr "auth=$story/person/auth.csr" --csr "sign=$story/person/sign.csr" --agree | head -n 1)
	[ -n "$person_number" ] || return 1
	echo "$person_number" >"$story/person.number"
	say "application $person_number"
	local again
	again=$(apply submit "${person[@]}" --csr "auth=$story/person/auth.csr" --csr "sign=$story/person/sign.csr" --agree | head -n 1)
	[ "$again" = "$person_number" ] || { echo "the same request sent twice made $again"; return 1; }
}

individual_confirms() {
	person_number=$(cat "$story/person.number")
	within 60 has_code "$person_phone"
	apply confirm "$person_number" --code "$(sms_code "$person_phone")"
}

individual_fetches() {
	person_number=$(cat "$story/person.number")
	within 60 has_state "$person_number" "issued delivered"
	apply fetch "$person_number" -o "$story/person"
	openssl verify -x509_strict -CAfile "$home/ca/rsa/root.pem" -untrusted "$home/ca/rsa/issuing.pem" \
		"$story/person/auth.pem" "$story/person/sign.pem"
}

head_is_entered() {
	apply keys "${head[@]}" -o "$story/head"
	ctl --as operator1 enter "${head[@]}" --csr "auth=$story/head/auth.csr" --csr "sign=$story/head/sign.csr" --agree |
		head -n 1 >"$story/head.number"
	say "application $(cat "$story/head.number")"
}

enterer_is_refused() {
	local out status=0
	out=$(ctl --as operator1 approve "$(cat "$story/head.number")" 2>&1) || status=$?
	say "$out"
	[ "$status" -eq 1 ]
}

operator_approves() { # OPERATOR STATES
	ctl --as "$1" approve "$(cat "$story/head.number")"
	within 60 has_state "$(cat "$story/head.number")" "$2"
}

head_fetches() {
	within 60 has_state "$(cat "$story/head.number")" "issued delivered"
	apply fetch "$(cat "$story/head.number")" -o "$story/head"
	openssl verify -x509_strict -CAfile "$home/ca/rsa/root.pem" -untrusted "$home/ca/rsa/issuing.pem" \
		"$story/head/auth.pem" "$story/head/sign.pem"
}

ocsp_says() { # CERTIFICATE STATUS
	openssl ocsp -issuer "$home/ca/rsa/issuing.pem" -cert "$1" -url "$NUC_OCSP_URL" -CAfile "$home/ca/rsa/root.pem" \
		-verify_other "$home/ca/rsa/chain.pem" -timeout 5 2>&1 | tee "$story/ocsp.out"
	grep -q 'Response verify OK' "$story/ocsp.out" && grep -q ": $2\$" "$story/ocsp.out"
}

crl_has() { # SERIAL
	curl -sf "$NUC_CRL_URL" -o "$story/list.crl" &&
		openssl crl -inform DER -in "$story/list.crl" -noout -CAfile "$home/ca/rsa/chain.pem" -verify 2>&1 | grep -q 'verify OK' &&
		openssl crl -inform DER -in "$story/list.crl" -noout -text | grep -i "Serial Number: $1"
}

ocsp_good() {
	within 60 ocsp_says "$story/person/sign.pem" good
	within 60 ocsp_says "$story/head/sign.pem" good
}

serial_of() { openssl x509 -in "$1" -noout -serial | cut -d= -f2; }

operator_revokes() {
	local serial
	serial=$(serial_of "$story/person/sign.pem")
	if crl_has "$serial"; then
		echo "$serial is in the list before it was revoked"
		return 1
	fi
	ctl --as operator2 revoke "$serial" --reason keyCompromise --ground "заявление владельца: ключ утерян"
	date +%s%N >"$story/revoked.at"
}

since_revocation() { echo $((($(date +%s%N) - $(cat "$story/revoked.at")) / 1000000)); }

ocsp_revoked() {
	within 60 ocsp_says "$story/person/sign.pem" revoked
	say "visible to OCSP $(since_revocation) ms after the order"
	ocsp_says "$story/person/auth.pem" good
}

crl_revoked() {
	within 60 crl_has "$(serial_of "$story/person/sign.pem")"
	say "visible in the CRL $(since_revocation) ms after the order"
}

audit_verifies() {
	"$home/bin/nucaudit" export --from "$story_from" --to "$(date -u +%Y-%m-%dT%H:%M:%SZ -d '+1 minute')" -o "$story/pack"
	"$home/bin/nucaudit" verify "$story/pack" --log-key "$home/ca/log.vkey" | tee "$story/verify.out"
	say "$(tail -n 1 "$story/verify.out")"
}

story() {
	local began=$SECONDS
	story_from=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	set -a
	. "$home/env"
	set +a
	export NUC_HOME=$home
	story_setup
	step "an individual submits an application, twice, and gets one number" individual_submits
	step "the individual confirms with the code sent by SMS" individual_confirms
	step "identified remotely; AUTH and SIGN certificates fetched and verified" individual_fetches
	step "operator1 enters a legal entity's head at the counter" head_is_entered
	step "approval by operator1, who entered it, is refused" enterer_is_refused
	step "operator2 approves: one more person is needed" operator_approves operator2 approved_once
	step "operator3 approves: approved" operator_approves operator3 "approved issuing issued"
	step "the head's certificates fetched and verified" head_fetches
	step "OCSP answers good for both" ocsp_good
	step "operator2 revokes the individual's SIGN certificate" operator_revokes
	step "OCSP answers revoked; the other certificate stays good" ocsp_revoked
	step "the CRL holds the serial number" crl_revoked
	step "audit export, verified without the database" audit_verifies
	rm -rf "$story"
	echo "the whole story took $((SECONDS - began)) s"
}
