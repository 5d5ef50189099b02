/*
 * keys.c - key files of a signer. See keys.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEYS_MAX = 64, KEY_FILE_MAX = 64 * 1024, ISSUER_MAX = 16, SECURE_HEAP_BYTES = 1 << 19 };

struct sign_key {
	enum sign_use use;
	char issuer[ISSUER_MAX + 1];
	char label[PKCS11_LABEL_MAX + 1]; /* "rsa.ca", "log" */
	const struct sign_backend *backend;
	EVP_PKEY *public_key;
	EVP_PKEY *pkey; /* of a file; NULL while it is locked */
	struct buf encrypted; /* the file, when it can be locked again */
	struct pkcs11 *token;
	const struct suite *suite;
	struct buf spki;
};

struct keys {
	struct sign_key *items[KEYS_MAX];
	size_t num;
};

OWN_POINTER(evp_pkey, EVP_PKEY *, EVP_PKEY_free)
OWN_POINTER(bio, BIO *, BIO_free_all)
OWN_POINTER(dir, DIR *, closedir)

static const char *const use_words[SIGN_USE_COUNT] = { "root", "ca", "ocsp", "log", "journal" };

const char *sign_use_word(enum sign_use use)
{
	return use_words[use];
}

static bool use_has_issuer(enum sign_use use)
{
	return use == SIGN_USE_ROOT || use == SIGN_USE_CA || use == SIGN_USE_OCSP;
}

static void sign_key_destroy(struct sign_key **self)
{
	if (*self == NULL)
		return;
	EVP_PKEY_free((*self)->pkey);
	EVP_PKEY_free((*self)->public_key);
	buf_clear(&(*self)->spki);
	buf_clear(&(*self)->encrypted);
	free(*self);
	*self = NULL;
}
OWN_TYPE(sign_key, struct sign_key *, sign_key_destroy)

enum sign_use sign_key_use(const struct sign_key *key)
{
	return key->use;
}

const char *sign_key_issuer(const struct sign_key *key)
{
	return key->issuer;
}

const struct suite *sign_key_suite(const struct sign_key *key)
{
	return key->suite;
}

struct slice sign_key_spki(const struct sign_key *key)
{
	return buf_slice(&key->spki);
}

const struct sign_backend *sign_key_backend(const struct sign_key *key)
{
	return key->backend;
}

EVP_PKEY *sign_key_public(const struct sign_key *key)
{
	return key->public_key;
}

EVP_PKEY *sign_key_private(const struct sign_key *key)
{
	return key->pkey;
}

struct pkcs11 *sign_key_token(const struct sign_key *key)
{
	return key->token;
}

const char *sign_key_label(const struct sign_key *key)
{
	return key->label;
}

struct err *keys_create(struct keys **out)
{
	/* Before the first private number is read; a second call keeps the heap. */
	if (!CRYPTO_secure_malloc_initialized() && CRYPTO_secure_malloc_init(SECURE_HEAP_BYTES, 16) == 0)
		return ERR_OPENSSL(SYSTEM, "locked memory for keys");
	struct keys *self = calloc(1, sizeof *self);
	ENSURE(self != NULL, NO_MEMORY, "table of keys");
	*out = self;
	return NULL;
}

void keys_destroy(struct keys **self)
{
	if (*self == NULL)
		return;
	for (size_t i = 0; i < (*self)->num; i++)
		sign_key_destroy(&(*self)->items[i]);
	free(*self);
	*self = NULL;
}

size_t keys_count(const struct keys *self)
{
	return self->num;
}

const struct sign_key *keys_at(const struct keys *self, size_t index)
{
	return index < self->num ? self->items[index] : NULL;
}

const struct sign_key *keys_find(const struct keys *self, enum sign_use use, const char *issuer)
{
	for (size_t i = 0; i < self->num; i++)
		if (self->items[i]->use == use && strcmp(self->items[i]->issuer, issuer) == 0)
			return self->items[i];
	return NULL;
}

/* A handle that knows its public key; where the private one is, is the caller's to add. */
static struct err *key_create(struct sign_key **out, const struct keys *table, enum sign_use use, const char *issuer,
			      struct slice spki)
{
	ENSURE(table->num < KEYS_MAX, CONFIG, "more than %d keys in one signer", KEYS_MAX);
	ENSURE(keys_find(table, use, issuer) == NULL, CONFIG, "two keys for %s %s", issuer, use_words[use]);
	OWN(sign_key) key = calloc(1, sizeof *key);
	ENSURE(key != NULL, NO_MEMORY, "key handle");
	key->use = use;
	key->spki.max = 8 * 1024;
	key->encrypted = (struct buf)BUF_INIT_SECRET(KEY_FILE_MAX);
	(void)snprintf(key->issuer, sizeof key->issuer, "%s", issuer);
	(void)snprintf(key->label, sizeof key->label, "%s%s%s", issuer, issuer[0] == '\0' ? "" : ".", use_words[use]);
	TRY(buf_append(&key->spki, spki));
	TRY(suite_of_spki(&key->suite, spki));
	TRY(suite_public_key(&key->public_key, spki));
	*out = TAKE(key);
	return NULL;
}

