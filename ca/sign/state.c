/*
 * state.c - opening a signer's state, replaying its journal, and what all handlers share. See state.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ca/sign/lists.h"
#include "ca/sign/policies.h"
#include "x509/pem.h"

enum { FILE_MAX_BYTES = 2 << 20, PATH_BYTES = 1200, CLOCK_SLACK_S = 2, LOGGED_A_SECOND = 20, ED25519_KEY = 32 };

/* ---- files */

static struct err *file_read(struct buf *out, const char *path)
{
	uint8_t piece[4096];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return ERR_RECODE(ERR_ERRNO("%s", path), CONFIG, "reading a file of the settings");
	struct err *e = NULL;
	while (e == NULL && (n = read(fd, piece, sizeof piece)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		e = n < 0 ? ERR_ERRNO("%s", path) : buf_append(out, SLICE(piece, (size_t)n));
	}
	OPENSSL_cleanse(piece, sizeof piece);
	(void)close(fd);
	return e;
}

static struct err *certificate_read(struct buf *out_der, struct cert *out, const char *dir, const char *issuer,
				    const char *what)
{
	OWN(buf) text = BUF_INIT(FILE_MAX_BYTES);
	char path[PATH_BYTES];

	ENSURE((size_t)snprintf(path, sizeof path, "%s/%s/%s.pem", dir, issuer, what) < sizeof path, CONFIG,
	       "the path of %s's certificates is too long", issuer);
	TRY(file_read(&text, path));
	out_der->max = CERT_MAX_BYTES;
	struct err *e = cert_from_pem(out_der, buf_slice(&text));
	if (e == NULL)
		e = cert_parse(out, buf_slice(out_der));
	return e == NULL ? NULL : ERR_RECODE(e, CONFIG, "%s", path);
}

/* ---- opening */

static struct err *key_of(const struct sign_key **out, const struct signd_state *s, enum sign_use use,
			  const char *issuer)
{
	*out = keys_find(s->keys, use, issuer);
	ENSURE_FIELD(*out != NULL || s->token == NULL || issuer[0] == '\0', CONFIG, "signer.pkcs11_token",
		     "there is no key %s.%s in the token %s", issuer, sign_use_word(use), s->conf->pkcs11_token);
	ENSURE_FIELD(*out != NULL, CONFIG, "signer.keys_dir", "there is no key %s%s%s.key in %s", issuer,
		     issuer[0] == '\0' ? "" : ".", sign_use_word(use), s->conf->keys_dir);
	return NULL;
}

static struct err *issuer_open_ca(struct signd_issuer *i, const struct signd_state *s)
{
	const struct sign_key *key;

	TRY(key_of(&key, s, SIGN_USE_CA, i->name));
	ENSURE_FIELD(slice_equal(sign_key_spki(key), i->ca.public_key), CONFIG, "signer.ca_dir",
		     "%s/issuing.pem is not the certificate of the key here", i->name);
	TRY(signer_create(&i->signer, key));
	return signer_create(&i->list_signer, key);
}

static struct err *issuer_open_ocsp(struct signd_issuer *i, const struct signd_state *s)
{
	const struct sign_key *key;

	TRY(key_of(&key, s, SIGN_USE_OCSP, i->name));
	TRY(certificate_read(&i->responder_der, &i->responder, s->conf->ca_dir, i->name, "ocsp"));
	TRY(cert_verify(&i->responder, &i->ca));
	TRY(ocsp_issuer_init(&i->ocsp, SLICE_STR(i->name), &i->ca, &i->responder, sign_key_spki(key)));
	return signer_create(&i->signer, key);
}

static struct err *issuers_open(struct signd_state *s)
{
	s->issuers = calloc(s->conf->issuers.num, sizeof *s->issuers);
	ENSURE(s->issuers != NULL, NO_MEMORY, "issuers");
	for (; s->num_issuers < s->conf->issuers.num; s->num_issuers++) {
		struct signd_issuer *i = &s->issuers[s->num_issuers];

		i->name = s->conf->issuers.items[s->num_issuers];
		TRY(certificate_read(&i->ca_der, &i->ca, s->conf->ca_dir, i->name, "issuing"));
		ENSURE_FIELD(i->ca.is_ca && i->ca.key_id.len > 0, CONFIG, "signer.ca_dir",
			     "%s/issuing.pem is no CA's certificate with a subjectKeyIdentifier", i->name);
		TRY(s->is_ca ? issuer_open_ca(i, s) : issuer_open_ocsp(i, s));
	}
	return NULL;
}

/* Of a token only the keys that this tier uses. */
static struct err *token_read(struct signd_state *s)
{
	const struct signd_conf *conf = s->conf;
	enum sign_use use = s->is_ca ? SIGN_USE_CA : SIGN_USE_OCSP;

