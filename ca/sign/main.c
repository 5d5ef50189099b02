/*
 * main.c - signd. Everything is in signd.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/signd.h"

int main(int argc, char **argv)
{
	return signd_main(argc, argv);
}
