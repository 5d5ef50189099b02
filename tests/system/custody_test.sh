#!/usr/bin/env bash
# custody_test.sh - a real signer, sandboxed, whose keys 2 of 3 custodians open: nucctl key over its admin socket.
#
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
top=${NUC_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}
bin=${NUC_BUILD:-$top/build/dev}/bin
home=$(mktemp -d /tmp/nuc-custody.XXXXXX)
pid=
finish() {
	local status=$?
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	[ "$status" -eq 0 ] || tail -n 20 "$home/log" 2>/dev/null || true
	rm -rf "$home"
	exit "$status"
}
trap finish EXIT
. "$top/deploy/lib/configure.sh"
export NUC_HOME=$home
ctl() { "$bin/nucctl" "$@"; }
readyz() { curl -s -m 5 --unix-socket "$home/admin/signd-ocsp.sock" http://localhost/readyz; }
says() { # WHAT PART COMMAND...: the command's output holds the part
	local what=$1 part=$2 out
	shift 2
	out=$("$@" 2>&1) || true
	case $out in *"$part"*) echo "ok   $what" ;; *) echo "FAIL $what: $out"; exit 1 ;; esac
}
until_it() { # COMMAND...: tries for ten seconds
	local end=$((SECONDS + 10))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || { echo "never: $*"; exit 1; }
		sleep 0.05
	done
}

mkdir -p "$home"/{admin,bus/keys,bus/sign-ocsp,conf,shares}
: >"$home/env"
sed 's/algorithm = "rsa4096-sha256"/algorithm = "rsa2048-sha256"/' "$top/config/profiles.conf" >"$home/conf/profiles.conf"
echo "a custodian's passphrase" >"$home/shares/passphrase"
plan() { # FOLDER
	cat <<S
out = "$1/ca"; profiles = "$home/conf/profiles.conf"; root_keys = "$1/root"; ca_keys = "$1/keys-ca"; ocsp_keys = "$1/keys-ocsp";
journal = "$1/journal-ca"; log_origin = "nuc.local/log"; issuers = ( { name = "rsa"; } );
custodians = { threshold = 2; shares = ( "$1/share1", "$1/share2", "$1/share3" );
  passphrase_files = ( "$home/shares/passphrase", "$home/shares/passphrase", "$home/shares/passphrase" ); };
S
}
mkdir "$home/other"
for folder in "$home" "$home/other"; do
	plan "$folder" >"$home/plan.conf"
	"$bin/signd" --ceremony "$home/plan.conf" >/dev/null
done
key=$("$bin/signd" --bus-keygen signd-ocsp "$home/bus/keys")
echo "peers = ( { name = \"signd-ocsp\"; role = \"SIGND_OCSP\"; key = \"$key\"; } );" >"$home/bus/peers.conf"
conf_from "$top/config/signd-ocsp.conf" "$home/conf/signd-ocsp.conf" "admin.socket=$(q "$home/admin/signd-ocsp.sock")" \
	"bus.keys_dir=$(q "$home/bus/keys")" "bus.peers=$(q "$home/bus/peers.conf")" "bus.listen=$(q "ipc://$home/bus/sign-ocsp/sock")" \
	"signer.ca_dir=$(q "$home/ca")" "signer.keys_dir=$(q "$home/keys-ocsp")" "signer.journal=$(q "$home/journal")" \
	"signer.journal_key=$(q "$home/ca/journal.pub")"
"$bin/signd" -c "$home/conf/signd-ocsp.conf" </dev/null >"$home/log" 2>&1 &
pid=$!
until_it readyz
until_it grep -q 'name=ready' "$home/log"

give() { ctl --password-file "$home/shares/passphrase" key activate --signer ocsp --share "$1"; }
says "starts without its keys, and says so" "key activation: 0 of 2 shares given" readyz
says "one share is not enough" "not active: 1 of 2 shares given" give "$home/share1"
says "readyz counts" "key activation: 1 of 2 shares given" readyz
says "the same share counts once" "share 1 was given already" give "$home/share1"
says "a share of another ceremony is refused by name" "share 2 is of another set" give "$home/other/share2"
sed '2s/./A/20; 2s/./B/21' "$home/share3" >"$home/damaged"
says "a damaged share is refused" "no whole share" give "$home/damaged"
echo wrong >"$home/shares/wrong"
says "a wrong passphrase is refused" "the passphrase of the share is wrong" \
	ctl --password-file "$home/shares/wrong" key activate --signer ocsp --share "$home/share3"
says "the second share opens the keys" "  active" give "$home/share3"
says "readyz agrees" "ok keys" readyz
says "deactivated, the keys are gone" "not active: 0 of 2" ctl key deactivate --signer ocsp
says "readyz agrees" "key activation: 0 of 2 shares given" readyz
give "$home/share2" >/dev/null
says "and open again with two others" "  active" give "$home/share3"
says "a refused share is in the log" "key_share_refused share=2" cat "$home/log"
kill -0 "$pid"
