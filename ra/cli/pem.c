/*
 * pem.c - requests as PEM text. See pem.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

OWN_POINTER(pem_bio, BIO *, BIO_free_all)

static bool is_request(const char *label)
{
	return strcmp(label, PEM_STRING_X509_REQ) == 0 || strcmp(label, PEM_STRING_X509_REQ_OLD) == 0;
}

struct err *request_from_pem(struct buf *out, struct slice text)
{
	OWN(pem_bio) in = BIO_new_mem_buf(text.p, (int)text.len);
	char *label = NULL, *header = NULL;
	unsigned char *der = NULL;
	long len = 0;
	bool found = false;
	struct err *e = NULL;

	if (text.len > 0 && text.p[0] == 0x30)
		return buf_append(out, text);
	ENSURE(in != NULL, NO_MEMORY, "out of memory");
	while (!found && e == NULL && PEM_read_bio(in, &label, &header, &der, &len) == 1) {
		found = is_request(label);
		if (found)
			e = buf_append(out, SLICE(der, (size_t)len));
		OPENSSL_free(label);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	ERR_clear_error();
	if (e == NULL && !found)
		e = ERR_FIELD(BAD_INPUT, "csr", "the file holds no certificate request (PEM or DER)");
	return e;
}

struct err *request_to_pem(struct buf *out, struct slice der)
{
	OWN(pem_bio) bio = BIO_new(BIO_s_mem());
	char *text = NULL;

	ENSURE(bio != NULL, NO_MEMORY, "out of memory");
	if (PEM_write_bio(bio, PEM_STRING_X509_REQ, "", der.p, (long)der.len) <= 0)
		return ERR_OPENSSL(SYSTEM, "the request cannot be written");
	long len = BIO_get_mem_data(bio, &text);
	return buf_append(out, SLICE(text, (size_t)len));
}
