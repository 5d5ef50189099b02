/*
 * status.c - `nucaudit status` and `status-at`: the log and its lists in a few lines, and one certificate at one time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <inttypes.h>

#include "base/clock.h"
#include "ca/audit/audit.h"
#include "ca/audit/pack.h"
#include "ca/audit/queries.h"
#include "tlog/note.h"

static const char *const action_words[] = { "?", "revoked", "held", "released" };

static struct err *lists_json(json_t **out, struct db *db)
{
	OWN(db_result) r = NULL;
	OWN(json) lists = json_array();
	char this_update[CLOCK_RFC3339_SIZE], next_update[CLOCK_RFC3339_SIZE];

	TRY(audit_q_lists(db, &r));
	for (size_t i = 0; i < db_num_rows(r); i++) {
		json_t *row = json_pack("{s:s, s:s, s:I, s:s, s:s, s:I}", "issuer", db_get_text(r, i, 0), "kind",
					db_get_text(r, i, 1), "number", (json_int_t)db_get_int64(r, i, 2),
					"this_update", clock_rfc3339(this_update, db_get_int64(r, i, 3)), "next_update",
					clock_rfc3339(next_update, db_get_int64(r, i, 4)), "entries",
					(json_int_t)db_get_int64(r, i, 5));
		ENSURE(json_array_append_new(lists, row) == 0, NO_MEMORY, "lists");
	}
	*out = TAKE(lists);
	return NULL;
}

static struct err *status_show(struct cli *cli, struct db *db)
{
	static const struct cli_column columns[] = { { "ISSUER", "issuer" },
						     { "KIND", "kind" },
						     { "NUMBER", "number" },
						     { "THIS UPDATE", "this_update" },
						     { "NEXT UPDATE", "next_update" },
						     { "ENTRIES", "entries" },
						     { 0 } };
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	OWN(json) lists = NULL;
	uint64_t size = 0;
	struct tree_hash root;
	int64_t at_ms = 0, waiting = 0;
	char at[CLOCK_RFC3339_SIZE];

	TRY(audit_q_head(db, &size, &root, &at_ms, &note));
	TRY(audit_q_pending(db, &waiting));
	TRY(lists_json(&lists, db));
	if (cli->json) {
		OWN(json)
		record = json_pack("{s:I, s:s, s:I, s:O}", "size", (json_int_t)size, "head_at",
				   clock_rfc3339_ms(at, at_ms), "waiting", (json_int_t)waiting, "lists", lists);
		return cli_json(cli, record);
	}
	(void)fprintf(cli->out, "log: %" PRIu64 " entries, head of %s; %" PRId64 " entries wait for an index\n", size,
		      clock_rfc3339_ms(at, at_ms), waiting);
	return cli_table(cli, columns, lists);
}

struct err *audit_status(struct cli *cli)
{
	OWN(db) db = NULL;

	TRY(audit_connect(&db, &cli->env));
	return status_show(cli, db);
}

/* What the orders say: by their effect (revoked_at), and by what was known (their place in the log). */
struct verdict {
	int64_t known_action, effective_action;
	int64_t known_at_ms, effective_at;
};

static struct verdict orders_fold(const struct db_result *r, int64_t at_ms)
{
	struct verdict v = { 0, 0, 0, 0 };

	for (size_t i = 0; i < db_num_rows(r); i++) {
		int64_t action = db_get_int64(r, i, 0);
		bool is_logged = !db_is_null(r, i, 6);

		if (is_logged && db_get_int64(r, i, 6) <= at_ms && v.known_action != 1) {
			v.known_action = action;
			v.known_at_ms = db_get_int64(r, i, 6);
		}
		if (db_get_int64(r, i, 2) * 1000 <= at_ms && v.effective_action != 1) {
			v.effective_action = action;
			v.effective_at = db_get_int64(r, i, 2);
		}
	}
	return v;
}

static const char *status_word(const struct db_result *certificate, size_t row, int64_t action, int64_t at_ms)
{
	if (at_ms < db_get_int64(certificate, row, 3) * 1000)
		return "not yet valid";
	if (action == 1 || action == 2)
		return action_words[action];
	return at_ms > db_get_int64(certificate, row, 4) * 1000 ? "expired" : "valid";
}

static struct err *certificate_at(struct cli *cli, struct db *db, const struct db_result *c, size_t row, int64_t at_ms)
{
	OWN(db_result) orders = NULL;
	char since[CLOCK_RFC3339_SIZE] = "";

	TRY(audit_q_orders(db, &orders, db_get_int64(c, row, 0)));
	struct verdict v = orders_fold(orders, at_ms);
	const char *known = db_is_null(c, row, 5) || db_get_int64(c, row, 5) > at_ms
				    ? "not known"
				    : status_word(c, row, v.known_action, at_ms);
	if (v.known_action != 0)
		(void)clock_rfc3339_ms(since, v.known_at_ms);
	if (cli->json) {
		OWN(json)
		record = json_pack("{s:s, s:s, s:s, s:s, s:s}", "issuer", db_get_text(c, row, 1), "subject",
				   db_get_text(c, row, 2), "known_then", known, "known_since", since, "effective",
				   status_word(c, row, v.effective_action, at_ms));
		return cli_json(cli, record);
	}
	TRY(cli_field(cli, "issuer", db_get_text(c, row, 1)));
	TRY(cli_field(cli, "subject", db_get_text(c, row, 2)));
	TRY(cli_field(cli, "known then", known));
	TRY(cli_field(cli, "known since", since));
	return cli_field(cli, "effective", status_word(c, row, v.effective_action, at_ms));
}

struct err *audit_status_at(struct cli *cli)
{
	OWN(db) db = NULL;
	OWN(db_result) r = NULL;
	struct serial serial;
	int64_t at_ms = 0;
	struct err *e = serial_from_hex(&serial, cli->options.words[0]);

	if (e != NULL)
		return ERR_WRAP(e, "SERIAL");
	e = clock_parse_rfc3339(&at_ms, cli->options.words[1]);
	if (e != NULL)
		return ERR_WRAP(e, "TIME");
	TRY(audit_connect(&db, &cli->env));
	TRY(audit_q_certificates(db, &r, &serial));
	ENSURE_FIELD(db_num_rows(r) > 0, NOT_FOUND, "serial",
		     "no certificate with this serial number is in the ledger");
	for (size_t i = 0; i < db_num_rows(r); i++)
		TRY(certificate_at(cli, db, r, i, at_ms));
	return NULL;
}
