/*
 * program.h - options and start of nuc-simulators, apart from main() so that a test can run it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DEPLOY_SIMULATORS_PROGRAM_H
#define DEPLOY_SIMULATORS_PROGRAM_H

#include <stdio.h>

/* simulators_main() reads the command line, serves, and returns the exit code: 0, 1 refused, 2 usage. */
int simulators_main(int argc, char *const argv[], FILE *out, FILE *err);

#endif
