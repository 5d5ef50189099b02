/*
 * ceremony.c - the key ceremony. See ceremony.h.
 *
 * Order: everything is checked first (plan, profiles, requests, that nothing exists), then keys and certificates are made
 * from the root downwards. Certificates by an issuing key are journalled before they are written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/ceremony.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asn1/der.h"
#include "asn1/oid.h"
#include "base/clock.h"
#include "base/text.h"
#include "ca/sign/ceremony_plan.h"
#include "ca/sign/custody.h"
#include "ca/sign/journal.h"
#include "ca/sign/keys.h"
#include "ca/sign/sign.h"
#include "tlog/note.h"
#include "x509/cert.h"
#include "x509/pem.h"
#include "x509/person.h"
#include "x509/template.h"

enum { PATH_BYTES = 2048, REQUEST_MAX = 64 * 1024, LIST_MAX = 8 * 1024, RECORD_MAX = 256 * 1024 };

struct ceremony {
	const struct ceremony_plan *plan;
	struct profiles *profiles;
	struct keys *root_keys, *ca_keys, *ocsp_keys;
	struct custody *custody; /* NULL: key files are plain */
	struct pkcs11 *token; /* NULL: all keys become files */
	struct journal *journal;
	struct buf manifest, transcript;
	FILE *report;
	int64_t now;
};

OWN_POINTER(x509_req, X509_REQ *, X509_REQ_free)
OWN_POINTER(evp_pkey, EVP_PKEY *, EVP_PKEY_free)
OWN_POINTER(stream, FILE *, fclose)

/* ---------------------------------------------------------------- files */

static struct err *read_whole(struct buf *out, const char *path)
{
	uint8_t piece[4096];
	OWN(stream) f = fopen(path, "re");

	if (f == NULL)
		return ERR_ERRNO("opening %s", path);
	for (size_t n = fread(piece, 1, sizeof piece, f); n > 0; n = fread(piece, 1, sizeof piece, f))
		TRY(buf_append(out, SLICE(piece, n)));
	return ferror(f) ? ERR_ERRNO("reading %s", path) : NULL;
}

static struct err *make_folder(const char *path, mode_t mode)
{
	char part[PATH_BYTES];

	(void)snprintf(part, sizeof part, "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, mode) != 0 && errno != EEXIST)
			return ERR_ERRNO("making the folder %s", part);
		*slash = '/';
	}
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return ERR_ERRNO("making the folder %s", path);
	return NULL;
}

/* Writes a new file of what is public, and notes its digest. `relative` is the path under the plan's `out`. */
static struct err *write_public(struct ceremony *c, const char *relative, struct slice bytes)
{
	char path[PATH_BYTES];
	char hex[2 * SHA256_LEN + 1];
	uint8_t digest[SHA256_LEN];

	(void)snprintf(path, sizeof path, "%s/%s", c->plan->out, relative);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 && errno == EEXIST)
		return ERR(CONFLICT, "%s exists: a ceremony overwrites nothing", path);
	if (fd < 0)
		return ERR_ERRNO("creating %s", path);
	struct err *e = NULL;
	if (write(fd, bytes.p, bytes.len) != (ssize_t)bytes.len || fsync(fd) != 0)
		e = ERR_ERRNO("writing %s", path);
	if (close(fd) != 0 && e == NULL)
		e = ERR_ERRNO("closing %s", path);
	TRY(e);
	der_sha256(digest, bytes);
	TRY(buf_printf(&c->transcript, "%s %s\n", text_hex_fixed(hex, SLICE(digest, sizeof digest)), relative));
	(void)fprintf(c->report, "%s %s\n", hex, relative);
	return NULL;
}

static struct err *write_pem(struct ceremony *c, const char *relative, struct slice der)
{
	OWN(buf) pem = BUF_INIT(2 * CERT_MAX_BYTES);

	TRY(cert_to_pem(&pem, der));
	return write_public(c, relative, buf_slice(&pem));
}

/* ---------------------------------------------------------------- signing */

