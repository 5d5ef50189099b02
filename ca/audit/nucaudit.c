/*
 * nucaudit - the auditor's program: exports the log, verifies an export without any database, answers for one certificate.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/audit/audit.h"

int main(int argc, char *argv[])
{
	return cli_main(&nucaudit_program, argc, argv, stdout, stderr);
}
