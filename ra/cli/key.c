/*
 * key.c - people's own private keys. See key.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/key.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/files.h"
#include "x509/cert.h"
#include "x509/csr.h"
#include "x509/suite.h"

enum { PASSWORD_MAX = 256, P12_ITERATIONS = 100000 };

OWN_POINTER(bio, BIO *, BIO_free_all)
OWN_POINTER(evp_md_ctx, EVP_MD_CTX *, EVP_MD_CTX_free)
OWN_POINTER(key_x509, X509 *, X509_free)
OWN_POINTER(key_cms, CMS_ContentInfo *, CMS_ContentInfo_free)
OWN_POINTER(key_pkcs12, PKCS12 *, PKCS12_free)

static void certificates_free(STACK_OF(X509) * stack)
{
	sk_X509_pop_free(stack, X509_free);
}
OWN_POINTER(key_certificates, STACK_OF(X509) *, certificates_free)

struct key_store {
	EVP_PKEY *key;
	const struct suite *suite;
	struct buf certificate; /* DER, empty: none */
};

void key_store_destroy(struct key_store **self)
{
	if (*self == NULL)
		return;
	EVP_PKEY_free((*self)->key);
	buf_clear(&(*self)->certificate);
	free(*self);
	*self = NULL;
}

/* ---------------------------------------------------------------- passwords */

static void line_cut(struct buf *text)
{
	uint8_t *end = text->len > 0 ? memchr(text->p, '\n', text->len) : NULL;

	if (end != NULL)
		text->len = (size_t)(end - text->p);
	while (text->len > 0 && text->p[text->len - 1] == '\r')
		text->len--;
}

/* Asks at the terminal itself, so that standard input may be a file. */
static struct err *password_ask(struct buf *out, const char *what)
{
	struct termios was, quiet;
	FILE *tty = fopen("/dev/tty", "r+e");

	ENSURE_FIELD(tty != NULL, DENIED, "password",
		     "%s needs a password and there is no terminal to ask at; use --password-file", what);
	(void)fprintf(tty, "password for %s: ", what);
	(void)fflush(tty);
	bool hidden = tcgetattr(fileno(tty), &was) == 0;
	quiet = was;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	hidden = hidden && tcsetattr(fileno(tty), TCSAFLUSH, &quiet) == 0;
	char line[PASSWORD_MAX];
	bool got = hidden && fgets(line, sizeof line, tty) != NULL;
	if (hidden)
		(void)tcsetattr(fileno(tty), TCSAFLUSH, &was);
	(void)fputc('\n', tty);
	struct err *e = got ? buf_append_str(out, line)
			    : ERR_FIELD(DENIED, "password", "the password for %s could not be read", what);
	OPENSSL_cleanse(line, sizeof line);
	(void)fclose(tty);
	return e;
}

struct err *key_password_get(struct buf *out, const struct key_password *password, const char *what)
{
	const char *text = password->variable != NULL ? getenv(password->variable) : NULL;

	buf_reset(out);
	if (password->text != NULL)
		TRY(buf_append_str(out, password->text));
	else if (password->file != NULL)
		TRY(file_read(out, password->file, "password"));
	else if (text != NULL && text[0] != '\0')
		TRY(buf_append_str(out, text));
	else if (password->may_ask)
		TRY(password_ask(out, what));
	line_cut(out);
	ENSURE_FIELD(out->len > 0, DENIED, "password", "%s needs a password; use --password-file FILE%s%s", what,
		     password->variable != NULL ? " or set " : "",
		     password->variable != NULL ? password->variable : "");
	ENSURE_FIELD(memchr(out->p, '\0', out->len) == NULL, BAD_INPUT, "password", "the password holds a NUL byte");
	return buf_str(out, &text);
}

/* The callback of libcrypto's PEM and PKCS#8 readers. */
struct password_request {
	const struct key_password *password;
	const char *what;
	bool asked;
	struct err *error;
};

static int on_password(char *out, int size, int writing, void *arg)
{
	struct password_request *request = arg;
	OWN(buf) text = BUF_INIT_SECRET(PASSWORD_MAX);

	(void)writing;
	request->asked = true;
	err_destroy(&request->error); /* libcrypto may ask more than once */
	request->error = key_password_get(&text, request->password, request->what);
	if (request->error != NULL || text.len > (size_t)size)
		return -1;
	memcpy(out, text.p, text.len);
	return (int)text.len;
}

/* ---------------------------------------------------------------- opening a store */

static struct err *store_make(struct key_store **out, EVP_PKEY *key)
{
	OWN(key_store) self = calloc(1, sizeof *self);

