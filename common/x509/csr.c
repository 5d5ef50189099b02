/*
 * csr.c - intake of a PKCS#10 request in NUC's form. See csr.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/csr.h"

#include <string.h>
#include <strings.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "asn1/pki_asn1.h"
#include "x509/suite.h"

#define STORAGE_ARC "1.2.398.3.3.5."

/* ---------------------------------------------------------------- key storages */

static const enum oid_name storages[] = {
	OID_NUC_STORAGE_PKCS12,	   OID_NUC_STORAGE_JKS,	       OID_NUC_STORAGE_ID_CARD, OID_NUC_STORAGE_KAZTOKEN,
	OID_NUC_STORAGE_ETOKEN72K, OID_NUC_STORAGE_ETOKEN5110, OID_NUC_STORAGE_JACARTA, OID_NUC_STORAGE_AKEY,
	OID_NUC_STORAGE_SIM,	   OID_NUC_STORAGE_CLOUD,
};

const char *csr_storage_oid(const char *name_or_oid)
{
	for (size_t i = 0; i < sizeof storages / sizeof storages[0]; i++)
		if (strcasecmp(oid_word(storages[i]), name_or_oid) == 0 ||
		    strcmp(oid_dotted(storages[i]), name_or_oid) == 0)
			return oid_dotted(storages[i]);
	return NULL;
}

const char *csr_storage_name(const char *dotted)
{
	for (size_t i = 0; i < sizeof storages / sizeof storages[0]; i++)
		if (strcmp(oid_dotted(storages[i]), dotted) == 0)
			return oid_word(storages[i]);
	return NULL;
}

/* ---------------------------------------------------------------- extensions of the request */

static struct err *take_text(char *out, size_t size, struct slice text)
{
	ENSURE(text.len < size, BAD_INPUT, "a name is longer than %zu octets", size - 1);
	memcpy(out, text.p, text.len);
	out[text.len] = '\0';
	return NULL;
}

static struct err *take_email(struct csr *out, struct slice text)
{
	ENSURE(out->num_emails < CSR_MAX_EMAILS, BAD_INPUT, "subjectAltName: more than %d e-mail names",
	       CSR_MAX_EMAILS);
	TRY(person_check_email("subjectAltName: rfc822Name", text));
	TRY(take_text(out->emails[out->num_emails], sizeof out->emails[0], text));
	out->num_emails++;
	return NULL;
}

static struct err *take_dns(struct csr *out, struct slice text)
{
	ENSURE(out->num_dns_names < CSR_MAX_DNS_NAMES, BAD_INPUT, "subjectAltName: more than %d domain names",
	       CSR_MAX_DNS_NAMES);
	TRY(person_check_dns("subjectAltName: dNSName", text));
	TRY(take_text(out->dns_names[out->num_dns_names], sizeof out->dns_names[0], text));
	out->num_dns_names++;
	return NULL;
}

static struct err *read_alt_names(struct csr *out, struct slice value)
{
	static const char *const kinds[] = { "otherName",
					     "rfc822Name",
					     "dNSName",
					     "x400Address",
					     "directoryName",
					     "ediPartyName",
					     "uniformResourceIdentifier",
					     "iPAddress",
					     "registeredID" };
	struct der_reader whole, names;

	der_reader_init(&whole, value);
	TRY(der_expect_sequence(&whole, &names, "subjectAltName"));
	TRY(der_finish(&whole, "subjectAltName"));
	ENSURE(!der_reader_done(&names), BAD_INPUT, "subjectAltName is empty (RFC 5280 §4.2.1.6)");
	while (!der_reader_done(&names)) {
		struct der_tlv name;

		TRY(der_next(&names, &name, "subjectAltName"));
		unsigned kind = name.tag & 0x1Fu;
		if (name.tag == DER_CONTEXT(1))
			TRY(take_email(out, name.content));
		else if (name.tag == DER_CONTEXT(2))
			TRY(take_dns(out, name.content));
		else
			return ERR(BAD_INPUT, "subjectAltName: a name of the kind %s is not issued",
				   kind < sizeof kinds / sizeof kinds[0] ? kinds[kind] : "(unknown)");
	}
	return NULL;
}

/* KeyStoreInfo ::= SEQUENCE { storage OBJECT IDENTIFIER, path ANY OPTIONAL }: the path is read over and dropped. */
static struct err *read_key_storage(struct csr *out, struct slice value)
{
	struct der_reader whole, info;
	struct slice storage;
	char dotted[OID_TEXT_SIZE];

