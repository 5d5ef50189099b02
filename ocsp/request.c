/*
 * request.c - DER to struct ocsp_query. See request.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ocsp/request.h"

#include "asn1/der.h"
#include "asn1/oid.h"
#include "base/text.h"
#include "http/parse.h"

static const struct {
	const char *name;
	size_t len;
	const char *der; /* content octets of its object identifier */
	size_t der_len;
} digests[OCSP_DIGESTS] = {
	[OCSP_SHA1] = { "SHA1", 20, "\x2b\x0e\x03\x02\x1a", 5 },
	[OCSP_SHA256] = { "SHA2-256", 32, "\x60\x86\x48\x01\x65\x03\x04\x02\x01", 9 },
	[OCSP_SHA384] = { "SHA2-384", 48, "\x60\x86\x48\x01\x65\x03\x04\x02\x02", 9 },
	[OCSP_SHA512] = { "SHA2-512", 64, "\x60\x86\x48\x01\x65\x03\x04\x02\x03", 9 },
};

size_t ocsp_digest_len(enum ocsp_digest digest)
{
	return digests[digest].len;
}

const char *ocsp_digest_name(enum ocsp_digest digest)
{
	return digests[digest].name;
}

const char *ocsp_malformed_word(enum ocsp_malformed cause)
{
	static const char *const words[OCSP_MALFORMED_CAUSES] = { "none",    "size",	  "encoding",
								  "der",     "structure", "count",
								  "cert_id", "nonce",	  "extension" };

	return cause < OCSP_MALFORMED_CAUSES ? words[cause] : "none";
}

/* AlgorithmIdentifier of a digest: parameters NULL or absent, both are in use and both are kept. */
static struct err *parse_digest(struct ocsp_single *out, struct der_reader *r)
{
	struct der_reader alg;
	struct slice algorithm, none;

	TRY(der_expect_sequence(r, &alg, "hashAlgorithm"));
	TRY(der_read_oid(&alg, &algorithm, "hashAlgorithm"));
	out->has_null = der_peek(&alg, DER_NULL);
	if (out->has_null)
		TRY(der_expect(&alg, &none, DER_NULL, "hashAlgorithm parameters"));
	TRY(der_finish(&alg, "hashAlgorithm"));
	for (out->digest = 0; out->digest < OCSP_DIGESTS; out->digest++)
		if (slice_equal(algorithm, SLICE(digests[out->digest].der, digests[out->digest].der_len)))
			break;
	return NULL;
}

/* RFC 6960 §4.1.1: CertID ::= SEQUENCE { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber } */
static struct err *parse_cert_id(struct ocsp_single *out, struct der_reader *r)
{
	struct der_reader whole, id;
	struct serial serial;

	TRY(der_expect_whole(r, &out->cert_id, DER_SEQUENCE, "reqCert"));
	ENSURE(out->cert_id.len <= OCSP_CERT_ID_MAX_BYTES, BAD_INPUT, "RFC 6960 §4.1.1: reqCert: over %d octets",
	       OCSP_CERT_ID_MAX_BYTES);
	der_reader_init(&whole, out->cert_id);
	TRY(der_expect_sequence(&whole, &id, "reqCert"));
	TRY(parse_digest(out, &id));
	TRY(der_read_octets(&id, &out->name_hash, 1, OCSP_DIGEST_MAX_LEN, "issuerNameHash"));
	TRY(der_read_octets(&id, &out->key_hash, 1, OCSP_DIGEST_MAX_LEN, "issuerKeyHash"));
	TRY(der_expect(&id, &out->serial, DER_INTEGER, "serialNumber"));
	TRY(der_finish(&id, "reqCert"));
	struct err *e = serial_from_octets(&serial, out->serial);
	if (e != NULL)
		return ERR_WRAP(e, "RFC 5280 §4.1.2.2: serialNumber: no certificate can have it");
	if (out->digest == OCSP_DIGEST_FOREIGN)
		return NULL;
	size_t len = digests[out->digest].len;
	ENSURE(out->name_hash.len == len && out->key_hash.len == len, BAD_INPUT,
	       "RFC 6960 §4.1.1: reqCert: the hashes are not as long as their algorithm says");
	return NULL;
}

