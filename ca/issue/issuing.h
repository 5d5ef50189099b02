/*
 * issuing.h - the pipeline from the queue to certificates: claim and plan on one lane, sign by the bus, settle on another.
 *
 * Several batches are under way at once, bounded, and the stages overlap; the loop only hands batches from one stage to the
 * next and never waits. An idle pipeline takes the first request at once. Prompts may be lost: a poll looks each second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_ISSUING_H
#define CA_ISSUE_ISSUING_H

#include "bus/bus.h"
#include "ca/issue/conf.h"
#include "ca/issue/rules.h"

struct issuing;

struct issuing_conf {
	struct loop *loop;
	const struct cad_conf *conf; /* reloadable values are read anew for each batch */
	struct bus_client *signer; /* sign-ca */
	struct metrics *metrics;
	/* After a commit that wrote the log; `last_seq` is the highest number of the signer's events seen, 0 for none. */
	void (*on_committed)(void *arg, int64_t last_seq);
	/* The signer answered that its rules are others than ours, or it has none. */
	void (*on_rules_differ)(void *arg);
	void *arg;
};

struct err *issuing_create(struct issuing **out, const struct issuing_conf *conf) ERR_MUST_USE;
/* issuing_destroy() is called after the bus client is gone, so that no answer comes any more. */
void issuing_destroy(struct issuing **self);
OWN_TYPE(issuing, struct issuing *, issuing_destroy)

/* issuing_set_rules() begins to work by these rules (shared); nothing is claimed before the first call. */
void issuing_set_rules(struct issuing *self, struct issue_rules *rules);

/* issuing_prompt() says that something may be due. Cheap. */
void issuing_prompt(struct issuing *self);

/* issuing_drain() claims nothing more; issuing_is_idle() says whether everything claimed is settled. */
void issuing_drain(struct issuing *self);
bool issuing_is_idle(const struct issuing *self);

#endif