	if (!signd_has_token(conf))
		return NULL;
	TRY(pkcs11_open(&s->token, conf->pkcs11_module, conf->pkcs11_token, conf->pkcs11_pin_file));
	for (size_t i = 0; i < conf->issuers.num; i++)
		TRY(keys_add_token(NULL, s->keys, s->token, use, conf->issuers.items[i]));
	return NULL;
}

/* Locked keys need the file that says whose shares open them. */
static struct err *custody_find(struct signd_state *s)
{
	OWN(buf) text = BUF_INIT(CUSTODY_FILE_MAX);
	char path[1100];

	if (keys_num_locked(s->keys) == 0)
		return NULL;
	(void)snprintf(path, sizeof path, "%s/%s", s->conf->keys_dir, CUSTODY_FILE);
	struct err *e = file_read(&text, path);
	if (e != NULL)
		return ERR_RECODE(e, CONFIG,
				  "the keys are encrypted; give signer.passphrase_file, or the file of custodians");
	return custody_read(&s->custody, buf_slice(&text));
}

static struct err *keys_read(struct signd_state *s)
{
	OWN(buf) passphrase = BUF_INIT_SECRET(FILE_MAX_BYTES);

	if (s->conf->passphrase_file[0] != '\0') {
		TRY(file_read(&passphrase, s->conf->passphrase_file));
		while (passphrase.len > 0 && strchr("\r\n", passphrase.p[passphrase.len - 1]) != NULL)
			passphrase.len--;
	}
	TRY(keys_open(&s->keys, s->conf->keys_dir, buf_slice(&passphrase)));
	TRY(custody_find(s));
	return token_read(s);
}

static struct err *open_ca(struct signd_state *s)
{
	const struct sign_key *key;

	TRY(key_of(&key, s, SIGN_USE_JOURNAL, ""));
	return signer_create(&s->journal_signer, key);
}

static struct err *open_ocsp(struct signd_state *s)
{
	OWN(buf) text = BUF_INIT(FILE_MAX_BYTES);
	const struct sign_key *key;

