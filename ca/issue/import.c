/*
 * import.c - see import.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/import.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ca/issue/conf.h"
#include "ca/issue/queries.h"

enum { LINE_WORDS = 5, PATH_LEN = 4096, ISSUERS_MAX = 16, PEM_MAX = 64 * 1024, MANIFEST_MAX = 16 * 1024 * 1024 };

struct import_issuer {
	char name[17];
	struct buf issuing, root;
	struct cert cert;
};

struct import {
	const char *dir; /* with the manifest */
	struct buf manifest;
	struct buf policy; /* SignedPolicy; empty when there is none */
	int64_t policy_version;
	struct import_issuer issuers[ISSUERS_MAX];
	size_t num_issuers;
	struct import_report report;
};

static void import_clear(struct import *self)
{
	buf_clear(&self->manifest);
	buf_clear(&self->policy);
	for (size_t i = 0; i < self->num_issuers; i++) {
		buf_clear(&self->issuers[i].issuing);
		buf_clear(&self->issuers[i].root);
	}
}
OWN_TYPE(import, struct import, import_clear)

/* ---- files */

/* Reads DIR/../FILE as a certificate's DER. */
static struct err *read_certificate(struct buf *out, const struct import *self, const char *file)
{
	OWN(buf) text = BUF_INIT(PEM_MAX);
	char path[PATH_LEN];

	ENSURE((size_t)snprintf(path, sizeof path, "%s/../%s", self->dir, file) < sizeof path, CONFIG,
	       "%s: path too long", file);
	TRY(cad_read_file(&text, path));
	struct err *e = cert_from_pem(out, buf_slice(&text));
	return e == NULL ? NULL : ERR_RECODE(e, CONFIG, "%s", path);
}

static struct err *load_issuer(struct import_issuer *out, const struct import *self, const char *name)
{
	struct cert root;
	char file[64];

	(void)snprintf(out->name, sizeof out->name, "%s", name);
	(void)snprintf(file, sizeof file, "%s/issuing.pem", name);
	TRY(read_certificate(&out->issuing, self, file));
	(void)snprintf(file, sizeof file, "%s/root.pem", name);
	TRY(read_certificate(&out->root, self, file));
	TRY(cert_parse(&out->cert, buf_slice(&out->issuing)));
	TRY(cert_parse(&root, buf_slice(&out->root)));
	struct err *e = cert_verify(&out->cert, &root);
	return e == NULL ? NULL : ERR_RECODE(e, CONFIG, "%s: the root did not sign the issuing certificate", name);
}

static struct err *find_issuer(struct import_issuer **out, struct import *self, const char *name)
{
	for (size_t i = 0; i < self->num_issuers; i++) {
		if (strcmp(self->issuers[i].name, name) == 0) {
			*out = &self->issuers[i];
			return NULL;
		}
	}
	ENSURE(self->num_issuers < ISSUERS_MAX, CONFIG, "more than %d issuers", ISSUERS_MAX);
	ENSURE(strlen(name) < sizeof self->issuers[0].name, CONFIG, "%s: the name of an issuer is too long", name);
	struct import_issuer *issuer = &self->issuers[self->num_issuers++];
	*issuer = (struct import_issuer){ .issuing = BUF_INIT(CERT_MAX_BYTES), .root = BUF_INIT(CERT_MAX_BYTES) };
	TRY(load_issuer(issuer, self, name));
	*out = issuer;
	return NULL;
}

/* ---- the manifest */

typedef struct err *line_fn(struct import *self, char *const words[LINE_WORDS], void *arg);

static struct err *each_line(struct import *self, line_fn *fn, void *arg)
{
	const char *text;
	char line[1024];
	int number = 0;