	der_reader_init(&whole, value);
	TRY(der_expect_sequence(&whole, &info, "key store extension"));
	TRY(der_finish(&whole, "key store extension"));
	TRY(der_read_oid(&info, &storage, "key store extension: storage"));
	if (!der_reader_done(&info)) {
		struct der_tlv path;

		TRY(der_next(&info, &path, "key store extension: path"));
	}
	TRY(der_finish(&info, "key store extension"));
	TRY(oid_text(dotted, storage));
	ENSURE(strncmp(dotted, STORAGE_ARC, strlen(STORAGE_ARC)) == 0 && strlen(dotted) < sizeof out->key_storage,
	       BAD_INPUT, "key store extension: %.64s is no key storage (%s...)", dotted, STORAGE_ARC);
	memcpy(out->key_storage, dotted, strlen(dotted) + 1);
	return NULL;
}

static struct err *read_extension(struct csr *out, struct der_reader *list, struct slice *out_id)
{
	struct der_reader extension;
	struct slice value;
	bool critical = false;

	TRY(der_expect_sequence(list, &extension, "Extension"));
	TRY(der_read_oid(&extension, out_id, "extnID"));
	if (der_peek(&extension, DER_BOOLEAN)) {
		TRY(der_read_boolean(&extension, &critical, "critical"));
		ENSURE(critical, BAD_INPUT, "Extension: critical FALSE is written out (X.690 §11.5)");
	}
	TRY(der_read_octets(&extension, &value, 0, CSR_MAX_BYTES, "extnValue"));
	TRY(der_finish(&extension, "Extension"));
	if (oid_is(*out_id, OID_SUBJECT_ALT_NAME))
		return read_alt_names(out, value);
	if (oid_is(*out_id, OID_NUC_KEY_STORAGE))
		return read_key_storage(out, value);
	return NULL; /* profile and application decide; what else is asked for is dropped */
}

static struct err *read_extensions(struct csr *out, struct der_reader *values)
{
	enum { MAX_EXTENSIONS = 16 };
	struct der_reader list;
	struct slice ids[MAX_EXTENSIONS];
	size_t num = 0;

	TRY(der_expect_sequence(values, &list, "extensionRequest"));
	ENSURE(der_reader_done(values), BAD_INPUT, "extensionRequest has more than one value");
	while (!der_reader_done(&list)) {
		ENSURE(num < MAX_EXTENSIONS, BAD_INPUT, "extensionRequest has more than %d extensions", MAX_EXTENSIONS);
		TRY(read_extension(out, &list, &ids[num]));
		for (size_t i = 0; i < num; i++)
			ENSURE(!slice_equal(ids[i], ids[num]), BAD_INPUT,
			       "extensionRequest: an extension stands there twice");
		num++;
	}
	ENSURE(out->key_storage[0] != '\0', BAD_INPUT, "extensionRequest lacks the key store extension 1.2.398.3.3.5");
	return NULL;
}

static struct err *read_attributes(struct csr *out, struct der_reader *info)
{
	struct der_reader attributes;
	size_t found = 0;

	TRY(der_enter(info, &attributes, DER_CONTEXT_CONSTRUCTED(0), "attributes"));
	while (!der_reader_done(&attributes)) {
		struct der_reader attribute, values;
		struct slice id;

		TRY(der_expect_sequence(&attributes, &attribute, "Attribute"));
		TRY(der_read_oid(&attribute, &id, "attribute type"));
		TRY(der_enter(&attribute, &values, DER_SET, "attribute values"));
		TRY(der_finish(&attribute, "Attribute"));
		if (!oid_is(id, OID_EXTENSION_REQUEST))
			continue;
		ENSURE(found++ == 0, BAD_INPUT, "extensionRequest stands there twice");
		ENSURE(!der_reader_done(&values), BAD_INPUT, "extensionRequest has no value");
		TRY(read_extensions(out, &values));
	}
	ENSURE(found == 1, BAD_INPUT, "the attribute extensionRequest is missing (RFC 2985 §5.4.2)");
	return NULL;
}

/* ---------------------------------------------------------------- the whole */

static struct err *read_info(struct csr *out, struct slice info)
{
	struct der_reader whole, r;
	struct slice subject, public_key;
	int64_t version = -1;

	der_reader_init(&whole, info);
	TRY(der_expect_sequence(&whole, &r, "CertificationRequestInfo"));
	TRY(der_read_uint(&r, &version, "version"));
	ENSURE(version == 0, BAD_INPUT, "the version is not v1 (RFC 2986 §4.1)");
	TRY(der_expect_whole(&r, &subject, DER_SEQUENCE, "subject"));
	TRY(der_expect_whole(&r, &public_key, DER_SEQUENCE, "subjectPKInfo"));
	ENSURE(public_key.len <= sizeof out->public_key_bytes, BAD_INPUT, "the public key is longer than %zu octets",
	       sizeof out->public_key_bytes);
	memcpy(out->public_key_bytes, public_key.p, public_key.len);
	out->public_key = SLICE(out->public_key_bytes, public_key.len);
	TRY(read_attributes(out, &r));
	return der_finish(&r, "CertificationRequestInfo");
}