	TRY(file_read(&text, s->conf->journal_key));
	struct err *e = pem_read(&s->journal_spki, buf_slice(&text), "PUBLIC KEY");
	if (e != NULL)
		return ERR_RECODE(e, CONFIG, "%s", s->conf->journal_key);
	TRY(key_of(&key, s, SIGN_USE_LOG, ""));
	TRY(signer_create(&s->log_signer, key));
	struct slice spki = sign_key_spki(key);
	ENSURE_FIELD(strcmp(sign_key_suite(key)->key_type, "ED25519") == 0 && spki.len > ED25519_KEY, CONFIG,
		     "signer.keys_dir", "the log's key is not Ed25519");
	return note_key_init(&s->log_key, s->conf->log_origin, spki.p + spki.len - ED25519_KEY); /* RFC 8410 §4 */
}

/* ---- replay */

struct err *signd_learn_order(struct known *known, struct slice issuer, const struct serial *serial,
			      int64_t not_after_at, int64_t action, int64_t reason, int64_t at, bool has_invalidity_at,
			      int64_t invalidity_at, int64_t seq, const uint8_t digest[32])
{
	ENSURE_FIELD(at >= 0 && at <= UINT32_MAX && invalidity_at >= 0 && invalidity_at <= UINT32_MAX && reason >= 0 &&
			     reason <= 10 && action >= KNOWN_REVOKE && action <= KNOWN_RELEASE,
		     BAD_INPUT, "order_time", "a time or a reason of the order is out of its range");
	struct known_order order = { .action = (uint8_t)action,
				     .reason = (uint8_t)reason,
				     .has_invalidity_at = has_invalidity_at,
				     .serial = *serial,
				     .not_after_at = not_after_at > UINT32_MAX ? UINT32_MAX : (uint32_t)not_after_at,
				     .at = (uint32_t)at,
				     .invalidity_at = (uint32_t)invalidity_at,
				     .seq = seq };
	return known_order_add(known, issuer, &order, digest);
}

void signd_learn_list(struct signd_issuer *issuer, const struct journal_crl *crl)
{
	struct crl_signed list = { crl->number, crl->this_update_at, crl->order_seq };

	if (crl->kind == MSG_CRL_DELTA) {
		issuer->last_delta = list;
		return;
	}
	issuer->last_full = list;
	issuer->bases[(uint64_t)crl->number % SIGND_BASES] = list;
}

static struct err *replay_certificate(struct signd_state *s, const struct journal_record *r, uint64_t offset)
{
	const struct journal_certificate *c = &r->certificate;

	TRY(known_add(s->known, c->issuer, &c->serial, r->seq));
	TRY(known_event_add(s->known, r->seq, offset));
	if (c->authorisation.len == SHA256_LEN)
		TRY(known_use_authorisation(s->known, c->authorisation.p, offset));
	if (c->identifier.len > 0) {
		struct sign_window *window = signd_service(s, c->identifier);

		ENSURE(window != NULL, NO_MEMORY, "ceilings of the identification services");
		sign_window_add(window, r->at);
	}
	return NULL;
}

static struct err *replay_order(struct signd_state *s, const struct journal_record *r, uint64_t offset)
{
	const struct journal_order *o = &r->order;

	TRY(signd_learn_order(s->known, o->issuer, &o->serial, o->not_after_at, o->action, o->reason, o->revoked_at,
			      o->has_invalidity_at, o->invalidity_at, r->seq, o->digest.p));
	return known_event_add(s->known, r->seq, offset);
}

static struct err *replay_event(struct signd_state *s, const struct journal_record *r)
{
	const struct msg_event *ev = &r->event;

	if (ev->kind != MSG_EVENT_ORDER)
		return known_add(s->known, ev->issuer, &ev->serial, ev->seq);
	return signd_learn_order(s->known, ev->issuer, &ev->serial, ev->not_after_at, ev->action, ev->reason, ev->at,
				 ev->has_invalidity_at, ev->invalidity_at, ev->seq, ev->digest.p);
}

static struct err *replay_other(struct signd_state *s, const struct journal_record *r)
{
	struct signd_issuer *issuer;

	switch (r->kind) {
	case JOURNAL_CRL:
		issuer = signd_issuer_find(s, r->crl.issuer);
		if (issuer != NULL)
			signd_learn_list(issuer, &r->crl);
		return NULL;
	case JOURNAL_HEAD:
		s->head.size = (uint64_t)r->head.size;
		memcpy(s->head.root.b, r->head.root.p, TREE_HASH_SIZE);
		return buf_set(&s->head_note, r->head.note);
	case JOURNAL_POLICY:
		memcpy(s->policy_digest, r->policy.digest.p, SHA256_LEN);
		return buf_set(&s->policy, r->policy.policy);
	case JOURNAL_OCSP:
		memcpy(s->count_digest, r->ocsp.digest.p, SHA256_LEN);
		return NULL;
	default:
		return NULL;
	}
}

static struct err *on_replay(void *arg, const struct journal_record *record, uint64_t offset)
{
	struct signd_state *s = arg;

