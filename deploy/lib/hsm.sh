# hsm.sh - keys in a PKCS#11 token instead of files: a SoftHSM2 token under the home stands for the HSM. Sourced by
# deploy/quickstart (--hsm softhsm). A home that began with a token keeps it: its folder says so.
#
#   signer/token/softhsm2.conf, signer/token/tokens/   the token "nuc"; the signers' sandbox lets the module work here alone
#   signer/pin                                         its PIN (0600), read once at the start
# SPDX-License-Identifier: Apache-2.0

HSM_MODULE=/usr/lib/softhsm/libsofthsm2.so

hsm_exists() { [ -e "$home/signer/token/softhsm2.conf" ]; }
hsm_env() { if hsm_exists; then export SOFTHSM2_CONF=$home/signer/token/softhsm2.conf; fi; }

# hsm_make: a new token with random PINs, owned by the signers' user.
hsm_make() {
	local so
	folder 711 signd signer
	folder 700 signd signer/token
	folder 700 signd signer/token/tokens
	so=$(openssl rand -hex 16)
	(umask 077 && openssl rand -hex 16) | write_as signd "$home/signer/pin"
	printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$home/signer/token/tokens" |
		write_as signd "$home/signer/token/softhsm2.conf"
	hsm_env
	# The security officer's PIN is thrown away: this token is not initialised twice.
	as signd softhsm2-util --init-token --free --label nuc --so-pin "$so" --pin "$(cat "$home/signer/pin")" >/dev/null
}

# hsm_plan: the lines of the ceremony's plan.
hsm_plan() {
	hsm_exists || return 0
	printf 'pkcs11_module = "%s";\npkcs11_token = "nuc";\npkcs11_pin_file = "%s";\n' "$HSM_MODULE" "$home/signer/pin"
}

# hsm_settings: GROUP.KEY=VALUE lines for the signers' configuration.
hsm_settings() {
	hsm_exists || return 0
	printf '%s\n' "signer.pkcs11_module=\"$HSM_MODULE\"" 'signer.pkcs11_token="nuc"' "signer.pkcs11_pin_file=\"$home/signer/pin\"" \
		"signer.pkcs11_folder=\"$home/signer/token\""
}

# hsm_keys_stay: no file of the issuers' keys anywhere, and the token says that its own cannot be taken out.
hsm_keys_stay() {
	local found name
	found=$(find "$home/signer" -name '*.key' ! -name log.key ! -name journal.key)
	[ -z "$found" ] || { echo "private keys outside the token: $found"; return 1; }
	hsm_env
	softhsm2-util --show-slots | grep -q 'Label: *nuc *$' || { echo "there is no token nuc"; return 1; }
	for name in signd-ca signd-ocsp; do
		as signd "$home/bin/signd" -c "$home/conf/$name.conf" --token-check
	done
}
