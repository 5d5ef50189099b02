/*
 * ra.c - the daemon-wide object and contexts. See ra.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/ra.h"

#include <sys/eventfd.h>

#include "ra/queries.h"
#include "ra/worker.h"

void ra_ctx_clear(struct ra_ctx *self)
{
	ra_rules_put(&self->rules);
	db_destroy(&self->db);
}

struct err *ra_open_db(struct ra *ra, struct db **out, const char *thread)
{
	struct db_conf conf = { .conninfo = ra->conf->db.conninfo,
				.application_name = thread,
				.statements = ra_statements,
				.num_statements = ra_statements_count,
				.statement_timeout_ms = ra->conf->statement_timeout_ms };

	return db_open(out, &conf);
}

void ra_prompt(struct ra *ra, enum msg_prompt_what what)
{
	if (ra->prompt_fd < 0)
		return;
	atomic_fetch_or(&ra->prompts, 1u << what);
	/* A full counter means that the main thread will wake anyway. */
	(void)eventfd_write(ra->prompt_fd, 1);
}

void ra_wake_notices(struct ra *ra)
{
	ra_worker_wake(ra->notices);
}

void ra_wake_identification(struct ra *ra)
{
	for (size_t i = 0; i < ra->num_identification; i++)
		ra_worker_wake(ra->identification[i]);
}
