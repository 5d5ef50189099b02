/*
 * issue_db_test.c - plan and settlement against a real ledger: what is written when, and that nothing is lost or doubled
 * wherever a process dies.
 *
 * The signer is played by sign_batch(): it knows no rules, but it remembers one TBS for each Authorisation for ever.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ca/issue/issue.h"
#include "ca/issue/queries.h"
#include "support/ledger.h"
#include "support/pg.h"
#include "support/suite.h"

static struct ledger ledger;
static struct issue_rules *rules;
static struct db *db;
static struct issue_limits limits = { .batch = 64, .lease_ms = 30000, .retry_ms = 200, .retry_max_ms = 60000 };

static struct db *connect_ca(void)
{
	static char conninfo[PG_CONNINFO_SIZE];
	struct db *out = NULL;

	pg_conninfo(conninfo, "nuc_ca");
	const struct db_conf conf = { .conninfo = conninfo,
				      .application_name = "issue_db_test",
				      .statements = ca_statements,
				      .num_statements = ca_statements_count };
	ck_ok(db_connect(&out, &conf));
	return out;
}

static void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static void setup_once(void)
{
	ledger_init(&ledger, "ecdsa-p256-sha256");
	const struct issue_issuer_row issuer = { "rsa", buf_slice(&ledger.ca.issuing) };
	ck_ok(issue_rules_create(&rules, buf_slice(&ledger.policy), &issuer, 1));
}

static void teardown_once(void)
{
	issue_rules_release(&rules);
	ledger_clear(&ledger);
}

static void setup(void)
{
	char conninfo[PG_CONNINFO_SIZE];

	pg_fresh(conninfo, NULL);
	ledger_install(&ledger);
	db = connect_ca();
	log_set_sink(quiet, NULL);
}

static void teardown(void)
{
	db_destroy(&db);
	clock_unset_for_test();
}

/* ---- the signer */

struct remembered {
	uint8_t digest[SHA256_LEN];
	struct buf tbs;
};
static struct remembered memory[64];
static size_t num_remembered;
static int64_t next_seq = 1;

static struct remembered *recall(struct slice authorisation, struct slice tbs, bool *out_is_new)
{
	uint8_t digest[SHA256_LEN];

	der_sha256(digest, authorisation);
	for (size_t i = 0; i < num_remembered; i++)
		if (memcmp(memory[i].digest, digest, SHA256_LEN) == 0) {
			*out_is_new = false;
			return &memory[i];
		}
	struct remembered *m = &memory[num_remembered++];
	memcpy(m->digest, digest, SHA256_LEN);
	m->tbs = (struct buf)BUF_INIT(CERT_TBS_MAX);
	ck_ok(buf_append(&m->tbs, tbs));
	*out_is_new = true;
	return m;
}

/* What the signer says about one item: NULL signs. */
typedef const char *verdict_fn(size_t i);

static const char *sign_all(size_t i)
{
	(void)i;
	return NULL;
}

/* Sends the batch's request through encoding and decoding, answers it, and has the batch take the answer. */
static void sign_batch(struct issue_batch *batch, verdict_fn *verdict)
{
	OWN(buf) body = BUF_INIT(32 * 1024 * 1024);
	OWN(buf) answer = BUF_INIT(32 * 1024 * 1024);
	OWN(msg_sign_cert) request = { 0 };
	struct msg_sign_cert_result results[64] = { 0 };
	struct buf signatures[64];

	ck_ok(issue_batch_request(batch, &body));
	ck_ok(msg_sign_cert_decode(&request, buf_slice(&body)));
	for (size_t i = 0; i < request.num_items; i++) {
		const char *word = verdict(i);
		bool is_new;
		signatures[i] = (struct buf)BUF_INIT(1024);
		results[i].reason = SLICE_STR(word == NULL ? "" : word);
		results[i].text = SLICE_STR(word == NULL ? "" : "the signer's sentence");
		results[i].status = word == NULL		? MSG_ITEM_DONE
				    : strcmp(word, "busy") == 0 ? MSG_ITEM_RETRY
								: MSG_ITEM_REFUSED;
		results[i].tbs = results[i].signature = SLICE_STR("");
		if (word != NULL)
			continue;
		ck_assert_uint_ge(request.items[i].num_decisions, 1);
		struct remembered *m = recall(request.items[i].authorisation, request.items[i].tbs, &is_new);
		fixture_sign(&signatures[i], ledger.ca.key, buf_slice(&m->tbs));
		results[i].tbs = buf_slice(&m->tbs);
		results[i].signature = buf_slice(&signatures[i]);
		results[i].seq = next_seq++;
	}
	const struct msg_sign_cert_ok ok = { .items = results, .num_items = request.num_items };
	ck_ok(msg_sign_cert_ok_encode(&answer, &ok));
	ck_ok(issue_batch_answer(batch, buf_slice(&answer)));
	for (size_t i = 0; i < request.num_items; i++)
		buf_clear(&signatures[i]);
}

