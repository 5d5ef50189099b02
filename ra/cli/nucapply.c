/*
 * nucapply - the reference client of applicants: makes keys and requests, submits applications, fetches certificates.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/apply.h"

int main(int argc, char *argv[])
{
	return cli_main(&nucapply_program, argc, argv, stdout, stderr);
}
