/*
 * notices.c - texts of notices and the worker that sends them. See notices.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/notices.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ra/json.h"
#include "ra/queries.h"
#include "ra/web.h"

enum { NOTICE_MAX = 1024, PAUSE_MAX_MS = 3600 * 1000 };

/* {NAME} is replaced by the field of that name. */
static const struct {
	const char *template, *language, *text;
} texts[] = {
	{ RA_NOTICE_CODE, "kk", "ҰКО: растау коды {code}. Оны ешкімге айтпаңыз." },
	{ RA_NOTICE_CODE, "ru", "НУЦ РК: код подтверждения {code}. Никому его не сообщайте." },
	{ RA_NOTICE_CODE, "en", "NCA RK: confirmation code {code}. Tell it to nobody." },
};

struct err *ra_code_notice_make(struct ra_code_notice *out, const char *number, int64_t send)
{
	char code[RA_CODE_SIZE];

	TRY(ra_code_new(code));
	TRY(ra_code_hash(out->hash, number, code));
	(void)snprintf(out->key, sizeof out->key, "%s/code/%lld", number, (long long)send);
	(void)snprintf(out->fields, sizeof out->fields, "{\"code\":\"%s\"}", code);
	return NULL;
}

static struct err *append_field(struct buf *out, const json_t *fields, const char *name, size_t len)
{
	char key[32];

	ENSURE(len < sizeof key, BAD_INPUT, "a notice's text names a field of %zu letters", len);
	(void)snprintf(key, sizeof key, "%.*s", (int)len, name);
	const json_t *value = json_object_get(fields, key);
	ENSURE_FIELD(json_is_string(value), BAD_INPUT, key, "the notice has no such field");
	return buf_append(out, ra_json_text(value));
}

static struct err *fill(struct buf *out, const char *text, const json_t *fields)
{
	for (const char *p = text; *p != '\0';) {
		const char *end = *p == '{' ? strchr(p, '}') : NULL;

		if (end == NULL) {
			TRY(buf_append(out, SLICE(p, 1)));
			p++;
			continue;
		}
		TRY(append_field(out, fields, p + 1, (size_t)(end - p - 1)));
		p = end + 1;
	}
	return NULL;
}

struct err *ra_notice_text(struct buf *out, const char *template, const char *language, const char *fields)
{
	OWN(json) values = NULL;

	TRY(ra_json_read(&values, SLICE_STR(fields)));
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (strcmp(texts[i].template, template) == 0 && strcmp(texts[i].language, language) == 0)
			return fill(out, texts[i].text, values);
	return ERR(BAD_INPUT, "no text for notice %s in language %s", template, language);
}

int64_t ra_notice_pause_ms(int64_t attempts)
{
	int64_t pause = 1000;

	for (int64_t i = 1; i < attempts && pause < PAUSE_MAX_MS; i++)
		pause *= 2;
	return pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS;
}

static struct err *send_sms(struct ra_ctx *ctx, struct ra_web *web, const struct ra_notice *n)
{
	OWN(buf) text = BUF_INIT(NOTICE_MAX);
	OWN(json) body = json_object();
	OWN(json) answer = NULL;
	const char *str;

	ENSURE(strcmp(n->medium, "sms") == 0, BAD_INPUT, "no way to send by %s", n->medium);
	TRY(ra_notice_text(&text, n->template, n->language, n->fields));
	TRY(buf_str(&text, &str));
	ra_json_set_str(body, "to", n->address);
	ra_json_set_str(body, "text", str);
	return ra_web_post(web, &answer, ctx->ra->conf->sms_url, body, ctx->ra->conf->sms_timeout_ms);
}

/* Sent, to be tried again, or given up. The error, if any, is noted with the row and consumed here. */
static struct err *note_outcome(struct ra_ctx *ctx, const struct ra_notice *n, struct err *e)
{
	char text[300] = "";
	int64_t now = clock_now_ms();
	bool is_hopeless = err_code(e) == ERR_BAD_INPUT || n->attempts >= ctx->ra->conf->notice_attempts;
	const char *state = e == NULL ? "sent" : is_hopeless ? "failed" : "pending";

	(void)err_text(e, text, sizeof text);
	if (e != NULL)
		log_err(LOG_WARN, NULL, "notice_not_sent", &e);
	metrics_add(ctx->ra->metrics, strcmp(state, "sent") == 0 ? RA_METRIC_NOTICES_SENT : RA_METRIC_NOTICES_FAILED,
		    1);
	return ra_end_notice(ctx->db, n->id, state, now + ra_notice_pause_ms(n->attempts), text);
}

static struct err *send_next(struct ra_ctx *ctx, struct ra_web *web, bool *out_more)
{
	int64_t now = clock_now_ms();
	OWN(db_result) row = NULL;
	struct ra_notice n;

	*out_more = false;
	if (ctx->ra->conf->sms_url[0] == '\0')
		return NULL;
	/* The lease: should we die now, it is tried again when twice the timeout is over. */
	TRY(ra_take_notice(ctx->db, &row, now, now + 2 * ctx->ra->conf->sms_timeout_ms + 1000));
	if (row == NULL)
		return NULL;
	*out_more = true;
	ra_notice_of(&n, row);
	return note_outcome(ctx, &n, send_sms(ctx, web, &n));
}

const struct ra_worker_kind ra_notices_kind = {
	.name = "notices", .pause_ms = 1000, .needs_web = true, .turn = send_next
};
