/*
 * read.c - a CertificateList read strictly. See read.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/read.h"

#include "asn1/oid.h"
#include "asn1/pki_asn1.h"
#include "crl/set.h"

/* Reads one Extension and opens its value. */
static struct err *read_extension(struct der_reader *list, struct slice *out_oid, bool *out_critical,
				  struct der_reader *out_value)
{
	struct der_reader extension;
	struct slice value;

	TRY(der_expect_sequence(list, &extension, "Extension"));
	TRY(der_read_oid(&extension, out_oid, "extnID"));
	*out_critical = false;
	if (der_peek(&extension, DER_BOOLEAN)) {
		TRY(der_read_boolean(&extension, out_critical, "critical"));
		ENSURE(*out_critical, BAD_INPUT, "Extension: critical FALSE is encoded (X.690 §11.5)");
	}
	TRY(der_expect(&extension, &value, DER_OCTET_STRING, "extnValue"));
	TRY(der_finish(&extension, "Extension"));
	der_reader_init(out_value, value);
	return NULL;
}

/* ---------------------------------------------------------------- the list */

static struct err *read_number(struct der_reader *value, int64_t *out, const char *what)
{
	TRY(der_read_uint(value, out, what));
	return der_finish(value, what);
}

static struct err *read_key_id(struct der_reader *value, struct slice *out)
{
	struct der_reader identifier;

	TRY(der_expect_sequence(value, &identifier, "authorityKeyIdentifier"));
	TRY(der_expect(&identifier, out, DER_CONTEXT(0), "keyIdentifier"));
	TRY(der_finish(&identifier, "authorityKeyIdentifier"));
	return der_finish(value, "authorityKeyIdentifier");
}

static struct err *read_list_extension(struct crl_list *out, struct der_reader *list)
{
	struct der_reader value;
	struct slice name;
	bool is_critical;

	TRY(read_extension(list, &name, &is_critical, &value));
	if (oid_is(name, OID_CRL_NUMBER)) {
		ENSURE(!is_critical && out->number < 0, BAD_INPUT, "RFC 5280 §5.2.3: cRLNumber: critical, or twice");
		return read_number(&value, &out->number, "cRLNumber");
	}
	if (oid_is(name, OID_DELTA_CRL)) {
		ENSURE(is_critical && !out->is_delta, BAD_INPUT,
		       "RFC 5280 §5.2.4: deltaCRLIndicator: not critical, or twice");
		out->is_delta = true;
		return read_number(&value, &out->base_number, "deltaCRLIndicator");
	}
	ENSURE(oid_is(name, OID_AUTHORITY_KEY_ID) && !is_critical && out->key_id.len == 0, BAD_INPUT,
	       "an extension that our lists do not have, or one twice");
	return read_key_id(&value, &out->key_id);
}

static struct err *read_list_extensions(struct crl_list *out, struct der_reader *tbs)
{
	struct der_reader explicit_tag, list;

	TRY(der_enter(tbs, &explicit_tag, DER_CONTEXT_CONSTRUCTED(0), "crlExtensions"));
	TRY(der_expect_sequence(&explicit_tag, &list, "crlExtensions"));
	TRY(der_finish(&explicit_tag, "crlExtensions"));
	while (!der_reader_done(&list))
		TRY(read_list_extension(out, &list));
	ENSURE(out->number >= 0, BAD_INPUT, "RFC 5280 §5.2.3: cRLNumber is missing");
	ENSURE(out->key_id.len > 0, BAD_INPUT, "RFC 5280 §5.2.1: authorityKeyIdentifier is missing");
	return NULL;
}

static struct err *read_tbs(struct crl_list *out, struct slice whole)
{
	struct der_reader outer, tbs;
	struct slice algorithm;
	int64_t version;

