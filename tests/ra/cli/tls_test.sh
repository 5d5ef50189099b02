#!/usr/bin/env bash
# tls_test.sh - nucctl and TLS: `openssl s_server` asks for the operator's certificate; file and PKCS#12 stores reach it,
# a server that the CA file does not vouch for and one that is not there are exit code 3.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
bin=${NUC_BUILD:?}/bin
[ -x "$bin/nucctl" ] || { echo "no nucctl in $bin"; exit 1; }
work=$(mktemp -d)
server=
trap 'kill "${server:-}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

pair() { # NAME SUBJECT EXTRA...
	local name=$1 subject=$2
	shift 2
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$name.key" -out "$name.pem" -days 30 \
		-subj "$subject" "$@" 2>/dev/null
}
pair server /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1
pair other /CN=localhost -addext subjectAltName=DNS:localhost
mkdir -p home/operators www/api/v1
pair home/operators/operator1 /CN=operator1
echo Geheim12 >password
openssl pkcs12 -export -inkey home/operators/operator1.key -in home/operators/operator1.pem -passout file:password -out operator1.p12
openssl pkcs8 -topk8 -in home/operators/operator1.key -passout file:password -out locked.key
body='{"person":"900101300017","name":"X","role":"operator","office":""}'
printf 'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' ${#body} "$body" >www/api/v1/whoami

# -Verify 1: a client certificate is required. Port 0 lets the system choose; s_server says which.
mkfifo ready
(cd www && exec openssl s_server -accept 127.0.0.1:0 -cert ../server.pem -key ../server.key -Verify 1 -verify_return_error \
	-CAfile ../home/operators/operator1.pem -HTTP) >ready 2>server.log &
server=$!
exec 3<ready
while read -r word address <&3; do
	if [ "$word" = ACCEPT ]; then break; fi
done
port=${address##*:}
export NUC_OPERATOR_URL=https://localhost:$port NUC_TLS_CA=$work/server.pem
unset NUC_HOME NUC_KEY_PASSWORD

expect() { # CODE TEXT ARGUMENT...
	local want=$1 text=$2 code=0 out
	shift 2
	out=$(timeout 60 "$bin/nucctl" --home home "$@" 2>&1 </dev/null) || code=$?
	if [ "$code" -ne "$want" ] || ! grep -q -- "$text" <<<"$out"; then
		echo "nucctl $*: exit $code, expected $want with \"$text\": $out"
		cat server.log
		exit 1
	fi
}
expect 0 'person            900101300017' --as operator1 whoami
expect 0 900101300017 --store "file:home/operators/operator1.key,home/operators/operator1.pem" whoami
expect 0 900101300017 --store p12:operator1.p12 --password-file password whoami
expect 0 900101300017 --store "file:locked.key,home/operators/operator1.pem" --password-file password whoami
NUC_KEY_PASSWORD=wrong expect 1 'password' --store p12:operator1.p12 whoami
expect 3 'could not be reached' --store "file:other.key,other.pem" whoami # not a client that the server knows
NUC_TLS_CA=$work/other.pem expect 3 'could not be verified' --as operator1 whoami
NUC_OPERATOR_URL=https://127.0.0.1:1 expect 3 'could not be reached' --as operator1 whoami
expect 2 'who are you' whoami
echo "9 ways of reaching a service"