	switch (record->kind) {
	case JOURNAL_CERTIFICATE:
		return replay_certificate(s, record, offset);
	case JOURNAL_ORDER:
		return replay_order(s, record, offset);
	case JOURNAL_ADOPTED:
		TRY(known_add(s->known, record->adopted.issuer, &record->adopted.serial, record->seq));
		return known_event_add(s->known, record->seq, offset);
	case JOURNAL_EVENT:
		return replay_event(s, record);
	default:
		return replay_other(s, record);
	}
}

static struct err *policy_file(struct buf *out, const struct signd_conf *conf)
{
	return conf->policy[0] == '\0' ? NULL : file_read(out, conf->policy);
}

static struct err *state_fill(struct signd_state *s)
{
	OWN(buf) policy = BUF_INIT(FILE_MAX_BYTES);

	TRY(keys_read(s));
	TRY(s->is_ca ? open_ca(s) : open_ocsp(s));
	TRY(issuers_open(s));
	TRY(known_create(&s->known));
	TRY(journal_open(&s->journal, s->conf->journal, s->conf->tier, on_replay, s));
	if (!s->is_ca)
		return NULL;
	TRY(policy_file(&policy, s->conf));
	return policies_start(s, buf_slice(&policy));
}

struct err *signd_state_open(struct signd_state **out, const struct signd_conf *conf, struct metrics *metrics)
{
	OWN(signd_state) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "state of the signer");
	self->conf = conf;
	self->metrics = metrics;
	self->is_ca = signd_is_ca(conf);
	self->policy.max = FILE_MAX_BYTES;
	self->journal_spki.max = 4096;
	self->head_note.max = NOTE_MAX;
	head_init(&self->head);
	TRY(state_fill(self));
	log_info(NULL, "state_open", "tier=%s issuers=%zu serials=%zu orders=%zu next_event=%lld journal_bytes=%llu",
		 conf->tier, self->num_issuers, known_num_serials(self->known), known_num_orders(self->known),
		 (long long)journal_next_seq(self->journal), (unsigned long long)journal_size(self->journal));
	*out = TAKE(self);
	return NULL;
}

void signd_state_close(struct signd_state **self)
{
	struct signd_state *s = *self;

	if (s == NULL)
		return;
	lists_session_destroy(&s->list);
	for (size_t i = 0; i < s->num_issuers + 1 && s->issuers != NULL && i < s->conf->issuers.num; i++) {
		signer_destroy(&s->issuers[i].signer);
		signer_destroy(&s->issuers[i].list_signer);
		buf_clear(&s->issuers[i].ca_der);
		buf_clear(&s->issuers[i].responder_der);
	}
	free(s->issuers);
	signer_destroy(&s->journal_signer);
	signer_destroy(&s->log_signer);
	sign_rules_destroy(&s->rules);
	journal_close(&s->journal);
	known_destroy(&s->known);
	keys_destroy(&s->keys);
	custody_destroy(&s->custody);
	pkcs11_close(&s->token);
	buf_clear(&s->policy);
	buf_clear(&s->journal_spki);
	buf_clear(&s->head_note);
	free(s->services);
	free(s);
	*self = NULL;
}

/* ---- shared by the handlers */

struct signd_issuer *signd_issuer_find(const struct signd_state *s, struct slice name)
{
	for (size_t i = 0; i < s->num_issuers; i++)
		if (slice_equal(SLICE_STR(s->issuers[i].name), name))
			return &s->issuers[i];
	return NULL;
}

struct err *signd_clock_check(const struct signd_state *s)
{
	int64_t behind = journal_last_at(s->journal) - clock_now_s();

	ENSURE_FIELD(behind <= CLOCK_SLACK_S, RETRY, "clock_back",
		     "the clock is %lld s behind the journal; nothing is signed until it is right", (long long)behind);
	ENSURE_FIELD(!journal_broken(s->journal), SYSTEM, "journal",
		     "the journal failed; the signer must be restarted");
	return NULL;
}

void signd_take_back(struct signd_state *s)
{
	journal_drop(s->journal);
	known_rollback(s->known);
}

struct err *signd_commit(struct signd_state *s)
{
	int64_t from = clock_mono_us();
	struct err *e = journal_commit(s->journal);

