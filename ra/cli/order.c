/*
 * order.c - signed status orders. See order.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ra/cli/order.h"

#include <string.h>

#include "base/clock.h"

const char order_reasons[] =
	"unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn";

static struct err *reason_find(int64_t *out, const struct order_terms *terms)
{
	static const char *const only[] = { [ORDER_HOLD] = "certificateHold", [ORDER_RELEASE] = "removeFromCRL" };
	const char *word = terms->action == ORDER_REVOKE ? terms->reason : only[terms->action];

	ENSURE_FIELD(word != NULL && order_reason_parse(out, word) && order_reason_fits(terms->action, *out), BAD_INPUT,
		     "reason", "%.40s is no reason for %s; use one of %s", word != NULL ? word : "",
		     order_action_word(terms->action), order_reasons);
	return NULL;
}

/* Finds the serial number of what is to be ordered, and that the certificate is the one that was named. */
static struct err *serial_find(struct serial *out, uint8_t digest[SHA256_LEN], const struct order_terms *terms)
{
	struct cert cert;
	char hex[SERIAL_HEX_SIZE];

	struct err *e = serial_from_hex(out, terms->serial);
	if (e != NULL) {
		err_destroy(&e);
		return ERR_FIELD(BAD_INPUT, "serial", "%.50s is no serial number; give its hexadecimal digits",
				 terms->serial);
	}
	TRY(cert_parse(&cert, terms->certificate));
	ENSURE_FIELD(serial_equal(out, &cert.serial), CONFLICT, "serial",
		     "the certificate at hand has serial number %s, not %.50s; give the certificate that is meant "
		     "(--target)",
		     serial_hex(hex, &cert.serial), terms->serial);
	memcpy(digest, cert.digest, SHA256_LEN);
	return NULL;
}

static struct err *order_make(struct buf *out, const struct order_terms *terms)
{
	uint8_t nonce[AUTHORITY_NONCE_LEN], digest[SHA256_LEN];
	struct status_order order = {
		.issuer = SLICE_STR(terms->issuer),
		.certificate_digest = SLICE(digest, sizeof digest),
		.action = terms->action,
		.revoked_at = clock_now_s(),
		.ground = SLICE_STR(terms->ground),
		.nonce = SLICE(nonce, sizeof nonce),
		.has_invalidity_at = terms->invalid_since != NULL,
	};

	TRY(reason_find(&order.reason, terms));
	TRY(serial_find(&order.serial, digest, terms));
	if (terms->invalid_since != NULL) {
		int64_t ms;
		struct err *e = clock_parse_rfc3339(&ms, terms->invalid_since);
		if (e != NULL)
			return ERR_WRAP(e, "invalid-since");
		order.invalidity_at = ms / 1000;
	}
	TRY(decide_nonce(nonce));
	return status_order_encode(out, &order);
}

static struct err *order_sign(json_t **out, const struct key_store *store, struct slice order)
{
	const struct decide_terms terms = {
		.kind = DECISION_ORDERS, .verdict = DECISION_APPROVE, .reason = "", .valid_s = DECIDE_VALID_S
	};
	OWN(buf) decision = BUF_INIT(DECISION_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(KEY_CMS_MAX);
	OWN(json) body = json_object();
	uint8_t digest[1][SHA256_LEN];

	ENSURE(body != NULL, NO_MEMORY, "out of memory");
	der_sha256(digest[0], order);
	TRY(decide_sign(&decision, &cms, store, &terms, digest, 1));
	TRY(request_base64(body, "order", order));
	TRY(request_base64(body, "decision", buf_slice(&decision)));
	TRY(request_base64(body, "signature", buf_slice(&cms)));
	*out = TAKE(body);
	return NULL;
}

struct err *order_request(json_t **out, const struct key_store *store, const struct order_terms *terms)
{
	OWN(buf) order = BUF_INIT(STATUS_ORDER_MAX_BYTES);

	TRY(order_make(&order, terms));
	return order_sign(out, store, buf_slice(&order));
}

struct err *order_countersign(json_t **out, const struct key_store *store, const struct order_terms *terms,
			      struct slice order)
{
	struct status_order proposed;
	struct serial serial;
	uint8_t digest[SHA256_LEN];

	TRY(serial_find(&serial, digest, terms));
	TRY(status_order_decode(&proposed, order));
	ENSURE_FIELD(proposed.action == terms->action && serial_equal(&proposed.serial, &serial) &&
			     slice_equal(proposed.issuer, SLICE_STR(terms->issuer)) &&
			     slice_equal(proposed.certificate_digest, SLICE(digest, sizeof digest)),
		     CONFLICT, "order",
		     "the order that waits for a second person is about something else; nothing was signed");
	return order_sign(out, store, order);
}

struct err *order_show(const struct cli *cli, const json_t *answer)
{
	static const char *const members[] = { "serial", "action", "state" };

	if (cli->json)
		return cli_json(cli, answer);
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		TRY(cli_field(cli, members[i], answer_text_or(answer, members[i], "")));
	if (json_array_size(json_object_get(answer, "still_needed")) > 0)
		return cli_field(cli, "still needed",
				 answer_text_or(answer, "still_needed_text", "the same order from one more person"));
	return NULL;
}
