/*
 * schema_test.c - a fresh ledger: who may write what, what can never be changed, which transitions are legal, and every
 * statement of every daemon prepared as that daemon's own role.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "support/pg.h"
#include "support/suite.h"

static const char *const roles[] = { "nuc_ra", "nuc_ca", "nuc_crl", "nuc_ocsp", "nuc_auditor" };

static char conninfo[PG_CONNINFO_SIZE];

static struct db *connect_as(const char *role, const struct db_statement *statements, size_t num)
{
	struct db *db = NULL;
	const struct db_conf conf = {
		.conninfo = conninfo, .application_name = "schema_test", .statements = statements, .num_statements = num
	};

	pg_conninfo(conninfo, role);
	ck_ok(db_connect(&db, &conf));
	return db;
}

/* ---- statements */

/* Declared here: the daemons' own headers number their statements alike. */
extern const struct db_statement ra_statements[], ca_statements[], sequencer_statements[], crl_statements[],
	ocsp_statements[], audit_statements[];
extern const size_t ra_statements_count, ca_statements_count, sequencer_statements_count, crl_statements_count,
	ocsp_statements_count, audit_statements_count;

static const struct {
	const char *name, *role, *prefix;
	const struct db_statement *statements;
	const size_t *count;
} daemons[] = {
	{ "rad", "nuc_ra", "ra_", ra_statements, &ra_statements_count },
	{ "cad", "nuc_ca", "ca_", ca_statements, &ca_statements_count },
	{ "sequencer", "nuc_ca", "ca_", sequencer_statements, &sequencer_statements_count },
	{ "crld", "nuc_crl", "crl_", crl_statements, &crl_statements_count },
	{ "ocspd", "nuc_ocsp", "ocsp_", ocsp_statements, &ocsp_statements_count },
	{ "nucaudit", "nuc_auditor", "audit_", audit_statements, &audit_statements_count },
};

START_TEST(every_statement_prepares_as_its_role)
{
	pg_fresh(conninfo, NULL);
	OWN(db) db = connect_as(daemons[_i].role, daemons[_i].statements, *daemons[_i].count);

	ck_assert(db_is_connected(db));
	ck_assert_uint_gt(*daemons[_i].count, 0);
	/* <role>_<verb>_<noun>, so that pg_stat_statements reads like the source. */
	const char *prefix = daemons[_i].prefix;
	for (size_t i = 0; i < *daemons[_i].count; i++)
		ck_assert_msg(strncmp(daemons[_i].statements[i].name, prefix, strlen(prefix)) == 0,
			      "statement %s of %s does not begin with %s", daemons[_i].statements[i].name,
			      daemons[_i].name, prefix);
}
END_TEST

/* ---- forbidden writes */

static void expect_denied(struct db *db, const char *role, const char *sql)
{
	struct err *e = db_simple(db, sql);

	ck_assert_msg(err_code(e) == ERR_DENIED, "%s may: %s", role, sql);
	err_destroy(&e);
}

static const char *const insert_only[] = { "request",  "issuance", "certificate",     "revocation", "order_acceptance",
					   "decision", "crl",	   "decision_member", "log_entry",  "log_tile",
					   "policy",   "issuer",   "log_checkpoint",  "agreement",  "responder" };

START_TEST(what_is_insert_only_nobody_can_change)
{
	char sql[200];

	pg_fresh(conninfo, NULL);
	for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++) {
		OWN(db) db = connect_as(roles[r], NULL, 0);
		for (size_t t = 0; t < sizeof insert_only / sizeof insert_only[0]; t++) {
			const char *column = pg_text("SELECT column_name FROM information_schema.columns "
						     "WHERE table_name = '%s' AND ordinal_position = 2",
						     insert_only[t]);
			(void)snprintf(sql, sizeof sql, "UPDATE %s SET %s = %s", insert_only[t], column, column);
			expect_denied(db, roles[r], sql);
			(void)snprintf(sql, sizeof sql, "DELETE FROM %s", insert_only[t]);
			expect_denied(db, roles[r], sql);
			(void)snprintf(sql, sizeof sql, "TRUNCATE %s CASCADE", insert_only[t]);
			expect_denied(db, roles[r], sql);
		}
	}
}
END_TEST