static struct err *read_request(struct csr *out, struct slice der)
{
	struct slice info, algorithm, signature;

	TRY(der_strict(der, CSR_MAX_BYTES));
	TRY(pki_signed_split(&info, &algorithm, &signature, der));
	TRY(read_info(out, info));
	TRY(suite_check_strength(out->public_key));
	struct err *e = suite_verify_spki(out->public_key, algorithm, info, signature);
	if (e != NULL)
		return ERR_WRAP(e, "the request does not prove possession of its key");
	return suite_key_hash(out->key_hash, out->public_key);
}

struct err *csr_read(struct csr *out, struct slice der)
{
	char text[400];

	memset(out, 0, sizeof *out);
	struct err *e = read_request(out, der);
	if (e == NULL)
		return NULL;
	memset(out, 0, sizeof *out);
	/* whatever part of it is wrong, the applicant's field is the request */
	struct err *named = err_code(e) == ERR_TOO_LARGE
				    ? ERR_FIELD(TOO_LARGE, "csr", "the request: %s", err_text(e, text, sizeof text))
			    : err_category(err_code(e)) == ERR_REFUSE
				    ? ERR_FIELD(BAD_INPUT, "csr", "the request: %s", err_text(e, text, sizeof text))
				    : NULL;
	if (named == NULL)
		return e;
	err_destroy(&e);
	return named;
}

/* ---------------------------------------------------------------- making one */

static struct err *append_extension(struct buf *out, enum oid_name id, struct slice value)
{
	size_t extension;

	TRY(der_open(out, &extension, DER_SEQUENCE));
	TRY(der_oid(out, oid(id)));
	TRY(der_octets(out, value));
	return der_close(out, extension);
}

static struct err *append_storage(struct buf *out, const char *storage_oid)
{
	OWN(buf) content = BUF_INIT(OID_MAX_LEN);
	OWN(buf) value = BUF_INIT(256);
	size_t info;

	TRY(oid_parse(&content, storage_oid));
	TRY(der_open(&value, &info, DER_SEQUENCE));
	TRY(der_oid(&value, buf_slice(&content)));
	TRY(der_close(&value, info));
	return append_extension(out, OID_NUC_KEY_STORAGE, buf_slice(&value));
}

struct err *csr_extensions(struct buf *out, const char *storage_oid, const char *const *emails, size_t num_emails,
			   const char *const *dns_names, size_t num_dns_names)
{
	OWN(buf) value = BUF_INIT(CSR_MAX_BYTES);
	size_t list, names;

	TRY(der_open(out, &list, DER_SEQUENCE));
	if (num_emails + num_dns_names > 0) {
		TRY(der_open(&value, &names, DER_SEQUENCE));
		for (size_t i = 0; i < num_emails; i++)
			TRY(der_tlv(&value, DER_CONTEXT(1), SLICE_STR(emails[i])));
		for (size_t i = 0; i < num_dns_names; i++)
			TRY(der_tlv(&value, DER_CONTEXT(2), SLICE_STR(dns_names[i])));
		TRY(der_close(&value, names));
		TRY(append_extension(out, OID_SUBJECT_ALT_NAME, buf_slice(&value)));
	}
	TRY(append_storage(out, storage_oid));
	return der_close(out, list);
}

struct err *csr_info(struct buf *out, struct slice subject, struct slice public_key, struct slice extensions)
{
	size_t info, attributes, attribute, values;

	TRY(der_open(out, &info, DER_SEQUENCE));
	TRY(der_int64(out, 0));
	TRY(subject.len > 0 ? buf_append(out, subject) : der_tlv(out, DER_SEQUENCE, SLICE_NONE));
	TRY(buf_append(out, public_key));
	TRY(der_open(out, &attributes, DER_CONTEXT_CONSTRUCTED(0)));
	TRY(der_open(out, &attribute, DER_SEQUENCE));
	TRY(der_oid(out, oid(OID_EXTENSION_REQUEST)));
	TRY(der_open(out, &values, DER_SET));
	TRY(buf_append(out, extensions));
	TRY(der_close(out, values));
	TRY(der_close(out, attribute));
	TRY(der_close(out, attributes));
	return der_close(out, info);
}

struct err *csr_assemble(struct buf *out, struct slice info, struct slice signature_algorithm, struct slice signature)
{
	return pki_signed_join(out, info, signature_algorithm, signature);
}
