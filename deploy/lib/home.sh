# home.sh - makes the home of a demonstration: users, folders, database cluster, keys, ceremony, policy, configuration.
# Sourced by deploy/quickstart; uses $top $home $build $port_base $ca_bits.
# SPDX-License-Identifier: Apache-2.0

PGBIN=/usr/lib/postgresql/15/bin
DAEMONS="signd-ca signd-ocsp cad rad crld ocspd"
STAFF="operator1 operator2 operator3 admin1 admin2 auditor"

# A function that is called in a condition runs on after a failing command: `set -e` does not hold there. So a step runs in
# a subshell of its own, outside any condition; what it leaves behind is in files.
# step WHAT COMMAND...: runs it, prints what was done and how long it took; on failure its output, and the end.
step() {
	local what=$1 from status log
	shift
	log=$(mktemp)
	from=$(date +%s%N)
	set +e
	(
		set -e
		"$@"
	) >"$log" 2>&1
	status=$?
	set -e
	if [ "$status" -ne 0 ]; then
		printf '   FAILED  %s\n' "$what"
		cat "$log"
		rm -f "$log"
		exit 1
	fi
	printf '%8d ms  %s\n' $((($(date +%s%N) - from) / 1000000)) "$what"
	sed -n 's/^say: /             /p' "$log"
	rm -f "$log"
}

is_root() { [ "$(id -u)" -eq 0 ]; }

# Folders above the home must let other users pass, since each daemon is a user of its own.
traversable() {
	local dir=$1
	while [ "$dir" != / ] && [ ! -e "$dir" ]; do dir=$(dirname "$dir"); done
	while [ "$dir" != / ]; do
		case $(stat -c %A "$dir") in *x | *t) ;; *) return 1 ;; esac
		dir=$(dirname "$dir")
	done
}

home_choose() { # GIVEN TOP
	local chosen=${1:-$2/run}
	chosen=$(realpath -m "$chosen")
	if is_root && ! traversable "$chosen"; then
		[ -z "$1" ] || { echo "quickstart: other users cannot traverse the folders above $chosen; choose another --home" >&2; exit 2; }
		chosen=/var/lib/nuc
		echo "home is $chosen: other users cannot traverse $2" >&2
	fi
	if [ "${#chosen}" -gt 80 ]; then
		echo "quickstart: $chosen is too long a path: a unix socket name has 107 octets at most" >&2
		exit 2
	fi
	echo "$chosen"
}

home_delete() {
	[ -e "$home/ca" ] || { echo "nothing to delete in $home"; return 0; }
	rm -rf "$home"
	echo "deleted $home"
}

home_build() {
	[ -z "${NUC_BUILD:-}" ] || return 0
	cmake -S "$top" --preset release -G Ninja -DBUILD_TESTING=OFF
	cmake --build "$build" -j "$(nproc)"
}

# user_of DAEMON: the system user that it runs as.
user_of() {
	is_root || { id -un; return; }
	case $1 in
	signd-ca | signd-ocsp | signd) echo nuc-sign ;;
	cad) echo nuc-ca ;;
	rad) echo nuc-ra ;;
	crld) echo nuc-crl ;;
	ocspd) echo nuc-ocsp ;;
	simulators) echo nuc-sim ;;
	postgres) echo nuc-pg ;;
	esac
}
group_of_all() { if is_root; then echo nuc; else id -gn; fi; }

# as DAEMON COMMAND...: runs the command as the daemon's user, without any privilege.
as() {
	local user
	user=$(user_of "$1")
	shift
	if is_root; then
		setpriv --reuid="$user" --regid=nuc --clear-groups --no-new-privs -- "$@"
	else
		"$@"
	fi
}

make_users() {
	local user
	getent group nuc >/dev/null || groupadd --system nuc
	for user in nuc-sign nuc-ca nuc-ra nuc-crl nuc-ocsp nuc-sim nuc-pg; do
		id "$user" >/dev/null 2>&1 ||
			useradd --system --gid nuc --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
	done
}

folder() { # MODE DAEMON PATH
	if is_root; then install -d -m "$1" -o "$(user_of "$2")" -g nuc "$home/$3"; else install -d -m "$1" "$home/$3"; fi
}

home_layout() {
	if is_root; then make_users; fi
	local program
	install -d -m 755 "$home" "$home/bin" "$home/conf" "$home/log" "$home/pid" "$home/bus" "$home/ceremony" "$home/ceremony/csr"
	folder 770 cad admin
	folder 750 cad bus/issue
	folder 750 cad bus/events
	folder 750 signd bus/sign-ca
	folder 750 signd bus/sign-ocsp
	install -d -m 755 "$home/bus/keys"
	folder 755 signd ca
	folder 700 signd signer
	folder 700 signd signer/ca
	folder 700 signd signer/ocsp
	folder 755 crld www
	folder 700 rad tls
	folder 700 simulators sim
	folder 700 postgres pg
	folder 755 postgres pg-run
	install -d -m 700 "$home/operators"
	for program in signd cad rad crld ocspd nucapply nucctl nucaudit nuc-simulators; do
		ln -sfn "$build/bin/$program" "$home/bin/$program"
	done
	[ -e "$home/agreement.txt" ] || install -m 644 "$top/config/agreement.txt" "$home/agreement.txt"
}

# ---------------------------------------------------------------- database

pg() { as postgres env LC_ALL=C.UTF-8 "$@"; }