static const struct {
	const char *role, *sql;
} forbidden[] = {
	{ "nuc_ra",
	  "INSERT INTO certificate (issuer, serial, origin, profile, der, sha256, spki_sha256, not_before_at, "
	  "not_after_at) VALUES ('rsa', '\\x01', 'issued', '', '', sha256(''::bytea), sha256(''::bytea), 0, 0)" },
	{ "nuc_ra", "INSERT INTO log_entry VALUES (0, '', 0, '', '', sha256(''::bytea))" },
	{ "nuc_ra", "DELETE FROM log_pending" },
	{ "nuc_ra", "UPDATE application SET number = ''" },
	{ "nuc_ca", "INSERT INTO decision (digest) VALUES (sha256(''::bytea))" },
	{ "nuc_ca", "INSERT INTO revocation (certificate_id) VALUES (1)" },
	{ "nuc_ca", "UPDATE application SET iin = ''" },
	{ "nuc_ca", "UPDATE log_pending SET kind = ''" },
	{ "nuc_crl", "INSERT INTO revocation (certificate_id) VALUES (1)" },
	{ "nuc_crl", "SELECT iin FROM application" },
	{ "nuc_ocsp", "INSERT INTO log_pending (kind, at_ms, entry, salt) VALUES ('', 0, '', '')" },
	{ "nuc_ocsp", "SELECT iin FROM application" },
	{ "nuc_auditor", "UPDATE application SET state = 'issued'" },
	{ "nuc_auditor", "INSERT INTO certificate (issuer) VALUES ('rsa')" },
};

START_TEST(forbidden_writes_are_refused)
{
	pg_fresh(conninfo, NULL);
	OWN(db) db = connect_as(forbidden[_i].role, NULL, 0);

	expect_denied(db, forbidden[_i].role, forbidden[_i].sql);
}
END_TEST

START_TEST(roles_own_nothing_and_make_nothing)
{
	pg_fresh(conninfo, NULL);
	ck_assert_int_eq(
		pg_number("SELECT count(*) FROM pg_roles WHERE rolname LIKE 'nuc\\_%%' AND rolname <> 'nuc_owner' "
			  "AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)"),
		0);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner "
				   "WHERE r.rolname LIKE 'nuc\\_%%' AND r.rolname <> 'nuc_owner'"),
			 0);
	for (size_t r = 0; r < sizeof roles / sizeof roles[0]; r++) {
		OWN(db) db = connect_as(roles[r], NULL, 0);
		expect_denied(db, roles[r], "CREATE TABLE mine (a int)");
		expect_denied(db, roles[r], "ALTER TABLE certificate DISABLE TRIGGER ALL");
		expect_denied(db, roles[r], "SET ROLE nuc_owner");
	}
}
END_TEST

/* ---- what the tables themselves hold to */

static void one_application(const char *state)
{
	pg_sql("INSERT INTO issuer (name, certificate, root) VALUES ('rsa', '', '');"
	       "INSERT INTO agreement VALUES (sha256('a'::bytea), '1', 'a');"
	       "INSERT INTO application (number, submit_digest, kind, channel, state, issuer, iin, surname, "
	       "given_name, "
	       "key_storage, agreement, expires_at) VALUES ('N1', sha256('n1'::bytea), 'individual', 'remote', '%s', "
	       "'rsa', "
	       "'123456789011', 'S', 'G', '1.2', sha256('a'::bytea), now() + interval '1 day')",
	       state);
}

START_TEST(only_legal_transitions)
{
	pg_fresh(conninfo, NULL);
	one_application("submitted");
	OWN(db) db = connect_as("nuc_ra", NULL, 0);
	OWN(err) e = NULL;

	ck_ok(db_simple(db, "UPDATE application SET state = 'awaiting_confirmation'"));
	e = db_simple(db, "UPDATE application SET state = 'issued'");
	ck_assert_int_eq(err_code(e), ERR_CONFLICT);
	ck_assert_str_eq(err_field(e), "application_transition");
	ck_ok(db_simple(db, "UPDATE application SET state = 'approved'"));
	OWN(db) ca = connect_as("nuc_ca", NULL, 0);
	ck_ok(db_simple(ca, "UPDATE application SET state = 'issuing'"));
	ck_ok(db_simple(ca, "UPDATE application SET state = 'issued'"));
	ck_fails(db_simple(ca, "UPDATE application SET state = 'issuing'"), ERR_CONFLICT,
		 "no transition from issued to issuing");
	ck_ok(db_simple(db, "UPDATE application SET state = 'delivered'"));
	ck_fails(db_simple(db, "UPDATE application SET state = 'submitted'"), ERR_CONFLICT,
		 "no transition from delivered");
}
END_TEST