	if (self == NULL) {
		EVP_PKEY_free(key);
		return ERR(NO_MEMORY, "out of memory");
	}
	self->key = key;
	self->certificate = (struct buf)BUF_INIT(CERT_MAX_BYTES);
	TRY(suite_of_key(&self->suite, key));
	*out = TAKE(self);
	return NULL;
}

static struct err *private_key_read(EVP_PKEY **out, struct slice bytes, const char *path,
				    const struct key_password *password)
{
	struct password_request request = { .password = password, .what = path };
	OWN(bio) bio = BIO_new_mem_buf(bytes.p, (int)bytes.len);

	ENSURE(bio != NULL, NO_MEMORY, "out of memory");
	ERR_clear_error();
	if (bytes.len > 0 && bytes.p[0] == 0x30) {
		*out = d2i_PKCS8PrivateKey_bio(bio, NULL, on_password, &request);
		if (*out == NULL && !request.asked) {
			(void)BIO_reset(bio);
			*out = d2i_PrivateKey_bio(bio, NULL);
		}
	} else {
		*out = PEM_read_bio_PrivateKey(bio, NULL, on_password, &request);
	}
	if (*out == NULL && request.error != NULL) {
		ERR_clear_error();
		return request.error;
	}
	if (*out == NULL && request.asked)
		return ERR_OPENSSL(DENIED, "%s: the password does not open the private key", path);
	if (*out == NULL)
		return ERR_OPENSSL(BAD_INPUT, "%s holds no private key (PEM or DER, PKCS#8)", path);
	ERR_clear_error();
	err_destroy(&request.error);
	return NULL;
}

struct err *key_file_is_encrypted(bool *out, const char *path)
{
	OWN(buf) bytes = BUF_INIT_SECRET(KEY_FILE_MAX);
	const char *text;

	TRY(file_read(&bytes, path, "key"));
	TRY(buf_str(&bytes, &text));
	*out = strstr(text, "ENCRYPTED") != NULL;
	return NULL;
}

static struct err *file_store_open(struct key_store **out, const char *spec, const struct key_password *password)
{
	OWN(buf) bytes = BUF_INIT_SECRET(KEY_FILE_MAX);
	char path[4096];
	const char *comma = strrchr(spec, ',');
	size_t len = comma != NULL ? (size_t)(comma - spec) : strlen(spec);
	EVP_PKEY *key = NULL;

	ENSURE(len < sizeof path, TOO_LARGE, "the path of the key is too long");
	memcpy(path, spec, len);
	path[len] = '\0';
	TRY(file_read(&bytes, path, "key"));
	TRY(private_key_read(&key, buf_slice(&bytes), path, password));
	OWN(key_store) self = NULL;
	TRY(store_make(&self, key));
	if (comma != NULL) {
		OWN(buf) certificate = BUF_INIT(KEY_FILE_MAX);

		TRY(file_read(&certificate, comma + 1, "cert"));
		TRY(key_store_set_certificate(self, buf_slice(&certificate)));
	}
	*out = TAKE(self);
	return NULL;
}

static struct err *p12_parse(EVP_PKEY **out_key, X509 **out_certificate, struct slice bytes, const char *path,
			     const struct key_password *password)
{
	OWN(buf) text = BUF_INIT_SECRET(PASSWORD_MAX);
	const unsigned char *at = bytes.p;
	OWN(key_pkcs12) p12 = d2i_PKCS12(NULL, &at, (long)bytes.len);
	OWN(key_certificates) others = NULL;

	if (p12 == NULL)
		return ERR_OPENSSL(BAD_INPUT, "%s is no PKCS#12 file", path);
	TRY(key_password_get(&text, password, path));
	if (PKCS12_verify_mac(p12, (const char *)text.p, (int)text.len) != 1) {
		ERR_clear_error();
		return ERR_FIELD(DENIED, "password", "%s: the password does not open the PKCS#12 file", path);
	}
	if (PKCS12_parse(p12, (const char *)text.p, out_key, out_certificate, &others) != 1)
		return ERR_OPENSSL(BAD_INPUT, "%s: the PKCS#12 file cannot be read", path);
	ERR_clear_error();
	return NULL;
}

static struct err *der_of(struct buf *out, X509 *certificate)
{
	unsigned char *der = NULL;
	int len = i2d_X509(certificate, &der);

	if (len <= 0)
		return ERR_OPENSSL(BAD_INPUT, "the certificate cannot be encoded");
	struct err *e = buf_set(out, SLICE(der, (size_t)len));
	OPENSSL_free(der);
	return e;
}

static struct err *p12_store_open(struct key_store **out, const char *path, const struct key_password *password)
{
	OWN(buf) bytes = BUF_INIT_SECRET(KEY_FILE_MAX);
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	OWN(key_store) self = NULL;
	OWN(key_x509) certificate = NULL;
	EVP_PKEY *key = NULL;