static void forget_all(void)
{
	while (num_remembered > 0)
		buf_clear(&memory[--num_remembered].tbs);
}

static struct issue_batch *plan(void)
{
	struct issue_batch *batch = NULL;

	ck_ok(issue_batch_create(&batch, rules));
	ck_ok(issue_plan(db, batch, &limits));
	return batch;
}

static void approve(const char *number)
{
	const struct ledger_spec spec = { .number = number };

	(void)ledger_application(&ledger, &spec);
}

/* What must hold when all is settled: one certificate a request, each with its plan, nothing queued. */
static void check_invariants(int64_t certificates)
{
	ck_assert_int_eq(pg_number("SELECT count(*) FROM certificate WHERE origin = 'issued'"), certificates);
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM certificate c WHERE origin = 'issued' AND NOT EXISTS (SELECT FROM "
			  "issuance i WHERE i.issuer = c.issuer AND i.serial = c.serial AND i.request_id = "
			  "c.request_id)"),
		0);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending WHERE kind = 'certificate.issued'"), certificates);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issue_queue"), 0);
}

/* ---- the whole way */

START_TEST(from_approved_to_issued)
{
	approve("N1");
	OWN(issue_batch) batch = plan();
	ck_assert_uint_eq(batch->num, 2);
	ck_assert_uint_eq(issue_batch_count(batch, ISSUE_PLANNED), 2);
	/* Written ahead: plans, state and its log entry, before anybody signs. */
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issuance"), 2);
	ck_assert_str_eq(pg_text("SELECT state FROM application"), "issuing");
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending WHERE kind = 'application.state'"), 1);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issue_queue WHERE retry_at > now() AND attempts = 1"), 2);
	sign_batch(batch, sign_all);
	ck_ok(issue_settle(db, batch, &limits));
	check_invariants(2);
	ck_assert_str_eq(pg_text("SELECT state FROM application"), "issued");
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending WHERE kind = 'application.state'"), 2);
	ck_assert_str_eq(
		pg_text("SELECT string_agg(profile || ' ' || purpose || ' ' || channel || ' ' || iin || ' ' || "
			"common_name || ' ' || journal_seq, ', ' ORDER BY profile) FROM certificate"),
		"individual-auth auth counter 900101300017 ТЕСТОВ ТЕСТ 1, "
		"individual-sign sign counter 900101300017 ТЕСТОВ ТЕСТ 2");
	ck_assert_int_eq(pg_number("SELECT count(*) FROM certificate c JOIN request r ON r.id = c.request_id "
				   "WHERE c.sha256 = sha256(c.der) AND c.spki_sha256 = r.spki_sha256"),
			 2);
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM certificate WHERE not_after_at = not_before_at + 365 * 86400 - 1"), 2);
	OWN(issue_batch) nothing = plan();
	ck_assert_uint_eq(nothing->num, 0);
}
END_TEST