	TRY(buf_str(&self->manifest, &text));
	for (; *text != '\0'; text += strcspn(text, "\n"), text += *text == '\n') {
		char *words[LINE_WORDS + 1], *save = NULL;
		size_t len = strcspn(text, "\n"), n = 0;
		number++;
		ENSURE(len < sizeof line, CONFIG, "manifest:%d: line too long", number);
		memcpy(line, text, len);
		line[len] = '\0';
		for (char *word = strtok_r(line, " ", &save); word != NULL && n <= LINE_WORDS;
		     word = strtok_r(NULL, " ", &save))
			words[n++] = word;
		if (n == 0)
			continue;
		ENSURE(n == LINE_WORDS, CONFIG, "manifest:%d: expected \"issuer serial profile file person\"", number);
		struct err *e = fn(self, words, arg);
		if (e != NULL)
			return ERR_WRAP(e, "manifest:%d", number);
	}
	return NULL;
}

/* Reads the certificate of a line and checks that it is what the line says. */
static struct err *line_certificate(struct import *self, char *const words[LINE_WORDS], struct buf *out_der,
				    struct cert *out, struct import_issuer **out_issuer)
{
	struct serial serial;
	const char *person = strcmp(words[4], "-") == 0 ? "" : words[4];

	TRY(find_issuer(out_issuer, self, words[0]));
	TRY(serial_from_hex(&serial, words[1]));
	TRY(read_certificate(out_der, self, words[3]));
	TRY(cert_parse(out, buf_slice(out_der)));
	ENSURE(serial_equal(&out->serial, &serial), CONFIG, "%s has another serial number", words[3]);
	ENSURE(strcmp(out->iin, person) == 0, CONFIG, "%s is of another person", words[3]);
	struct err *e = cert_verify(out, &(*out_issuer)->cert);
	return e == NULL ? NULL : ERR_RECODE(e, CONFIG, "%s was not signed by issuer %s", words[3], words[0]);
}

/* First reading, before the database is touched. */
static struct err *check_line(struct import *self, char *const words[LINE_WORDS], void *arg)
{
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	struct import_issuer *issuer;
	struct cert c;

	(void)arg;
	return line_certificate(self, words, &der, &c, &issuer);
}

static struct err *load_policy(struct import *self)
{
	struct signed_policy signed_policy;
	OWN(policy) policy = { 0 };
	char path[PATH_LEN];

	ENSURE((size_t)snprintf(path, sizeof path, "%s/../policy.der", self->dir) < sizeof path, CONFIG,
	       "path too long");
	TRY(cad_read_file(&self->policy, path));
	struct err *e = signed_policy_decode(&signed_policy, buf_slice(&self->policy));
	if (e == NULL)
		e = policy_decode(&policy, signed_policy.policy);
	if (e != NULL)
		return ERR_RECODE(e, CONFIG, "%s", path);
	self->policy_version = policy.version;
	return NULL;
}

static struct err *load(struct import *self)
{
	char path[PATH_LEN];

	ENSURE((size_t)snprintf(path, sizeof path, "%s/manifest", self->dir) < sizeof path, CONFIG, "path too long");
	TRY(cad_read_file(&self->manifest, path));
	TRY(each_line(self, check_line, NULL));
	ENSURE(self->num_issuers > 0, CONFIG, "%s names no certificate", path);
	return load_policy(self);
}

/* ---- the ledger */

struct import_tx {
	struct import *import;
	struct db *db;
	struct ca_log log;
};

static struct err *log_imported(struct ca_log *log, const char *issuer, const struct cert *c, const char *profile,
				int64_t certificate_id)
{
	char hex[SERIAL_HEX_SIZE];
	struct log_entry entry;

	ca_log_begin(&entry, LOG_KIND_CERTIFICATE_IMPORTED, NULL);
	log_entry_what(&entry, "issuer", issuer);
	log_entry_what(&entry, "serial", serial_hex(hex, &c->serial));
	log_entry_what(&entry, "profile", profile);
	log_entry_object(&entry, "certificate", SLICE(c->digest, sizeof c->digest));
	return ca_log_add(log, &entry, (struct ca_log_refs){ .certificate_id = certificate_id });
}

static struct err *write_line(struct import *self, char *const words[LINE_WORDS], void *arg)
{
	struct import_tx *tx = arg;
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	struct import_issuer *issuer;
	struct cert c;
	int64_t id = 0;

