/*
 * state.h - the life of an application: states, events, who may cause which, and the ONE transition function.
 *
 * ra_state_next() is pure: it reads nothing but its argument and changes nothing. Every change of application.state in
 * rad goes through it; cad's own steps (issue, issued, refused) are in the table too, so that it is whole. The legal
 * pairs are the rows of table application_transition (schema/0001_ledger.sql); a test holds the two lists equal.
 *
 * Who has to decide is not known here: `waits_for` comes from the authority function that signd uses as well
 * (common/x509/authority.h), counted with the decision that the step brings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_STATE_H
#define RA_STATE_H

#include "base/own.h"

enum ra_state {
	RA_SUBMITTED,
	RA_AWAITING_CONFIRMATION,
	RA_AWAITING_DOCUMENTS,
	RA_AWAITING_HEAD,
	RA_IN_REVIEW,
	RA_RETURNED,
	RA_APPROVED_ONCE,
	RA_APPROVED,
	RA_ISSUING,
	RA_ISSUED,
	RA_DELIVERED,
	RA_REJECTED,
	RA_WITHDRAWN,
	RA_EXPIRED,
	RA_STATE_COUNT
};

enum ra_event {
	RA_EV_SUBMIT, /* the application is complete and stored                       */
	RA_EV_CONFIRM, /* the one-time code was right                                  */
	RA_EV_RESEND, /* a new one-time code is sent                                  */
	RA_EV_IDENTIFY_FAIL, /* the identification service did not recognise the person      */
	RA_EV_CLAIM, /* an operator takes it for a while, or keeps it                */
	RA_EV_RELEASE, /* the claim is given back, or its lease ran out                */
	RA_EV_APPROVE, /* a signed decision to approve was verified                    */
	RA_EV_REJECT, /* a signed decision to reject was verified                     */
	RA_EV_RETURN, /* to be corrected, or photographed anew                        */
	RA_EV_NEED_DOCUMENTS, /* documents are asked for                                      */
	RA_EV_SUPPLY_DOCUMENT, /* a document was added                                         */
	RA_EV_WITHDRAW, /* the applicant no longer wants it                             */
	RA_EV_EXPIRE, /* its time ran out                                             */
	RA_EV_ISSUE, /* cad reserved serials                                         */
	RA_EV_ISSUED, /* every request has its certificate                            */
	RA_EV_ISSUE_REFUSED, /* the signer or the profile refused for good                   */
	RA_EV_DELIVER, /* the certificates were fetched or accepted                    */
	RA_EVENT_COUNT
};

enum ra_actor {
	RA_APPLICANT, /* whoever knows the application's number */
	RA_OPERATOR,
	RA_SENIOR,
	RA_ADMINISTRATOR,
	RA_AUDITOR,
	RA_DESK,
	RA_IDENTIFICATION,
	RA_HOLDER,
	RA_HEAD,
	RA_DELEGATE,
	RA_TIMER,
	RA_CA,
	RA_ACTOR_COUNT
};

/* Whose decision is the next one that is missing. Order of asking: the machine first, then the head, then staff. */
enum ra_waits { RA_WAITS_NOTHING, RA_WAITS_IDENTIFICATION, RA_WAITS_HEAD, RA_WAITS_STAFF, RA_WAITS_COUNT };

enum ra_claim { RA_CLAIM_NONE, RA_CLAIM_OWN, RA_CLAIM_OTHER };

struct ra_step {
	enum ra_state from;
	enum ra_event event;
	enum ra_actor actor;
	enum ra_waits waits_for; /* when this step is counted */
	enum ra_claim claim; /* a claim whose lease ran out is none */
	bool needs_code; /* channel remote: the telephone number is confirmed by a one-time code */
	bool has_tries; /* identification may be tried again */
	bool is_reviewed; /* staff approved it before this step */
	bool is_enterer; /* the actor entered this application */
	bool is_subject; /* the actor is the person whom the certificate will name */
	bool has_decided; /* the actor approved it before */
};

/*
 * ra_state_next() gives the state after a step; it may be the same one (a claim prolonged, a document added).
 * *Errors* DENIED: this actor may never do that here; CONFLICT: the state of the application does not allow it now.
 * Nothing is written to *out then. The sentence is meant for the person who tried.
 */
struct err *ra_state_next(enum ra_state *out, const struct ra_step *step) ERR_MUST_USE;

/* Words of the ledger and the API ("awaiting_confirmation"). The getters accept any value; "?" for none. */
const char *ra_state_word(enum ra_state state);
const char *ra_event_word(enum ra_event event);
const char *ra_actor_word(enum ra_actor actor);
/* ra_state_parse() and ra_actor_parse() read the words; false when it is none of them. */
bool ra_state_parse(enum ra_state *out, const char *word);
bool ra_actor_parse(enum ra_actor *out, const char *word);

/* ra_state_is_end() says whether nothing can happen any more without a certificate (keys are free again then). */
bool ra_state_is_end(enum ra_state state);

#endif
