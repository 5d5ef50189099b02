/*
 * simulator.h - what rad talks to in its tests: a cad that counts prompts, an SMS gateway that keeps the texts, an
 * identification service that says what `shared->identify_mode` tells it to; and the state they share with the tests.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_RA_SIMULATOR_H
#define TESTS_RA_SIMULATOR_H

#include <arpa/inet.h>
#include <curl/curl.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <jansson.h>
#include <openssl/pem.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "base/clock.h"
#include "base/text.h"
#include "ra/json.h"
#include "bus/bus.h"
#include "support/pg.h"
#include "support/sign.h"
#include "support/suite.h"
#include "support/x509_fixture.h"
#include "x509/csr.h"

enum { WORLD_STAFF = 7, WORLD_SMS = 256 };

enum identify_mode { IDENTIFY_MATCHED, IDENTIFY_FAILED, IDENTIFY_AWAY, IDENTIFY_OTHER_KEY, IDENTIFY_NONSENSE };

struct world_shared {
	atomic_int prompts_issue, prompts_order;
	atomic_int identify_mode, identify_calls;
	atomic_bool sms_away;
	atomic_int num_sms;
	struct {
		char to[24], text[200];
	} sms[WORLD_SMS];
};

static struct world {
	char dir[64];
	struct test_person root, issuing, server, identification, stranger;
	struct {
		const char *name, *iin;
		enum profile_role role;
		struct test_person person;
	} staff[WORLD_STAFF];
	struct buf profiles, policy;
	pthread_t cad;
	struct bus *cad_bus;
	struct bus_server *cad_server; /* the thread's; here, so that a forked child still sees whose memory it is */
	atomic_bool cad_stops;
	char issue_endpoint[100], peers[100];
	struct world_shared *shared;
	pthread_t simulator;
	struct event_base *simulator_base;
	int simulator_port, applicants_port, operators_port;
	pid_t rad;
	char admin_socket[96];
	char agreement_hex[65];
} world;

/* ---- the fake cad: a bus server on a thread of its own, with its own keys and allow list */

static inline struct err *world_on_prompt(void *arg, struct bus_call *call)
{
	struct world_shared *shared = arg;
	OWN(msg_prompt) prompt = { 0 };
	OWN(buf) empty = BUF_INIT(16);

	TRY(msg_prompt_decode(&prompt, bus_call_body(call)));
	atomic_fetch_add(prompt.what == MSG_PROMPT_ISSUE ? &shared->prompts_issue : &shared->prompts_order, 1);
	bus_call_answer(call, &empty);
	return NULL;
}

static const struct bus_handler world_handlers[] = {
	{ MSG_ISSUE_PROMPT, MSG_ROLE_BIT(MSG_ROLE_RAD), world_on_prompt },
	{ 0, 0, NULL },
};

static inline void *world_be_cad(void *arg)
{
	const struct bus_server_conf conf = { .endpoint = world.issue_endpoint,
					      .handlers = world_handlers,
					      .arg = world.shared };

	(void)arg;
	ck_ok(bus_server_create(&world.cad_server, world.cad_bus, &conf));
	while (!atomic_load(&world.cad_stops)) {
		zmq_pollitem_t item = { bus_server_socket(world.cad_server), 0, ZMQ_POLLIN, 0 };

		(void)zmq_poll(&item, 1, 20);
		bus_server_process(world.cad_server);
	}
	bus_server_destroy(&world.cad_server);
	return NULL;
}

