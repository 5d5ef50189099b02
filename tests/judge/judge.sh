#!/usr/bin/env bash
# judge.sh - implementations that are not ours look at what we issue: OpenSSL, GnuTLS, NSS, Java, python3-cryptography with
# python3-asn1crypto, dumpasn1. One line a judge; the exit status is the number of judges that object.
#
#   judge.sh cert ROOT.pem ISSUING.pem CERTIFICATE.pem
#   judge.sh crl  ROOT.pem ISSUING.pem CRL [REVOKED.pem [GOOD.pem]]         CRL in PEM or DER
#   judge.sh ocsp ROOT.pem ISSUING.pem CERTIFICATE.pem ANSWER.der good|revoked|unknown
#
# Known traps: `openssl crl -verify` exits 0 on a bad signature and `openssl ocsp` on "revoked": their text is read.
# SPDX-License-Identifier: Apache-2.0
set -u
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 4 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 64; }
what=$1 root=$2 issuing=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
objections=0

verdict() { # NAME GOT WANTED
	if [ "$2" = "$3" ]; then
		echo "ok   $1"
	else
		echo "FAIL $1 (wanted $3, got $2): $(tail -n 2 "$work/out" 2>/dev/null | tr '\n' ' ')"
		objections=$((objections + 1))
	fi
}
run() { "$@" >"$work/out" 2>&1; }
python() { /usr/bin/python3 "$@"; }
nss_database() {
	certutil -N -d "sql:$work" --empty-password
	certutil -A -d "sql:$work" -n root -t CT,C,C -i "$root"
	certutil -A -d "sql:$work" -n issuing -t ,, -i "$issuing"
}

judge_cert() {
	local cert=$1 usage=C
	run openssl verify -x509_strict -CAfile "$root" -untrusted "$issuing" "$cert"
	verdict "openssl verify -x509_strict" $? 0
	cat "$cert" "$issuing" >"$work/chain.pem"
	run certtool --verify --load-ca-certificate "$root" --infile "$work/chain.pem"
	verdict "gnutls certtool --verify" $? 0
	nss_database
	certutil -A -d "sql:$work" -n leaf -t ,, -i "$cert"
	openssl x509 -in "$cert" -noout -ext extendedKeyUsage 2>/dev/null | grep -q 'E-mail Protection' && usage=S
	usage=${NSS_USAGE:-$usage}
	run certutil -V -d "sql:$work" -n leaf -u "$usage" -e
	verdict "nss certutil -V -u $usage" $? 0
	run java "$here/Pkix.java" "$root" "$issuing" "$cert"
	verdict "java PKIX" $? 0
	openssl x509 -in "$cert" -outform DER -out "$work/leaf.der"
	run python "$here/certificate.py" "$work/leaf.der"
	verdict "python cryptography + asn1crypto (strict, re-encoded, serial)" $? 0
	run dumpasn1 -z "$work/leaf.der"
	verdict "dumpasn1" $? 0
}

judge_crl() {
	local crl=$1 revoked=${2:-} good=${3:-}
	openssl crl -in "$crl" -outform DER -out "$work/crl.der" 2>/dev/null || cp "$crl" "$work/crl.der"
	openssl crl -inform DER -in "$work/crl.der" -out "$work/crl.pem"
	run openssl crl -in "$work/crl.pem" -noout -CAfile "$issuing" -verify
	grep -q '^verify OK' "$work/out"
	verdict "openssl crl -verify" $? 0
	run certtool --verify-crl --load-ca-certificate "$issuing" --infile "$work/crl.pem"
	verdict "gnutls certtool --verify-crl" $? 0
	nss_database
	run crlutil -I -d "sql:$work" -i "$work/crl.der" -t 1
	verdict "nss crlutil -I" $? 0
	run keytool -printcrl -file "$work/crl.der"
	verdict "java keytool -printcrl" $? 0
	run python "$here/crl.py" "$work/crl.der"
	verdict "python cryptography + asn1crypto" $? 0
	run dumpasn1 -z "$work/crl.der"
	verdict "dumpasn1" $? 0
	[ -z "$revoked" ] || judge_crl_status "$revoked" "revoked" 2 1
	[ -z "$good" ] || judge_crl_status "$good" "not revoked" 0 0
}

judge_crl_status() { # CERTIFICATE WORD OPENSSL-EXIT JAVA-EXIT
	run openssl verify -crl_check -CRLfile "$work/crl.pem" -CAfile "$root" -untrusted "$issuing" "$1"
	verdict "openssl says $2" $? "$3"
	run java "$here/Pkix.java" "$root" "$issuing" "$1" "crl=$work/crl.der"
	verdict "java says $2" $? "$4"
}

judge_ocsp() {
	local cert=$1 answer=$2 wanted=$3 status
	cat "$issuing" "$root" >"$work/chain.pem"
	run openssl ocsp -respin "$answer" -issuer "$issuing" -cert "$cert" -CAfile "$root" -verify_other "$work/chain.pem"
	grep -q 'Response verify OK' "$work/out"
	verdict "openssl ocsp verifies" $? 0
	verdict "openssl ocsp status" "$(sed -n 's/^[^:]*: \(good\|revoked\|unknown\)$/\1/p' "$work/out" | head -n 1)" "$wanted"
	run ocsptool --verify-response --load-response "$answer" --load-trust "$issuing"
	verdict "gnutls ocsptool verifies" $? 0
	verdict "gnutls status" "$(sed -n 's/.*Certificate Status: //p' "$work/out" | head -n 1)" "$wanted"
	run java "$here/Pkix.java" "$root" "$issuing" "$cert" "ocsp=$answer"
	status=$?
	if [ "$wanted" = good ]; then verdict "java PKIX" "$status" 0; else verdict "java PKIX" "$status" 1; fi
	run python "$here/ocsp.py" "$answer" "$wanted"
	verdict "python cryptography + asn1crypto (status, nextUpdate, re-encoded)" $? 0
	run dumpasn1 -z "$answer"
	verdict "dumpasn1" $? 0
}

case $what in
cert) judge_cert "$4" ;;
crl) judge_crl "$4" "${5:-}" "${6:-}" ;;
ocsp) judge_ocsp "$4" "$5" "$6" ;;
*) echo "judge.sh: $what is not one of cert, crl, ocsp" >&2; exit 64 ;;
esac
exit "$objections"
