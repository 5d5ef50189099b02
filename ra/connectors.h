/*
 * connectors.h - services of the state that rad asks: the identification service.
 *
 * A confirmed application of the remote channel waits in the ledger (application.identify_at) until the service has
 * answered; a worker takes it with a lease, asks, and applies the answer: a decision signed by the service's own key, which
 * goes the way of every decision (decide.h), or a failure, after which the applicant may try again. A service that does
 * not answer is asked again later; that is no failure of the applicant.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_CONNECTORS_H
#define RA_CONNECTORS_H

#include "ra/worker.h"

/* The worker that asks the identification service. */
extern const struct ra_worker_kind ra_identification_kind;

/* How long an application waits when the service did not answer. */
enum { RA_IDENTIFICATION_PAUSE_MS = 5000 };

#endif