static inline void world_start_cad(void)
{
	char keys[2][41], text[400];
	struct bus_conf conf = { .name = "cad", .keys_dir = world.dir, .peers_path = world.peers };

	(void)snprintf(world.issue_endpoint, sizeof world.issue_endpoint, "ipc://%s/issue", world.dir);
	(void)snprintf(world.peers, sizeof world.peers, "%s/peers.conf", world.dir);
	ck_ok(bus_keygen(keys[0], world.dir, "rad"));
	ck_ok(bus_keygen(keys[1], world.dir, "cad"));
	(void)snprintf(text, sizeof text,
		       "peers = ( { name = \"rad\"; role = \"RAD\"; key = \"%s\"; }, { name = \"cad\"; role = \"CAD\"; "
		       "key = \"%s\"; } );\n",
		       keys[0], keys[1]);
	FILE *f = fopen(world.peers, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert(fputs(text, f) >= 0 && fclose(f) == 0);
	ck_ok(bus_create(&world.cad_bus, &conf));
	ck_ok(bus_start(world.cad_bus, NULL));
	ck_assert_int_eq(pthread_create(&world.cad, NULL, world_be_cad, NULL), 0);
}

static inline void world_end_cad(void)
{
	atomic_store(&world.cad_stops, true);
	(void)pthread_join(world.cad, NULL);
	bus_destroy(&world.cad_bus);
}

/* ---- the simulator */

static inline void world_on_sms(struct evhttp_request *request, void *arg)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	size_t len = evbuffer_get_length(in);

	(void)arg;
	if (atomic_load(&world.shared->sms_away)) {
		evhttp_send_error(request, 503, NULL);
		return;
	}
	OWN(json) body = json_loadb((const char *)evbuffer_pullup(in, -1), len, 0, NULL);
	int n = atomic_load(&world.shared->num_sms) % WORLD_SMS;
	(void)snprintf(world.shared->sms[n].to, 24, "%s", json_string_value(json_object_get(body, "to")));
	(void)snprintf(world.shared->sms[n].text, 200, "%s", json_string_value(json_object_get(body, "text")));
	atomic_fetch_add(&world.shared->num_sms, 1);
	evbuffer_add_printf(evhttp_request_get_output_buffer(request), "{\"id\":\"%d\"}", n);
	evhttp_send_reply(request, 200, "OK", NULL);
}

static inline void world_identify(json_t *answer, const json_t *question, const struct test_person *service)
{
	uint8_t digests[PROFILE_MAX_REQUESTS][SHA256_LEN];
	OWN(test_decision) decision = { .decision = { 0 } };
	size_t i, num = 0;
	json_t *item;

	json_array_foreach(json_object_get(question, "authorisations"), i, item)
	{
		OWN(buf) der = BUF_INIT(64 * 1024);
		ck_ok(text_unbase64(&der, SLICE_STR(json_string_value(item))));
		der_sha256(digests[num++], buf_slice(&der));
	}
	test_decide(&decision, service, DECISION_AUTHORISATIONS, (const uint8_t(*)[SHA256_LEN])digests, num,
		    clock_now_s());
	ra_json_set_str(answer, "outcome", "matched");
	ra_json_set_base64(answer, "decision", buf_slice(&decision.decision));
	ra_json_set_base64(answer, "signature", buf_slice(&decision.signature));
}

static inline void world_on_identify(struct evhttp_request *request, void *arg)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(request);
	int mode = atomic_load(&world.shared->identify_mode);
	size_t len = evbuffer_get_length(in);

	(void)arg;
	atomic_fetch_add(&world.shared->identify_calls, 1);
	if (mode == IDENTIFY_AWAY) {
		evhttp_send_error(request, 503, NULL);
		return;
	}
	OWN(json) question = json_loadb((const char *)evbuffer_pullup(in, -1), len, 0, NULL);
	OWN(json) answer = json_object();
	if (mode == IDENTIFY_FAILED) {
		ra_json_set_str(answer, "outcome", "failed");
		ra_json_set_str(answer, "text", "the face is another one");
	} else {
		world_identify(answer, question, mode == IDENTIFY_OTHER_KEY ? &world.stranger : &world.identification);
	}
	char *text = json_dumps(answer, JSON_COMPACT);
	evbuffer_add_printf(evhttp_request_get_output_buffer(request), "%s", mode == IDENTIFY_NONSENSE ? "[1]" : text);
	free(text);
	evhttp_send_reply(request, 200, "OK", NULL);
}

static inline void *world_simulate(void *arg)
{
	(void)event_base_dispatch(arg);
	return NULL;
}

static inline void world_on_stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	(void)event_base_loopbreak(arg);
}

static struct evhttp *world_http;
static struct event *world_stop_event;
static int world_stop_pipe[2];

static inline void world_start_simulator(void)
{
	struct sockaddr_in address;
	socklen_t len = sizeof address;

	ck_assert_int_eq(pipe(world_stop_pipe), 0);
	world.simulator_base = event_base_new();
	world_http = evhttp_new(world.simulator_base);
	world_stop_event =
		event_new(world.simulator_base, world_stop_pipe[0], EV_READ, world_on_stop, world.simulator_base);
	event_add(world_stop_event, NULL);
	evhttp_set_cb(world_http, "/sms", world_on_sms, NULL);
	evhttp_set_cb(world_http, "/identify", world_on_identify, NULL);
	struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(world_http, "127.0.0.1", 0);
	ck_assert_ptr_nonnull(bound);
	ck_assert_int_eq(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&address, &len), 0);
	world.simulator_port = ntohs(address.sin_port);
	ck_assert_int_eq(pthread_create(&world.simulator, NULL, world_simulate, world.simulator_base), 0);
}

#endif
