/*
 * main.c - rad, the registration authority: takes applications over HTTPS, runs the operators' queue, records decisions
 * and orders in the ledger. Holds no key but its TLS key; its death stops intake, never issuing or status answers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/conf.h"
#include "ra/rad.h"

int main(int argc, char **argv)
{
	const struct daemon_spec spec = {
		.name = "rad",
		.summary = "registration authority: applications, operators' queue, decisions, orders",
		.conf_rows = ra_conf_rows,
		.num_conf_rows = ra_conf_num_rows,
		.conf_size = sizeof(struct ra_conf),
		.conf_offset = offsetof(struct ra_conf, daemon),
		.metrics = ra_metrics,
		.num_metrics = ra_num_metrics,
		.sandbox = SANDBOX_NETWORK,
		.check = ra_conf_check,
		.acquire = rad_acquire,
		.start = rad_start,
		.drain = rad_drain,
		.is_drained = rad_is_drained,
		.stop = rad_stop,
	};

	return daemon_main(argc, argv, &spec);
}
