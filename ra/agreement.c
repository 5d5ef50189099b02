/*
 * agreement.c - the user agreement. See agreement.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/agreement.h"

#include <stdio.h>

#include "asn1/der.h"
#include "base/text.h"
#include "ra/ledger.h"
#include "ra/queries.h"

void ra_agreement_clear(struct ra_agreement *self)
{
	buf_clear(&self->text);
}

static struct err *read_file(struct buf *out, const char *file)
{
	uint8_t bytes[4096];
	struct err *e = NULL;
	FILE *f = fopen(file, "rbe");

	if (f == NULL)
		return ERR_ERRNO("agreement.file %s", file);
	for (size_t n = fread(bytes, 1, sizeof bytes, f); n > 0 && e == NULL; n = fread(bytes, 1, sizeof bytes, f))
		e = buf_append(out, SLICE(bytes, n));
	if (e == NULL && ferror(f) != 0)
		e = ERR_ERRNO("agreement.file %s", file);
	(void)fclose(f);
	return e;
}

struct err *ra_agreement_read(struct ra_agreement *out, const char *file, const char *version)
{
	OWN(buf) text = BUF_INIT(RA_AGREEMENT_MAX);
	size_t length = 0;
	struct err *e = read_file(&text, file);

	if (e == NULL)
		e = text_utf8_length(&length, buf_slice(&text));
	if (e != NULL)
		return ERR_RECODE(e, CONFIG, "agreement.file %s", file);
	ENSURE(length > 0, CONFIG, "agreement.file %s: empty", file);
	out->text = (struct buf)BUF_INIT(RA_AGREEMENT_MAX);
	buf_move(&out->text, &text);
	der_sha256(out->digest, buf_slice(&out->text));
	out->version = version;
	return NULL;
}

struct err *ra_agreement_store(const struct ra_agreement *a, struct db *db)
{
	static const struct ra_who self = { .actor = RA_TIMER, .person = "" };
	OWN(ra_log) log = RA_LOG_INIT;
	struct log_entry entry;

	ra_log_begin(&entry, LOG_KIND_AGREEMENT_ADDED, &self, NULL);
	entry.role = "rad";
	log_entry_what(&entry, "version", a->version);
	log_entry_object(&entry, "agreement", SLICE(a->digest, 32));
	TRY(ra_log_add(&log, &entry));
	return ra_add_agreement(db, a->digest, a->version, buf_slice(&a->text), &log);
}
