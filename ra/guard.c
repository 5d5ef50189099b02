/*
 * guard.c - watching over connections. See guard.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/guard.h"

#include <arpa/inet.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "ra/ra.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int ex_index = -1;

struct err *ra_caps_init(struct ra_caps *out, int64_t max_connections, int64_t max_per_address,
			 int64_t request_timeout_s, struct metrics *metrics)
{
	memset(out, 0, sizeof *out);
	out->max_connections = max_connections;
	out->max_per_address = max_per_address;
	out->request_timeout_s = request_timeout_s;
	out->metrics = metrics;
	if (RAND_bytes((unsigned char *)out->hash_key, sizeof out->hash_key) != 1)
		return ERR_OPENSSL(SYSTEM, "drawing a hash key");
	return NULL;
}

static void guard_free(void *parent, void *ptr, CRYPTO_EX_DATA *ad, int idx, long argl, void *argp)
{
	struct ra_guard *g = ptr;

	(void)parent, (void)ad, (void)idx, (void)argl, (void)argp;
	if (g == NULL)
		return;
	*g->prev = g->next;
	if (g->next != NULL)
		g->next->prev = g->prev;
	if (g->address_slot >= 0)
		atomic_fetch_sub(&g->caps->addresses[g->address_slot], 1);
	atomic_fetch_sub(&g->caps->connections, 1);
	metrics_add(g->caps->metrics, RA_METRIC_CONNECTIONS, -1);
	if (g->timer != NULL)
		event_free(g->timer);
	buf_clear(&g->certificate);
	free(g);
}

static void make_index(void)
{
	ex_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, guard_free);
}

static void shut(struct ra_guard *g)
{
	evutil_socket_t fd = bufferevent_getfd(g->bev);

	/* evhttp sees the end of the stream and frees the connection. */
	if (fd >= 0)
		(void)shutdown(fd, SHUT_RDWR);
}

/* A keyed mix of the address: IPv4 whole, IPv6 its /64. */
static int slot_of(const struct ra_caps *caps, const struct sockaddr_storage *address)
{
	uint64_t value = 0;

	if (address->ss_family == AF_INET6)
		memcpy(&value, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof value);
	else
		value = ((const struct sockaddr_in *)address)->sin_addr.s_addr;
	value = (value ^ caps->hash_key[0]) * 0x9e3779b97f4a7c15u;
	value = (value ^ (value >> 29) ^ caps->hash_key[1]) * 0xbf58476d1ce4e5b9u;
	return (int)((value ^ (value >> 32)) % RA_ADDRESS_SLOTS);
}

static void read_address(struct ra_guard *g, const struct sockaddr_storage *address)
{
	const void *bytes = address->ss_family == AF_INET6
				    ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
				    : (const void *)&((const struct sockaddr_in *)address)->sin_addr;

	if (inet_ntop(address->ss_family, bytes, g->address, sizeof g->address) == NULL)
		g->address[0] = '\0';
}

/* The socket is known only after evhttp took the bufferevent: the caps judge at the first turn of the loop. */
static bool may_stay(struct ra_guard *g)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof address;
	evutil_socket_t fd = bufferevent_getfd(g->bev);

	g->is_judged = true;
	if (fd < 0 || getpeername(fd, (struct sockaddr *)&address, &len) != 0)
		return false;
	read_address(g, &address);
	g->address_slot = slot_of(g->caps, &address);
	int here = atomic_fetch_add(&g->caps->addresses[g->address_slot], 1) + 1;
	return here <= g->caps->max_per_address && atomic_load(&g->caps->connections) <= g->caps->max_connections;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct ra_guard *g = arg;

	(void)fd, (void)what;
	if (g->is_judged) {
		metrics_add(g->caps->metrics, RA_METRIC_CONNECTIONS_LATE, 1);
		shut(g);
	} else if (may_stay(g)) {
		ra_guard_restart(g);
	} else {
		metrics_add(g->caps->metrics, RA_METRIC_CONNECTIONS_CAPPED, 1);
		shut(g);
	}
}

void ra_guard_restart(struct ra_guard *self)
{
	struct timeval in = { .tv_sec = (time_t)self->caps->request_timeout_s };

	(void)evtimer_add(self->timer, &in);
}

static bool guard_attach(SSL *ssl, struct bufferevent *bev, struct event_base *base, struct ra_caps *caps,
			 struct ra_guard_list *list)
{
	static const struct timeval at_once = { 0, 0 };
	struct ra_guard *g = calloc(1, sizeof *g);

	if (g == NULL)
		return false;
	g->caps = caps;
	g->bev = bev;
	g->address_slot = -1;
	g->certificate = (struct buf)BUF_INIT(CERT_MAX_BYTES);
	g->timer = evtimer_new(base, on_timer, g);
	if (g->timer == NULL || SSL_set_ex_data(ssl, ex_index, g) != 1) {
		if (g->timer != NULL)
			event_free(g->timer);
		free(g);
		return false;
	}
	g->next = list->first;
	g->prev = &list->first;
	if (g->next != NULL)
		g->next->prev = &g->next;
	list->first = g;
	atomic_fetch_add(&caps->connections, 1);
	metrics_add(caps->metrics, RA_METRIC_CONNECTIONS, 1);
	(void)evtimer_add(g->timer, &at_once);
	return true;
}

struct bufferevent *ra_guard_bev(struct event_base *base, SSL_CTX *tls, struct ra_caps *caps,
				 struct ra_guard_list *list)
{
	(void)pthread_once(&once, make_index);
	SSL *ssl = SSL_new(tls);
	if (ssl == NULL)
		panic("no memory for a connection"); /* evhttp would go on without TLS */
	struct bufferevent *bev =
		bufferevent_openssl_socket_new(base, -1, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (bev == NULL)
		panic("no memory for a connection");
	if (!guard_attach(ssl, bev, base, caps, list))
		(void)SSL_set_max_proto_version(ssl, SSL3_VERSION); /* no version is left: the handshake fails */
	return bev;
}

struct ra_guard *ra_guard_of(struct evhttp_request *request)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(request));

	return SSL_get_ex_data(bufferevent_openssl_get_ssl(bev), ex_index);
}

void ra_guard_shut_idle(struct ra_guard_list *list)
{
	for (struct ra_guard *g = list->first; g != NULL; g = g->next)
		if (!g->is_busy)
			shut(g);
}

struct err *ra_guard_certificate(struct ra_guard *self)
{
	uint8_t *at;

	if (self->certificate.len > 0)
		return NULL;
	X509 *x = SSL_get1_peer_certificate(bufferevent_openssl_get_ssl(self->bev));
	ENSURE(x != NULL, DENIED, "no client certificate");
	int len = i2d_X509(x, NULL);
	struct err *e = len > 0 ? buf_extend(&self->certificate, &at, (size_t)len) : ERR(BAD_INPUT, "no DER");
	if (e == NULL)
		(void)i2d_X509(x, &at);
	X509_free(x);
	if (e == NULL)
		e = cert_parse(&self->cert, buf_slice(&self->certificate));
	if (e != NULL)
		buf_reset(&self->certificate);
	return e;
}