/* Signs a TBS and joins the certificate. */
static struct err *sign_certificate(struct buf *out, const struct sign_key *key, struct slice tbs)
{
	OWN(signer) signer = NULL;
	OWN(buf) signature = BUF_INIT(4096);

	TRY(signer_create(&signer, key));
	TRY(signer_sign(signer, &signature, tbs));
	return cert_assemble(out, tbs, sign_key_suite(key), buf_slice(&signature));
}

static struct err *random_serial(struct serial *out)
{
	out->len = SERIAL_MAX_LEN;
	if (RAND_bytes(out->b, SERIAL_MAX_LEN) != 1)
		return ERR_OPENSSL(SYSTEM, "random octets");
	out->b[0] = (uint8_t)(0x10 + out->b[0] % 0x70); /* 0x10..0x7F, as NUC's serials begin */
	return NULL;
}

/* Journals a certificate of an issuing key, then writes it and its line of the manifest. */
static struct err *record_leaf(struct ceremony *c, const char *issuer, const char *profile, const char *relative,
			       const char *person, struct slice der)
{
	struct cert cert;
	char serial[SERIAL_HEX_SIZE];

	TRY(cert_parse(&cert, der));
	TRY(journal_append_certificate(c->journal, issuer, der));
	TRY(journal_commit(c->journal));
	TRY(write_pem(c, relative, der));
	return buf_printf(&c->manifest, "%s %s %s %s %s\n", issuer, serial_hex(serial, &cert.serial), profile, relative,
			  person[0] == '\0' ? "-" : person);
}

/* Renders and signs a certificate of `profile` for a public key under an issuing key. */
static struct err *issue_leaf(struct ceremony *c, struct buf *out, const char *profile, const char *issuer,
			      const struct name_fields *fields, struct cert_data *data)
{
	OWN(cert_template) t = NULL;
	OWN(buf) issuing = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) pem = BUF_INIT(2 * CERT_MAX_BYTES);
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	char path[PATH_BYTES];
	struct serial serial;

	(void)snprintf(path, sizeof path, "%s/%s/issuing.pem", c->plan->out, issuer);
	TRY(read_whole(&pem, path));
	TRY(cert_from_pem(&issuing, buf_slice(&pem)));
	TRY(cert_template_compile(&t, c->profiles, profile, issuer, buf_slice(&issuing)));
	TRY(name_build(&subject, cert_template_profile(t)->subject, cert_template_profile(t)->num_subject, fields));
	data->subject = buf_slice(&subject);
	data->max_validity_s = INT32_MAX;
	TRY(random_serial(&serial));
	TRY(cert_template_render(&tbs, t, data, &serial, c->now));
	const struct sign_key *key = keys_find(c->ca_keys, SIGN_USE_CA, issuer);
	ENSURE(key != NULL, BUG, "the issuing key of %s was not made", issuer);
	return sign_certificate(out, key, buf_slice(&tbs));
}

/* ---------------------------------------------------------------- keys */

/* A key of an issuer, made in the token; it is looked at whether it really cannot leave. */
static struct err *make_token_key(struct ceremony *c, const struct sign_key **out, struct keys *table,
				  enum sign_use use, const char *issuer, const struct suite *suite)
{
	const struct sign_key *key = NULL;
	bool is_locked_in = false;

	TRY(keys_generate_token(&key, table, c->token, use, issuer, suite));
	TRY(pkcs11_is_locked_in(c->token, &is_locked_in, sign_key_label(key)));
	ENSURE(is_locked_in, SYSTEM, "the token made the key %s extractable; do not use it", sign_key_label(key));
	TRY(buf_printf(&c->transcript, "key %s made in the token %s: sensitive, never extractable\n",
		       sign_key_label(key), c->plan->pkcs11_token));
	(void)fprintf(c->report, "key %s made in the token %s\n", sign_key_label(key), c->plan->pkcs11_token);
	*out = key;
	return NULL;
}

