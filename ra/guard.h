/*
 * guard.h - what watches over one TLS connection: absolute deadline, caps, and who the client is.
 *
 * evhttp has only idle timeouts, so that a client who sends a byte now and then stays for ever. A guard lives exactly as
 * long as the connection's SSL object (it hangs on it as ex data, freed by SSL_free()), holds one timer, and shuts the
 * socket down when the time for a whole request is over. Each answer starts the time anew.
 * A connection past a cap, of the port or of one address, is shut down before its handshake.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RA_GUARD_H
#define RA_GUARD_H

#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/ssl.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "daemon/metrics.h"
#include "x509/cert.h"

enum { RA_ADDRESS_SLOTS = 4096 };

/* Counters shared by all threads of a port: no lock, and no list that a stranger could fill. Addresses share slots by a
 * keyed hash; a collision only makes two addresses share a cap. */
struct ra_caps {
	int64_t max_connections, max_per_address, request_timeout_s;
	uint64_t hash_key[2];
	atomic_int connections;
	atomic_int addresses[RA_ADDRESS_SLOTS];
	struct metrics *metrics;
};
/* ra_caps_init() draws the hash key. *Errors* SYSTEM. */
struct err *ra_caps_init(struct ra_caps *out, int64_t max_connections, int64_t max_per_address,
			 int64_t request_timeout_s, struct metrics *metrics) ERR_MUST_USE;

struct ra_guard {
	struct ra_guard *next, **prev; /* of the list of its thread's port */
	struct ra_caps *caps;
	struct event *timer;
	struct bufferevent *bev;
	bool is_judged; /* the caps let it stay */
	bool is_busy; /* a request is being answered */
	int address_slot; /* -1: not counted yet */
	char address[46];
	struct buf certificate; /* of the client, once read */
	struct cert cert;
};

struct ra_guard_list {
	struct ra_guard *first;
};

/* ra_guard_bev() makes the bufferevent of a new connection (for evhttp_set_bevcb()) with its guard in the list. NULL
 * never: a connection that cannot be guarded gets one whose handshake fails. */
struct bufferevent *ra_guard_bev(struct event_base *base, SSL_CTX *tls, struct ra_caps *caps,
				 struct ra_guard_list *list);

/* ra_guard_of() finds the guard of a request's connection. */
struct ra_guard *ra_guard_of(struct evhttp_request *request);

/* ra_guard_restart() gives the connection the full time again. */
void ra_guard_restart(struct ra_guard *self);

/* ra_guard_shut_idle() shuts down the connections that no request is being answered on. */
void ra_guard_shut_idle(struct ra_guard_list *list);

/* ra_guard_certificate() reads the client's certificate, once. *Errors* DENIED: there is none; BAD_INPUT: not ours to read. */
struct err *ra_guard_certificate(struct ra_guard *self) ERR_MUST_USE;

#endif
