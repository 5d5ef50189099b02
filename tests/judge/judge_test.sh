#!/usr/bin/env bash
# judge_test.sh - the foreign judges can judge: they accept a sound PKI made by the openssl command and object to broken ones.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
for tool in certtool certutil crlutil ocsptool java keytool dumpasn1; do
	command -v "$tool" >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >pki.cnf <<'C'
[ca]
default_ca = d
[d]
database = index.txt
new_certs_dir = .
serial = serial
crlnumber = crlnumber
certificate = issuing.pem
private_key = issuing.key
default_md = sha256
default_days = 30
default_crl_days = 7
policy = p
crl_extensions = crl
[p]
commonName = supplied
[req]
distinguished_name = dn
prompt = no
[dn]
CN = x
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[issuing]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
keyUsage = critical,digitalSignature,nonRepudiation
extendedKeyUsage = emailProtection
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[responder]
keyUsage = critical,digitalSignature
extendedKeyUsage = OCSPSigning
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[crl]
authorityKeyIdentifier = keyid
C
touch index.txt
echo 1001 >serial
echo 01 >crlnumber
new_key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key"; }
certificate() { # NAME SECTION CA
	new_key "$1"
	openssl req -new -config pki.cnf -key "$1.key" -subj "/CN=$1" -out "$1.csr"
	openssl x509 -req -in "$1.csr" -CA "$3.pem" -CAkey "$3.key" -days 30 -extfile pki.cnf -extensions "$2" -out "$1.pem" 2>/dev/null
}
new_key root
openssl req -x509 -new -config pki.cnf -key root.key -subj /CN=root -days 60 -extensions root -out root.pem
certificate issuing issuing root
certificate good leaf issuing
certificate bad leaf issuing
certificate responder responder issuing
openssl ca -batch -config pki.cnf -revoke bad.pem -crl_reason keyCompromise 2>/dev/null
printf 'V\t%s\t\t%s\tunknown\t/CN=good\n' "$(date -u -d '+30 days' +%y%m%d%H%M%SZ)" \
	"$(openssl x509 -in good.pem -noout -serial | cut -d= -f2)" >>index.txt
openssl ca -config pki.cnf -gencrl -out list.pem 2>/dev/null
answer() { # CERTIFICATE FILE
	openssl ocsp -issuer issuing.pem -cert "$1" -no_nonce -reqout request.der 2>/dev/null
	openssl ocsp -index index.txt -rsigner responder.pem -rkey responder.key -CA issuing.pem -reqin request.der -respout "$2" \
		-ndays 1 >/dev/null 2>&1
}
answer good.pem good.der
answer bad.pem bad.der

failed=0
accepts() { if ! "$here/judge.sh" "$@" >out; then echo "should be accepted: $*"; cat out; failed=1; fi; }
objects() { # LEAST judge arguments
	local least=$1 n=0
	shift
	"$here/judge.sh" "$@" >out || n=$?
	if [ "$n" -lt "$least" ]; then echo "only $n judges object to: $*"; cat out; failed=1; fi
}
accepts cert root.pem issuing.pem good.pem
accepts crl root.pem issuing.pem list.pem bad.pem good.pem
accepts ocsp root.pem issuing.pem good.pem good.der good
accepts ocsp root.pem issuing.pem bad.pem bad.der revoked

# One octet of each signature changed; a status that is not the one claimed; a list that lacks the certificate.
flip() { python3 -c 'import sys; b = bytearray(open(sys.argv[1], "rb").read()); b[-3] ^= 1; open(sys.argv[2], "wb").write(b)' "$1" "$2"; }
openssl x509 -in good.pem -outform DER -out good.cer
flip good.cer broken.cer
openssl x509 -inform DER -in broken.cer -out broken.pem
objects 3 cert root.pem issuing.pem broken.pem
openssl crl -in list.pem -outform DER -out list.crl
flip list.crl broken.crl
objects 2 crl root.pem issuing.pem broken.crl
objects 2 crl root.pem issuing.pem list.pem good.pem
flip good.der broken.der
objects 2 ocsp root.pem issuing.pem good.pem broken.der good
objects 4 ocsp root.pem issuing.pem good.pem good.der revoked
[ "$failed" -eq 0 ] && echo "the judges accept what is sound and object to what is not"
exit "$failed"