	TRY(file_read(&bytes, path, "p12"));
	TRY(p12_parse(&key, &certificate, buf_slice(&bytes), path, password));
	ENSURE_FIELD(key != NULL, BAD_INPUT, "p12", "%s holds no private key", path);
	TRY(store_make(&self, key));
	if (certificate != NULL) {
		TRY(der_of(&der, certificate));
		TRY(key_store_set_certificate(self, buf_slice(&der)));
	}
	*out = TAKE(self);
	return NULL;
}

static struct err *pkcs11_store_open(struct key_store **out, const char *spec, const struct key_password *password)
{
	(void)out;
	(void)password;
	return ERR_FIELD(BAD_INPUT, "key",
			 "pkcs11:%.40s: tokens are not available in this version; use file: or p12:", spec);
}

struct err *key_store_open(struct key_store **out, const char *spec, const struct key_password *password)
{
	static const struct {
		const char *prefix;
		struct err *(*open)(struct key_store **out, const char *spec, const struct key_password *password);
	} kinds[] = { { "file:", file_store_open }, { "p12:", p12_store_open }, { "pkcs11:", pkcs11_store_open } };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		size_t len = strlen(kinds[i].prefix);
		if (strncmp(spec, kinds[i].prefix, len) == 0)
			return kinds[i].open(out, spec + len, password);
	}
	return ERR_FIELD(BAD_INPUT, "key", "%.60s: a key store is file:KEY[,CERTIFICATE], p12:FILE or pkcs11:URI",
			 spec);
}

struct err *key_store_generate(struct key_store **out, const char *algorithm)
{
	static const struct {
		const char *word, *suite;
	} words[] = { { "rsa2048", "rsa2048-sha256" },
		      { "rsa3072", "rsa3072-sha256" },
		      { "rsa4096", "rsa4096-sha256" },
		      { "p256", "ecdsa-p256-sha256" } };
	EVP_PKEY *key = NULL;

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i].word, algorithm) != 0)
			continue;
		const struct suite *suite = suite_by_name(words[i].suite);
		ENSURE(suite != NULL, BUG, "the table of algorithms has no row %s", words[i].suite);
		TRY(suite_generate(&key, suite));
		return store_make(out, key);
	}
	return ERR_FIELD(BAD_INPUT, "alg", "%.40s: the algorithm is one of rsa2048, rsa3072, rsa4096, p256", algorithm);
}

/* ---------------------------------------------------------------- certificate and public key */

struct slice key_store_certificate(const struct key_store *self)
{
	return buf_slice(&self->certificate);
}

struct err *key_store_public(struct buf *out, const struct key_store *self)
{
	return suite_spki(out, self->key);
}

struct err *key_store_set_certificate(struct key_store *self, struct slice text)
{
	OWN(buf) der = BUF_INIT(CERT_MAX_BYTES);
	OWN(buf) spki = BUF_INIT(CERT_MAX_BYTES);
	struct cert cert;

	TRY(cert_from_pem(&der, text));
	TRY(cert_parse(&cert, buf_slice(&der)));
	TRY(key_store_public(&spki, self));
	ENSURE_FIELD(slice_equal(buf_slice(&spki), cert.public_key), BAD_INPUT, "cert",
		     "the certificate is not of this private key; give the pair that belongs together");
	return buf_set(&self->certificate, buf_slice(&der));
}

static struct err *certificate_object(X509 **out, const struct key_store *self)
{
	const unsigned char *at = self->certificate.p;

	ENSURE_FIELD(self->certificate.len > 0, BAD_INPUT, "cert", "the key has no certificate; give it with --cert");
	*out = d2i_X509(NULL, &at, (long)self->certificate.len);
	if (*out == NULL)
		return ERR_OPENSSL(BAD_INPUT, "the certificate cannot be read");
	return NULL;
}

/* ---------------------------------------------------------------- signing */

struct err *key_store_request(struct buf *out, const struct key_store *self, struct slice subject,
			      struct slice extensions)
{
	OWN(buf) spki = BUF_INIT(CSR_MAX_BYTES);
	OWN(buf) info = BUF_INIT(CSR_MAX_BYTES);
	OWN(evp_md_ctx) ctx = EVP_MD_CTX_new();
	uint8_t signature[1024];
	size_t len = sizeof signature;

	ENSURE(ctx != NULL, NO_MEMORY, "out of memory");
	TRY(key_store_public(&spki, self));
	TRY(csr_info(&info, subject, buf_slice(&spki), extensions));
	if (EVP_DigestSignInit_ex(ctx, NULL, self->suite->digest, NULL, NULL, self->key, NULL) != 1 ||
	    EVP_DigestSign(ctx, signature, &len, info.p, info.len) != 1)
		return ERR_OPENSSL(SYSTEM, "the request cannot be signed");
	return csr_assemble(out, buf_slice(&info), self->suite->signature_algorithm, SLICE(signature, len));
}