/* Keys of the log and the journal have no issuer and are always files. */
static struct err *make_key(struct ceremony *c, const struct sign_key **out, struct keys *table, const char *folder,
			    enum sign_use use, const char *issuer, const struct suite *suite)
{
	if (c->token != NULL && issuer[0] != '\0')
		return make_token_key(c, out, table, use, issuer, suite);
	OWN(buf) passphrase = BUF_INIT_SECRET(256);
	if (c->custody != NULL)
		TRY(custody_passphrase(&passphrase, c->custody,
				       use == SIGN_USE_ROOT			       ? "root"
				       : use == SIGN_USE_CA || use == SIGN_USE_JOURNAL ? "ca"
										       : "ocsp"));
	return keys_generate(out, table, folder, use, issuer, suite, buf_slice(&passphrase));
}

/* ---------------------------------------------------------------- custodians */

static struct err *write_new(const char *path, struct slice bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return ERR(CONFLICT, "%s exists: a ceremony overwrites nothing", path);
	if (fd < 0)
		return ERR_ERRNO("creating %s", path);
	struct err *e = NULL;
	if (write(fd, bytes.p, bytes.len) != (ssize_t)bytes.len || fsync(fd) != 0)
		e = ERR_ERRNO("writing %s", path);
	if (close(fd) != 0 && e == NULL)
		e = ERR_ERRNO("closing %s", path);
	return e;
}

/* The first line of a custodian's passphrase file; empty when the plan names none. */
static struct err *share_passphrase(struct buf *out, const struct ceremony_plan *plan, size_t index)
{
	if (plan->num_share_passphrases == 0)
		return NULL;
	TRY(read_whole(out, plan->share_passphrases[index]));
	for (size_t i = 0; i < out->len; i++)
		if (out->p[i] == '\n' || out->p[i] == '\r')
			out->len = i;
	ENSURE(out->len > 0, CONFIG, "%s holds no passphrase", plan->share_passphrases[index]);
	return NULL;
}

static struct err *write_share(const struct ceremony_plan *plan, size_t index, const struct share *share)
{
	OWN(buf) passphrase = BUF_INIT_SECRET(4096);
	OWN(buf) text = BUF_INIT_SECRET(SHARE_TEXT_MAX);

	TRY(share_passphrase(&passphrase, plan, index));
	TRY(share_write(&text, share, buf_slice(&passphrase)));
	return write_new(plan->shares[index], buf_slice(&text));
}

/* Each folder of keys learns which shares open it. */
static struct err *write_custody(struct ceremony *c)
{
	const char *const folders[] = { c->plan->root_keys, c->plan->ca_keys, c->plan->ocsp_keys };
	OWN(buf) text = BUF_INIT(CUSTODY_FILE_MAX);
	char path[PATH_BYTES];

	TRY(custody_write(&text, c->custody));
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		(void)snprintf(path, sizeof path, "%s/%s", folders[i], CUSTODY_FILE);
		TRY(write_new(path, buf_slice(&text)));
	}
	return buf_printf(&c->transcript, "keys encrypted; %lld of %zu shares open them\n",
			  (long long)c->plan->threshold, c->plan->num_shares);
}

static struct err *make_custody(struct ceremony *c)
{
	struct share shares[SHARES_MAX];
	struct err *e = NULL;

	if (c->plan->threshold == 0)
		return NULL;
	TRY(custody_split(&c->custody, shares, c->plan->threshold, (int64_t)c->plan->num_shares));
	for (size_t i = 0; i < c->plan->num_shares && e == NULL; i++)
		e = write_share(c->plan, i, &shares[i]);
	OPENSSL_cleanse(shares, sizeof shares);
	return e != NULL ? e : write_custody(c);
}

/* ---------------------------------------------------------------- one issuer */

static struct err *make_root(struct ceremony *c, const struct profile_issuer *issuer, struct buf *out_root)
{
	const struct sign_key *key = NULL;
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct serial serial;
	char path[PATH_BYTES];

	TRY(make_key(c, &key, c->root_keys, c->plan->root_keys, SIGN_USE_ROOT, issuer->name, issuer->suite));
	TRY(cert_serial_of_key(&serial, sign_key_spki(key)));
	TRY(cert_render_root(&tbs, c->profiles, issuer->name, sign_key_spki(key), &serial, c->now));
	TRY(sign_certificate(out_root, key, buf_slice(&tbs)));
	(void)snprintf(path, sizeof path, "%s/root.pem", issuer->name);
	return write_pem(c, path, buf_slice(out_root));
}