static void keys_take(struct keys *self, struct sign_key *key, const struct sign_key **out)
{
	if (out != NULL)
		*out = key;
	self->items[self->num++] = key;
}

/* A key whose private number is still encrypted; takes over the file's bytes. */
static struct err *keys_add_encrypted(struct sign_key **out, struct keys *self, enum sign_use use, const char *issuer,
				      EVP_PKEY *public_key, struct buf *file)
{
	OWN(sign_key) key = NULL;
	OWN(buf) spki = BUF_INIT(8 * 1024);

	TRY(suite_spki(&spki, public_key));
	TRY(key_create(&key, self, use, issuer, buf_slice(&spki)));
	key->backend = &sign_backend_file;
	buf_move(&key->encrypted, file);
	*out = key;
	keys_take(self, TAKE(key), NULL);
	return NULL;
}

/* Takes over pkey. */
static struct err *keys_add(const struct sign_key **out, struct keys *self, enum sign_use use, const char *issuer,
			    EVP_PKEY *pkey)
{
	OWN(evp_pkey) owned = pkey;
	OWN(sign_key) key = NULL;
	OWN(buf) spki = BUF_INIT(8 * 1024);

	TRY(suite_spki(&spki, owned));
	TRY(key_create(&key, self, use, issuer, buf_slice(&spki)));
	key->backend = &sign_backend_file;
	key->pkey = TAKE(owned);
	keys_take(self, TAKE(key), out);
	return NULL;
}

/* "rsa.ca.key" -> rsa, ca; "log.key" -> "", log. */
static struct err *parse_name(enum sign_use *use, char issuer[ISSUER_MAX + 1], const char *name)
{
	const char *dot = strchr(name, '.');
	const char *word = name;

	issuer[0] = '\0';
	if (dot != NULL && strcmp(dot, ".key") != 0) {
		size_t len = (size_t)(dot - name);

		ENSURE(len > 0 && len <= ISSUER_MAX, CONFIG, "%s: the issuer's name has 1 to %d letters", name,
		       ISSUER_MAX);
		memcpy(issuer, name, len);
		issuer[len] = '\0';
		word = dot + 1;
	}
	for (int i = 0; i < SIGN_USE_COUNT; i++) {
		size_t len = strlen(use_words[i]);

		if (strncmp(word, use_words[i], len) == 0 && strcmp(word + len, ".key") == 0 &&
		    use_has_issuer((enum sign_use)i) == (issuer[0] != '\0')) {
			*use = (enum sign_use)i;
			return NULL;
		}
	}
	return ERR(CONFIG,
		   "%s: a key file is called ISSUER.ca.key, ISSUER.ocsp.key, ISSUER.root.key, log.key or journal.key",
		   name);
}

static int passphrase_callback(char *out, int size, int rwflag, void *arg)
{
	const struct slice *passphrase = arg;

	(void)rwflag;
	if (size < 0 || passphrase->len > (size_t)size || passphrase->len == 0)
		return -1;
	memcpy(out, passphrase->p, passphrase->len);
	return (int)passphrase->len;
}

static struct err *read_file(struct buf *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return ERR_ERRNO("opening the key file %s", path);
	struct err *e = NULL;
	uint8_t *at = NULL;
	if (fstat(fd, &st) != 0)
		e = ERR_ERRNO("looking at the key file %s", path);
	else if ((st.st_mode & 077) != 0)
		e = ERR(CONFIG, "%s can be read by others; chmod 600 it", path);
	else
		e = buf_extend(out, &at, (size_t)st.st_size);
	if (e == NULL && read(fd, at, (size_t)st.st_size) != st.st_size)
		e = ERR_ERRNO("reading the key file %s", path);
	(void)close(fd);
	return e;
}

