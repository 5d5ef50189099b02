/*
 * pkcs11.c - raw PKCS#11 over a dlopen()ed module. See pkcs11.h.
 *
 * A token has a generation: each new connection counts it up, so that a session that was opened over an earlier one knows
 * that its handles mean nothing any more. The lock covers connecting and administration; signing needs none, the module
 * locks for itself (CKF_OS_LOCKING_OK) and every signer has its own session.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/pkcs11.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asn1/der.h"
#include "base/log.h"

enum { PIN_MAX = 256, SLOTS_MAX = 64, SPKI_MAX = 2048, TOKEN_LABEL = 32, ID_LEN = 8, RAW_MAX = 1024, P256_HALF = 32 };

struct pkcs11 {
	void *module;
	CK_FUNCTION_LIST *f;
	char token[TOKEN_LABEL + 1];
	struct buf pin;
	pthread_mutex_t lock;
	bool is_initialized;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE login; /* keeps the login, and is used for administration */
	_Atomic unsigned generation; /* of the connection; 0: none yet */
};

struct pkcs11_session {
	struct pkcs11 *token;
	char label[PKCS11_LABEL_MAX + 1];
	const struct suite *suite;
	unsigned generation;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
};

/* ---------------------------------------------------------------- return values */

static const char *rv_name(CK_RV rv)
{
	static const struct {
		CK_RV rv;
		const char *name;
	} names[] = {
		{ CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID" },
		{ CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED" },
		{ CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED" },
		{ CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR" },
		{ CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT" },
		{ CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED" },
		{ CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN" },
		{ CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED" },
		{ CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID" },
		{ CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID" },
		{ CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID" },
		{ CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR" },
		{ CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED" },
		{ CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT" },
		{ CKR_PIN_LOCKED, "CKR_PIN_LOCKED" },
		{ CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID" },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].rv == rv)
			return names[i].name;
	return "CKR";
}

/* The connection is gone, as opposed to: the request is wrong. */
static bool is_lost(CK_RV rv)
{
	switch (rv) {
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_DEVICE_REMOVED:
	case CKR_DEVICE_ERROR:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_USER_NOT_LOGGED_IN:
	case CKR_CRYPTOKI_NOT_INITIALIZED:
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_KEY_HANDLE_INVALID:
	case CKR_SLOT_ID_INVALID:
	case CKR_GENERAL_ERROR:
		return true;
	default:
		return false;
	}
}

static struct err *rv_err(const struct pkcs11 *self, CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return NULL;
	if (is_lost(rv))
		return ERR_FIELD(RETRY, "token", "token %s: %s: %s (0x%lx)", self->token, what, rv_name(rv), rv);
	return ERR_FIELD(SYSTEM, "token", "token %s: %s: %s (0x%lx)", self->token, what, rv_name(rv), rv);
}

/* ---------------------------------------------------------------- connecting */

static struct err *initialize(struct pkcs11 *self)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV rv = self->f->C_Initialize(&args);

	if (rv == CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return NULL;
	self->is_initialized = rv == CKR_OK;
	return rv_err(self, rv, "starting the module");
}

static bool has_label(const CK_TOKEN_INFO *info, const char *label)
{
	char padded[TOKEN_LABEL + 1];

	(void)snprintf(padded, sizeof padded, "%-32s", label);
	return memcmp(padded, info->label, TOKEN_LABEL) == 0;
}

static struct err *find_slot(struct pkcs11 *self)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG num = 0;
	CK_TOKEN_INFO info;
	CK_RV rv = self->f->C_GetSlotList(CK_TRUE, NULL, &num);

	if (rv == CKR_CRYPTOKI_NOT_INITIALIZED) { /* somebody ended the module */
		TRY(initialize(self));
		rv = self->f->C_GetSlotList(CK_TRUE, NULL, &num);
	}
	num = SLOTS_MAX;
	if (rv == CKR_OK)
		rv = self->f->C_GetSlotList(CK_TRUE, slots, &num);
	TRY(rv_err(self, rv, "listing the slots"));
	for (CK_ULONG i = 0; i < num; i++) {
		if (self->f->C_GetTokenInfo(slots[i], &info) != CKR_OK || !has_label(&info, self->token))
			continue;
		self->slot = slots[i];
		return NULL;
	}
	return ERR_FIELD(NOT_FOUND, "token", "there is no token %s", self->token);
}

static struct err *open_session(const struct pkcs11 *self, CK_SESSION_HANDLE *out, bool may_write)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION | (may_write ? CKF_RW_SESSION : 0);

	return rv_err(self, self->f->C_OpenSession(self->slot, flags, NULL, NULL, out), "opening a session");
}

static struct err *log_in(struct pkcs11 *self)
{
	CK_RV rv = self->f->C_Login(self->login, CKU_USER, self->pin.p, self->pin.len);

	if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_LEN_RANGE)
		return ERR_FIELD(DENIED, "token", "token %s: the PIN was refused (%s)", self->token, rv_name(rv));
	return rv == CKR_USER_ALREADY_LOGGED_IN ? NULL : rv_err(self, rv, "logging in");
}

/* Under the lock. What was open before is closed: its handles are dead or about to be. */
static struct err *connect_token(struct pkcs11 *self)
{
	if (self->generation > 0)
		(void)self->f->C_CloseAllSessions(self->slot);
	self->generation++;
	self->login = CK_INVALID_HANDLE;
	TRY(find_slot(self));
	TRY(open_session(self, &self->login, false));
	return log_in(self);
}

/* Connects anew unless another thread did so since `generation`. A token that is not there now may be again. */
static struct err *reconnect(struct pkcs11 *self, unsigned generation)
{
	struct err *e = NULL;

	(void)pthread_mutex_lock(&self->lock);
	if (self->generation == generation) {
		log_warn(NULL, "token_reconnect", "token=%s", self->token);
		e = connect_token(self);
	}
	(void)pthread_mutex_unlock(&self->lock);
	return e == NULL ? NULL : ERR_RECODE(e, RETRY, "the token is not there; nothing was signed");
}

static struct err *load_module(struct pkcs11 *self, const char *path)
{
	self->module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	ENSURE_FIELD(self->module != NULL, CONFIG, "signer.pkcs11_module", "%s", dlerror());
	CK_C_GetFunctionList get = NULL;
	void *symbol = dlsym(self->module, "C_GetFunctionList");
	memcpy(&get, &symbol, sizeof get); /* an object pointer is no function pointer in C */
	ENSURE_FIELD(get != NULL && get(&self->f) == CKR_OK, CONFIG, "signer.pkcs11_module", "%s is no PKCS#11 module",
		     path);
	return NULL;
}

static struct err *read_pin(struct buf *out, const char *path)
{
	struct stat st;
	uint8_t text[PIN_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return ERR_RECODE(ERR_ERRNO("%s", path), CONFIG, "the token's PIN");
	struct err *e =
		fstat(fd, &st) == 0 && (st.st_mode & 077) == 0
			? NULL
			: ERR_FIELD(CONFIG, "signer.pkcs11_pin_file", "%s can be read by others; chmod 600 it", path);
	ssize_t n = e == NULL ? read(fd, text, sizeof text) : 0;
	(void)close(fd);
	size_t len = 0;
	while (n > 0 && len < (size_t)n && text[len] != '\n' && text[len] != '\r')
		len++;
	if (e == NULL && len == 0)
		e = ERR_FIELD(CONFIG, "signer.pkcs11_pin_file", "%s holds no PIN", path);
	if (e == NULL)
		e = buf_append(out, SLICE(text, len));
	OPENSSL_cleanse(text, sizeof text);
	return e;
}

struct err *pkcs11_open(struct pkcs11 **out, const char *module, const char *token, const char *pin_file)
{
	OWN(pkcs11) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "token");
	(void)pthread_mutex_init(&self->lock, NULL);
	self->pin = (struct buf)BUF_INIT_SECRET(PIN_MAX);
	ENSURE_FIELD(token[0] != '\0' && strlen(token) <= TOKEN_LABEL, CONFIG, "signer.pkcs11_token",
		     "a token's label has 1 to %d octets", TOKEN_LABEL);
	(void)snprintf(self->token, sizeof self->token, "%s", token);
	TRY(read_pin(&self->pin, pin_file));
	TRY(load_module(self, module));
	TRY(initialize(self));
	TRY(connect_token(self));
	*out = TAKE(self);
	return NULL;
}

void pkcs11_close(struct pkcs11 **self)
{
	struct pkcs11 *t = *self;

	if (t == NULL)
		return;
	if (t->f != NULL && t->generation > 0)
		(void)t->f->C_CloseAllSessions(t->slot);
	if (t->is_initialized)
		(void)t->f->C_Finalize(NULL);
	/* The module stays loaded: some (SoftHSM) leave handlers of libcrypto behind that run at the process's end. */
	buf_clear(&t->pin);
	(void)pthread_mutex_destroy(&t->lock);
	free(t);
	*self = NULL;
}

/* ---------------------------------------------------------------- objects */

/* Finds the one object of the class with the label. *Errors* NOT_FOUND, CONFLICT. */
static struct err *find_object(const struct pkcs11 *self, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *out,
			       CK_OBJECT_CLASS class, const char *label)
{
	char text[PKCS11_LABEL_MAX + 1];
	CK_OBJECT_HANDLE found[2];
	CK_ULONG num = 0;

	(void)snprintf(text, sizeof text, "%s", label);
	CK_ATTRIBUTE wanted[] = { { CKA_CLASS, &class, sizeof class }, { CKA_LABEL, text, strlen(text) } };
	CK_RV rv = self->f->C_FindObjectsInit(session, wanted, 2);
	if (rv == CKR_OK) {
		rv = self->f->C_FindObjects(session, found, 2, &num);
		(void)self->f->C_FindObjectsFinal(session);
	}
	TRY(rv_err(self, rv, "looking for a key"));
	ENSURE_FIELD(num > 0, NOT_FOUND, "token", "there is no key %s in the token %s", label, self->token);
	ENSURE_FIELD(num == 1, CONFLICT, "token", "there are several keys %s in the token %s", label, self->token);
	*out = found[0];
	return NULL;
}

static struct err *get_bytes(const struct pkcs11 *self, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			     CK_ATTRIBUTE_TYPE type, uint8_t out[RAW_MAX], size_t *out_len)
{
	CK_ATTRIBUTE wanted = { type, out, RAW_MAX };

	TRY(rv_err(self, self->f->C_GetAttributeValue(session, object, &wanted, 1), "reading a public key"));
	ENSURE_FIELD(wanted.ulValueLen <= RAW_MAX, BAD_INPUT, "token", "an attribute without a value");
	*out_len = wanted.ulValueLen;
	return NULL;
}

static struct slice without_zeros(const uint8_t *p, size_t len)
{
	while (len > 1 && p[0] == 0) {
		p++;
		len--;
	}
	return SLICE(p, len);
}

static struct err *write_spki(struct buf *out, const struct suite *row, struct slice bits)
{
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(buf_append(out, row->key_algorithm));
	TRY(der_bits(out, bits));
	return der_close(out, mark);
}

static const struct suite *row_of_type(const char *key_type)
{
	for (size_t i = 0; suite_at(i) != NULL; i++)
		if (strcmp(suite_at(i)->key_type, key_type) == 0)
			return suite_at(i);
	return NULL;
}

static struct err *rsa_spki(const struct pkcs11 *self, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			    struct buf *out)
{
	uint8_t modulus[RAW_MAX], exponent[RAW_MAX];
	size_t modulus_len, exponent_len, mark;
	OWN(buf) key = BUF_INIT(SPKI_MAX);

	TRY(get_bytes(self, session, object, CKA_MODULUS, modulus, &modulus_len));
	TRY(get_bytes(self, session, object, CKA_PUBLIC_EXPONENT, exponent, &exponent_len));
	TRY(der_open(&key, &mark, DER_SEQUENCE));
	TRY(der_unsigned(&key, without_zeros(modulus, modulus_len)));
	TRY(der_unsigned(&key, without_zeros(exponent, exponent_len)));
	TRY(der_close(&key, mark));
	return write_spki(out, row_of_type("RSA"), buf_slice(&key));
}

/* CKA_EC_POINT is the point in an OCTET STRING; some modules leave that out. PKCS#11 v2.40 §2.3.3 */
static struct err *ec_spki(const struct pkcs11 *self, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			   struct buf *out)
{
	uint8_t point[RAW_MAX];
	size_t len;
	struct der_reader r;
	struct slice inner;

	TRY(get_bytes(self, session, object, CKA_EC_POINT, point, &len));
	der_reader_init(&r, SLICE(point, len));
	OWN(err) e = der_expect(&r, &inner, DER_OCTET_STRING, "point");
	return write_spki(out, row_of_type("EC"), e == NULL ? inner : SLICE(point, len));
}

static struct err *object_spki(const struct pkcs11 *self, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
			       struct buf *out)
{
	CK_KEY_TYPE type = 0;
	CK_ATTRIBUTE wanted = { CKA_KEY_TYPE, &type, sizeof type };
	const struct suite *row = NULL;
	OWN(buf) spki = BUF_INIT(SPKI_MAX);

	TRY(rv_err(self, self->f->C_GetAttributeValue(session, object, &wanted, 1), "reading a public key"));
	ENSURE_FIELD(type == CKK_RSA || type == CKK_EC, BAD_INPUT, "token", "a key of type 0x%lx is not used here",
		     type);
	TRY(type == CKK_RSA ? rsa_spki(self, session, object, &spki) : ec_spki(self, session, object, &spki));
	TRY(suite_of_spki(&row, buf_slice(&spki)));
	return buf_append(out, buf_slice(&spki));
}

static struct err *public_key(struct pkcs11 *self, struct buf *out_spki, const char *label)
{
	CK_OBJECT_HANDLE object = 0;

	TRY(find_object(self, self->login, &object, CKO_PRIVATE_KEY, label));
	TRY(find_object(self, self->login, &object, CKO_PUBLIC_KEY, label));
	return object_spki(self, self->login, object, out_spki);
}

struct err *pkcs11_public_key(struct pkcs11 *self, struct buf *out_spki, const char *label)
{
	(void)pthread_mutex_lock(&self->lock);
	struct err *e = public_key(self, out_spki, label);
	(void)pthread_mutex_unlock(&self->lock);
	return e;
}

struct err *pkcs11_is_locked_in(struct pkcs11 *self, bool *out, const char *label)
{
	CK_BBOOL sensitive = 0, always = 0, extractable = 1, never = 0;
	CK_ATTRIBUTE wanted[] = { { CKA_SENSITIVE, &sensitive, sizeof sensitive },
				  { CKA_ALWAYS_SENSITIVE, &always, sizeof always },
				  { CKA_EXTRACTABLE, &extractable, sizeof extractable },
				  { CKA_NEVER_EXTRACTABLE, &never, sizeof never } };
	CK_OBJECT_HANDLE object = 0;

	(void)pthread_mutex_lock(&self->lock);
	struct err *e = find_object(self, self->login, &object, CKO_PRIVATE_KEY, label);
	if (e == NULL)
		e = rv_err(self, self->f->C_GetAttributeValue(self->login, object, wanted, 4), "reading attributes");
	(void)pthread_mutex_unlock(&self->lock);
	*out = e == NULL && sensitive && always && !extractable && never;
	return e;
}

/* ---------------------------------------------------------------- making keys */

/* The curve's OID is the second element of the row's AlgorithmIdentifier. RFC 5480 §2.1.1 */
static struct err *curve_of(struct slice *out, const struct suite *suite)
{
	struct der_reader whole, fields;
	struct slice id;

	der_reader_init(&whole, suite->key_algorithm);
	TRY(der_expect_sequence(&whole, &fields, "algorithm"));
	TRY(der_read_oid(&fields, &id, "algorithm"));
	return der_expect_whole(&fields, out, DER_OID, "curve");
}

static struct err *generate_pair(const struct pkcs11 *self, CK_SESSION_HANDLE session, char *label,
				 const struct suite *suite)
{
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG bits = (CK_ULONG)suite->bits;
	uint8_t exponent[] = { 1, 0, 1 }, id[ID_LEN];
	bool is_rsa = strcmp(suite->key_type, "RSA") == 0;
	struct slice curve = SLICE_NONE;
	CK_OBJECT_HANDLE public = 0, private = 0;

	ENSURE_FIELD(is_rsa || strcmp(suite->key_type, "EC") == 0, CONFIG, "token", "no keys of %s are made in tokens",
		     suite->name);
	if (!is_rsa)
		TRY(curve_of(&curve, suite));
	if (RAND_bytes(id, sizeof id) != 1)
		return ERR_OPENSSL(SYSTEM, "random octets");
	CK_MECHANISM how = { is_rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_ATTRIBUTE public_part[] = {
		{ CKA_TOKEN, &yes, sizeof yes },
		{ CKA_VERIFY, &yes, sizeof yes },
		{ CKA_PRIVATE, &no, sizeof no },
		{ CKA_LABEL, label, strlen(label) },
		{ CKA_ID, id, sizeof id },
		{ is_rsa ? CKA_MODULUS_BITS : CKA_EC_PARAMS, is_rsa ? (void *)&bits : (void *)(uintptr_t)curve.p,
		  is_rsa ? sizeof bits : curve.len },
		{ CKA_PUBLIC_EXPONENT, exponent, sizeof exponent }, /* RSA only */
	};
	CK_ATTRIBUTE private_part[] = {
		{ CKA_TOKEN, &yes, sizeof yes },     { CKA_PRIVATE, &yes, sizeof yes },
		{ CKA_SENSITIVE, &yes, sizeof yes }, { CKA_EXTRACTABLE, &no, sizeof no },
		{ CKA_SIGN, &yes, sizeof yes },	     { CKA_DECRYPT, &no, sizeof no },
		{ CKA_UNWRAP, &no, sizeof no },	     { CKA_ID, id, sizeof id },
		{ CKA_LABEL, label, strlen(label) },
	};
	CK_RV rv = self->f->C_GenerateKeyPair(session, &how, public_part, is_rsa ? 7 : 6, private_part, 9, &public,
					      &private);
	return rv_err(self, rv, "making a key pair");
}

struct err *pkcs11_generate(struct pkcs11 *self, struct buf *out_spki, const char *label, const struct suite *suite)
{
	CK_SESSION_HANDLE session = CK_INVALID_HANDLE;
	CK_OBJECT_HANDLE object;
	char text[PKCS11_LABEL_MAX + 1];

	ENSURE(strlen(label) <= PKCS11_LABEL_MAX, BUG, "a label of more than %d octets", PKCS11_LABEL_MAX);
	(void)snprintf(text, sizeof text, "%s", label);
	(void)pthread_mutex_lock(&self->lock);
	struct err *taken = find_object(self, self->login, &object, CKO_PRIVATE_KEY, label);
	struct err *e = NULL;
	if (taken == NULL || err_code(taken) == ERR_CONFLICT)
		e = ERR_FIELD(CONFLICT, "token", "the token %s holds a key %s already", self->token, label);
	else if (err_code(taken) != ERR_NOT_FOUND)
		e = TAKE(taken);
	err_destroy(&taken);
	if (e == NULL)
		e = open_session(self, &session, true);
	if (e == NULL)
		e = generate_pair(self, session, text, suite);
	if (session != CK_INVALID_HANDLE)
		(void)self->f->C_CloseSession(session);
	if (e == NULL)
		e = public_key(self, out_spki, label);
	(void)pthread_mutex_unlock(&self->lock);
	return e;
}

/* ---------------------------------------------------------------- signing */

static struct err *session_connect(struct pkcs11_session *s)
{
	s->session = CK_INVALID_HANDLE;
	(void)pthread_mutex_lock(&s->token->lock);
	s->generation = s->token->generation;
	struct err *e = open_session(s->token, &s->session, false);
	if (e == NULL)
		e = find_object(s->token, s->session, &s->key, CKO_PRIVATE_KEY, s->label);
	(void)pthread_mutex_unlock(&s->token->lock);
	return e;
}

struct err *pkcs11_session_open(struct pkcs11_session **out, struct pkcs11 *token, const char *label,
				const struct suite *suite)
{
	OWN(pkcs11_session) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "session of a token");
	self->token = token;
	self->suite = suite;
	(void)snprintf(self->label, sizeof self->label, "%s", label);
	TRY(session_connect(self));
	*out = TAKE(self);
	return NULL;
}

void pkcs11_session_close(struct pkcs11_session **self)
{
	struct pkcs11_session *s = *self;

	if (s == NULL)
		return;
	if (s->session != CK_INVALID_HANDLE && s->generation == s->token->generation)
		(void)s->token->f->C_CloseSession(s->session);
	free(s);
	*self = NULL;
}

/* DigestInfo of SHA-256, RFC 8017 §9.2 note 1. */
static const uint8_t sha256_info[] = { 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
				       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

static CK_RV sign_once(struct pkcs11_session *s, uint8_t raw[RAW_MAX], CK_ULONG *len, struct slice digest)
{
	uint8_t info[sizeof sha256_info + SHA256_LEN];
	bool is_rsa = strcmp(s->suite->key_type, "RSA") == 0;
	CK_MECHANISM how = { is_rsa ? CKM_RSA_PKCS : CKM_ECDSA, NULL, 0 };

	memcpy(info, sha256_info, sizeof sha256_info);
	memcpy(info + sizeof sha256_info, digest.p, SHA256_LEN);
	*len = RAW_MAX;
	CK_RV rv = s->token->f->C_SignInit(s->session, &how, s->key);
	if (rv != CKR_OK)
		return rv;
	return is_rsa ? s->token->f->C_Sign(s->session, info, sizeof info, raw, len)
		      : s->token->f->C_Sign(s->session, info + sizeof sha256_info, SHA256_LEN, raw, len);
}

/* r || s becomes SEQUENCE { r INTEGER, s INTEGER }. RFC 3279 §2.2.3 */
static struct err *write_signature(const struct pkcs11_session *s, uint8_t *out, size_t *len, struct slice raw)
{
	OWN(buf) der = BUF_INIT(RAW_MAX);
	size_t mark;

	if (strcmp(s->suite->key_type, "EC") == 0) {
		ENSURE(raw.len == 2 * P256_HALF, SYSTEM, "the token gave %zu octets as a signature", raw.len);
		TRY(der_open(&der, &mark, DER_SEQUENCE));
		TRY(der_unsigned(&der, without_zeros(raw.p, P256_HALF)));
		TRY(der_unsigned(&der, without_zeros(raw.p + P256_HALF, P256_HALF)));
		TRY(der_close(&der, mark));
		raw = buf_slice(&der);
	}
	ENSURE(raw.len <= *len, SYSTEM, "the token gave a signature of %zu octets", raw.len);
	memcpy(out, raw.p, raw.len);
	*len = raw.len;
	return NULL;
}

/* Signs over the connection that there is; *rv says how that went. A session of an earlier connection is opened anew. */
static struct err *try_to_sign(struct pkcs11_session *s, CK_RV *rv, uint8_t raw[RAW_MAX], CK_ULONG *len,
			       struct slice digest)
{
	*rv = CKR_SESSION_HANDLE_INVALID;
	if (s->generation != s->token->generation || s->session == CK_INVALID_HANDLE)
		TRY(session_connect(s));
	*rv = sign_once(s, raw, len, digest);
	return rv_err(s->token, *rv, "signing");
}

struct err *pkcs11_session_sign(struct pkcs11_session *s, uint8_t *out, size_t *len, struct slice digest)
{
	uint8_t raw[RAW_MAX];
	CK_ULONG raw_len = 0;
	CK_RV rv;

	ENSURE(digest.len == SHA256_LEN, BUG, "tokens sign SHA-256 only");
	struct err *e = try_to_sign(s, &rv, raw, &raw_len, digest);
	if (e != NULL && is_lost(rv)) {
		err_destroy(&e);
		TRY(reconnect(s->token, s->generation));
		e = try_to_sign(s, &rv, raw, &raw_len, digest);
		if (e != NULL && is_lost(rv))
			return ERR_RECODE(e, RETRY, "the token is not there; nothing was signed");
	}
	TRY(e);
	return write_signature(s, out, len, SLICE(raw, raw_len));
}