	der_reader_init(&outer, whole);
	TRY(der_expect_sequence(&outer, &tbs, "TBSCertList"));
	TRY(der_finish(&outer, "TBSCertList"));
	TRY(der_read_uint(&tbs, &version, "version"));
	ENSURE(version == 1, BAD_INPUT, "RFC 5280 §5.1.2.1: version is not v2");
	TRY(der_expect_whole(&tbs, &algorithm, DER_SEQUENCE, "signature"));
	ENSURE(slice_equal(algorithm, out->algorithm), BAD_INPUT,
	       "RFC 5280 §5.1.1.2: inner and outer signature algorithm differ");
	TRY(der_expect_whole(&tbs, &out->issuer, DER_SEQUENCE, "issuer"));
	TRY(der_read_time(&tbs, &out->this_update_at, "thisUpdate"));
	TRY(der_read_time(&tbs, &out->next_update_at, "nextUpdate"));
	if (der_peek(&tbs, DER_SEQUENCE)) {
		TRY(der_expect_sequence(&tbs, &out->entries, "revokedCertificates"));
		ENSURE(!der_reader_done(&out->entries), BAD_INPUT,
		       "RFC 5280 §5.1.2.6: revokedCertificates is there and empty");
	}
	TRY(read_list_extensions(out, &tbs));
	return der_finish(&tbs, "TBSCertList");
}

struct err *crl_list_read(struct crl_list *out, struct slice der)
{
	struct crl_list list = { .number = -1 };
	struct der_reader outer, r;

	der_reader_init(&list.entries, SLICE_NONE);
	der_reader_init(&outer, der);
	TRY(der_expect_sequence(&outer, &r, "CertificateList"));
	TRY(der_finish(&outer, "CertificateList"));
	TRY(der_expect_whole(&r, &list.tbs, DER_SEQUENCE, "tbsCertList"));
	TRY(der_expect_whole(&r, &list.algorithm, DER_SEQUENCE, "signatureAlgorithm"));
	TRY(der_read_bits(&r, &list.signature, "signatureValue"));
	TRY(der_finish(&r, "CertificateList"));
	TRY(read_tbs(&list, list.tbs));
	*out = list;
	return NULL;
}

/* ---------------------------------------------------------------- entries */

static struct err *read_entry_extensions(struct crl_list_entry *out, struct der_reader *entry)
{
	struct der_reader list, value;
	struct slice name;
	bool is_critical;

	TRY(der_expect_sequence(entry, &list, "crlEntryExtensions"));
	ENSURE(!der_reader_done(&list), BAD_INPUT, "RFC 5280 §5.1.2.6: crlEntryExtensions is there and empty");
	while (!der_reader_done(&list)) {
		TRY(read_extension(&list, &name, &is_critical, &value));
		ENSURE(!is_critical, BAD_INPUT, "RFC 5280 §5.3: a critical extension of an entry");
		if (oid_is(name, OID_CRL_REASON)) {
			int64_t reason;

			TRY(der_read_enumerated(&value, &reason, "reasonCode"));
			ENSURE(out->reason == 0 && reason >= 1 && reason <= 10 && reason != 7, BAD_INPUT,
			       "RFC 5280 §5.3.1: reasonCode: twice, or %lld", (long long)reason);
			out->reason = (int)reason;
		} else {
			ENSURE(oid_is(name, OID_INVALIDITY_DATE) && !out->has_invalidity_at, BAD_INPUT,
			       "an extension that our entries do not have, or one twice");
			/* RFC 5280 §5.3.2: always GeneralizedTime, also before 2050. */
			TRY(der_read_generalized_time(&value, &out->invalidity_at, "invalidityDate"));
			out->has_invalidity_at = true;
		}
		TRY(der_finish(&value, "extnValue"));
	}
	return NULL;
}

struct err *crl_list_next(struct crl_list *self, struct crl_list_entry *out, bool *out_more)
{
	struct crl_list_entry read = { .reason = 0 };
	struct der_reader entry;

	*out_more = false;
	if (der_reader_done(&self->entries))
		return NULL;
	TRY(der_expect_sequence(&self->entries, &entry, "revokedCertificates"));
	TRY(der_read_serial(&entry, &read.serial, "userCertificate"));
	TRY(der_read_time(&entry, &read.revoked_at, "revocationDate"));
	if (!der_reader_done(&entry))
		TRY(read_entry_extensions(&read, &entry));
	TRY(der_finish(&entry, "revokedCertificates"));
	*out = read;
	*out_more = true;
	return NULL;
}