	TRY(line_certificate(self, words, &der, &c, &issuer));
	struct ca_certificate row = { .issuer = issuer->name,
				      .serial = c.serial,
				      .profile = words[2],
				      .purpose = "",
				      .channel = "administration",
				      .iin = c.iin,
				      .bin = c.bin,
				      .der = c.der,
				      .sha256 = SLICE(c.digest, sizeof c.digest),
				      .spki_sha256 = SLICE(c.key_hash, sizeof c.key_hash),
				      .not_before_at = c.not_before_at,
				      .not_after_at = c.not_after_at };
	if (!name_get(&row.common_name, c.subject, NAME_CN))
		row.common_name = SLICE_NONE;
	TRY(ca_add_ceremony_certificate(tx->db, &id, &row));
	if (id == 0)
		return NULL;
	self->report.certificates++;
	TRY(log_imported(&tx->log, issuer->name, &c, words[2], id));
	if (!cert_has_eku(&c, "1.3.6.1.5.5.7.3.9")) /* id-kp-OCSPSigning, RFC 6960 §4.2.2.2 */
		return NULL;
	self->report.responders++;
	return ca_add_responder(tx->db, issuer->name, c.der, c.not_after_at);
}

static struct err *write_issuers(struct import *self, struct db *db)
{
	for (size_t i = 0; i < self->num_issuers; i++) {
		const struct import_issuer *issuer = &self->issuers[i];
		bool is_new = false;
		TRY(ca_add_issuer(db, &is_new, issuer->name, buf_slice(&issuer->issuing), buf_slice(&issuer->root)));
		self->report.issuers += is_new;
	}
	return NULL;
}

static struct err *write_policy(struct import *self, struct import_tx *tx)
{
	struct log_entry entry;
	uint8_t digest[SHA256_LEN];
	char version[24];
	bool is_new = false;

	TRY(ca_add_policy(tx->db, &is_new, self->policy_version, buf_slice(&self->policy)));
	if (!is_new)
		return NULL;
	self->report.policy = self->policy_version;
	der_sha256(digest, buf_slice(&self->policy));
	(void)snprintf(version, sizeof version, "%lld", (long long)self->policy_version);
	ca_log_begin(&entry, LOG_KIND_POLICY_INSTALLED, NULL);
	log_entry_what(&entry, "version", version);
	log_entry_object(&entry, "policy", SLICE(digest, sizeof digest));
	return ca_log_add(&tx->log, &entry, (struct ca_log_refs){ 0 });
}

static struct err *log_ceremony(struct import *self, struct import_tx *tx)
{
	struct log_entry entry;
	uint8_t digest[SHA256_LEN];

	if (self->report.issuers + self->report.certificates == 0)
		return NULL;
	der_sha256(digest, buf_slice(&self->manifest));
	ca_log_begin(&entry, LOG_KIND_CEREMONY_IMPORTED, NULL);
	for (size_t i = 0; i < self->num_issuers; i++)
		log_entry_what(&entry, "issuer", self->issuers[i].name);
	log_entry_object(&entry, "manifest", SLICE(digest, sizeof digest));
	return ca_log_add(&tx->log, &entry, (struct ca_log_refs){ 0 });
}

static struct err *write_all(struct db *db, void *arg)
{
	struct import_tx *tx = arg;
	struct import *self = tx->import;

	ca_log_clear(&tx->log);
	self->report = (struct import_report){ 0 };
	tx->db = db;
	TRY(write_issuers(self, db));
	TRY(each_line(self, write_line, tx));
	TRY(write_policy(self, tx));
	TRY(log_ceremony(self, tx));
	return ca_add_log(db, &tx->log);
}

struct err *import_ceremony(struct db *db, struct import_report *out, const char *dir)
{
	OWN(import)
	self = { .dir = dir, .manifest = BUF_INIT(MANIFEST_MAX), .policy = BUF_INIT(SIGNED_POLICY_MAX_BYTES) };
	struct import_tx tx = { .import = &self, .log = CA_LOG_INIT };

	TRY(load(&self));
	struct err *e = db_tx(db, write_all, &tx);
	ca_log_clear(&tx.log);
	if (e == NULL)
		*out = self.report;
	return e;
}
