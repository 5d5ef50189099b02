#!/usr/bin/env bash
# link_test.sh - the link line is the architecture:
#   signd has no libpq; in daemons only ca/sign/sign.c refers to a signing function; keys of people only in ra/cli/key.c.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
build=${NUC_BUILD:-$(cd "$(dirname "$0")/.." && pwd)/build/dev}
failed=0
say() { echo "$*"; failed=1; }

[ -x "$build/bin/signd" ] || { echo "no signd in $build/bin"; exit 1; }
if nm -u "$build/bin/signd" | grep -E ' PQ[a-z]'; then say "signd refers to libpq"; fi
if ldd "$build/bin/signd" | grep -E 'libpq|libcurl|libevent'; then say "signd is linked with a library it must not have"; fi

signing='^(EVP_DigestSign|EVP_PKEY_sign|EVP_SignFinal|X509_sign|X509_CRL_sign|X509_REQ_sign|OCSP_basic_sign|ASN1_item_sign|CMS_sign|CMS_add1_signer|PKCS7_sign)'
objects() { find "$build/CMakeFiles" -name '*.c.o' -path "*/$1/*"; }
signs() { nm -u "$1" | awk '{print $NF}' | grep -qE "$signing"; }

count=0
while read -r object; do
	case $object in
	*/tests/* | */ca/sign/sign.c.o | */ra/cli/key.c.o) continue ;;
	esac
	count=$((count + 1))
	if signs "$object"; then say "${object#"$build"/} refers to: $(nm -u "$object" | awk '{print $NF}' | grep -E "$signing" | tr '\n' ' ')"; fi
done < <(for part in common ra ca crl ocsp; do objects "$part"; done | sort -u)
[ "$count" -gt 30 ] || say "only $count objects were looked at: the check does not see the build"
for keeper in ca/sign/sign.c.o ra/cli/key.c.o; do # negative control: the files that may sign are seen to sign
	object=$(objects "$(dirname "$keeper")" | grep "/$keeper$" | head -n 1)
	signs "$object" || say "$keeper does not refer to a signing function: the check does not work"
done
[ "$failed" -eq 0 ] && echo "$count objects: no signing function outside its place, no libpq in signd"
exit "$failed"
