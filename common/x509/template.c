/*
 * template.c - compiled templates of certificates and their rendering. See template.h.
 *
 * The extensions of a compiled template are one run of ready bytes with three gaps: the subject's key id, its
 * alternative names and its key storage, in the profile's order. Rendering measures, writes the headers and copies.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/template.h"

#include <stdlib.h>
#include <string.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "asn1/pki_asn1.h"
#include "x509/cert.h"
#include "x509/person.h"
#include "x509/template_extensions.h"

enum { FIXED_MAX = 8192, SCRATCH_MAX = 8192, KEY_ID_LEN = 20 };

enum part_kind { PART_FIXED, PART_KEY_ID, PART_ALT_NAMES, PART_STORAGE };

/* A run of the extensions: ready bytes, or a gap. */
struct part {
	enum part_kind kind;
	size_t offset, len; /* of ready bytes in `fixed` */
};

struct cert_template {
	const struct profile *profile;
	const struct suite *suite;
	struct buf head; /* signature AlgorithmIdentifier and issuer Name */
	struct buf fixed; /* ready bytes of all extensions */
	struct part parts[PROFILE_MAX_EXTENSIONS];
	size_t num_parts;
	struct buf certificate; /* the issuer's; empty for the template of a root */
	struct cert authority; /* borrows `certificate` */
};

static const uint8_t version_3[] = { 0xA0, 0x03, 0x02, 0x01, 0x02 };
static const uint8_t key_id_prefix[] = { 0x30, 0x1D, 0x06, 0x03, 0x55, 0x1D, 0x0E, 0x04, 0x16, 0x04, 0x14 };

/* ---------------------------------------------------------------- compile */

static struct err *add_gap(struct cert_template *t, enum part_kind kind)
{
	t->parts[t->num_parts].kind = kind;
	t->num_parts++;
	return NULL;
}

static struct err *add_extension(struct cert_template *t, enum profile_extension extension,
				 const struct extension_source *source)
{
	struct part *part = &t->parts[t->num_parts];
	size_t before = t->fixed.len;

	switch (extension) {
	case EXT_SUBJECT_KEY_ID:
		return add_gap(t, PART_KEY_ID);
	case EXT_SUBJECT_ALT_NAME:
		return add_gap(t, PART_ALT_NAMES);
	case EXT_KEY_STORAGE:
		return add_gap(t, PART_STORAGE);
	default:
		TRY(template_extension(&t->fixed, extension, source));
		*part = (struct part){ PART_FIXED, before, t->fixed.len - before };
		t->num_parts++;
		return NULL;
	}
}

/* check_issuer_certificate() holds the CA's certificate to what RFC 5280 §6.1.4 asks of an issuer. */
static struct err *check_issuer_certificate(const struct cert *c)
{
	ENSURE(c->is_ca && (c->key_usage & KEY_USAGE_KEY_CERT_SIGN) != 0, BAD_INPUT,
	       "the issuer's certificate is not that of a CA");
	ENSURE(c->key_id.len > 0, BAD_INPUT,
	       "the issuer's certificate has no subjectKeyIdentifier (RFC 5280 §4.2.1.2)");
	return NULL;
}

/* The template outlives the caller's bytes, so it reads its own copy; a root's view is used up while it is rendered. */
static struct err *keep_authority(struct cert_template *t, const struct cert *authority)
{
	t->authority = *authority;
	if (authority->der.len == 0)
		return NULL;
	TRY(buf_append(&t->certificate, authority->der));
	return cert_parse(&t->authority, buf_slice(&t->certificate));
}

