# configure.sh - the plan of the ceremony, the first Policy, and the configuration of every daemon, made from the samples in
# config/. Sourced by deploy/quickstart.
# SPDX-License-Identifier: Apache-2.0

# conf_from SAMPLE OUT GROUP.KEY=VALUE...: the sample with these settings; a key that the sample has not is an error.
# VALUE is written as libconfig has it: "text" in quotes, numbers bare.
conf_from() {
	local sample=$1 out=$2
	shift 2
	printf '%s\n' "$@" | awk -v sample="$sample" '
		{ at = index($0, "="); want[substr($0, 1, at - 1)] = substr($0, at + 1) }
		END {
			while ((getline line < sample) > 0) {
				if (match(line, /^[a-z_]+[ \t]*[:=][ \t]*\{/)) { group = line; sub(/[ \t]*[:=].*/, "", group) }
				if (line ~ /^\}/) group = ""
				key = line
				if (line !~ /^[ \t]*#/ && match(line, /^[ \t]*[a-z_0-9]+[ \t]*=/)) {
					sub(/^[ \t]*/, "", key); sub(/[ \t]*=.*/, "", key)
					path = group == "" ? key : group "." key
					if (path in want) {
						indent = line; sub(/[^ \t].*/, "", indent)
						line = indent key " = " want[path] ";"
						delete want[path]
					}
				}
				print line
			}
			for (path in want) { print "quickstart: " sample " has no key " path > "/dev/stderr"; bad = 1 }
			exit bad
		}' >"$out.new"
	mv "$out.new" "$out"
}

q() { printf '"%s"' "$1"; }

# The real profiles with local addresses in the certificates; the mirrors get the machine's other name.
profiles_conf() {
	local web=$((port_base + 1))
	sed -e "s#http://ocsp\.pki\.gov\.kz/#http://127.0.0.1:$port_base/#" \
		-e "s#http://ocsp1\.pki\.gov\.kz/#http://localhost:$port_base/#" \
		-e "s#http://crl\.pki\.gov\.kz/#http://127.0.0.1:$web/#" \
		-e "s#http://crl1\.pki\.gov\.kz/#http://localhost:$web/#" \
		-e "s#http://crl\.root\.gov\.kz/#http://127.0.0.1:$web/#" \
		-e "s#http://\(pki\|root\)\.gov\.kz/cert/#http://127.0.0.1:$web/cert/#" \
		"$top/config/profiles.conf" >"$home/conf/profiles.conf.new"
	if [ "$ca_bits" = 2048 ]; then
		sed -i 's/algorithm = "rsa4096-sha256"/algorithm = "rsa2048-sha256"/' "$home/conf/profiles.conf.new"
	fi
	mv "$home/conf/profiles.conf.new" "$home/conf/profiles.conf"
}

# staff NAME IIN-DIGITS SURNAME GIVEN ROLE: one line for each demonstration person.
staff_table() {
	cat <<S
operator1 90010130001 ОПЕРАТОРОВА АЙГҮЛ operator
operator2 90010130002 ОПЕРАТОРОВ БОЛАТ operator
operator3 90010130003 ОПЕРАТОРОВ ВИКТОР operator
admin1 90010130004 АДМИНОВА ГАУҺАР administrator
admin2 90010130005 АДМИНОВ ДӘУРЕН administrator
auditor 90010130006 АУДИТОРОВА ЕЛЕНА auditor
S
}