START_TEST(many_at_once_in_two_batches)
{
	char number[16];

	for (int i = 0; i < 5; i++) {
		(void)snprintf(number, sizeof number, "N%d", i);
		approve(number);
	}
	limits.batch = 7;
	OWN(issue_batch) first = plan();
	/* A pair is not torn: the eighth request came with its sibling. */
	ck_assert_uint_eq(first->num, 8);
	OWN(issue_batch) second = plan();
	ck_assert_uint_eq(second->num, 2);
	sign_batch(second, sign_all);
	ck_ok(issue_settle(db, second, &limits));
	sign_batch(first, sign_all);
	ck_ok(issue_settle(db, first, &limits));
	limits.batch = 64;
	check_invariants(10);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM application WHERE state = 'issued'"), 5);
}
END_TEST

/* ---- deaths */

static void restart(void)
{
	size_t freed;

	db_destroy(&db);
	db = connect_ca();
	ck_ok(ca_free_leases(db, &freed));
}

START_TEST(dies_between_plan_and_signature)
{
	approve("N1");
	OWN(issue_batch) lost = plan();
	char serials[128];
	(void)snprintf(serials, sizeof serials, "%s",
		       pg_text("SELECT string_agg(encode(serial, 'hex'), ',' ORDER BY request_id) FROM issuance"));
	issue_batch_destroy(&lost);
	OWN(issue_batch) too_early = plan();
	ck_assert_uint_eq(too_early->num, 0); /* another instance's lease is not touched */
	restart();
	OWN(issue_batch) again = plan();
	ck_assert_uint_eq(issue_batch_count(again, ISSUE_PLANNED), 2);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issuance"), 2); /* the same plan */
	sign_batch(again, sign_all);
	ck_ok(issue_settle(db, again, &limits));
	check_invariants(2);
	ck_assert_str_eq(pg_text("SELECT string_agg(encode(serial, 'hex'), ',' ORDER BY request_id) FROM certificate"),
			 serials);
}
END_TEST

START_TEST(dies_between_signature_and_settlement)
{
	approve("N1");
	OWN(issue_batch) lost = plan();
	sign_batch(lost, sign_all);
	issue_batch_destroy(&lost);
	restart();
	OWN(issue_batch) again = plan();
	sign_batch(again, sign_all);
	ck_assert_uint_eq(num_remembered, 2);
	ck_ok(issue_settle(db, again, &limits));
	check_invariants(2);
}
END_TEST

START_TEST(two_settle_the_same_requests)
{
	approve("N1");
	OWN(issue_batch) first = plan();
	restart();
	OWN(issue_batch) second = plan();
	sign_batch(first, sign_all);
	sign_batch(second, sign_all);
	ck_ok(issue_settle(db, first, &limits));
	ck_ok(issue_settle(db, second, &limits));
	check_invariants(2);
	ck_assert(first->items[0].is_new && !second->items[0].is_new);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending WHERE kind = 'application.state'"), 2);
}
END_TEST

START_TEST(an_old_plan_is_made_anew_and_the_signer_still_repeats)
{
	approve("N1");
	OWN(issue_batch) lost = plan();
	sign_batch(lost, sign_all);
	issue_batch_destroy(&lost);
	restart();
	clock_set_for_test((ledger.now + LEDGER_CLOCK_BACK_S) * 1000);
	OWN(issue_batch) again = plan();
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issuance"), 4);
	sign_batch(again, sign_all);
	ck_ok(issue_settle(db, again, &limits));
	check_invariants(2);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM certificate c JOIN issuance i USING (issuer, serial) "
				   "WHERE i.tbs = substring(c.der FROM position(i.tbs IN c.der) FOR length(i.tbs))"),
			 2);
}
END_TEST

START_TEST(a_signature_whose_plan_the_ledger_lost_is_kept)
{
	approve("N1");
	OWN(issue_batch) lost = plan();
	sign_batch(lost, sign_all);
	issue_batch_destroy(&lost);
	pg_sql("DELETE FROM issuance"); /* a ledger restored from before the plan */
	restart();
	OWN(issue_batch) again = plan();
	sign_batch(again, sign_all);
	ck_ok(issue_settle(db, again, &limits));
	check_invariants(2);
}
END_TEST

