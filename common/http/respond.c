/*
 * respond.c - answers: composing heads, writing at once, keeping what a slow client does not take, files, closing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/server_private.h"

#include <errno.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/problem.h"

enum { OUTPUT_MAX = 64 * 1024 * 1024, HEAD_MAX = 768 };

/* ---- writing */

static void keep_output(struct conn *c, struct slice rest)
{
	if (c->output.max == 0)
		c->output.max = OUTPUT_MAX;
	if (c->output.len == 0) {
		c->output_at = 0;
		c->written = 0;
	}
	struct err *e = buf_append(&c->output, rest);
	if (e != NULL) { /* an answer cut short must not look whole: the connection ends */
		log_err(LOG_WARN, NULL, "http_answer_lost", &e);
		c->closing = true;
		(void)shutdown(c->source.fd, SHUT_RDWR);
	}
}

static size_t send_some(struct conn *c, struct slice bytes, int flags)
{
	size_t sent = 0;

	while (sent < bytes.len) {
		ssize_t n = send(c->source.fd, bytes.p + sent, bytes.len - sent, MSG_NOSIGNAL | MSG_DONTWAIT | flags);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break; /* full, or dead: then epoll tells */
		sent += (size_t)n;
	}
	stat_add(&c->thread->stats.bytes_out, sent);
	c->written += sent;
	return sent;
}

/* Sends the turn's output of its owner, so that the buffer is free. */
static void release_out(struct http_thread *t)
{
	struct conn *c = t->out_owner;

	if (c == NULL)
		return;
	struct slice all = SLICE(t->out, t->out_len);
	t->out_owner = NULL;
	t->out_len = 0;
	size_t sent = c->output.len > 0 ? 0 : send_some(c, all, c->file != NULL ? MSG_MORE : 0);
	if (sent < all.len)
		keep_output(c, SLICE(all.p + sent, all.len - sent));
}

static void emit(struct conn *c, struct slice bytes)
{
	struct http_thread *t = c->thread;

	if (bytes.len == 0)
		return;
	if (c->output.len > 0) {
		keep_output(c, bytes);
		return;
	}
	if (t->out_owner != NULL && (t->out_owner != c || t->out_len + bytes.len > HTTP_OUT_BYTES))
		release_out(t);
	if (c->output.len == 0 && bytes.len <= HTTP_OUT_BYTES) {
		memcpy(t->out + t->out_len, bytes.p, bytes.len);
		t->out_len += bytes.len;
		t->out_owner = c;
		return;
	}
	size_t sent = c->output.len > 0 ? 0 : send_some(c, bytes, 0);
	if (sent < bytes.len)
		keep_output(c, SLICE(bytes.p + sent, bytes.len - sent));
}

/* Pending bytes first, then the file. True when nothing is left. */
static bool push_output(struct conn *c)
{
	if (c->output.len > 0) {
		struct slice rest = SLICE(c->output.p + c->output_at, c->output.len - c->output_at);
		c->output_at += send_some(c, rest, c->file != NULL ? MSG_MORE : 0);
		if (c->output_at < c->output.len)
			return false;
		buf_clear(&c->output);
	}
	for (size_t budget = HTTP_TURN_FILE_BYTES; c->file != NULL;) {
		off_t at = (off_t)c->file_at;
		size_t want = c->file_end - c->file_at < budget ? (size_t)(c->file_end - c->file_at) : budget;
		ssize_t n = want == 0 ? 0 : sendfile(c->source.fd, c->file->fd, &at, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n < 0 ||
		    (n == 0 && want > 0)) { /* dead, or the file became shorter: the answer cannot be completed */
			c->closing = true;
			c->keep_alive = false;
			http_file_release(&c->file);
			(void)shutdown(c->source.fd, SHUT_RDWR);
			break;
		}
		c->file_at += (uint64_t)n;
		c->written += (size_t)n;
		budget -= (size_t)n;
		stat_add(&c->thread->stats.bytes_out, (uint64_t)n);
		if (c->file_at == c->file_end)
			http_file_release(&c->file);
		else if (budget == 0) {
			loop_make_ready(c); /* no edge will tell that the socket takes more */
			return false;
		}
	}
	return true;
}

void conn_write(struct conn *c)
{
	bool was_writing = conn_is_writing(c);

	if (push_output(c)) {
		if (was_writing)
			conn_finish(c);
	} else if (c->deadline_kind != DEADLINE_WRITE)
		deadline_arm(c, DEADLINE_WRITE);
}

