/*
 * nucctl - the operators' and administrators' command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/ctl.h"

int main(int argc, char *argv[])
{
	return cli_main(&nucctl_program, argc, argv, stdout, stderr);
}
