/*
 * state.h - everything that a running signer has: keys, certificates, journal, what it knows, the rules in force.
 *
 * Made in phase "acquire" (signd_state_open()), where files may be opened, and rebuilt from the journal. The handlers
 * (certs.h, orders.h, lists.h, answers.h, heads.h, events.h, policies.h) change it, one request at a time, in the loop.
 * The rule of all of them: what a signature or an acceptance depends on is in the journal, on disk, before the answer is
 * given; when the journal fails, what was learnt meanwhile is taken back and nothing is given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_STATE_H
#define CA_SIGN_STATE_H

#include "bus/bus.h"
#include "bus/msg_ocsp.h"
#include "ca/sign/conf.h"
#include "ca/sign/crl.h"
#include "ca/sign/custody.h"
#include "ca/sign/head.h"
#include "ca/sign/journal.h"
#include "ca/sign/known.h"
#include "ca/sign/metrics_signd.h"
#include "ca/sign/ocsp.h"
#include "ca/sign/policy.h"
#include "ca/sign/sign.h"

enum { SIGND_ISSUERS_MAX = 16, SIGND_BASES = 512, SIGND_SERVICES_MAX = 64 };

struct signd_issuer {
	const char *name; /* of the settings */
	struct buf ca_der;
	struct cert ca; /* borrows ca_der */
	struct signer *signer; /* tier ca: certificates; tier ocsp: answers */
	struct signer *list_signer; /* tier ca: a stream of its own */
	struct buf responder_der; /* tier ocsp */
	struct cert responder;
	struct ocsp_issuer ocsp;
	struct crl_signed last_full, last_delta;
	struct crl_signed bases[SIGND_BASES]; /* the last full lists, by number modulo */
};

/* What an identification service's word was used for, by its name. */
struct signd_service {
	char name[AUTHORITY_PERSON_SIZE];
	struct sign_window window;
};

struct lists_session; /* lists.c */

struct signd_state {
	const struct signd_conf *conf;
	struct metrics *metrics; /* may be NULL */
	bool is_ca;
	struct pkcs11 *token; /* NULL: all keys are files */
	struct keys *keys;
	struct custody *custody; /* NULL: the key files are plain, or a passphrase file opens them */
	struct signd_issuer *issuers;
	size_t num_issuers;
	struct journal *journal;
	struct known *known;
	int64_t log_second; /* refusals of this second that were logged */
	unsigned log_used;
	/* tier ca */
	struct sign_rules *rules; /* NULL: no Policy is in force */
	struct buf policy; /* the SignedPolicy in force */
	uint8_t policy_digest[32];
	struct signer *journal_signer;
	struct signd_service *services;
	size_t num_services;
	struct lists_session *list;
	/* tier ocsp */
	struct buf journal_spki; /* pinned: whose events are taken */
	struct signer *log_signer;
	struct note_key log_key;
	struct head head;
	struct buf head_note;
	struct journal_ocsp count; /* answers since the last record */
	uint8_t count_digest[32];
};

/* signd_state_open() reads keys, certificates and policy file, and replays the journal. `metrics` may be NULL.
 * *Errors* CONFIG, CONFLICT (journal in use), BUG (journal damaged), SYSTEM. */
struct err *signd_state_open(struct signd_state **out, const struct signd_conf *conf,
			     struct metrics *metrics) ERR_MUST_USE;
void signd_state_close(struct signd_state **self);
OWN_TYPE(signd_state, struct signd_state *, signd_state_close)

/* signd_issuer_find() gives NULL for an issuer that this signer has no key of. */
struct signd_issuer *signd_issuer_find(const struct signd_state *s, struct slice name);

/* signd_clock_check() refuses everything while the clock is behind the journal. *Errors* RETRY, field "clock_back". */
struct err *signd_clock_check(const struct signd_state *s) ERR_MUST_USE;

/* signd_commit() brings the journal's group to the disk and then keeps what was learnt (known_begin()); when that fails
 * it is all taken back. *Errors* those of journal_commit(), field "journal". */
struct err *signd_commit(struct signd_state *s) ERR_MUST_USE;
/* signd_take_back() forgets the group and what was learnt since known_begin(). */
void signd_take_back(struct signd_state *s);

/* signd_refused() counts and logs one refusal; `peer` asked for it. */
void signd_refused(struct signd_state *s, const char *peer, const char *word, const char *text);
/* signd_on_refused() is the bus server's on_refused: counts what was refused as a whole. */
void signd_on_refused(void *state, const struct bus_call *call, const struct err *e);

/* signd_gauges() writes the state's numbers into the metrics. */
void signd_gauges(const struct signd_state *s);

/* signd_recorded() reads the journal's record of an issued (or adopted) serial. *Errors* NOT_FOUND, SYSTEM. */
struct err *signd_recorded(const struct signd_state *s, struct journal_record *out, struct buf *scratch,
			   struct slice issuer, const struct serial *serial) ERR_MUST_USE;
/* signd_status_of() answers policy.h's question about a certificate (sign_status_of). `arg` is the state. */
enum sign_status signd_status_of(void *arg, const char *issuer, const struct serial *serial, uint8_t out_digest[32]);

/* signd_service() gives the window of an identification service, making it; NULL without memory. */
struct sign_window *signd_service(struct signd_state *s, struct slice name);

/* Taking a record into memory, at the replay and after each commit. */
struct err *signd_learn_order(struct known *known, struct slice issuer, const struct serial *serial,
			      int64_t not_after_at, int64_t action, int64_t reason, int64_t at, bool has_invalidity_at,
			      int64_t invalidity_at, int64_t seq, const uint8_t digest[32]) ERR_MUST_USE;
void signd_learn_list(struct signd_issuer *issuer, const struct journal_crl *crl);

#endif
