#!/usr/bin/env bash
# layering_test.sh - who may include whom. An #include that the table does not allow is named, with its file.
#
# The program proves that it can fail: it also checks a forbidden include that it makes up.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail
top=${NUC_SOURCE:-$(cd "$(dirname "$0")/.." && pwd)}

# folder = folders (as written in #include) that its files may name, besides their own and system headers
allowed() {
	case $1 in
	common/base) echo "base" ;;
	common/asn1) echo "base asn1" ;;
	common/x509) echo "base asn1 x509" ;;
	common/bus) echo "base asn1 bus" ;;
	common/db) echo "base db" ;;
	common/daemon) echo "base bus daemon" ;;
	common/tlog) echo "base asn1 tlog" ;;
	common/http) echo "base http" ;;
	common/cli) echo "base cli" ;;
	ra) echo "base asn1 x509 bus db daemon tlog http ra" ;;
	ra/cli) echo "base asn1 x509 cli ra/cli" ;;
	ca/lint) echo "base asn1 x509 ca/lint" ;;
	ca/issue) echo "base asn1 x509 bus db daemon tlog ca/lint ca/issue" ;;
	ca/sign) echo "base asn1 x509 bus daemon tlog ca/sign" ;;
	ca/audit) echo "base asn1 x509 db tlog cli ca/audit" ;;
	crl) echo "base asn1 x509 bus db daemon tlog http crl" ;;
	ocsp) echo "base asn1 x509 bus db daemon tlog http ocsp" ;;
	*) return 1 ;;
	esac
}

# violations FOLDER FILE: prints the includes of FILE that FOLDER may not have
violations() {
	local folder=$1 file=$2 may header dir
	may=" $(allowed "$folder") "
	sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file" | while read -r header; do
		dir=${header%/*}
		[ "$dir" != "$header" ] || continue # a header of its own folder
		case $may in *" $dir "*) ;; *) echo "$file includes \"$header\"" ;; esac
	done
	if [ "$folder" = ca/sign ] && grep -nE '#[[:space:]]*include[[:space:]]*<(libpq|postgresql/)' "$file"; then
		echo "$file includes libpq"
	fi
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
printf '#include "ocsp/status.h"\n#include "base/err.h"\n' >"$tmp/x.c"
[ "$(violations ca/sign "$tmp/x.c" | wc -l)" -eq 1 ] || { echo "the check itself does not work"; exit 1; }

found=$(for folder in common/base common/asn1 common/x509 common/bus common/db common/daemon common/tlog common/http common/cli ra ra/cli \
	ca/lint ca/issue ca/sign ca/audit crl ocsp; do
	for file in "$top/$folder"/*.[ch]; do
		[ -e "$file" ] || continue
		violations "$folder" "$file"
	done
done)
if [ -n "$found" ]; then
	echo "$found"
	exit 1
fi
echo "no forbidden include"