START_TEST(what_may_have_been_signed_is_asked_for_even_when_it_expired)
{
	const struct ledger_spec spec = { .number = "N1", .expires_in_s = 100 };

	(void)ledger_application(&ledger, &spec);
	OWN(issue_batch) lost = plan();
	sign_batch(lost, sign_all);
	issue_batch_destroy(&lost);
	restart();
	clock_set_for_test((ledger.now + 200) * 1000);
	OWN(issue_batch) again = plan();
	ck_assert_uint_eq(issue_batch_count(again, ISSUE_PLANNED), 2);
	sign_batch(again, sign_all);
	ck_ok(issue_settle(db, again, &limits));
	check_invariants(2);
	ck_assert_str_eq(pg_text("SELECT state FROM application"), "issued");
}
END_TEST

/* ---- refusals of our own */

static const struct {
	struct ledger_spec spec;
	const char *word;
} reject_cases[] = {
	{ { .number = "N1", .has_no_decision = true }, "decisions_missing" },
	{ { .number = "N1", .decision_expires_in_s = -10 }, "decisions_missing" },
	{ { .number = "N1", .expires_in_s = -10 }, "authorisation_expired" },
};

START_TEST(what_may_not_be_issued_is_rejected_at_once)
{
	(void)ledger_application(&ledger, &reject_cases[_i].spec);
	OWN(issue_batch) batch = plan();
	ck_assert_uint_eq(issue_batch_count(batch, ISSUE_REJECTED), 2);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issuance"), 0);
	ck_assert_str_eq(pg_text("SELECT state || ' ' || reason FROM application"),
			 pg_text("SELECT 'rejected %s'", reject_cases[_i].word));
	ck_assert_int_gt(pg_number("SELECT length(reason_text) FROM application"), 10);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issue_queue"), 0);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM key_claim"), 0);
	ck_assert_str_eq(pg_text("SELECT string_agg(kind, ' ' ORDER BY id) FROM log_pending"),
			 "request.refused application.state");
	/* Settling such a batch writes nothing again. */
	ck_ok(issue_settle(db, batch, &limits));
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending"), 2);
}
END_TEST

START_TEST(one_bad_request_ends_its_application_only)
{
	approve("N1");
	approve("N2");
	/* Somebody with the database in hand changes what was decided on. */
	pg_sql("ALTER TABLE request DISABLE TRIGGER ALL; UPDATE request SET authorisation = authorisation || '\\x00' "
	       "WHERE purpose = 'sign' AND application_id = (SELECT id FROM application WHERE number = 'N1')");
	OWN(issue_batch) batch = plan();
	ck_assert_uint_eq(issue_batch_count(batch, ISSUE_REJECTED), 2);
	ck_assert_uint_eq(issue_batch_count(batch, ISSUE_PLANNED), 2);
	sign_batch(batch, sign_all);
	ck_ok(issue_settle(db, batch, &limits));
	check_invariants(2);
	ck_assert_str_eq(pg_text("SELECT string_agg(number || ' ' || state || ' ' || reason, ', ' ORDER BY number) "
				 "FROM application"),
			 "N1 rejected malformed, N2 issued ");
	ck_assert_int_eq(pg_number("SELECT count(*) FROM key_claim"), 2);
}
END_TEST

/* Profiles in which individual-auth has a user type that nobody knows. */
static struct issue_rules *rules_with_strange_user_type(void)
{
	static const char word[] = "\"1.2.398.3.3.4.1.1\"";
	struct issue_rules *out = NULL;
	OWN(buf) policy = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	OWN(buf) kept = BUF_INIT(PROFILES_MAX_BYTES);
	const struct issue_issuer_row issuer = { "rsa", buf_slice(&ledger.ca.issuing) };

	ck_ok(buf_append(&kept, buf_slice(&ledger.profiles_text)));
	uint8_t *at = memmem(ledger.profiles_text.p, ledger.profiles_text.len, word, strlen(word));
	ck_assert_ptr_nonnull(at);
	at[strlen(word) - 2] = '9';
	ledger_policy(&ledger, &policy, 2);
	ck_ok(buf_set(&ledger.profiles_text, buf_slice(&kept)));
	ck_ok(issue_rules_create(&out, buf_slice(&policy), &issuer, 1));
	return out;
}

