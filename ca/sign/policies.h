/*
 * policies.h - which Policy is in force: the journal's, a newer one from the file at the start, or one from the bus.
 *
 * Versions only grow. The first is signed by administrators whose keys the settings pin, each later one by the
 * administrators of the one in force (policy_accept()). What took force is in the journal, whole.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CA_SIGN_POLICIES_H
#define CA_SIGN_POLICIES_H

#include "ca/sign/state.h"

/* policies_start() puts the journal's Policy in force and then, if it is newer and rightly signed, the file's.
 * *Errors* CONFIG: neither can take force. A file that is older than the journal's is passed over. */
struct err *policies_start(struct signd_state *s, struct slice file) ERR_MUST_USE;

/* policies_put() lets a SignedPolicy take force. *Errors* DENIED, CONFLICT, BAD_INPUT with field "policy_refused"; those
 * of the journal. A repeat of the one in force is no error. */
struct err *policies_put(struct signd_state *s, struct slice der) ERR_MUST_USE;

/* on_policy_put() handles MSG_POLICY_PUT. */
struct err *on_policy_put(void *state, struct bus_call *call) ERR_MUST_USE;

#endif