struct err *key_store_sign(struct buf *out, const struct key_store *self, struct slice content)
{
	const unsigned flags = CMS_DETACHED | CMS_BINARY | CMS_CADES | CMS_NOSMIMECAP;
	OWN(key_x509) certificate = NULL;
	OWN(bio) in = BIO_new_mem_buf(content.p, (int)content.len);
	unsigned char *der = NULL;

	ENSURE(in != NULL && content.len <= INT32_MAX, NO_MEMORY, "out of memory");
	TRY(certificate_object(&certificate, self));
	OWN(key_cms) cms = CMS_sign(NULL, NULL, NULL, NULL, flags | CMS_PARTIAL);
	if (cms == NULL || CMS_add1_signer(cms, certificate, self->key, EVP_sha256(), flags) == NULL ||
	    CMS_final(cms, in, NULL, flags) != 1)
		return ERR_OPENSSL(SYSTEM, "the decision cannot be signed");
	int len = i2d_CMS_ContentInfo(cms, &der);
	if (len <= 0)
		return ERR_OPENSSL(SYSTEM, "the signature cannot be encoded");
	struct err *e = buf_append(out, SLICE(der, (size_t)len));
	OPENSSL_free(der);
	return e;
}

/* ---------------------------------------------------------------- writing */

static struct err *bio_take(struct buf *out, BIO *bio)
{
	char *text = NULL;
	long len = BIO_get_mem_data(bio, &text);

	ENSURE(len > 0, SYSTEM, "nothing was encoded");
	return buf_append(out, SLICE(text, (size_t)len));
}

struct err *key_store_pem(struct buf *out, const struct key_store *self, const struct key_password *password)
{
	OWN(bio) bio = BIO_new(BIO_s_secmem());
	OWN(buf) text = BUF_INIT_SECRET(PASSWORD_MAX);
	int done;

	ENSURE(bio != NULL, NO_MEMORY, "out of memory");
	if (password == NULL) {
		done = PEM_write_bio_PKCS8PrivateKey(bio, self->key, NULL, NULL, 0, NULL, NULL);
	} else {
		TRY(key_password_get(&text, password, "the new key"));
		done = PEM_write_bio_PKCS8PrivateKey(bio, self->key, EVP_aes_256_cbc(), (const char *)text.p,
						     (int)text.len, NULL, NULL);
	}
	if (done != 1)
		return ERR_OPENSSL(SYSTEM, "the private key cannot be written");
	return bio_take(out, bio);
}

static struct err *chain_read(STACK_OF(X509) * out, struct slice pem)
{
	OWN(bio) bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *certificate;

	ENSURE(bio != NULL, NO_MEMORY, "out of memory");
	while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(out, certificate) == 0) {
			X509_free(certificate);
			return ERR(NO_MEMORY, "out of memory");
		}
	}
	/* The end of the text is an error of its own for libcrypto. */
	unsigned long last = ERR_peek_last_error();
	ENSURE_FIELD(ERR_GET_REASON(last) == PEM_R_NO_START_LINE, BAD_INPUT, "chain",
		     "the chain is not PEM certificates");
	ERR_clear_error();
	return NULL;
}

struct err *key_store_p12(struct buf *out, const struct key_store *self, const char *friendly_name,
			  struct slice chain_pem, const struct key_password *password)
{
	OWN(buf) text = BUF_INIT_SECRET(PASSWORD_MAX);
	OWN(key_x509) certificate = NULL;
	OWN(key_certificates) chain = sk_X509_new_null();
	unsigned char *der = NULL;

	ENSURE(chain != NULL, NO_MEMORY, "out of memory");
	if (self->certificate.len > 0)
		TRY(certificate_object(&certificate, self));
	if (chain_pem.len > 0)
		TRY(chain_read(chain, chain_pem));
	TRY(key_password_get(&text, password, "the new PKCS#12 file"));
	OWN(key_pkcs12)
	p12 = PKCS12_create_ex((const char *)text.p, friendly_name, self->key, certificate, chain, 0, 0, P12_ITERATIONS,
			       P12_ITERATIONS, 0, NULL, NULL);
	int len = p12 == NULL ? -1 : i2d_PKCS12(p12, &der);
	if (len <= 0)
		return ERR_OPENSSL(SYSTEM, "the PKCS#12 file cannot be made");
	struct err *e = buf_append(out, SLICE(der, (size_t)len));
	OPENSSL_free(der);
	return e;
}