static bool is_encrypted(const struct buf *pem)
{
	static const char mark[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

	return pem->len > 0 && memmem(pem->p, pem->len, mark, sizeof mark - 1) != NULL;
}

/* The public key that stands behind an encrypted one; NULL when none does. The reader starts there: libcrypto would
 * otherwise try to open the private one and ask the terminal for a passphrase. */
static struct err *public_half(EVP_PKEY **out, const struct buf *pem, const char *name)
{
	static const char mark[] = "-----BEGIN PUBLIC KEY-----";
	const uint8_t *at = memmem(pem->p, pem->len, mark, sizeof mark - 1);

	*out = NULL;
	if (at == NULL)
		return NULL;
	OWN(bio) in = BIO_new_mem_buf(at, (int)(pem->len - (size_t)(at - pem->p)));
	ENSURE(in != NULL, NO_MEMORY, "reading %s", name);
	*out = PEM_read_bio_PUBKEY(in, NULL, NULL, NULL);
	return *out != NULL ? NULL : ERR_OPENSSL(CONFIG, "%s: its public key is damaged", name);
}

static struct err *unlock(struct sign_key *key, struct slice passphrase)
{
	OWN(bio) in = BIO_new_mem_buf(key->encrypted.p, (int)key->encrypted.len);
	ENSURE(in != NULL, NO_MEMORY, "opening a key");
	OWN(evp_pkey) pkey = PEM_read_bio_PrivateKey(in, NULL, passphrase_callback, &passphrase);
	if (pkey == NULL)
		return ERR_OPENSSL(DENIED, "%s: the passphrase is wrong", key->label);
	ENSURE(EVP_PKEY_eq(pkey, key->public_key) == 1, DENIED, "%s: the private key is not that of the public one",
	       key->label);
	key->pkey = TAKE(pkey);
	return NULL;
}

bool sign_key_is_locked(const struct sign_key *key)
{
	return key->encrypted.len > 0 && key->pkey == NULL;
}

size_t keys_num_locked(const struct keys *self)
{
	size_t num = 0;

	for (size_t i = 0; i < self->num; i++)
		num += sign_key_is_locked(self->items[i]);
	return num;
}

void keys_lock(struct keys *self)
{
	for (size_t i = 0; i < self->num; i++) {
		if (self->items[i]->encrypted.len == 0)
			continue;
		EVP_PKEY_free(self->items[i]->pkey);
		self->items[i]->pkey = NULL;
	}
}

struct err *keys_unlock(struct keys *self, struct slice passphrase)
{
	struct err *e = NULL;

	for (size_t i = 0; i < self->num && e == NULL; i++)
		if (sign_key_is_locked(self->items[i]))
			e = unlock(self->items[i], passphrase);
	if (e != NULL)
		keys_lock(self);
	return e;
}

static struct err *load_file(struct keys *self, const char *folder, const char *name, struct slice passphrase)
{
	char path[4096];
	char issuer[ISSUER_MAX + 1];
	enum sign_use use = SIGN_USE_COUNT;
	OWN(buf) pem = BUF_INIT_SECRET(KEY_FILE_MAX);

	TRY(parse_name(&use, issuer, name));
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	TRY(read_file(&pem, path));
	OWN(evp_pkey) public_key = NULL;
	if (is_encrypted(&pem))
		TRY(public_half(&public_key, &pem, name));
	if (public_key != NULL) {
		struct sign_key *key = NULL;

		TRY(keys_add_encrypted(&key, self, use, issuer, public_key, &pem));
		return passphrase.len == 0 ? NULL : unlock(key, passphrase);
	}
	OWN(bio) in = BIO_new_mem_buf(pem.p, (int)pem.len);
	ENSURE(in != NULL, NO_MEMORY, "reading %s", name);
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, passphrase_callback, &passphrase);
	if (pkey == NULL)
		return ERR_OPENSSL(DENIED, "%s: not a private key, or the passphrase is wrong", name);
	return keys_add(NULL, self, use, issuer, pkey);
}

static bool is_key_file(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && name[0] != '.' && strcmp(name + len - 4, ".key") == 0;
}

struct err *keys_open(struct keys **out, const char *folder, struct slice passphrase)
{
	OWN(keys) self = NULL;

	TRY(keys_create(&self));
	OWN(dir) d = opendir(folder);
	if (d == NULL)
		return ERR_ERRNO("opening the folder of keys %s", folder);
	for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d))
		if (is_key_file(entry->d_name))
			TRY(load_file(self, folder, entry->d_name, passphrase));
	*out = TAKE(self);
	return NULL;
}

struct err *keys_exist(bool *out, const char *folder)
{
	OWN(dir) d = opendir(folder);

	*out = false;
	if (d == NULL)
		return errno == ENOENT ? NULL : ERR_ERRNO("opening the folder of keys %s", folder);
	for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d))
		*out = *out || is_key_file(entry->d_name);
	return NULL;
}

