/*
 * nuc-simulators - SIMULATORS of the state systems that the registration authority asks: remote identification, SMS
 * gateway, registers of persons and organisations. For demonstrations and tests alone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/simulators/program.h"

int main(int argc, char *argv[])
{
	return simulators_main(argc, argv, stdout, stderr);
}
