/*
 * main.c - crld. See crld.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/crld.h"

int main(int argc, char **argv)
{
	return daemon_main(argc, argv, &crld_spec);
}
