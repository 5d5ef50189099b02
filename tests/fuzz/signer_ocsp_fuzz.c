/*
 * signer_ocsp_fuzz.c - the signer's check of a ResponseData against arbitrary bytes.
 *
 * One serial is known and valid, one is revoked. Beside not crashing: what is accepted says nothing of the revoked one but
 * "revoked", and a refusal is always DENIED with a named reason.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "ca/sign/metrics_signd.h"
#include "ca/sign/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1795000000

static struct known *known;
static struct ocsp_issuer issuer;
/* Name of the responder: CN=R */
static const uint8_t name[] = { 0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x01, 'R' };

static void must(struct err *e)
{
	if (e != NULL)
		abort();
}

static void prepare(void)
{
	struct serial valid = { 2, { 0x10, 1 } }, revoked = { 2, { 0x10, 2 } };
	struct known_order order = {
		.action = KNOWN_REVOKE, .reason = 1, .serial = revoked, .at = NOW - 500, .seq = 3
	};
	uint8_t digest[32] = { 1 };

	must(known_create(&known));
	must(known_add(known, SLICE_STR("rsa"), &valid, 1));
	must(known_add(known, SLICE_STR("rsa"), &revoked, 2));
	must(known_order_add(known, SLICE_STR("rsa"), &order, digest));
	/* the hashes of the issuer are all zero: seeds name it so */
	issuer = (struct ocsp_issuer){ .name = SLICE_STR("rsa"),
				       .responder = SLICE(name, sizeof name),
				       .not_after_at = NOW + 1000000 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ocsp_limits limits = { NOW, 300, 864000 };

	if (known == NULL)
		prepare();
	OWN(err) e = ocsp_check(&issuer, known, &limits, SLICE(data, size));
	if (e != NULL && (err_code(e) != ERR_DENIED || err_field(e) == NULL || !signd_reason_known(err_field(e))))
		abort();
	return 0;
}
