/*
 * signer.h - real signers for tests: a temporary home made by `signd --ceremony`, a Policy signed by two administrators,
 * keys and allow list of the bus, and the program itself running in either tier, sandboxed, as in production.
 *
 * Nothing here links the signer: it is met only over the bus, over its admin socket and through its files. The home and
 * the processes end with signer_home_end(); a signer also ends with the process that started it.
 * Programs come from $NUC_BUILD/bin. Every function asserts (Check). Call signer_home_begin() in an unchecked fixture:
 * tests that fork find a copy of the home, and open connections of their own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_SIGNER_H
#define TESTS_SUPPORT_SIGNER_H

#include <sys/types.h>

#include "bus/bus.h"
#include "support/bus_net.h"
#include "support/sign.h"
#include "x509/profile.h"

enum signer_tier { SIGNER_CA, SIGNER_OCSP, SIGNER_TIERS };

/* The people of the home's Policy, and some who are not in it. Their persons: signer_person(). */
enum signer_who {
	WHO_ADMIN1,
	WHO_ADMIN2,
	WHO_OPERATOR1,
	WHO_OPERATOR2,
	WHO_OPERATOR1_AGAIN, /* another certificate of operator 1 */
	WHO_AUDITOR,
	WHO_DESK,
	WHO_FORMER, /* an operator whose term has ended */
	WHO_SERVICE, /* identification service */
	WHO_SMALL_SERVICE, /* another, with a ceiling of one certificate an hour */
	WHO_STRANGER, /* in no Policy */
	WHO_COUNT
};
const char *signer_person(enum signer_who who);

struct signer_home {
	struct bus_net net; /* net.dir is the home */
	struct test_person who[WHO_COUNT];
	struct profiles *profiles;
	struct buf
		profiles_text; /* config/profiles.conf, its issuer with keys that are quick to make, renewal opened */
	struct buf policy; /* SignedPolicy, version 1 */
	struct buf root, issuing, responder; /* certificates, DER */
	pid_t pid[SIGNER_TIERS];
	int notify[SIGNER_TIERS]; /* what supervisors are told on */
};

/* signer_home_begin() makes the home and starts the tiers (bits 1 << tier). */
void signer_home_begin(struct signer_home *self, unsigned tiers);
void signer_home_end(struct signer_home *self);
void signer_start(struct signer_home *self, enum signer_tier tier);
/* signer_stop() ends one with TERM and asserts that it drained. */
void signer_stop(struct signer_home *self, enum signer_tier tier);

/* signer_policy() appends a Policy over these profiles with the home's people. */
void signer_policy(struct buf *out, const struct signer_home *self, int64_t version, struct slice profiles);

/* signer_endpoint() gives a tier's endpoint on the bus. signer_name() its name there. */
void signer_endpoint(char out[128], const struct signer_home *self, enum signer_tier tier);
const char *signer_name(enum signer_tier tier);
/* signer_metrics() replaces `out` with the text of /metrics. signer_metric() reads one line of it ("name" or
 * "name{labels}"); -1 when there is none. */
void signer_metrics(struct buf *out, const struct signer_home *self, enum signer_tier tier);
int64_t signer_metric(struct buf *metrics, const char *line);
/* signer_journal_size() gives the size of a tier's journal. */
int64_t signer_journal_size(const struct signer_home *self, enum signer_tier tier);
/* signer_log() replaces `out` with what the tier wrote to its log. */
void signer_log(struct buf *out, const struct signer_home *self, enum signer_tier tier);

/* A peer: a bus of its own and a client to one signer. */
struct signer_peer {
	struct bus *bus;
	struct bus_client *client;
};
void signer_peer_open(struct signer_peer *out, struct signer_home *home, const char *name, enum signer_tier tier);
void signer_peer_close(struct signer_peer *self);
OWN_TYPE(signer_peer, struct signer_peer, signer_peer_close)

#endif