/* PKCS#8 in PEM; under a passphrase PBES2 with AES-256 and PBKDF2, and the public key behind it. */
static struct err *encode_key(struct buf *out, EVP_PKEY *pkey, struct slice passphrase)
{
	OWN(bio) mem = BIO_new(BIO_s_secmem());
	char *bytes = NULL;

	ENSURE(mem != NULL, NO_MEMORY, "encoding a key");
	const EVP_CIPHER *cipher = passphrase.len > 0 ? EVP_aes_256_cbc() : NULL;
	if (PEM_write_bio_PKCS8PrivateKey(mem, pkey, cipher, NULL, 0, cipher == NULL ? NULL : passphrase_callback,
					  &passphrase) != 1)
		return ERR_OPENSSL(SYSTEM, "encoding a key");
	if (cipher != NULL && PEM_write_bio_PUBKEY(mem, pkey) != 1)
		return ERR_OPENSSL(SYSTEM, "encoding a key");
	long len = BIO_get_mem_data(mem, &bytes);
	return buf_append(out, SLICE(bytes, (size_t)len));
}

static struct err *flush_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return ERR_ERRNO("opening the folder %s", folder);
	struct err *e = fsync(fd) == 0 ? NULL : ERR_ERRNO("flushing the folder %s", folder);
	(void)close(fd);
	return e;
}

static struct err *write_new_file(const char *path, struct slice bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 && errno == EEXIST)
		return ERR(CONFLICT, "%s exists: keys are never overwritten", path);
	if (fd < 0)
		return ERR_ERRNO("creating %s", path);
	struct err *e = NULL;
	if (write(fd, bytes.p, bytes.len) != (ssize_t)bytes.len || fsync(fd) != 0)
		e = ERR_ERRNO("writing %s", path);
	if (close(fd) != 0 && e == NULL)
		e = ERR_ERRNO("closing %s", path);
	return e;
}

struct err *keys_generate(const struct sign_key **out, struct keys *self, const char *folder, enum sign_use use,
			  const char *issuer, const struct suite *suite, struct slice passphrase)
{
	char path[4096];
	OWN(buf) pem = BUF_INIT_SECRET(KEY_FILE_MAX);
	OWN(evp_pkey) pkey = NULL;

	TRY(suite_generate(&pkey, suite));
	TRY(encode_key(&pem, pkey, passphrase));
	(void)snprintf(path, sizeof path, "%s/%s%s%s.key", folder, issuer, issuer[0] == '\0' ? "" : ".",
		       use_words[use]);
	TRY(write_new_file(path, buf_slice(&pem)));
	TRY(flush_folder(folder));
	return keys_add(out, self, use, issuer, TAKE(pkey));
}

/* ---- keys of a token */

static struct err *add_token_key(const struct sign_key **out, struct keys *self, struct pkcs11 *token,
				 enum sign_use use, const char *issuer, struct slice spki)
{
	OWN(sign_key) key = NULL;

	TRY(key_create(&key, self, use, issuer, spki));
	key->backend = &sign_backend_pkcs11;
	key->token = token;
	keys_take(self, TAKE(key), out);
	return NULL;
}

static struct err *token_label(char out[PKCS11_LABEL_MAX + 1], enum sign_use use, const char *issuer)
{
	ENSURE(use_has_issuer(use), BUG, "the %s key is a file's", use_words[use]);
	(void)snprintf(out, PKCS11_LABEL_MAX + 1, "%s.%s", issuer, use_words[use]);
	return NULL;
}

struct err *keys_add_token(const struct sign_key **out, struct keys *self, struct pkcs11 *token, enum sign_use use,
			   const char *issuer)
{
	OWN(buf) spki = BUF_INIT(8 * 1024);
	char label[PKCS11_LABEL_MAX + 1];

	TRY(token_label(label, use, issuer));
	TRY(pkcs11_public_key(token, &spki, label));
	return add_token_key(out, self, token, use, issuer, buf_slice(&spki));
}

struct err *keys_generate_token(const struct sign_key **out, struct keys *self, struct pkcs11 *token, enum sign_use use,
				const char *issuer, const struct suite *suite)
{
	OWN(buf) spki = BUF_INIT(8 * 1024);
	char label[PKCS11_LABEL_MAX + 1];

	TRY(token_label(label, use, issuer));
	TRY(pkcs11_generate(token, &spki, label, suite));
	return add_token_key(out, self, token, use, issuer, buf_slice(&spki));
}