void conn_flush(struct conn *c)
{
	if (c->state == CONN_FREE)
		return; /* a deferred request was answered within its own handler, and that was the end */
	if (c->thread->out_owner == c)
		release_out(c->thread);
	if (conn_is_writing(c))
		conn_write(c);
	else if (c->closing && c->state != CONN_LINGERING)
		conn_finish(c);
}

void conn_finish(struct conn *c)
{
	struct http_thread *t = c->thread;

	if (c->state == CONN_HANDLING || c->state == CONN_DEFERRED) {
		/* Earlier answers of the pipeline have left; this one is still to come. */
		if (c->state == CONN_DEFERRED)
			deadline_arm(c, DEADLINE_HANDLER);
		return;
	}
	if (!c->closing) {
		deadline_arm(c, DEADLINE_IDLE);
		if (c->readable || c->input_len > 0)
			loop_make_ready(c);
		return;
	}
	if (!c->refused && c->input_len == 0 && (!c->readable || c->peer_done)) {
		conn_free(c);
		return;
	}
	/* A close with unread input would reset the connection and take the answer from the client. */
	(void)shutdown(c->source.fd, SHUT_WR);
	c->state = CONN_LINGERING;
	c->lingered = 0;
	deadline_arm(c, DEADLINE_LINGER);
	if (c->input != NULL) {
		c->input->next = t->free_inputs;
		t->free_inputs = c->input;
		c->input = NULL;
		c->input_len = 0;
	}
	if (c->readable)
		loop_make_ready(c);
}

void conn_send_continue(struct conn *c)
{
	emit(c, SLICE_STR("HTTP/1.1 100 Continue\r\n\r\n"));
}

/* ---- composing */

struct head_text {
	char p[HEAD_MAX];
	size_t len;
};

static void put(struct head_text *h, const char *text)
{
	size_t n = strlen(text);

	if (h->len + n > sizeof h->p)
		panic("head of an answer: over %d bytes", HEAD_MAX);
	memcpy(h->p + h->len, text, n);
	h->len += n;
}

static void put_number(struct head_text *h, uint64_t n)
{
	char digits[21], *p = digits + sizeof digits - 1;

	*p = '\0';
	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	put(h, p);
}

static void put_status(struct conn *c, struct head_text *h, int status)
{
	struct http_thread *t = c->thread;
	int64_t now_s = clock_now_s();

	if (t->date_s != now_s) {
		t->date_s = now_s;
		(void)http_date(t->date, now_s);
	}
	if (status == 200)
		put(h, "HTTP/1.1 200 OK\r\nDate: ");
	else {
		put(h, "HTTP/1.1 ");
		put_number(h, (uint64_t)status);
		put(h, " ");
		put(h, http_reason(status));
		put(h, "\r\nDate: ");
	}
	put(h, t->date);
	put(h, "\r\n");
	stat_add(&t->stats.responses[status / 100], 1);
}

static void put_framing(struct conn *c, struct head_text *h, int status, const char *content_type, uint64_t length)
{
	if (content_type != NULL && content_type[0] != '\0') {
		put(h, "Content-Type: ");
		put(h, content_type);
		put(h, "\r\n");
	}
	if (status != 304 && status != 204) {
		put(h, "Content-Length: ");
		put_number(h, length);
		put(h, "\r\n");
	}
	if (c->closing)
		put(h, "Connection: close\r\n");
	else if (c->minor == 0)
		put(h, "Connection: keep-alive\r\n");
}

static void begin_answer(struct conn *c, bool close)
{
	if (c->state != CONN_HANDLING && c->state != CONN_DEFERRED)
		panic("a request was answered twice");
	c->state = CONN_READING;
	c->closing = close || !c->keep_alive || c->thread->is_draining;
}

static void answer(struct conn *c, const struct http_response *r)
{
	struct head_text h = { .len = 0 };

	begin_answer(c, r->close);
	put_status(c, &h, r->status);
	put_framing(c, &h, r->status, r->content_type, r->body.len);
	emit(c, SLICE(h.p, h.len));
	emit(c, r->headers);
	emit(c, SLICE_STR("\r\n"));
	if (!c->head_only && r->status != 304 && r->status != 204)
		emit(c, r->body);
}

void http_respond(struct http_request *request, const struct http_response *response)
{
	answer(request->conn, response);
}