ceremony_plan() {
	local name digits surname given role comma=
	cat <<S
# The plan of the key ceremony of this demonstration; config/ceremony.conf explains the keys.
out = "$home/ca";
profiles = "$home/conf/profiles.conf";
root_keys = "$home/signer/root/keys";
ca_keys = "$home/signer/ca/keys";
ocsp_keys = "$home/signer/ocsp/keys";
journal = "$home/signer/ca/journal";
log_origin = "nuc.local/log";
root_list_days = 30;
$(hsm_plan)
issuers = ( { name = "rsa"; responder_suite = "rsa2048-sha256"; } );
certificates = (
S
	staff_table | while read -r name digits surname given role; do
		printf '%s  { name = "%s"; request = "%s"; profile = "%s"; issuer = "rsa"; surname = "%s"; given = "%s"; person = "%s"; }' \
			"$comma" "$name" "$home/ceremony/csr/$name.csr" "$(staff_profile "$role")" "$surname" "$given" "$(iin_of "$digits")"
		comma=$',\n'
	done
	cat <<S
,
  { name = "identification"; request = "$home/ceremony/csr/identification.csr"; profile = "identification"; issuer = "rsa";
    common_name = "IDENTIFICATION SERVICE (SIMULATOR)"; },
  { name = "rad"; request = "$home/ceremony/csr/rad.csr"; profile = "tls-server"; issuer = "rsa"; common_name = "localhost";
    dns = ( "localhost" ); }
);
S
}

# staff_profile ROLE: the profile whose extended key usage names the power.
staff_profile() {
	case $1 in
	operator | administrator) echo "staff-$1" ;;
	*) echo staff ;;
	esac
}

# key_hash CERTIFICATE: SHA-256 of its SubjectPublicKeyInfo, as staff are recognised.
key_hash() { openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1; }

staff_conf() {
	local name digits surname given role comma= from to
	from=$(date -u +%Y-%m-%dT%H:%M:%SZ -d '-1 day')
	to=$(date -u +%Y-%m-%dT%H:%M:%SZ -d '+1 year')
	echo "staff = ("
	staff_table | while read -r name digits surname given role; do
		printf '%s  { person = "%s"; name = "%s %s"; role = "%s"; office = "demo"; certificate = "%s"; from = "%s"; to = "%s"; }' \
			"$comma" "$(iin_of "$digits")" "$surname" "$given" "$role" "$home/operators/$name.pem" "$from" "$to"
		comma=$',\n'
	done
	cat <<S

);
identification = (
  { name = "simulator"; certificate = "$home/sim/identification.pem"; per_hour = 1000000; per_day = 10000000; }
);
S
}

first_policy() {
	local work
	work=$(mktemp -d)
	staff_conf >"$home/ceremony/staff.conf"
	export NUC_HOME=$home
	"$home/bin/nucctl" policy build --profiles "$home/conf/profiles.conf" --staff "$home/ceremony/staff.conf" --out "$work/policy.tbs"
	"$home/bin/nucctl" policy sign --as admin1 --in "$work/policy.tbs" --out "$work/admin1.sd"
	"$home/bin/nucctl" policy sign --as admin2 --in "$work/policy.tbs" --out "$work/admin2.sd"
	"$home/bin/nucctl" policy assemble --in "$work/policy.tbs" --decision "$work/admin1.sd" --decision "$work/admin2.sd" \
		--out "$work/policy.der"
	unset NUC_HOME
	install -m 644 "$work/policy.der" "$home/ca/policy.der"
	install -m 600 "$work/policy.der" "$home/signer/ca/policy.der"
	if is_root; then chown nuc-sign:nuc "$home/signer/ca/policy.der" "$home/ca/policy.der"; fi
	rm -rf "$work"
	touch "$home/ca/.done"
}

# common_settings NAME EDGES...: what every daemon's configuration has.
common_settings() {
	printf '%s\n' "admin.socket=$(q "$home/admin/$1.sock")" "bus.keys_dir=$(q "$home/bus/keys")" "bus.peers=$(q "$home/bus/peers.conf")" \
		"bus.name=$(q "$1")"
}
edge() { q "ipc://$home/bus/$1/sock"; }
conninfo() { q "host=$home/pg-run dbname=nuc user=$1"; }
hash_list() { printf '[ "%s", "%s" ]' "$(key_hash "$home/operators/admin1.pem")" "$(key_hash "$home/operators/admin2.pem")"; }

# configured NAME GROUP.KEY=VALUE...: conf/NAME.conf from config/NAME.conf, checked by the program itself.
configured() {
	local name=$1 settings
	shift
	mapfile -t settings < <(common_settings "$name")
	conf_from "$top/config/$name.conf" "$home/conf/$name.conf" "${settings[@]}" "$@"
	"$home/bin/$(program_of "$name")" -t -c "$home/conf/$name.conf"
}

