#!/usr/bin/env bash
# hsm_test.sh - the whole story with the keys of root, issuer and responder in a PKCS#11 token that they never leave.
#
# SPDX-License-Identifier: Apache-2.0
[ -e /usr/lib/softhsm/libsofthsm2.so ] || { echo "SoftHSM2 (package softhsm2) is not installed"; exit 77; }
. "$(dirname "${BASH_SOURCE[0]}")/stack.sh"

check "the story with a token" quickstart --hsm softhsm
stack_env
sandboxed() { grep -q 'sandbox=signd-token landlock=yes' "$home/log/$1.log"; }
check "signd-ca runs in the token's sandbox" sandboxed signd-ca
check "signd-ocsp runs in the token's sandbox" sandboxed signd-ocsp
check "no key of a CA or a responder is outside the token" hsm_keys_stay
transcript() { [ "$(grep -c 'never extractable' "$home/ca/ceremony/transcript")" = 3 ]; }
check "the transcript of the ceremony says so of three keys" transcript
check "stops" quickstart --stop
check "goes on with the same token" quickstart --no-demo
check "is ready" quickstart --status
