/*
 * main.c - cad, the issuing daemon. What it is: cad.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/cad.h"

int main(int argc, char **argv)
{
	return daemon_main(argc, argv, &cad_spec);
}