static struct err *make_issuing(struct ceremony *c, const struct profile_issuer *issuer, struct slice root,
				struct buf *out_issuing)
{
	const struct sign_key *key = NULL;
	OWN(cert_template) t = NULL;
	OWN(buf) subject = BUF_INIT(4096);
	OWN(buf) tbs = BUF_INIT(CERT_TBS_MAX);
	struct serial serial;
	char path[PATH_BYTES];
	const struct name_fields fields = { .common_name = issuer->common_name };

	TRY(make_key(c, &key, c->ca_keys, c->plan->ca_keys, SIGN_USE_CA, issuer->name, issuer->suite));
	TRY(cert_template_compile_ca(&t, c->profiles, "issuing", issuer->name, root));
	TRY(name_build(&subject, cert_template_profile(t)->subject, cert_template_profile(t)->num_subject, &fields));
	TRY(cert_serial_of_key(&serial, sign_key_spki(key)));
	const struct cert_data data = { .subject = buf_slice(&subject),
					.public_key = sign_key_spki(key),
					.max_validity_s = INT32_MAX };
	TRY(cert_template_render(&tbs, t, &data, &serial, c->now));
	TRY(sign_certificate(out_issuing, keys_find(c->root_keys, SIGN_USE_ROOT, issuer->name), buf_slice(&tbs)));
	(void)snprintf(path, sizeof path, "%s/issuing.pem", issuer->name);
	return write_pem(c, path, buf_slice(out_issuing));
}

static struct err *write_chain(struct ceremony *c, const char *issuer, struct slice issuing, struct slice root)
{
	OWN(buf) chain = BUF_INIT(4 * CERT_MAX_BYTES);
	char path[PATH_BYTES];

	TRY(cert_to_pem(&chain, issuing));
	TRY(cert_to_pem(&chain, root));
	(void)snprintf(path, sizeof path, "%s/chain.pem", issuer);
	return write_public(c, path, buf_slice(&chain));
}

/* TBSCertList of the root: version 2, nothing revoked, cRLNumber 1, key id of the root. RFC 5280 §5.1 */
static struct err *render_root_list(struct ceremony *c, struct buf *out, const struct cert *root,
				    const struct sign_key *key)
{
	size_t tbs, exts, list, ext, value;

	TRY(der_open(out, &tbs, DER_SEQUENCE));
	TRY(der_int64(out, 1));
	TRY(buf_append(out, sign_key_suite(key)->signature_algorithm));
	TRY(buf_append(out, root->subject));
	TRY(der_time(out, c->now));
	TRY(der_time(out, c->now + c->plan->root_list_days * 86400));
	TRY(der_open(out, &exts, DER_CONTEXT_CONSTRUCTED(0)));
	TRY(der_open(out, &list, DER_SEQUENCE));
	TRY(der_open(out, &ext, DER_SEQUENCE));
	TRY(der_oid(out, oid(OID_CRL_NUMBER)));
	TRY(der_open(out, &value, DER_OCTET_STRING));
	TRY(der_int64(out, 1));
	TRY(der_close(out, value));
	TRY(der_close(out, ext));
	TRY(der_open(out, &ext, DER_SEQUENCE));
	TRY(der_oid(out, oid(OID_AUTHORITY_KEY_ID)));
	size_t inner;
	TRY(der_open(out, &value, DER_OCTET_STRING));
	TRY(der_open(out, &inner, DER_SEQUENCE));
	TRY(der_tlv(out, DER_CONTEXT(0), root->key_id));
	TRY(der_close(out, inner));
	TRY(der_close(out, value));
	TRY(der_close(out, ext));
	TRY(der_close(out, list));
	TRY(der_close(out, exts));
	return der_close(out, tbs);
}

