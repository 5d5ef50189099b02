/*
 * view.h - what operators see of an application, as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_VIEW_H
#define RA_VIEW_H

#include "ra/api.h"
#include "ra/review.h"

/* ra_view_application() sets all columns. */
void ra_view_application(json_t *out, const struct ra_application *app);

/* ra_view_may_decide() sets may_decide, why_not and still_needed, from the review. ra_view_may_decide_queue() sets
 * may_decide and why_not for a row of the queue, from the persons who approved already (separated by spaces). */
struct err *ra_view_may_decide(json_t *out, const struct ra_call *call, const struct ra_application *app,
			       const struct ra_review *review) ERR_MUST_USE;
struct err *ra_view_may_decide_queue(json_t *out, const struct ra_call *call, const struct ra_application *app,
				     const char *approvers) ERR_MUST_USE;

void ra_view_requests(json_t *out, const struct ra_review *review);
void ra_view_decisions(json_t *out, const struct ra_review *review);
struct err *ra_view_documents(json_t *out, struct ra_call *call, int64_t application_id) ERR_MUST_USE;
struct err *ra_view_history(json_t *out, struct ra_call *call, int64_t application_id) ERR_MUST_USE;

/* ra_view_pending_orders() sets the orders that wait for a second person: all, or those of one certificate. */
struct err *ra_view_pending_orders(json_t *out, const char *name, struct ra_call *call, const char *issuer,
				   const struct serial *serial) ERR_MUST_USE;

#endif