/* compile() fills a new template; the issuer is given as a certificate that was read. */
static struct err *compile(struct cert_template **out, const struct profiles *all, const char *profile,
			   const char *issuer, const struct cert *authority)
{
	struct extension_source source = { .authority = authority };
	OWN(cert_template) t = calloc(1, sizeof *t);

	ENSURE(t != NULL, NO_MEMORY, "certificate template");
	t->head = (struct buf)BUF_INIT(FIXED_MAX);
	t->fixed = (struct buf)BUF_INIT(FIXED_MAX);
	t->certificate = (struct buf)BUF_INIT(CERT_MAX_BYTES);
	TRY(profiles_find_profile(&t->profile, all, profile));
	TRY(profiles_find_issuer(&source.issuer, all, issuer));
	source.profile = t->profile;
	TRY(keep_authority(t, authority));
	TRY(check_issuer_certificate(authority));
	TRY(suite_of_spki(&t->suite, authority->public_key));
	ENSURE(!t->profile->is_ca || authority->path_length != 0, DENIED,
	       "the issuer may not issue for CAs (pathlen 0, RFC 5280 §4.2.1.9)");
	TRY(buf_append(&t->head, t->suite->signature_algorithm));
	TRY(buf_append(&t->head, authority->subject));
	for (size_t i = 0; i < t->profile->num_extensions; i++)
		TRY(add_extension(t, t->profile->extensions[i], &source));
	*out = TAKE(t);
	return NULL;
}

static struct err *find_of_sort(const struct profiles *all, const char *name, bool want_ca)
{
	const struct profile *p = NULL;

	TRY(profiles_find_profile(&p, all, name));
	ENSURE_FIELD(want_ca || !p->is_ca, DENIED, "profile", "profile %s makes a CA: only the key ceremony may use it",
		     name);
	ENSURE_FIELD(!want_ca || p->is_ca, DENIED, "profile", "profile %s does not make a CA", name);
	return NULL;
}

struct err *cert_template_compile(struct cert_template **out, const struct profiles *all, const char *profile,
				  const char *issuer, struct slice issuer_certificate)
{
	struct cert authority;

	TRY(find_of_sort(all, profile, false));
	TRY(cert_parse(&authority, issuer_certificate));
	return compile(out, all, profile, issuer, &authority);
}

struct err *cert_template_compile_ca(struct cert_template **out, const struct profiles *all, const char *profile,
				     const char *issuer, struct slice root_certificate)
{
	struct cert authority;

	TRY(find_of_sort(all, profile, true));
	TRY(cert_parse(&authority, root_certificate));
	return compile(out, all, profile, issuer, &authority);
}

void cert_template_destroy(struct cert_template **self)
{
	if (self == NULL || *self == NULL)
		return;
	buf_clear(&(*self)->head);
	buf_clear(&(*self)->fixed);
	buf_clear(&(*self)->certificate);
	free(*self);
	*self = NULL;
}

const struct profile *cert_template_profile(const struct cert_template *t)
{
	return t->profile;
}

const struct suite *cert_template_suite(const struct cert_template *t)
{
	return t->suite;
}

struct slice cert_template_issuer_name(const struct cert_template *t)
{
	return t->authority.subject;
}

struct slice cert_template_issuer_key(const struct cert_template *t)
{
	return t->authority.public_key;
}

const struct cert *cert_template_authority(const struct cert_template *t)
{
	return &t->authority;
}

/* ---------------------------------------------------------------- checks of what the Authorisation brings */

static struct err *check_key(const struct profile *p, struct slice public_key)
{
	const struct suite *row = NULL;
	struct err *e = suite_of_spki(&row, public_key);

	if (e != NULL) {
		struct err *named = ERR_FIELD(BAD_INPUT, "public_key", "%s", err_sentence(e));

		err_destroy(&e);
		return named;
	}
	ENSURE_FIELD(profile_allows_key(p, row), BAD_INPUT, "public_key", "profile %s does not allow keys of %s",
		     p->name, row->name);
	return NULL;
}

static struct err *check_doubles(const char *field, const struct slice *names, size_t num)
{
	for (size_t i = 0; i < num; i++)
		for (size_t k = 0; k < i; k++)
			ENSURE_FIELD(!slice_equal(names[i], names[k]), BAD_INPUT, field, "a name stands there twice");
	return NULL;
}