static struct err *make_root_list(struct ceremony *c, const char *issuer, struct slice root_der)
{
	const struct sign_key *key = keys_find(c->root_keys, SIGN_USE_ROOT, issuer);
	OWN(buf) tbs = BUF_INIT(LIST_MAX);
	OWN(buf) list = BUF_INIT(LIST_MAX);
	struct cert root;
	char path[PATH_BYTES];

	TRY(cert_parse(&root, root_der));
	TRY(render_root_list(c, &tbs, &root, key));
	TRY(sign_certificate(&list, key, buf_slice(&tbs))); /* CertificateList has the shape of Certificate */
	(void)snprintf(path, sizeof path, "%s/root.crl", issuer);
	return write_public(c, path, buf_slice(&list));
}

static struct err *make_responder(struct ceremony *c, const struct profile_issuer *issuer, const char *suite_name)
{
	const struct suite *suite = suite_name[0] == '\0' ? issuer->suite : suite_by_name(suite_name);
	const struct sign_key *key = NULL;
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	char path[PATH_BYTES];
	const struct name_fields fields = { .common_name = "OCSP RESPONDER", .organisation = issuer->common_name };

	TRY(make_key(c, &key, c->ocsp_keys, c->plan->ocsp_keys, SIGN_USE_OCSP, issuer->name, suite));
	struct cert_data data = { .public_key = sign_key_spki(key) };
	TRY(issue_leaf(c, &der, "ocsp", issuer->name, &fields, &data));
	(void)snprintf(path, sizeof path, "%s/ocsp.pem", issuer->name);
	return record_leaf(c, issuer->name, "ocsp", path, "", buf_slice(&der));
}

static struct err *make_issuer(struct ceremony *c, const struct plan_issuer *want)
{
	const char *name = want->name;
	const struct profile_issuer *issuer = NULL;
	OWN(buf) root = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) issuing = BUF_INIT(CERT_MAX_BYTES);
	char path[PATH_BYTES];

	TRY(profiles_find_issuer(&issuer, c->profiles, name));
	(void)snprintf(path, sizeof path, "%s/%s", c->plan->out, name);
	TRY(make_folder(path, 0755));
	TRY(make_root(c, issuer, &root));
	TRY(make_issuing(c, issuer, buf_slice(&root), &issuing));
	TRY(write_chain(c, name, buf_slice(&issuing), buf_slice(&root)));
	TRY(make_root_list(c, name, buf_slice(&root)));
	return make_responder(c, issuer, want->responder_suite);
}

/* ---------------------------------------------------------------- log, journal, people */

static struct err *make_log_key(struct ceremony *c)
{
	const struct sign_key *key = NULL;
	struct note_key note;
	OWN(buf) text = BUF_INIT(NOTE_VKEY_MAX + 2);

	TRY(make_key(c, &key, c->ocsp_keys, c->plan->ocsp_keys, SIGN_USE_LOG, "", suite_by_name("ed25519")));
	struct slice spki = sign_key_spki(key);
	ENSURE(spki.len > NOTE_KEY_SIZE, BUG, "an Ed25519 key of %zu octets", spki.len);
	TRY(note_key_init(&note, c->plan->log_origin, spki.p + spki.len - NOTE_KEY_SIZE)); /* RFC 8410 §4 */
	TRY(note_key_format(&text, &note));
	TRY(buf_append_u8(&text, '\n'));
	return write_public(c, "log.vkey", buf_slice(&text));
}

static struct err *make_journal_key(struct ceremony *c)
{
	const struct sign_key *key = NULL;
	OWN(buf) text = BUF_INIT(4096);

	TRY(make_key(c, &key, c->ca_keys, c->plan->ca_keys, SIGN_USE_JOURNAL, "", suite_by_name("ed25519")));
	TRY(pem_write(&text, sign_key_spki(key), "PUBLIC KEY"));
	return write_public(c, "journal.pub", buf_slice(&text));
}

/* Reads a PKCS#10 request (PEM or DER), checks its signature, and appends its public key. */
static struct err *read_request(struct buf *out_spki, const struct plan_certificate *want)
{
	OWN(buf) text = BUF_INIT(REQUEST_MAX);
	OWN(buf) der = BUF_INIT(REQUEST_MAX);
	OWN(x509_req) request = NULL;
	OWN(evp_pkey) key = NULL;