configure() {
	local pins token simulators=http://127.0.0.1:$((port_base + 5))
	pins=$(hash_list)
	mapfile -t token < <(hsm_settings)
	configured signd-ca "bus.listen=$(edge sign-ca)" "signer.ca_dir=$(q "$home/ca")" "signer.keys_dir=$(q "$home/signer/ca/keys")" \
		"signer.journal=$(q "$home/signer/ca/journal")" "signer.policy=$(q "$home/signer/ca/policy.der")" \
		"signer.administrators=$pins" "${token[@]}"
	configured signd-ocsp "bus.listen=$(edge sign-ocsp)" "signer.ca_dir=$(q "$home/ca")" \
		"signer.keys_dir=$(q "$home/signer/ocsp/keys")" "signer.journal=$(q "$home/signer/ocsp/journal")" \
		"signer.journal_key=$(q "$home/ca/journal.pub")" "${token[@]}"
	configured cad "bus.issue=$(edge issue)" "bus.events=$(edge events)" "bus.sign_ca=$(edge sign-ca)" \
		"bus.sign_ocsp=$(edge sign-ocsp)" "db.conninfo=$(conninfo nuc_ca)" "log.vkey=$(q "$home/ca/log.vkey")"
	configured rad "bus.issue=$(edge issue)" "bus.events=$(edge events)" "db.conninfo=$(conninfo nuc_ra)" \
		"http.applicants=$(q "127.0.0.1:$((port_base + 2))")" "http.operators=$(q "127.0.0.1:$((port_base + 3))")" \
		"tls.certificate=$(q "$home/tls/rad.pem")" "tls.key=$(q "$home/tls/rad.key")" \
		"tls.operators_ca=$(q "$home/ca/rsa/chain.pem")" "policy.pins=$pins" "agreement.file=$(q "$home/agreement.txt")" \
		"identification.url=$(q "$simulators/identify")" "sms.url=$(q "$simulators/sms")"
	configured crld "bus.sign_ca=$(edge sign-ca)" "bus.events=$(edge events)" "db.conninfo=$(conninfo nuc_crl)" \
		"http.listen=[ $(q "127.0.0.1:$((port_base + 1))") ]" "publish.folder=$(q "$home/www")" "crl.full_changed_every_s=1"
	configured ocspd "bus.sign_ocsp=$(edge sign-ocsp)" "bus.events=$(edge events)" "db.conninfo=$(conninfo nuc_ocsp)" \
		"http.listen=[ $(q "127.0.0.1:$port_base") ]"
	write_env
}

write_env() {
	local web=http://127.0.0.1:$((port_base + 1)) user
	user=nuc_auditor
	cat >"$home/env.new" <<S
NUC_OCSP_URL=http://127.0.0.1:$port_base/
NUC_CRL_URL=$web/nca_rsa.crl
NUC_DELTA_CRL_URL=$web/nca_d_rsa.crl
NUC_RA_URL=https://localhost:$((port_base + 2))
NUC_OPERATOR_URL=https://localhost:$((port_base + 3))
NUC_ROOT=$home/ca/rsa/root.pem
NUC_CA=$home/ca/rsa/issuing.pem
NUC_CHAIN=$home/ca/rsa/chain.pem
NUC_TLS_CA=$home/ca/rsa/root.pem
NUC_LOG_VKEY=$home/ca/log.vkey
PGHOST=$home/pg-run
PGDATABASE=nuc
PGUSER=$user
S
	chmod 644 "$home/env.new"
	mv "$home/env.new" "$home/env"
}

# The certificates of the ceremony, the Policy and the root's list become known to the ledger and the web.
import_ceremony() {
	as cad "$home/bin/cad" -c "$home/conf/cad.conf" --import-ceremony "$home/ca/ceremony"
	install -m 644 "$home/ca/rsa/root.crl" "$home/www/root_rsa.crl"
	if is_root; then chown nuc-crl:nuc "$home/www/root_rsa.crl"; fi
}
