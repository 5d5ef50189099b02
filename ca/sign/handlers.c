/*
 * handlers.c - see handlers.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/handlers.h"

#include "ca/sign/answers.h"
#include "ca/sign/certs.h"
#include "ca/sign/events.h"
#include "ca/sign/lists.h"
#include "ca/sign/orders.h"
#include "ca/sign/policies.h"

#define FROM(role) MSG_ROLE_BIT(MSG_ROLE_##role)

static const struct bus_handler ca_handlers[] = {
	{ MSG_SIGN_CERT, FROM(CAD), on_sign_cert },
	{ MSG_ORDER, FROM(CAD), on_order },
	{ MSG_EVENTS, FROM(CAD), on_events },
	{ MSG_POLICY_PUT, FROM(CAD), on_policy_put },
	{ MSG_SIGNER_STATUS, FROM(CAD) | FROM(CRLD), on_signer_status },
	{ MSG_CRL_BEGIN, FROM(CRLD), on_crl_begin },
	{ MSG_CRL_CHUNK, FROM(CRLD), on_crl_chunk },
	{ MSG_CRL_END, FROM(CRLD), on_crl_end },
	{ 0, 0, NULL },
};

static const struct bus_handler ocsp_handlers[] = {
	{ MSG_EVENTS_PUSH, FROM(CAD), on_events_push },
	{ MSG_SIGN_HEAD, FROM(CAD), on_sign_head },
	{ MSG_SIGN_OCSP, FROM(OCSPD), on_sign_ocsp },
	{ MSG_SIGNER_STATUS, FROM(CAD) | FROM(OCSPD), on_signer_status },
	{ 0, 0, NULL },
};

const struct bus_handler *handlers_of(bool is_ca)
{
	return is_ca ? ca_handlers : ocsp_handlers;
}

static int64_t last_number(const struct signd_issuer *issuer)
{
	return issuer->last_full.number > issuer->last_delta.number ? issuer->last_full.number
								    : issuer->last_delta.number;
}

struct err *on_signer_status(void *state, struct bus_call *call)
{
	const struct signd_state *s = state;
	struct msg_signer_issuer issuers[SIGND_ISSUERS_MAX];
	struct msg_signer_status body = { .policy_version = s->rules == NULL ? 0 : sign_rules_policy(s->rules)->version,
					  .event_seq = journal_next_seq(s->journal),
					  .order_seq = known_order_seq(s->known),
					  .issuers = issuers,
					  .num_issuers = s->num_issuers,
					  .log_size = (int64_t)s->head.size };
	OWN(buf) answer = BUF_INIT(65536);

	for (size_t i = 0; i < s->num_issuers; i++)
		issuers[i] = (struct msg_signer_issuer){ SLICE_STR(s->issuers[i].name), last_number(&s->issuers[i]) };
	TRY(msg_signer_status_encode(&answer, &body));
	bus_call_answer(call, &answer);
	return NULL;
}