/* A name of our own machines may be one label ("localhost"); others need two. */
static struct err *check_dns(const struct profile *p, struct slice name)
{
	if (p->allows_internal_names && name.len > 0 && name.len <= 63 && memchr(name.p, '.', name.len) == NULL) {
		for (size_t i = 0; i < name.len; i++)
			ENSURE_FIELD((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9') ||
					     (name.p[i] == '-' && i > 0 && i + 1 < name.len),
				     BAD_INPUT, "dns_names", "a name holds small Latin letters, digits and hyphens");
		return NULL;
	}
	return person_check_dns("dns_names", name);
}

static struct err *check_names(const struct profile *p, const struct cert_data *data)
{
	ENSURE_FIELD(data->num_emails == 0 || p->allows_email, BAD_INPUT, "emails", "profile %s has no e-mail names",
		     p->name);
	ENSURE_FIELD(data->num_dns_names == 0 || p->allows_dns, BAD_INPUT, "dns_names",
		     "profile %s has no domain names", p->name);
	for (size_t i = 0; i < data->num_emails; i++)
		TRY(person_check_email("emails", data->emails[i]));
	for (size_t i = 0; i < data->num_dns_names; i++)
		TRY(check_dns(p, data->dns_names[i]));
	TRY(check_doubles("emails", data->emails, data->num_emails));
	return check_doubles("dns_names", data->dns_names, data->num_dns_names);
}

static const char *storage_of(const struct cert_data *data)
{
	return data->key_storage == NULL ? "" : data->key_storage;
}

struct err *cert_not_after(int64_t *out_at, const struct cert_template *t, const struct cert_data *data,
			   int64_t not_before_at)
{
	int64_t validity_s = 0;

	TRY(profile_validity(&validity_s, t->profile, storage_of(data)));
	ENSURE_FIELD(data->max_validity_s > 0, BAD_INPUT, "max_validity", "the longest validity must be above 0");
	if (validity_s > data->max_validity_s)
		validity_s = data->max_validity_s;
	ENSURE_FIELD(not_before_at >= 0 && not_before_at <= INT64_MAX - validity_s, BAD_INPUT, "not_before",
		     "notBefore is out of range");
	int64_t not_after_at = not_before_at + validity_s - 1;
	ENSURE(not_before_at >= t->authority.not_before_at && not_after_at <= t->authority.not_after_at, CONFLICT,
	       "the certificate would begin before or end after that of its issuer");
	*out_at = not_after_at;
	return NULL;
}

/* ---------------------------------------------------------------- render */

static struct err *append_alt_names(struct buf *out, const struct cert_data *data)
{
	size_t extension, octets, names;

	if (data->num_emails + data->num_dns_names == 0)
		return NULL;
	TRY(der_open(out, &extension, DER_SEQUENCE));
	TRY(der_oid(out, oid(OID_SUBJECT_ALT_NAME)));
	TRY(der_open(out, &octets, DER_OCTET_STRING));
	TRY(der_open(out, &names, DER_SEQUENCE));
	for (size_t i = 0; i < data->num_emails; i++)
		TRY(der_tlv(out, DER_CONTEXT(1), data->emails[i]));
	for (size_t i = 0; i < data->num_dns_names; i++)
		TRY(der_tlv(out, DER_CONTEXT(2), data->dns_names[i]));
	TRY(der_close(out, names));
	TRY(der_close(out, octets));
	return der_close(out, extension);
}

/* KeyStoreInfo with the storage alone: the path in a request is the applicant's own business. */
static struct err *append_storage(struct buf *out, const struct cert_data *data)
{
	OWN(buf) content = BUF_INIT(OID_MAX_LEN);
	size_t extension, octets, info;

