/*
 * handlers.c - what cad does with the messages it receives: prompts of rad, nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/issue/cad.h"
#include "ca/issue/figures.h"

static struct err *on_prompt(void *arg, struct bus_call *call)
{
	struct cad *cad = arg;
	OWN(msg_prompt) prompt = { 0 };
	OWN(buf) answer = BUF_INIT(16);

	TRY(msg_prompt_decode(&prompt, bus_call_body(call)));
	metrics_add(cad->daemon->metrics, CAD_PROMPTS, 1);
	switch (prompt.what) {
	case MSG_PROMPT_ISSUE:
		issuing_prompt(cad->issuing);
		sequencer_prompt(cad->sequencer);
		break;
	case MSG_PROMPT_ORDER:
		orders_prompt(cad->orders);
		sequencer_prompt(cad->sequencer);
		break;
	case MSG_PROMPT_POLICY:
		relay_prompt(cad->relay);
		sequencer_prompt(cad->sequencer);
		break;
	default:
		sequencer_prompt(cad->sequencer);
		break;
	}
	bus_call_answer(call, &answer);
	return NULL;
}

const struct bus_handler cad_handlers[] = {
	{ MSG_ISSUE_PROMPT, MSG_ROLE_BIT(MSG_ROLE_RAD), on_prompt },
	{ 0, 0, NULL },
};