START_TEST(a_lint_that_fails_stops_it_before_the_signer)
{
	OWN(issue_rules) lax = rules_with_strange_user_type();
	OWN(issue_batch) batch = NULL;

	approve("N1");
	ck_ok(issue_batch_create(&batch, lax));
	ck_ok(issue_plan(db, batch, &limits));
	ck_assert_uint_eq(issue_batch_count(batch, ISSUE_REJECTED), 2);
	ck_assert_str_eq(pg_text("SELECT reason FROM application"), "lint");
	ck_assert_ptr_nonnull(
		strstr(pg_text("SELECT reason_text FROM application"), "the certificate would break a rule: "));
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issuance"), 0);
}
END_TEST

START_TEST(withdrawn_meanwhile_is_dropped)
{
	approve("N1");
	pg_sql("UPDATE application SET state = 'withdrawn'");
	OWN(issue_batch) batch = plan();
	ck_assert_uint_eq(issue_batch_count(batch, ISSUE_DROPPED), 2);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issue_queue"), 0);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issuance"), 0);
	ck_assert_str_eq(pg_text("SELECT state FROM application"), "withdrawn");
}
END_TEST

/* ---- refusals of the signer */

static const char *refuse_second(size_t i)
{
	return i == 1 ? "enterer" : NULL;
}

START_TEST(the_signer_refuses_one_of_a_pair)
{
	approve("N1");
	OWN(issue_batch) batch = plan();
	sign_batch(batch, refuse_second);
	ck_ok(issue_settle(db, batch, &limits));
	/* The signature that was made is in the ledger, the application is rejected with the reason. */
	check_invariants(1);
	ck_assert_str_eq(pg_text("SELECT state || ' ' || reason || ' ' || reason_text FROM application"),
			 "rejected enterer the signer's sentence");
	ck_assert_int_eq(pg_number("SELECT count(*) FROM key_claim"), 1);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending WHERE kind = 'request.refused'"), 1);
}
END_TEST

static const char *busy(size_t i)
{
	return i == 0 ? "busy" : "ceiling_hour";
}

START_TEST(what_passes_is_tried_again_later)
{
	approve("N1");
	OWN(issue_batch) batch = plan();
	sign_batch(batch, busy);
	ck_ok(issue_settle(db, batch, &limits));
	ck_assert_str_eq(pg_text("SELECT state FROM application"), "issuing");
	ck_assert_str_eq(pg_text("SELECT string_agg(last_error, ', ' ORDER BY request_id) FROM issue_queue"),
			 "signer_busy: the signer's sentence, ceiling_hour: the signer's sentence");
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issue_queue WHERE retry_at < now() + interval '1 s'"), 2);
	pg_sql("UPDATE issue_queue SET retry_at = now()");
	OWN(issue_batch) again = plan();
	ck_assert_uint_eq(issue_batch_count(again, ISSUE_PLANNED), 2);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issuance"), 2);
	sign_batch(again, sign_all);
	ck_ok(issue_settle(db, again, &limits));
	check_invariants(2);
}
END_TEST

static const char *not_before(size_t i)
{
	(void)i;
	return "not_before";
}

START_TEST(a_refused_notbefore_is_planned_anew_but_not_in_a_circle)
{
	approve("N1");
	OWN(issue_batch) batch = plan();
	sign_batch(batch, not_before);
	ck_assert_uint_eq(issue_batch_count(batch, ISSUE_AT_ONCE), 2);
	ck_ok(issue_settle(db, batch, &limits));
	OWN(issue_batch) again = plan();
	ck_assert_uint_eq(issue_batch_count(again, ISSUE_PLANNED), 2);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issuance"), 4);
	sign_batch(again, not_before);
	ck_assert_uint_eq(issue_batch_count(again, ISSUE_RETRY), 2);
	ck_ok(issue_settle(db, again, &limits));
	OWN(issue_batch) nothing = plan();
	ck_assert_uint_eq(nothing->num, 0);
}
END_TEST

