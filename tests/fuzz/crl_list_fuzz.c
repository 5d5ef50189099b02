/*
 * crl_list_fuzz.c - the strict reader of CertificateLists, and the routes of crld's HTTP, against arbitrary bytes.
 *
 * Beside not crashing: a list that our reader accepts, OpenSSL accepts too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <openssl/x509.h>
#include <stdlib.h>

#include "crl/http.h"
#include "crl/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct err *read_all(struct slice der)
{
	struct crl_list list;
	struct crl_list_entry entry;
	bool more = true;

	TRY(crl_list_read(&list, der));
	while (more)
		TRY(crl_list_next(&list, &entry, &more));
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crl_http_file file;
	OWN(err) e = read_all(SLICE(data, size));

	if (e == NULL) {
		const uint8_t *p = data;
		X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)size);

		if (crl == NULL || p != data + size)
			abort();
		X509_CRL_free(crl);
	}
	if (crl_http_route(&file, SLICE(data, size)) && (file.path[0] == '.' || file.path[0] == '/'))
		abort();
	return 0;
}
