/*
 * evidence.c - see evidence.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/evidence.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "base/log.h"

struct decision_entry {
	uint8_t digest[SHA256_LEN];
	struct sign_evidence evidence;
};

struct certificate_entry {
	uint8_t digest[SHA256_LEN];
	struct cert cert;
};

struct evidence {
	struct decision_entry *decisions; /* those that verify, ascending by digest */
	size_t num_decisions;
	struct certificate_entry *certificates;
	size_t num_certificates;
};

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, SHA256_LEN);
}

static void decision_take(struct evidence *self, struct signd_state *s, const struct msg_signed_decision *in,
			  int64_t now)
{
	struct decision_entry *entry = &self->decisions[self->num_decisions];
	struct signed_decision parts = { in->decision, in->signature };
	struct err *e = sign_evidence_verify(&entry->evidence, s->rules, &parts, signd_status_of, s, now);

	if (e != NULL) {
		char text[256];

		signd_refused(s, "evidence", "decision_absent", err_text(e, text, sizeof text));
		err_destroy(&e);
		return;
	}
	memcpy(entry->digest, entry->evidence.verified.digest, SHA256_LEN);
	self->num_decisions++;
}

static void certificate_take(struct evidence *self, struct slice der)
{
	struct certificate_entry *entry = &self->certificates[self->num_certificates];
	struct err *e = cert_parse(&entry->cert, der);

	if (e != NULL) { /* items that need it are refused */
		log_err(LOG_INFO, NULL, "certificate_unreadable", &e);
		return;
	}
	memcpy(entry->digest, entry->cert.digest, SHA256_LEN);
	self->num_certificates++;
}

struct err *evidence_create(struct evidence **out, struct signd_state *s, const struct msg_signed_decision *decisions,
			    size_t num_decisions, const struct slice *certificates, size_t num_certificates,
			    int64_t now)
{
	OWN(evidence) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "evidence");
	self->decisions = calloc(num_decisions + 1, sizeof *self->decisions);
	self->certificates = calloc(num_certificates + 1, sizeof *self->certificates);
	ENSURE(self->decisions != NULL && self->certificates != NULL, NO_MEMORY, "evidence of %zu decisions",
	       num_decisions);
	for (size_t i = 0; i < num_decisions && s->rules != NULL; i++)
		decision_take(self, s, &decisions[i], now);
	for (size_t i = 0; i < num_certificates; i++)
		certificate_take(self, certificates[i]);
	qsort(self->decisions, self->num_decisions, sizeof *self->decisions, by_digest);
	qsort(self->certificates, self->num_certificates, sizeof *self->certificates, by_digest);
	*out = TAKE(self);
	return NULL;
}

void evidence_destroy(struct evidence **self)
{
	if (*self == NULL)
		return;
	free((*self)->decisions);
	free((*self)->certificates);
	free(*self);
	*self = NULL;
}

const struct sign_evidence *evidence_decision(const struct evidence *self, const uint8_t digest[SHA256_LEN])
{
	const struct decision_entry *found =
		bsearch(digest, self->decisions, self->num_decisions, sizeof *self->decisions, by_digest);

	return found == NULL ? NULL : &found->evidence;
}

size_t evidence_decisions(const struct evidence *self, const struct sign_evidence *out[AUTHORITY_MAX_DECISIONS],
			  const struct slice *digests, size_t num)
{
	for (size_t i = 0; i < num && i < AUTHORITY_MAX_DECISIONS; i++)
		out[i] = evidence_decision(self, digests[i].p);
	return num;
}

const struct cert *evidence_certificate(const struct evidence *self, const uint8_t digest[SHA256_LEN])
{
	const struct certificate_entry *found =
		bsearch(digest, self->certificates, self->num_certificates, sizeof *self->certificates, by_digest);

	return found == NULL ? NULL : &found->cert;
}