static struct err *parse_nonce(struct ocsp_query *out, struct slice value)
{
	struct der_reader r;

	der_reader_init(&r, value);
	TRY(der_read_octets(&r, &out->nonce, 1, OCSP_NONCE_MAX, "RFC 9654 §2.1: nonce"));
	return der_finish(&r, "nonce");
}

/* Extensions of the message (out != NULL: the nonce is looked for) or of a single request. Each may stand once;
 * unknown ones are passed over unless they are critical. RFC 6960 §4.4 */
static struct err *parse_extensions(struct ocsp_query *out, enum ocsp_malformed *cause, struct der_reader *r)
{
	enum { MAX_EXTENSIONS = 16 };
	struct der_reader list, item;
	struct slice seen[MAX_EXTENSIONS], value;
	size_t num = 0;

	TRY(der_expect_sequence(r, &list, "extensions"));
	ENSURE(!der_reader_done(&list), BAD_INPUT, "RFC 5280 §4.1: extensions: an empty list");
	while (!der_reader_done(&list)) {
		bool is_critical = false;
		ENSURE(num < MAX_EXTENSIONS, BAD_INPUT, "extensions: more than %d", MAX_EXTENSIONS);
		TRY(der_expect_sequence(&list, &item, "extension"));
		TRY(der_read_oid(&item, &seen[num], "extnID"));
		if (der_peek(&item, DER_BOOLEAN)) {
			TRY(der_read_boolean(&item, &is_critical, "critical"));
			ENSURE(is_critical, BAD_INPUT, "X.690 §11.5: critical: the default FALSE is encoded");
		}
		TRY(der_expect(&item, &value, DER_OCTET_STRING, "extnValue"));
		TRY(der_finish(&item, "extension"));
		for (size_t i = 0; i < num; i++)
			ENSURE(!slice_equal(seen[i], seen[num]), BAD_INPUT, "RFC 5280 §4.2: an extension stands twice");
		if (out != NULL && oid_is(seen[num], OID_OCSP_NONCE)) {
			*cause = OCSP_MALFORMED_NONCE;
			TRY(parse_nonce(out, value));
			*cause = OCSP_MALFORMED_EXTENSION;
		} else
			ENSURE(!is_critical, BAD_INPUT, "RFC 6960 §4.4: an unknown extension is critical");
		num++;
	}
	return NULL;
}

static struct err *parse_tagged_extensions(struct ocsp_query *out, enum ocsp_malformed *cause, struct der_reader *r,
					   uint8_t tag)
{
	struct der_reader inner;

	if (!der_peek(r, tag))
		return NULL;
	*cause = OCSP_MALFORMED_EXTENSION;
	TRY(der_enter(r, &inner, tag, "extensions"));
	TRY(parse_extensions(out, cause, &inner));
	TRY(der_finish(&inner, "extensions"));
	*cause = OCSP_MALFORMED_STRUCTURE;
	return NULL;
}

static struct err *parse_list(struct ocsp_query *out, enum ocsp_malformed *cause, struct der_reader *tbs)
{
	struct der_reader list, item;

	TRY(der_expect_sequence(tbs, &list, "requestList"));
	while (!der_reader_done(&list)) {
		if (out->num_singles == OCSP_MAX_SINGLES) {
			*cause = OCSP_MALFORMED_COUNT;
			return ERR(BAD_INPUT, "requestList: more than %d requests", OCSP_MAX_SINGLES);
		}
		TRY(der_expect_sequence(&list, &item, "Request"));
		*cause = OCSP_MALFORMED_CERT_ID;
		TRY(parse_cert_id(&out->singles[out->num_singles], &item));
		*cause = OCSP_MALFORMED_STRUCTURE;
		TRY(parse_tagged_extensions(NULL, cause, &item, DER_CONTEXT_CONSTRUCTED(0)));
		TRY(der_finish(&item, "Request"));
		out->num_singles++;
	}
	if (out->num_singles == 0) {
		*cause = OCSP_MALFORMED_COUNT;
		return ERR(BAD_INPUT, "requestList: empty");
	}
	return NULL;
}