START_TEST(states_of_the_design_and_no_others)
{
	pg_fresh(conninfo, NULL);
	ck_assert_str_eq(
		pg_text("SELECT string_agg(s, ' ' ORDER BY s) FROM (SELECT from_state s FROM application_transition "
			"UNION SELECT to_state FROM application_transition) x"),
		"approved approved_once awaiting_confirmation awaiting_documents awaiting_head delivered expired "
		"in_review issued issuing rejected returned submitted withdrawn");
	ck_assert_str_eq(
		pg_text("SELECT string_agg(DISTINCT to_state, ' ' ORDER BY to_state) FROM application_transition "
			"WHERE to_state NOT IN (SELECT from_state FROM application_transition)"),
		"delivered expired rejected withdrawn");
}
END_TEST

static const struct {
	const char *sql, *constraint;
} unique_cases[] = {
	{ "INSERT INTO certificate (issuer, serial, origin, profile, der, sha256, spki_sha256, not_before_at, "
	  "not_after_at) "
	  "SELECT 'rsa', '\\x7f', 'issued', '', '', sha256(''::bytea), sha256(''::bytea), 0, 0 FROM generate_series(1, "
	  "2)",
	  "certificate_issuer_serial_key" },
	{ "INSERT INTO certificate (issuer, serial, request_id, origin, profile, der, sha256, spki_sha256, "
	  "not_before_at, "
	  "not_after_at) SELECT 'rsa', decode(lpad(to_hex(n), 4, '0'), 'hex'), 1, 'issued', '', '', sha256(''::bytea), "
	  "sha256(''::bytea), "
	  "0, 0 FROM generate_series(1, 2) n",
	  "certificate_request_id_key" },
	{ "INSERT INTO issuance (request_id, issuer, serial, not_before_at, not_after_at, tbs) "
	  "SELECT 1, 'rsa', '\\x7f', 0, 0, '' FROM generate_series(1, 2) n",
	  "issuance_pkey" },
	{ "INSERT INTO key_claim SELECT sha256('k'::bytea), NULL FROM generate_series(1, 2)", "key_claim_pkey" },
	{ "INSERT INTO application (number, submit_digest, kind, channel, issuer, iin, surname, given_name, "
	  "key_storage, "
	  "agreement, expires_at) SELECT 'N1', sha256('n2'::bytea), kind, channel, issuer, iin, surname, given_name, "
	  "key_storage, "
	  "agreement, now() FROM application",
	  "application_number_key" },
	{ "INSERT INTO crl (issuer, scope, kind, number, this_update_at, next_update_at, num_entries, size_bytes, "
	  "sha256, "
	  "order_seq) SELECT 'rsa', '', 'full', 1, 0, 0, 0, 0, sha256(''::bytea), 0 FROM generate_series(1, 2)",
	  "crl_issuer_scope_kind_number_key" },
	{ "INSERT INTO issuance (request_id, issuer, serial, not_before_at, not_after_at, tbs) "
	  "VALUES (1, 'rsa', decode(repeat('11', 21), 'hex'), 0, 0, '')",
	  "serial_number_check" },
	{ "INSERT INTO key_claim VALUES ('\\x00', NULL)", "sha256_check" },
};

START_TEST(what_must_be_one_is_one)
{
	pg_fresh(conninfo, NULL);
	one_application("approved");
	pg_sql("INSERT INTO request (application_id, purpose, issuer, profile, csr, spki_sha256, authorisation, "
	       "digest) "
	       "SELECT id, 'auth', 'rsa', 'individual-auth', '', sha256('k'::bytea), '', sha256('d'::bytea) FROM "
	       "application");
	pg_conninfo(conninfo, NULL);
	OWN(db) db = connect_as(NULL, NULL, 0);
	OWN(err) e = db_simple(db, unique_cases[_i].sql);

	ck_assert_int_eq(err_code(e), ERR_CONFLICT);
	ck_assert_str_eq(err_field(e), unique_cases[_i].constraint);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("schema");
	TCase *t = tcase_create("schema");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, every_statement_prepares_as_its_role, 0, COUNT_OF(daemons));
	tcase_add_test(t, what_is_insert_only_nobody_can_change);
	tcase_add_loop_test(t, forbidden_writes_are_refused, 0, COUNT_OF(forbidden));
	tcase_add_test(t, roles_own_nothing_and_make_nothing);
	tcase_add_test(t, only_legal_transitions);
	tcase_add_test(t, states_of_the_design_and_no_others);
	tcase_add_loop_test(t, what_must_be_one_is_one, 0, COUNT_OF(unique_cases));
	suite_add_tcase(s, t);
	return pg_suite_main(s);
}
