/*
 * api.h - one call of the HTTP API, free of HTTP: what a handler gets and what it answers.
 *
 * A handler runs on a thread of http.c with that thread's database connection. It answers by filling `answer` (JSON) or
 * `raw`, or returns an error, which becomes a problem document. Routes are rows: method, path, who may, handler; what is
 * in no row does not exist, and a role that a row does not name is refused (default deny).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_API_H
#define RA_API_H

#include <jansson.h>

#include "ra/queries.h"
#include "ra/ra.h"

enum ra_method { RA_GET = 1, RA_POST = 2 };
enum ra_port { RA_PORT_APPLICANTS, RA_PORT_OPERATORS };
enum ra_body { RA_BODY_NONE, RA_BODY_JSON, RA_BODY_RAW };

/* The operator behind a call, as the Policy has them; texts borrow from the rules held. */
struct ra_operator {
	char person[13], name[256], office[64];
	enum profile_role role;
	enum ra_actor actor;
	uint8_t key_hash[32];
	struct slice certificate; /* DER, borrowed from the connection */
};

enum { RA_CALL_ARGS = 2, RA_CALL_ARG_SIZE = 64, RA_CALL_QUERY = 8 };

struct ra_call {
	struct ra_ctx ctx;
	enum ra_port port;
	const struct ra_operator *staff; /* NULL on the applicants' port */
	char args[RA_CALL_ARGS][RA_CALL_ARG_SIZE]; /* what stood at the stars of the path */
	struct {
		const char *name, *value;
	} query[RA_CALL_QUERY];
	size_t num_query;
	struct slice body;
	json_t *json; /* RA_BODY_JSON: the object in the body */
	const char *content_type;

	int status; /* of the answer; 200 unless set */
	json_t *answer; /* owned */
	struct buf raw;
	const char *raw_type; /* not NULL: `raw` is the answer */
};

typedef struct err *ra_handler(struct ra_call *call);

#define RA_ROLE_ANY	(~0u)
#define RA_ROLES_WORK	(ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR))
#define RA_ROLES_DECIDE (RA_ROLES_WORK | ROLE_BIT(ROLE_ADMINISTRATOR))
#define RA_ROLES_LOOK	(RA_ROLES_DECIDE | ROLE_BIT(ROLE_AUDITOR) | ROLE_BIT(ROLE_DESK))

struct ra_route {
	enum ra_method method;
	const char *path; /* below /api/v1; "*" stands for one segment */
	enum ra_body body;
	unsigned roles; /* sum of ROLE_BIT(); on the applicants' port not looked at */
	ra_handler *handler;
};
/* Both end with a row without handler. */
extern const struct ra_route ra_applicant_routes[];
extern const struct ra_route ra_operator_routes[];

/* ra_route_find() finds the row of a method and path ("/api/v1/...", decoded) and fills args. NULL: *out_methods has the
 * methods that the path knows, 0 when it is unknown. */
const struct ra_route *ra_route_find(const struct ra_route *routes, enum ra_method method, const char *path,
				     char args[RA_CALL_ARGS][RA_CALL_ARG_SIZE], unsigned *out_methods);

/* ra_call_query() gives a parameter of the query, or `otherwise`. ra_call_query_int() reads a number in min..max.
 * *Errors* BAD_INPUT naming the parameter. */
const char *ra_call_query(const struct ra_call *call, const char *name, const char *otherwise);
struct err *ra_call_query_int(const struct ra_call *call, int64_t *out, const char *name, int64_t otherwise,
			      int64_t min, int64_t max) ERR_MUST_USE;

/* ra_call_who() is the person of the call for the ledger. */
struct ra_who ra_call_who(const struct ra_call *call);

/* ra_call_answer() begins a JSON answer and gives its object (borrowed). */
json_t *ra_call_answer(struct ra_call *call, int status);

/* ra_call_application() reads the application whose number stands at the first star. */
struct err *ra_call_application(struct ra_call *call, struct ra_application *out, bool lock) ERR_MUST_USE;

/* ra_call_step() fills what every step of this caller on this application has in common. */
void ra_call_step(struct ra_step *out, const struct ra_call *call, const struct ra_application *app,
		  enum ra_event event);

/* ra_check_text() refuses control and invisible characters in a text for people; ra_check_reason() what is no reason code. */
struct err *ra_check_text(const char *field, const json_t *value) ERR_MUST_USE;
struct err *ra_check_reason(const char *field, const json_t *value) ERR_MUST_USE;

/* ---- handlers, one file per resource */

/* api_submit.c */
ra_handler api_submit;
/* api_applications.c */
ra_handler api_application, api_operator_application, api_certificates_of, api_withdraw, api_accept;
/* api_confirm.c */
ra_handler api_confirm, api_resend;
/* api_documents.c */
ra_handler api_add_document, api_get_document, api_need_documents;
/* api_queue.c */
ra_handler api_queue, api_claim, api_release, api_return;
/* api_decisions.c */
ra_handler api_decide;
/* api_orders.c */
ra_handler api_order, api_pending_orders;
/* api_certificates.c */
ra_handler api_certificate, api_find_certificates;
/* api_about.c */
ra_handler api_agreement, api_profiles, api_whoami;

#endif