/* RFC 6960 §4.1.1: OCSPRequest ::= SEQUENCE { tbsRequest, optionalSignature [0] EXPLICIT OPTIONAL }
 * TBSRequest ::= SEQUENCE { version [0] EXPLICIT DEFAULT v1, requestorName [1] EXPLICIT OPTIONAL, requestList,
 * requestExtensions [2] EXPLICIT OPTIONAL }. A signature is not asked for and not looked at (RFC 5019 §2.2.1). */
static struct err *parse_message(struct ocsp_query *out, enum ocsp_malformed *cause, struct slice der)
{
	struct der_reader r, message, tbs;
	struct slice unused;

	der_reader_init(&r, der);
	TRY(der_expect_sequence(&r, &message, "OCSPRequest"));
	TRY(der_expect_sequence(&message, &tbs, "tbsRequest"));
	ENSURE(!der_peek(&tbs, DER_CONTEXT_CONSTRUCTED(0)), BAD_INPUT,
	       "RFC 6960 §4.1.1: version: only v1 is known, and DER leaves it out");
	if (der_peek(&tbs, DER_CONTEXT_CONSTRUCTED(1)))
		TRY(der_expect(&tbs, &unused, DER_CONTEXT_CONSTRUCTED(1), "requestorName"));
	TRY(parse_list(out, cause, &tbs));
	TRY(parse_tagged_extensions(out, cause, &tbs, DER_CONTEXT_CONSTRUCTED(2)));
	TRY(der_finish(&tbs, "tbsRequest"));
	if (der_peek(&message, DER_CONTEXT_CONSTRUCTED(0)))
		TRY(der_expect(&message, &unused, DER_CONTEXT_CONSTRUCTED(0), "optionalSignature"));
	return der_finish(&message, "OCSPRequest");
}

struct err *ocsp_request_parse(struct ocsp_query *out, enum ocsp_malformed *out_cause, struct slice der)
{
	out->num_singles = 0;
	out->nonce = SLICE_NONE;
	*out_cause = OCSP_MALFORMED_SIZE;
	ENSURE(der.len <= OCSP_REQUEST_MAX_BYTES, TOO_LARGE, "OCSPRequest: over %d octets", OCSP_REQUEST_MAX_BYTES);
	*out_cause = OCSP_MALFORMED_DER;
	TRY(der_strict(der, OCSP_REQUEST_MAX_BYTES));
	*out_cause = OCSP_MALFORMED_STRUCTURE;
	TRY(parse_message(out, out_cause, der));
	*out_cause = OCSP_MALFORMED_NONE;
	return NULL;
}

struct err *ocsp_request_from_path(struct buf *out, struct buf *scratch, enum ocsp_malformed *out_cause,
				   struct slice path)
{
	uint8_t *text = NULL;
	size_t len = 0;

	buf_reset(out);
	buf_reset(scratch);
	*out_cause = OCSP_MALFORMED_SIZE;
	ENSURE(path.len <= 3 * 4 * OCSP_REQUEST_MAX_BYTES / 3 + 1, TOO_LARGE, "path: too long for a request");
	*out_cause = OCSP_MALFORMED_ENCODING;
	ENSURE(path.len > 1, BAD_INPUT, "path: holds no request");
	TRY(buf_extend(scratch, &text, path.len));
	ENSURE(http_percent_decode(text, &len, SLICE(path.p + 1, path.len - 1)), BAD_INPUT,
	       "path: wrong percent-encoding");
	TRY(text_unbase64(out, SLICE(text, len)));
	*out_cause = OCSP_MALFORMED_NONE;
	return NULL;
}
