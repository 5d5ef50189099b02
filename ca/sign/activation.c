/*
 * activation.c - see activation.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/activation.h"

#include <stdio.h>

#include "base/log.h"
#include "daemon/admin.h"

enum { PASSPHRASE_MAX = 256 };

bool activation_is_complete(const struct signd_state *s)
{
	return keys_num_locked(s->keys) == 0;
}

void activation_text(const struct signd_state *s, char *out, size_t len)
{
	out[0] = '\0';
	if (!activation_is_complete(s))
		(void)snprintf(out, len, "key activation: %lld of %lld shares given",
			       (long long)custody_given(s->custody), (long long)custody_threshold(s->custody));
}

static struct err *open_keys(struct signd_state *s)
{
	OWN(buf) passphrase = BUF_INIT_SECRET(PASSPHRASE_MAX);

	struct err *e = custody_passphrase(&passphrase, s->custody, s->conf->tier);
	if (e == NULL)
		e = keys_unlock(s->keys, buf_slice(&passphrase));
	custody_forget(s->custody); /* used, or worth nothing */
	return e;
}

static struct err *take_share(struct signd_state *s, struct slice text, int64_t *out_number)
{
	struct share share;

	ENSURE_FIELD(s->custody != NULL, CONFLICT, "share", "the keys of this signer are not under custodians");
	ENSURE_FIELD(!activation_is_complete(s), CONFLICT, "share", "the keys are active already");
	TRY(share_read(&share, text, SLICE_NONE));
	*out_number = share.number;
	struct err *e = custody_give(s->custody, &share);
	share_wipe(&share);
	TRY(e);
	return custody_given(s->custody) < custody_threshold(s->custody) ? NULL : open_keys(s);
}

struct err *activation_give(struct signd_state *s, struct slice share_text)
{
	int64_t number = 0;
	struct err *e = take_share(s, share_text, &number);
	char text[300];

	if (e != NULL) {
		log_warn(NULL, "key_share_refused", "share=%lld text=\"%s\"", (long long)number,
			 err_text(e, text, sizeof text));
		return e;
	}
	log_info(NULL, "key_share_given", "share=%lld", (long long)number);
	if (activation_is_complete(s))
		log_info(NULL, "keys_active", "keys=%zu", keys_count(s->keys));
	return NULL;
}

struct err *activation_end(struct signd_state *s)
{
	ENSURE_FIELD(s->custody != NULL, CONFLICT, "key", "the keys of this signer are not under custodians");
	for (size_t i = 0; i < s->num_issuers; i++) {
		signer_forget(s->issuers[i].signer);
		signer_forget(s->issuers[i].list_signer);
	}
	signer_forget(s->journal_signer);
	signer_forget(s->log_signer);
	keys_lock(s->keys);
	custody_forget(s->custody);
	log_warn(NULL, "keys_inactive", "keys=%zu", keys_num_locked(s->keys));
	return NULL;
}

/* ---------------------------------------------------------------- admin socket */

struct err *on_key_status(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	const struct signd_state *s = arg;
	bool is_active = activation_is_complete(s);

	(void)request;
	(void)status;
	return buf_printf(out, "{\"active\":%s,\"given\":%lld,\"threshold\":%lld}\n", is_active ? "true" : "false",
			  s->custody == NULL ? 0LL : (long long)custody_given(s->custody),
			  s->custody == NULL ? 0LL : (long long)custody_threshold(s->custody));
}

struct err *on_key_activate(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	TRY(activation_give(arg, request->body));
	return on_key_status(arg, request, out, status);
}

struct err *on_key_deactivate(void *arg, const struct admin_request *request, struct buf *out, int *status)
{
	TRY(activation_end(arg));
	return on_key_status(arg, request, out, status);
}
