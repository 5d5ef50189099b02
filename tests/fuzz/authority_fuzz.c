/*
 * authority_fuzz.c - the DER gate, the authority objects and the decisions' CMS against arbitrary bytes: the first octet
 * chooses what they shall be.
 *
 * Beside not crashing: what our reader accepts, OpenSSL's template of the same object accepts and encodes to the same
 * bytes, so each object has exactly one form and both readers see the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "support/templates.h"
#include "x509/authority.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct err *read_gate(struct slice der)
{
	return der_strict_flags(der, 1 << 20, DER_SET_ORDER);
}

static struct err *read_authorisation(struct slice der)
{
	struct authorisation a;
	OWN(buf) again = BUF_INIT(AUTHORISATION_MAX_BYTES);

	TRY(authorisation_decode(&a, der));
	struct err *e = authorisation_encode(&again, &a);
	if (e != NULL || !slice_equal(buf_slice(&again), der))
		abort();
	return NULL;
}

static struct err *read_order(struct slice der)
{
	struct status_order o;
	OWN(buf) again = BUF_INIT(STATUS_ORDER_MAX_BYTES);

	TRY(status_order_decode(&o, der));
	struct err *e = status_order_encode(&again, &o);
	if (e != NULL || !slice_equal(buf_slice(&again), der))
		abort();
	return NULL;
}

static struct err *read_decision(struct slice der)
{
	struct decision d;

	TRY(decision_decode(&d, der));
	for (size_t i = 0; i < d.num_digests; i++)
		if (!decision_has(&d, decision_digest(&d, i)))
			abort();
	return NULL;
}

static struct err *read_signed_decision(struct slice der)
{
	struct signed_decision s;

	return signed_decision_decode(&s, der);
}

static struct err *read_policy(struct slice der)
{
	OWN(policy) p = { 0 };
	OWN(buf) again = BUF_INIT(POLICY_MAX_BYTES);

	TRY(policy_decode(&p, der));
	struct err *e = policy_encode(&again, &p);
	if (e != NULL || !slice_equal(buf_slice(&again), der))
		abort();
	return NULL;
}

static struct err *read_signed_policy(struct slice der)
{
	OWN(policy) p = { 0 };
	struct signed_policy s;
	const struct policy_signers signers = { .is_stored = true };

	OWN(err) ignored = policy_accept(&p, der, &signers, 1795000000);
	return signed_policy_decode(&s, der);
}

static struct err *read_cms(struct slice der)
{
	struct authority_signature signature;

	return authority_cms_verify(&signature, der, SLICE_STR("content"));
}

static const struct {
	struct err *(*read)(struct slice der);
	const char *object; /* of tests/support/templates.h; NULL: no judge */
} targets[] = {
	{ read_gate, NULL },
	{ read_authorisation, "Authorisation" },
	{ read_order, "StatusOrder" },
	{ read_decision, "Decision" },
	{ read_signed_decision, "SignedDecision" },
	{ read_policy, "Policy" },
	{ read_signed_policy, "SignedPolicy" },
	{ read_cms, NULL },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	size_t which = data[0] % (sizeof targets / sizeof targets[0]);
	struct slice der = SLICE(data + 1, size - 1);
	OWN(err) e = targets[which].read(der);
	if (e == NULL && targets[which].object != NULL && !template_says(targets[which].object, der))
		abort();
	return 0;
}
