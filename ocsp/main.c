/*
 * main.c - ocspd: answers over HTTP which certificates are good and which are revoked.
 *
 * It follows the ledger (read-only), has its answers signed by signd-ocsp over the bus, and holds no key. Its death loses
 * nothing: a new one loads the ledger and goes on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/ocspd.h"

int main(int argc, char **argv)
{
	return daemon_main(argc, argv, &ocspd_spec);
}