	metrics_observe_us(s->metrics, SIGND_COMMIT_SECONDS, clock_mono_us() - from);
	if (e == NULL) {
		known_commit(s->known);
		return NULL;
	}
	known_rollback(s->known);
	OWN(err) cause = e;
	char text[300];
	return err_new(err_code(cause), __FILE__, __LINE__, "journal", "%s", err_text(cause, text, sizeof text));
}

void signd_refused(struct signd_state *s, const char *peer, const char *word, const char *text)
{
	int64_t second = clock_mono_ms() / 1000;

	metrics_add(s->metrics, signd_reason_metric(word), 1);
	if (second != s->log_second) {
		s->log_second = second;
		s->log_used = 0;
	}
	if (s->log_used++ < LOGGED_A_SECOND)
		log_warn(NULL, "signer_refused", "peer=%s reason=%s text=\"%s\"", peer, word, text);
}

void signd_on_refused(void *state, const struct bus_call *call, const struct err *e)
{
	struct signd_state *s = state;
	const char *field = err_field(e);
	const char *word = field != NULL && signd_reason_known(field) ? field : err_code_word(err_code(e));

	(void)call;
	metrics_add(s->metrics, signd_reason_metric(word), 1);
}

void signd_gauges(const struct signd_state *s)
{
	metrics_set(s->metrics, SIGND_NEXT_EVENT, journal_next_seq(s->journal));
	metrics_set(s->metrics, SIGND_KNOWN_SERIALS, (int64_t)known_num_serials(s->known));
	metrics_set(s->metrics, SIGND_KNOWN_ORDERS, (int64_t)known_num_orders(s->known));
	metrics_set(s->metrics, SIGND_JOURNAL_BYTES, (int64_t)journal_size(s->journal));
	metrics_set(s->metrics, SIGND_POLICY_VERSION, s->rules == NULL ? 0 : sign_rules_policy(s->rules)->version);
}

struct err *signd_recorded(const struct signd_state *s, struct journal_record *out, struct buf *scratch,
			   struct slice issuer, const struct serial *serial)
{
	int64_t seq;
	uint64_t offset;

	ENSURE(known_has(s->known, issuer, serial, &seq) && known_event_offset(s->known, seq, &offset), NOT_FOUND,
	       "no certificate with this serial number is known");
	return journal_read(s->journal, out, scratch, offset);
}

enum sign_status signd_status_of(void *arg, const char *issuer, const struct serial *serial, uint8_t out_digest[32])
{
	const struct signd_state *s = arg;
	OWN(buf) scratch = BUF_INIT(1 << 20);
	struct journal_record record;
	OWN(err) e = signd_recorded(s, &record, &scratch, SLICE_STR(issuer), serial);

	if (e != NULL || (record.kind != JOURNAL_CERTIFICATE && record.kind != JOURNAL_ADOPTED))
		return SIGN_UNKNOWN;
	memcpy(out_digest, record.kind == JOURNAL_CERTIFICATE ? record.certificate.digest.p : record.adopted.digest.p,
	       SHA256_LEN);
	const struct known_order *last = known_status(s->known, SLICE_STR(issuer), serial, INT64_MAX);
	if (!known_is_listed(last))
		return SIGN_VALID;
	return last->action == KNOWN_HOLD ? SIGN_HELD : SIGN_REVOKED;
}

struct sign_window *signd_service(struct signd_state *s, struct slice name)
{
	for (size_t i = 0; i < s->num_services; i++)
		if (slice_equal(SLICE_STR(s->services[i].name), name))
			return &s->services[i].window;
	struct signd_service *more = NULL;
	if (s->num_services < SIGND_SERVICES_MAX)
		more = reallocarray(s->services, s->num_services + 1, sizeof *more);
	if (more == NULL)
		return NULL;
	s->services = more;
	struct signd_service *added = &more[s->num_services++];
	memset(added, 0, sizeof *added);
	(void)snprintf(added->name, sizeof added->name, "%.*s", (int)name.len, (const char *)name.p);
	return &added->window;
}