	ENSURE_FIELD(storage_of(data)[0] != '\0', BAD_INPUT, "key_storage", "the key storage is missing");
	TRY(oid_parse(&content, storage_of(data)));
	TRY(der_open(out, &extension, DER_SEQUENCE));
	TRY(der_oid(out, oid(OID_NUC_KEY_STORAGE)));
	TRY(der_open(out, &octets, DER_OCTET_STRING));
	TRY(der_open(out, &info, DER_SEQUENCE));
	TRY(der_oid(out, buf_slice(&content)));
	TRY(der_close(out, info));
	TRY(der_close(out, octets));
	return der_close(out, extension);
}

/* What differs from certificate to certificate, encoded: pieces of one scratch buffer. */
struct pieces {
	struct buf scratch;
	size_t validity_len, alt_names_len, storage_len; /* in this order in scratch */
	uint8_t key_id[KEY_ID_LEN];
};

static struct err *encode_pieces(struct pieces *out, const struct cert_template *t, const struct cert_data *data,
				 int64_t not_before_at, int64_t not_after_at)
{
	struct buf *b = &out->scratch;

	TRY(buf_reserve(b, 64));
	TRY(der_time(b, not_before_at));
	TRY(der_time(b, not_after_at));
	out->validity_len = b->len;
	for (size_t i = 0; i < t->num_parts; i++)
		if (t->parts[i].kind == PART_ALT_NAMES)
			TRY(append_alt_names(b, data));
	out->alt_names_len = b->len - out->validity_len;
	for (size_t i = 0; i < t->num_parts; i++)
		if (t->parts[i].kind == PART_STORAGE)
			TRY(append_storage(b, data));
	out->storage_len = b->len - out->validity_len - out->alt_names_len;
	return t->profile->key_id == KEY_ID_BITS ? suite_key_id_bits(out->key_id, data->public_key)
						 : suite_key_id_spki(out->key_id, data->public_key);
}

static struct err *append_extensions(struct buf *out, const struct cert_template *t, const struct pieces *pieces)
{
	const uint8_t *alt_names = pieces->scratch.p + pieces->validity_len;

	for (size_t i = 0; i < t->num_parts; i++) {
		const struct part *part = &t->parts[i];

		switch (part->kind) {
		case PART_FIXED:
			TRY(buf_append(out, SLICE(t->fixed.p + part->offset, part->len)));
			break;
		case PART_KEY_ID:
			TRY(buf_append(out, SLICE(key_id_prefix, sizeof key_id_prefix)));
			TRY(buf_append(out, SLICE(pieces->key_id, KEY_ID_LEN)));
			break;
		case PART_ALT_NAMES:
			TRY(buf_append(out, SLICE(alt_names, pieces->alt_names_len)));
			break;
		default:
			TRY(buf_append(out, SLICE(alt_names + pieces->alt_names_len, pieces->storage_len)));
		}
	}
	return NULL;
}

static size_t extensions_len(const struct cert_template *t, const struct pieces *pieces)
{
	/* each profile has exactly one subjectKeyIdentifier (profile_check.c) */
	return t->fixed.len + sizeof key_id_prefix + KEY_ID_LEN + pieces->alt_names_len + pieces->storage_len;
}

static struct err *append_tbs(struct buf *out, const struct cert_template *t, const struct cert_data *data,
			      const struct serial *serial, const struct pieces *pieces)
{
	size_t list = extensions_len(t, pieces);
	size_t sequence = der_header_len(list) + list;
	size_t outer = der_header_len(sequence) + sequence;
	size_t content = sizeof version_3 + der_header_len(serial->len) + serial->len + t->head.len +
			 der_header_len(pieces->validity_len) + pieces->validity_len + data->subject.len +
			 data->public_key.len + outer;

	ENSURE(content + 4 <= CERT_TBS_MAX, TOO_LARGE, "the certificate would be longer than %d bytes", CERT_TBS_MAX);
	TRY(buf_reserve(out, der_header_len(content) + content));
	TRY(der_header(out, DER_SEQUENCE, content));
	TRY(buf_append(out, SLICE(version_3, sizeof version_3)));
	TRY(der_serial(out, serial));
	TRY(buf_append(out, buf_slice(&t->head)));
	TRY(der_header(out, DER_SEQUENCE, pieces->validity_len));
	TRY(buf_append(out, SLICE(pieces->scratch.p, pieces->validity_len)));
	TRY(buf_append(out, data->subject));
	TRY(buf_append(out, data->public_key));
	TRY(der_header(out, DER_CONTEXT_CONSTRUCTED(3), sequence));
	TRY(der_header(out, DER_SEQUENCE, list));
	return append_extensions(out, t, pieces);
}

static struct err *check_serial(const struct serial *serial)
{
	struct serial copy;
	OWN(err)
	e = serial->len > SERIAL_MAX_LEN ? ERR(BAD_INPUT, "serial") : serial_from_octets(&copy, serial_slice(serial));