START_TEST(no_answer_postpones_everything)
{
	approve("N1");
	OWN(issue_batch) batch = plan();
	OWN(err) e = ERR(TIMEOUT, "no answer from signd-ca");
	issue_batch_failed(batch, e);
	ck_ok(issue_settle(db, batch, &limits));
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM issue_queue WHERE last_error = 'timeout: no answer from signd-ca'"), 2);
}
END_TEST

/* ---- answers that are wrong */

static void answer_with(struct issue_batch *batch, struct slice tbs, struct slice signature, size_t num)
{
	OWN(buf) answer = BUF_INIT(1024 * 1024);
	struct msg_sign_cert_result results[4] = { 0 };

	for (size_t i = 0; i < num; i++)
		results[i] = (struct msg_sign_cert_result){ .status = MSG_ITEM_DONE,
							    .tbs = tbs,
							    .signature = signature,
							    .seq = (int64_t)i + 1,
							    .reason = SLICE_STR(""),
							    .text = SLICE_STR("") };
	const struct msg_sign_cert_ok ok = { .items = results, .num_items = num };
	ck_ok(msg_sign_cert_ok_encode(&answer, &ok));
	if (num == issue_batch_count(batch, ISSUE_PLANNED))
		ck_ok(issue_batch_answer(batch, buf_slice(&answer)));
	else
		ck_fails(issue_batch_answer(batch, buf_slice(&answer)), ERR_BAD_INPUT, "the signer answers");
}

START_TEST(a_wrong_signature_is_never_taken)
{
	OWN(buf) signature = BUF_INIT(1024);

	approve("N1");
	OWN(issue_batch) batch = plan();
	OWN(buf) body = BUF_INIT(1024 * 1024);
	ck_ok(issue_batch_request(batch, &body));
	answer_with(batch, SLICE_STR("x"), SLICE_STR("y"), 3);
	/* Signed, but the same certificate for both: the second is for another key. */
	fixture_sign(&signature, ledger.ca.key, buf_slice(&batch->items[0].tbs));
	signature.p[signature.len - 1] ^= 1;
	answer_with(batch, buf_slice(&batch->items[0].tbs), buf_slice(&signature), 2);
	ck_ok(issue_settle(db, batch, &limits));
	ck_assert_int_eq(pg_number("SELECT count(*) FROM certificate"), 0);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issue_queue WHERE last_error LIKE 'bad_signature: %%'"), 2);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issue_queue WHERE last_error LIKE '%%another key%%'"), 1);
}
END_TEST

START_TEST(a_lint_token_is_good_once)
{
	OWN(buf) body = BUF_INIT(1024 * 1024);
	OWN(buf) again = BUF_INIT(1024 * 1024);

	approve("N1");
	OWN(issue_batch) batch = plan();
	ck_ok(issue_batch_request(batch, &body));
	OWN(err) e = issue_batch_request(batch, &again);
	ck_assert_int_eq(err_code(e), ERR_BUG);
}
END_TEST

/* ---- a ledger that does not take it (incidents.md no. 2, 3) */

START_TEST(an_insert_that_fails_for_one_holds_nobody_else_up)
{
	approve("N1");
	approve("N2");
	approve("N3");
	pg_sql("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
	       "IF NEW.profile = 'individual-sign' AND NEW.request_id = (SELECT r.id FROM request r JOIN application a "
	       "ON a.id = r.application_id WHERE a.number = 'N2' AND r.purpose = 'sign') THEN "
	       "RAISE EXCEPTION 'no room for this one'; END IF; RETURN NEW; END $$;"
	       "CREATE TRIGGER fail BEFORE INSERT ON certificate FOR EACH ROW EXECUTE FUNCTION fail()");
	OWN(issue_batch) batch = plan();
	sign_batch(batch, sign_all);
	ck_ok(issue_settle(db, batch, &limits));
	ck_assert_int_eq(pg_number("SELECT count(*) FROM certificate"), 5);
	ck_assert_str_eq(pg_text("SELECT last_error FROM issue_queue"),
			 "ledger: ca_add_certificates: no room for this one (P0001)");
	ck_assert_str_eq(pg_text("SELECT string_agg(number || ' ' || state, ', ' ORDER BY number) FROM application"),
			 "N1 issued, N2 issuing, N3 issued");
	/* Its serial number and TBS are known, so it could be revoked; and it is not lost. */
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM issuance WHERE request_id = (SELECT request_id FROM issue_queue)"), 1);
	pg_sql("DROP TRIGGER fail ON certificate; UPDATE issue_queue SET retry_at = now()");
	OWN(issue_batch) again = plan();
	sign_batch(again, sign_all);
	ck_assert_uint_eq(num_remembered, 6);
	ck_ok(issue_settle(db, again, &limits));
	check_invariants(6);
}
END_TEST