	TRY(read_whole(&text, want->request));
	TRY(pem_read(&der, buf_slice(&text), "CERTIFICATE REQUEST"));
	TRY(DER_DECODE(&request, X509_REQ, buf_slice(&der), REQUEST_MAX));
	key = X509_REQ_get_pubkey(request);
	if (key == NULL || X509_REQ_verify(request, key) != 1)
		return ERR_OPENSSL(BAD_INPUT, "%s: the request is not signed by its own key", want->request);
	TRY(suite_spki(out_spki, key));
	return suite_check_strength(buf_slice(out_spki));
}

static struct err *make_certificate(struct ceremony *c, const struct plan_certificate *want)
{
	OWN(buf) spki = BUF_INIT(4096);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	char path[PATH_BYTES];
	struct slice dns[PLAN_MAX_DNS];
	const struct slice email = slice_str(want->email);
	const struct name_fields fields = { .common_name = want->common_name,
					    .surname = want->surname,
					    .given = want->given,
					    .patronymic = want->patronymic,
					    .iin = want->person,
					    .organisation = want->organisation,
					    .bin = want->bin };

	TRY(read_request(&spki, want));
	for (size_t i = 0; i < want->num_dns; i++)
		dns[i] = slice_str(want->dns[i]);
	struct cert_data data = { .public_key = buf_slice(&spki),
				  .emails = &email,
				  .num_emails = email.len > 0,
				  .dns_names = dns,
				  .num_dns_names = want->num_dns };
	TRY(issue_leaf(c, &der, want->profile, want->issuer, &fields, &data));
	(void)snprintf(path, sizeof path, "ceremony/%s.pem", want->name);
	TRY(record_leaf(c, want->issuer, want->profile, path, want->person, buf_slice(&der)));
	return NULL;
}

static struct err *make_certificates(struct ceremony *c)
{
	for (size_t i = 0; i < c->plan->num_certificates; i++) {
		const struct plan_certificate *want = &c->plan->certificates[i];
		struct err *e = make_certificate(c, want);

		if (e != NULL)
			return ERR_WRAP(e, "certificate of %s", want->name);
	}
	return NULL;
}

/* ---------------------------------------------------------------- the whole */

static struct err *refuse_existing(const char *folder)
{
	bool exist = false;

	TRY(keys_exist(&exist, folder));
	ENSURE(!exist, CONFLICT, "%s holds keys already: the ceremony was held; it is not repeated over them", folder);
	return NULL;
}

static struct err *refuse_existing_label(const struct ceremony *c, enum sign_use use, const char *issuer)
{
	OWN(buf) spki = BUF_INIT(8 * 1024);
	char label[PKCS11_LABEL_MAX + 1];

	(void)snprintf(label, sizeof label, "%s.%s", issuer, sign_use_word(use));
	OWN(err) e = pkcs11_public_key(c->token, &spki, label);
	if (e != NULL && err_code(e) == ERR_NOT_FOUND)
		return NULL;
	return e != NULL && err_code(e) != ERR_CONFLICT
		       ? TAKE(e)
		       : ERR(CONFLICT, "the token %s holds keys already (%s): the ceremony was held",
			     c->plan->pkcs11_token, label);
}

/* The token must be there, open to the PIN, and without keys of these names. */
static struct err *check_token(struct ceremony *c)
{
	static const enum sign_use uses[] = { SIGN_USE_ROOT, SIGN_USE_CA, SIGN_USE_OCSP };

	if (c->plan->pkcs11_module[0] == '\0')
		return NULL;
	TRY(pkcs11_open(&c->token, c->plan->pkcs11_module, c->plan->pkcs11_token, c->plan->pkcs11_pin_file));
	for (size_t i = 0; i < c->plan->num_issuers; i++)
		for (size_t j = 0; j < sizeof uses / sizeof uses[0]; j++)
			TRY(refuse_existing_label(c, uses[j], c->plan->issuers[i].name));
	return NULL;
}

