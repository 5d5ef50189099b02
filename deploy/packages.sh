# packages.sh - sourced by deploy/quickstart and tests/run: the Debian 12 packages the project needs, and installing them.
#
# need_packages NAME... installs what is missing (as root, or through sudo) and says so; it is quiet when all are there.
# SPDX-License-Identifier: Apache-2.0

BUILD_PACKAGES="gcc libc6-dev cmake ninja-build pkg-config libpq-dev libssl-dev libzmq3-dev libconfig-dev check libevent-dev
	libjansson-dev libcurl4-openssl-dev libseccomp-dev libp11-kit-dev libgfshare-dev"
RUN_PACKAGES="postgresql-15 postgresql-client-15 openssl curl jq procps util-linux"
HSM_PACKAGES="softhsm2"
TEST_PACKAGES="clang-format gnutls-bin libnss3-tools openjdk-17-jdk-headless python3-cryptography python3-asn1crypto dumpasn1
	faketime binutils ca-certificates python3 softhsm2"

need_packages() {
	local missing=() p as_root=()
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
	done
	[ "${#missing[@]}" -gt 0 ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || {
			echo "missing packages: ${missing[*]}; install them or run as root" >&2
			return 1
		}
		as_root=(sudo)
	fi
	echo "installing: ${missing[*]}"
	# The cluster that Debian would make and start by itself is not ours.
	"${as_root[@]}" mkdir -p /etc/postgresql-common
	[ -e /etc/postgresql-common/createcluster.conf ] ||
		echo "create_main_cluster = false" | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
	"${as_root[@]}" apt-get update -qq &&
		"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
			>"${TMPDIR:-/tmp}/nuc-apt.$$.log" 2>&1 || {
		tail -n 20 "${TMPDIR:-/tmp}/nuc-apt.$$.log" >&2
		return 1
	}
	rm -f "${TMPDIR:-/tmp}/nuc-apt.$$.log"
}