	ENSURE_FIELD(e == NULL, BAD_INPUT, "serial", "the serial must be a positive INTEGER of 1 to 20 octets");
	return NULL;
}

struct err *cert_template_render(struct buf *out_tbs, const struct cert_template *t, const struct cert_data *data,
				 const struct serial *serial, int64_t not_before_at)
{
	struct pieces pieces = { .scratch = BUF_INIT(SCRATCH_MAX) };
	int64_t not_after_at = 0;

	TRY(check_serial(serial));
	TRY(name_check(data->subject, t->profile->subject, t->profile->num_subject));
	TRY(check_key(t->profile, data->public_key));
	TRY(check_names(t->profile, data));
	TRY(cert_not_after(&not_after_at, t, data, not_before_at));
	struct err *e = encode_pieces(&pieces, t, data, not_before_at, not_after_at);
	if (e == NULL)
		e = append_tbs(out_tbs, t, data, serial, &pieces);
	buf_clear(&pieces.scratch);
	return e;
}

struct err *cert_assemble(struct buf *out, struct slice tbs, const struct suite *row, struct slice signature)
{
	return pki_signed_join(out, tbs, row->signature_algorithm, signature);
}

/* ---------------------------------------------------------------- the ceremony's own */

struct err *cert_serial_of_key(struct serial *out, struct slice public_key)
{
	uint8_t id[KEY_ID_LEN];

	TRY(suite_key_id_bits(id, public_key));
	id[0] &= 0x7F;
	if (id[0] < 0x10)
		id[0] |= 0x10;
	return serial_from_octets(out, SLICE(id, sizeof id));
}

/* The root is its own authority: a certificate view is made of what it will hold, then it is rendered like others. */
struct err *cert_render_root(struct buf *out_tbs, const struct profiles *all, const char *issuer,
			     struct slice public_key, const struct serial *serial, int64_t not_before_at)
{
	const struct profile_issuer *names = NULL;
	const struct profile *p = NULL;
	OWN(buf) subject = BUF_INIT(FIXED_MAX);
	OWN(cert_template) t = NULL;
	uint8_t key_id[KEY_ID_LEN];

	TRY(find_of_sort(all, "root", true));
	TRY(profiles_find_profile(&p, all, "root"));
	TRY(profiles_find_issuer(&names, all, issuer));
	struct name_fields fields = { .common_name = names->root_common_name };
	TRY(name_build(&subject, p->subject, p->num_subject, &fields));
	TRY(p->key_id == KEY_ID_BITS ? suite_key_id_bits(key_id, public_key) : suite_key_id_spki(key_id, public_key));
	struct cert self = {
		.subject = buf_slice(&subject),
		.issuer = buf_slice(&subject),
		.public_key = public_key,
		.serial = *serial,
		.key_id = SLICE(key_id, sizeof key_id),
		.is_ca = true,
		.path_length = -1,
		.key_usage = p->key_usage,
		.not_before_at = not_before_at,
		.not_after_at = INT64_MAX,
	};
	struct cert_data data = { .subject = self.subject, .public_key = public_key, .max_validity_s = INT64_MAX };
	TRY(compile(&t, all, "root", issuer, &self));
	return cert_template_render(out_tbs, t, &data, serial, not_before_at);
}
