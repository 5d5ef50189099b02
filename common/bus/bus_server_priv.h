/*
 * bus_server_priv.h - a server and its calls, for bus_server.c (who asks, may they) and bus_call.c (what answers).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BUS_BUS_SERVER_PRIV_H
#define COMMON_BUS_BUS_SERVER_PRIV_H

#include "bus/bus_priv.h"

enum { BUS_SERVER_JOINS = 2 };

/* A body of which some parts have come. */
struct join {
	struct bus_parts parts;
	uint8_t id[MSG_ID_BYTES];
	int64_t until; /* monotonic ms; 0: free */
};

struct peer_state {
	struct bus_ids *ids; /* made with the peer's first request */
	struct join joins[BUS_SERVER_JOINS];
};

struct bus_call {
	struct bus_server *server;
	struct bus_call *older, *newer; /* of the server's calls */
	zmq_msg_t route;
	struct msg_header header;
	const struct bus_peer *peer;
	struct peer_state *state;
	struct buf body;
	bool is_remembered; /* its id is in the peer's table */
	bool in_handler;
	bool is_kept;
	bool is_over;
};

struct bus_server {
	struct bus *bus;
	void *socket;
	struct bus_server_conf conf;
	struct peer_state *peers; /* one for each row of the allow list */
	struct bus_call *calls; /* newest */
	struct bus_server_stats stats;
	struct bus_log_limit log_limit;
};

/* bus_call_free() takes a call out of its server and frees it. */
void bus_call_free(struct bus_call *call);

/* bus_call_send() sends an answer to where the call came from. */
void bus_call_send(struct bus_call *call, uint16_t type, struct slice body);

/* bus_call_refuse() tells the server's owner, answers with the error and logs it; consumes the error. */
void bus_call_refuse(struct bus_call *call, struct err *e);

#endif
