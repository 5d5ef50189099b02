/*
 * cad.h - the issuing daemon: its parts, wired together in the phases of daemon.h.
 *
 * cad holds no key. It takes approved requests from the ledger, plans certificates, has them signed and records them; it
 * tells the signer of orders and of new Policies, relays the signer's events to the OCSP signer, sequences the log, and
 * prompts the followers. Whatever it is told over the bus is only a prompt: the ledger holds the truth.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_ISSUE_CAD_H
#define CA_ISSUE_CAD_H

#include "ca/issue/issuing.h"
#include "ca/issue/orders.h"
#include "ca/issue/relay.h"
#include "ca/issue/sequencer.h"
#include "daemon/daemon_bus.h"

struct cad {
	struct daemon *daemon;
	struct daemon_bus *bus;
	struct bus_client *sign_ca, *sign_ocsp;
	struct bus_pub *events;
	struct lane *lane; /* of orders, relay and figures; issuing has its own */
	struct issuing *issuing;
	struct orders *orders;
	struct relay *relay;
	struct sequencer *sequencer;
	struct note_key log_key;
	size_t db_check, log_check;
	loop_id figures_timer;
	int64_t order_seq; /* highest acceptance that is committed */
	bool is_looking; /* the figures' job is running */
	bool has_started; /* the log says that we started */
	bool has_said_stopped;
	bool is_stopping;
};

extern const struct daemon_spec cad_spec;

/* cad_publish() prompts the followers with the present numbers. */
void cad_publish(struct cad *self);

/* The handlers of the edge `issue` (handlers.c); their argument is the cad. */
extern const struct bus_handler cad_handlers[];

#endif