START_TEST(a_plan_that_cannot_be_written_holds_nobody_else_up)
{
	approve("N1");
	approve("N2");
	pg_sql("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
	       "IF NEW.request_id IN (SELECT r.id FROM request r JOIN application a ON a.id = r.application_id "
	       "WHERE a.number = 'N1') THEN RAISE EXCEPTION 'no plan for this one'; END IF; RETURN NEW; END $$;"
	       "CREATE TRIGGER fail BEFORE INSERT ON issuance FOR EACH ROW EXECUTE FUNCTION fail()");
	OWN(issue_batch) none = plan();
	ck_assert_uint_eq(none->num, 0);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM issue_queue WHERE last_error LIKE '%%no plan for this one%%'"),
			 2);
	OWN(issue_batch) batch = plan();
	ck_assert_uint_eq(issue_batch_count(batch, ISSUE_PLANNED), 2);
	ck_assert_str_eq(batch->items[0].number, "N2");
}
END_TEST

static struct err *count_calls(struct db *unused, void *arg)
{
	(void)unused;
	++*(int *)arg;
	return NULL;
}

START_TEST(a_lost_database_loses_nothing)
{
	int calls = 0;

	approve("N1");
	OWN(issue_batch) batch = plan();
	sign_batch(batch, sign_all);
	pg_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'issue_db_test'");
	OWN(err) e = issue_settle(db, batch, &limits);
	ck_assert_int_eq(err_code(e), ERR_GONE);
	ck_ok(db_ensure(db));
	ck_ok(db_tx(db, count_calls, &calls));
	/* The same batch may be settled again. */
	ck_ok(issue_settle(db, batch, &limits));
	check_invariants(2);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/issue/issue_db");
	TCase *t = tcase_create("issue");

	tcase_add_unchecked_fixture(t, setup_once, teardown_once);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_checked_fixture(t, NULL, forget_all);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, from_approved_to_issued);
	tcase_add_test(t, many_at_once_in_two_batches);
	tcase_add_test(t, dies_between_plan_and_signature);
	tcase_add_test(t, dies_between_signature_and_settlement);
	tcase_add_test(t, two_settle_the_same_requests);
	tcase_add_test(t, an_old_plan_is_made_anew_and_the_signer_still_repeats);
	tcase_add_test(t, a_signature_whose_plan_the_ledger_lost_is_kept);
	tcase_add_test(t, what_may_have_been_signed_is_asked_for_even_when_it_expired);
	tcase_add_loop_test(t, what_may_not_be_issued_is_rejected_at_once, 0, COUNT_OF(reject_cases));
	tcase_add_test(t, one_bad_request_ends_its_application_only);
	tcase_add_test(t, a_lint_that_fails_stops_it_before_the_signer);
	tcase_add_test(t, withdrawn_meanwhile_is_dropped);
	tcase_add_test(t, the_signer_refuses_one_of_a_pair);
	tcase_add_test(t, what_passes_is_tried_again_later);
	tcase_add_test(t, a_refused_notbefore_is_planned_anew_but_not_in_a_circle);
	tcase_add_test(t, no_answer_postpones_everything);
	tcase_add_test(t, a_wrong_signature_is_never_taken);
	tcase_add_test(t, a_lint_token_is_good_once);
	tcase_add_test(t, an_insert_that_fails_for_one_holds_nobody_else_up);
	tcase_add_test(t, a_plan_that_cannot_be_written_holds_nobody_else_up);
	tcase_add_test(t, a_lost_database_loses_nothing);
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