void http_respond_problem(struct http_request *request, int status, const char *word, const char *detail)
{
	OWN(buf) body = BUF_INIT(8192);
	struct http_response r = { .status = status, .content_type = HTTP_PROBLEM_MEDIA_TYPE };
	struct err *e = http_problem(&body, status, word, detail, NULL);

	log_err(LOG_WARN, NULL, "http_problem_lost", &e);
	r.body = buf_slice(&body);
	http_respond(request, &r);
}

struct http_deferred http_defer(struct http_request *request)
{
	struct conn *c = request->conn;

	if (c->state != CONN_HANDLING)
		panic("a request was deferred after its answer");
	c->state = CONN_DEFERRED;
	deadline_arm(c, DEADLINE_HANDLER);
	return (struct http_deferred){ c->slot, c->generation };
}

static struct conn *find_deferred(struct http_thread *t, struct http_deferred d)
{
	struct conn *c = d.slot < t->conns_used ? &t->conns[d.slot] : NULL;

	return c != NULL && c->generation == d.generation && c->state == CONN_DEFERRED ? c : NULL;
}

bool http_is_waiting(struct http_thread *thread, struct http_deferred deferred)
{
	return find_deferred(thread, deferred) != NULL;
}

bool http_answer(struct http_thread *thread, struct http_deferred deferred, const struct http_response *response)
{
	struct conn *c = find_deferred(thread, deferred);

	if (c == NULL)
		return false;
	c->generation++; /* a token answers once */
	answer(c, response);
	deadline_arm(c, DEADLINE_IDLE);
	conn_flush(c);
	if (c->state == CONN_READING && !conn_is_writing(c) && (c->readable || c->input_len > 0))
		loop_make_ready(c);
	return true;
}

bool http_not_modified(const struct http_head *head, struct slice etag, int64_t last_modified_at)
{
	struct slice none_match = http_head_field(head, "If-None-Match");
	struct slice since = http_head_field(head, "If-Modified-Since");
	int64_t since_at;

	if (none_match.p != NULL)
		return http_etag_matches(none_match, etag);
	return since.p != NULL && http_parse_date(&since_at, since) && last_modified_at <= since_at;
}

/* ---- files */

/* RFC 9110 §13.1.5: a range counts only for the representation that the client has a part of. */
static bool range_applies(const struct http_head *head, const struct http_file *f)
{
	struct slice if_range = http_head_field(head, "If-Range");
	int64_t at;

	if (if_range.p == NULL)
		return true;
	if (if_range.len > 0 && if_range.p[0] == '"')
		return slice_equal(if_range, SLICE_STR(f->etag));
	return http_parse_date(&at, if_range) && at == f->last_modified_at;
}

static void put_validators(struct head_text *h, const struct http_file *f)
{
	char date[HTTP_DATE_SIZE];

	put(h, "ETag: ");
	put(h, f->etag);
	put(h, "\r\nLast-Modified: ");
	put(h, http_date(date, f->last_modified_at));
	put(h, "\r\nAccept-Ranges: bytes\r\n");
}

static void put_content_range(struct head_text *h, int status, uint64_t offset, uint64_t length, uint64_t size)
{
	put(h, "Content-Range: bytes ");
	if (status == 206) {
		put_number(h, offset);
		put(h, "-");
		put_number(h, offset + length - 1);
	} else
		put(h, "*");
	put(h, "/");
	put_number(h, size);
	put(h, "\r\n");
}

void http_respond_file(struct http_request *request, struct http_file *file)
{
	struct conn *c = request->conn;
	struct slice range = http_head_field(&request->head, "Range");
	uint64_t offset = 0, length = file->size;
	struct head_text h = { .len = 0 };
	int status = 200;

	if (http_not_modified(&request->head, SLICE_STR(file->etag), file->last_modified_at))
		status = 304;
	else if (range.p != NULL && request->head.method == HTTP_GET && range_applies(&request->head, file)) {
		int got = http_parse_range(&offset, &length, range, file->size);
		status = got > 0 ? 206 : got < 0 ? 416 : 200;
	}
	if (status == 416 || status == 304)
		length = 0;
	begin_answer(c, false);
	put_status(c, &h, status);
	put_framing(c, &h, status, status == 416 ? NULL : file->content_type, length);
	put_validators(&h, file);
	if (status == 206 || status == 416)
		put_content_range(&h, status, offset, length, file->size);
	emit(c, SLICE(h.p, h.len));
	if (status != 416)
		emit(c, SLICE_STR(file->headers));
	emit(c, SLICE_STR("\r\n"));
	if (c->head_only || length == 0)
		return;
	c->file = http_file_retain(file);
	c->file_at = offset;
	c->file_end = offset + length;
	c->written = 0;
}