static struct err *check_requests(const struct ceremony *c)
{
	for (size_t i = 0; i < c->plan->num_certificates; i++) {
		const struct plan_certificate *want = &c->plan->certificates[i];
		const struct profile *profile = NULL;
		OWN(buf) spki = BUF_INIT(4096);
		struct err *e = profiles_find_profile(&profile, c->profiles, want->profile);

		if (e == NULL && profile->is_ca)
			e = ERR(DENIED, "profile %s is a CA's", want->profile);
		if (e == NULL)
			e = read_request(&spki, want);
		if (e != NULL)
			return ERR_WRAP(e, "certificate of %s", want->name);
	}
	return NULL;
}

/* Everything that can be known beforehand. */
static struct err *check(struct ceremony *c)
{
	OWN(buf) text = BUF_INIT(PROFILES_MAX_BYTES);

	TRY(read_whole(&text, c->plan->profiles));
	TRY(profiles_parse(&c->profiles, buf_slice(&text)));
	for (size_t i = 0; i < c->plan->num_issuers; i++) {
		const struct profile_issuer *issuer = NULL;

		TRY(profiles_find_issuer(&issuer, c->profiles, c->plan->issuers[i].name));
		const char *suite = c->plan->issuers[i].responder_suite;
		ENSURE(suite[0] == '\0' || suite_by_name(suite) != NULL, CONFIG,
		       "responder_suite: there is no suite %s", suite);
	}
	TRY(refuse_existing(c->plan->root_keys));
	TRY(refuse_existing(c->plan->ca_keys));
	TRY(refuse_existing(c->plan->ocsp_keys));
	TRY(check_token(c));
	return check_requests(c);
}

static struct err *make_all(struct ceremony *c)
{
	char path[PATH_BYTES];

	TRY(make_folder(c->plan->root_keys, 0700));
	TRY(make_folder(c->plan->ca_keys, 0700));
	TRY(make_folder(c->plan->ocsp_keys, 0700));
	(void)snprintf(path, sizeof path, "%s/ceremony", c->plan->out);
	TRY(make_folder(path, 0755));
	TRY(keys_create(&c->root_keys));
	TRY(keys_create(&c->ca_keys));
	TRY(keys_create(&c->ocsp_keys));
	TRY(make_custody(c));
	TRY(make_journal_key(c));
	TRY(journal_open(&c->journal, c->plan->journal, "ca", NULL, NULL));
	for (size_t i = 0; i < c->plan->num_issuers; i++) {
		struct err *e = make_issuer(c, &c->plan->issuers[i]);

		if (e != NULL)
			return ERR_WRAP(e, "issuer %s", c->plan->issuers[i].name);
	}
	TRY(make_log_key(c));
	TRY(make_certificates(c));
	TRY(write_public(c, "ceremony/manifest", buf_slice(&c->manifest)));
	return write_public(c, "ceremony/transcript", buf_slice(&c->transcript));
}

static struct err *run(const char *plan_file, FILE *report, bool only_check)
{
	OWN(ceremony_plan) plan = NULL;

	TRY(ceremony_plan_read(&plan, plan_file));
	struct ceremony c = { .plan = plan,
			      .manifest = BUF_INIT(RECORD_MAX),
			      .transcript = BUF_INIT(RECORD_MAX),
			      .report = report,
			      .now = clock_now_s() };
	struct err *e = check(&c);
	if (e == NULL && !only_check)
		e = make_all(&c);
	journal_close(&c.journal);
	keys_destroy(&c.root_keys);
	keys_destroy(&c.ca_keys);
	keys_destroy(&c.ocsp_keys);
	pkcs11_close(&c.token);
	custody_destroy(&c.custody);
	profiles_destroy(&c.profiles);
	buf_clear(&c.manifest);
	buf_clear(&c.transcript);
	return e;
}

struct err *ceremony_run(const char *plan_file, FILE *report)
{
	return run(plan_file, report, false);
}

struct err *ceremony_check(const char *plan_file, FILE *report)
{
	return run(plan_file, report, true);
}