database_start() {
	local me
	if [ ! -e "$home/pg/PG_VERSION" ]; then
		pg "$PGBIN/initdb" -D "$home/pg" -U nuc_owner -A peer --locale=C.UTF-8 -E UTF8 --data-checksums
		me=$(id -un)
		{
			echo "local all all peer map=nuc"
		} | write_as postgres "$home/pg/pg_hba.conf"
		{
			if is_root; then
				echo "nuc nuc-ra nuc_ra"
				echo "nuc nuc-ca nuc_ca"
				echo "nuc nuc-crl nuc_crl"
				echo "nuc nuc-ocsp nuc_ocsp"
				echo "nuc nuc-pg nuc_owner"
			fi
			for role in nuc_owner nuc_ra nuc_ca nuc_crl nuc_ocsp nuc_auditor; do echo "nuc $me $role"; done
		} | write_as postgres "$home/pg/pg_ident.conf"
		write_as postgres "$home/pg/nuc.conf" <"$top/deploy/postgresql.conf"
		echo "include 'nuc.conf'" | write_as postgres "$home/pg/include.conf"
		pg sh -c "cat '$home/pg/include.conf' >>'$home/pg/postgresql.conf'"
	fi
	if ! pg "$PGBIN/pg_ctl" -D "$home/pg" status >/dev/null; then
		(cd / && pg "$PGBIN/pg_ctl" -D "$home/pg" -w -l "$home/pg/server.log" -o "-k $home/pg-run -c listen_addresses=''" start)
	fi
}

write_as() { # DAEMON FILE: standard input becomes the file, owned by the daemon's user
	cat >"$2.new"
	if is_root; then chown "$(user_of "$1"):nuc" "$2.new"; fi
	chmod 600 "$2.new"
	mv "$2.new" "$2"
}

database_migrate() {
	export PGHOST=$home/pg-run PGUSER=nuc_owner
	psql -d postgres -Atc "SELECT 1 FROM pg_database WHERE datname = 'nuc'" | grep -q 1 || createdb -T template0 nuc
	PGDATABASE=nuc "$top/schema/migrate"
	unset PGHOST PGUSER
}

# ---------------------------------------------------------------- keys and ceremony

bus_keys() {
	local name role
	{
		echo "peers = ("
		for pair in rad:RAD cad:CAD crld:CRLD ocspd:OCSPD signd-ca:SIGND_CA signd-ocsp:SIGND_OCSP; do
			name=${pair%%:*} role=${pair##*:}
			"$home/bin/signd" --bus-keygen "$name" "$home/bus/keys" >&2
			chmod 600 "$home/bus/keys/$name.secret"
			if is_root; then chown "$(user_of "$name"):nuc" "$home/bus/keys/$name.secret"; fi
			chmod 644 "$home/bus/keys/$name.public"
			[ "$name" = rad ] || echo ","
			printf '  { name = "%s"; role = "%s"; key = "%s"; }' "$name" "$role" "$(cat "$home/bus/keys/$name.public")"
		done
		echo
		echo ");"
	} >"$home/bus/peers.conf.new"
	chmod 644 "$home/bus/peers.conf.new"
	mv "$home/bus/peers.conf.new" "$home/bus/peers.conf"
}

# key_pair NAME KEYFILE: an RSA-2048 key and a certificate request in ceremony/csr/NAME.csr.
key_pair() {
	(umask 077 && openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$2")
	openssl req -new -utf8 -key "$2" -subj "/CN=$1" -out "$home/ceremony/csr/$1.csr"
}

people_keys() {
	local name
	for name in $STAFF; do key_pair "$name" "$home/operators/$name.key"; done
	key_pair identification "$home/sim/identification.key"
	key_pair rad "$home/tls/rad.key"
	if is_root; then
		chown nuc-sim:nuc "$home/sim/identification.key"
		chown nuc-ra:nuc "$home/tls/rad.key"
	fi
	(umask 077 && openssl rand -hex 12 >"$home/operators/password")
}

ceremony() {
	ceremony_plan >"$home/ceremony/plan.conf"
	chmod 644 "$home/ceremony/plan.conf"
	as signd "$home/bin/signd" --ceremony "$home/ceremony/plan.conf"
	# The root's key rests; no daemon's user can read it.
	if is_root; then chown -R root:root "$home/signer/root" 2>/dev/null || true; fi
	local name
	for name in $STAFF; do
		install -m 644 "$home/ca/ceremony/$name.pem" "$home/operators/$name.pem"
		openssl pkcs12 -export -inkey "$home/operators/$name.key" -in "$home/operators/$name.pem" -certfile "$home/ca/rsa/chain.pem" \
			-name "$name" -passout "file:$home/operators/password" -out "$home/operators/$name.p12"
		chmod 600 "$home/operators/$name.p12"
	done
	install -m 644 "$home/ca/ceremony/identification.pem" "$home/sim/identification.pem"
	cat "$home/ca/ceremony/rad.pem" "$home/ca/rsa/issuing.pem" >"$home/tls/rad.pem"
	chmod 644 "$home/tls/rad.pem"
}

# Digits of demonstration people: IINs with right check digits.
iin_of() { # eleven digits -> twelve, or nothing when no check digit exists
	local d=$1 sum=0 i
	for i in 0 1 2 3 4 5 6 7 8 9 10; do sum=$((sum + ${d:i:1} * (i + 1))); done
	sum=$((sum % 11))
	if [ "$sum" -eq 10 ]; then
		local weights=(3 4 5 6 7 8 9 10 11 1 2)
		sum=0
		for i in 0 1 2 3 4 5 6 7 8 9 10; do sum=$((sum + ${d:i:1} * ${weights[i]})); done
		sum=$((sum % 11))
	fi
	[ "$sum" -eq 10 ] || echo "$d$sum"
}
