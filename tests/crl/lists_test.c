/*
 * lists_test.c - the lists of an issuer against a real database, a real folder and a signer that checks.
 */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "crl/lists.h"
#include "fake_signd.h"
#include "support/pg.h"
#include "tlog/leaf.h"

#define T INT64_C(1800000000)

static struct crl_ca ca;
static struct bus_fake *fake;
static struct bus_client *client;
static char dir[64], conninfo[PG_CONNINFO_SIZE];
static struct db *db;
static struct crl_folder *folder;
static struct crl_lists *lists;
static struct crl_rule full = {
	.every_s = 86400, .validity_s = 97200, .changed_every_s = 60, .is_urgent_at_once = true
};
static struct crl_rule delta;
static int64_t now, keep_expired_s, next_seq;

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void clock_at(int64_t at)
{
	now = at;
	clock_set_for_test(at * 1000);
}

static void db_new(struct db **out)
{
	const struct db_conf conf = { .conninfo = conninfo,
				      .statements = crl_statements,
				      .num_statements = crl_statements_count };

	ck_ok(db_connect(out, &conf));
}

static void lists_new(struct crl_lists **out, struct db *on, const struct crl_folder *in)
{
	const struct crl_lists_conf conf = { .issuer = "rsa",
					     .certificate = buf_slice(&ca.person.der),
					     .db = on,
					     .signer = client,
					     .folder = in,
					     .full = full,
					     .delta = delta,
					     .keep_expired_s = keep_expired_s };

	ck_ok(crl_lists_create(out, &conf));
	ck_ok(crl_lists_recover(*out));
}

static void setup(void)
{
	OWN(buf) hex = BUF_INIT(16384);
	const char *text;

	clock_at(T);
	crl_ca_init(&ca, "p256");
	pg_fresh(conninfo, "nuc_crl");
	ck_ok(text_hex(&hex, buf_slice(&ca.person.der)));
	ck_ok(buf_str(&hex, &text));
	pg_sql("INSERT INTO issuer (name, certificate, root) VALUES ('rsa', '\\x%s', '\\x%s'); "
	       "INSERT INTO crl_counter (issuer) VALUES ('rsa')",
	       text, text);
	fake = fake_signd_start(&ca);
	const struct bus_client_conf conf = { .server = "signd-ca", .endpoint = bus_fake_endpoint(fake) };
	ck_ok(bus_client_create(&client, bus_fake_client_bus(fake), &conf));
	(void)snprintf(dir, sizeof dir, "/tmp/nuc-crl-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_ok(crl_folder_open(&folder, dir));
	db_new(&db);
	lists_new(&lists, db, folder);
}

static void teardown(void)
{
	crl_lists_destroy(&lists);
	db_destroy(&db);
	crl_folder_close(&folder);
	bus_client_destroy(&client);
	bus_fake_destroy(&fake);
	buf_clear(&fake_signd.tbs);
	crl_ca_clear(&ca);
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void restart(void)
{
	crl_lists_destroy(&lists);
	lists_new(&lists, db, folder);
}

static void certificate(const char *serial, int64_t not_after_at)
{
	pg_sql("INSERT INTO certificate (issuer, serial, origin, profile, der, sha256, spki_sha256, not_before_at, "
	       "not_after_at) VALUES ('rsa', '\\x%s', 'adopted', 'p', '', sha256('%s'::bytea), sha256('%s'::bytea), 0, "
	       "%" PRId64 ")",
	       serial, serial, serial, not_after_at);
}

static int64_t order_at(const char *serial, int action, int reason, int64_t revoked_at)
{
	pg_sql("INSERT INTO revocation (certificate_id, issuer, serial, action, reason, revoked_at, der, digest, "
	       "ordered_by) "
	       "SELECT id, issuer, serial, %d, %d, %" PRId64 ", '', sha256(convert_to('%s %" PRId64
	       "', 'UTF8')), 'p' FROM certificate WHERE serial = '\\x%s'",
	       action, reason, revoked_at, serial, next_seq, serial);
	return pg_number("SELECT max(id) FROM revocation");
}

static void accept(int64_t order_id, int64_t seq)
{
	pg_sql("INSERT INTO order_acceptance (order_id, seq) VALUES (%" PRId64 ", %" PRId64 ")", order_id, seq);
}

static void order(const char *serial, int action, int reason)
{
	next_seq += 2; /* other events of the signer stand in between */
	accept(order_at(serial, action, reason, now), next_seq);
}

static int64_t run(void)
{
	int64_t look_again_at;

	ck_ok(crl_lists_run(lists, &look_again_at));
	return look_again_at;
}

static const struct crl_lists_status *status(void)
{
	return crl_lists_status(lists, CRL_FULL);
}

/* What relying parties see of the serial: 0 not listed, 1 listed, 2 removeFromCRL. */
static int published(const char *name, const char *serial_hex, int64_t *out_number)
{
	OWN(crl_map) map = { SLICE_NONE };
	struct serial serial;
	ASN1_INTEGER *integer = NULL;
	X509_REVOKED *revoked = NULL;

	ck_ok(crl_map_open(&map, folder, name));
	const uint8_t *p = map.bytes.p;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)map.bytes.len);
	ck_assert_ptr_nonnull(crl);
	ck_assert_int_eq(X509_CRL_verify(crl, ca.person.key), 1);
	if (out_number != NULL) {
		struct crl_list list;
		ck_ok(crl_list_read(&list, map.bytes));
		*out_number = list.number;
	}
	ck_ok(serial_from_hex(&serial, serial_hex));
	ck_ok(serial_to_asn1(&integer, &serial));
	int found = X509_CRL_get0_by_serial(crl, &revoked, integer);
	ASN1_INTEGER_free(integer);
	X509_CRL_free(crl);
	return found;
}

static int listed(const char *serial_hex)
{
	return published("nca_rsa.crl", serial_hex, NULL);
}

static int files_of(const char *sub)
{
	char path[128];
	int num = 0;

	(void)snprintf(path, sizeof path, "%s/%s", dir, sub);
	DIR *d = opendir(path);
	ck_assert_ptr_nonnull(d);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		num += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
	(void)closedir(d);
	return num;
}

START_TEST(first_list_is_issued_at_once)
{
	ck_assert_ptr_null(status()->alarm);
	(void)run();
	ck_assert(status()->has_list);
	ck_assert_int_eq(status()->published.number, 1);
	ck_assert_int_eq(status()->published.num_entries, 0);
	ck_assert_int_eq(listed("05"), 0);
	ck_assert_int_eq(pg_number("SELECT last_number FROM crl_counter"), 1);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM crl WHERE kind = 'full' AND number = 1 AND order_seq = 0"), 1);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM log_pending WHERE kind = 'crl.issued'"), 1);
	ck_assert_int_eq(files_of("archive"), 1);
	/* nothing more is due before the period ends */
	ck_assert_int_eq(run(), T + 86400);
	ck_assert_int_eq(fake_signd.signed_lists, 1);
}
END_TEST

START_TEST(the_log_entry_tells_of_the_list)
{
	OWN(db_result) r = NULL;
	OWN(db) superuser = NULL;
	OWN(buf) arena = BUF_INIT(LOG_ENTRY_MAX + 1);
	static const struct db_statement statements[] = {
		{ "entry", 0, "SELECT p.entry, c.sha256 FROM log_pending p, crl c" },
	};
	char text[PG_CONNINFO_SIZE];
	struct log_entry entry;

	(void)run();
	pg_conninfo(text, NULL);
	const struct db_conf conf = { .conninfo = text, .statements = statements, .num_statements = 1 };
	ck_ok(db_connect(&superuser, &conf));
	ck_ok(db_query_one(superuser, &r, 0, NULL));
	ck_ok(log_entry_decode(&entry, &arena, db_get_bytes(r, 0, 0)));
	ck_assert_str_eq(entry.kind, "crl.issued");
	ck_assert_str_eq(entry.role, "crld");
	ck_assert_str_eq(log_entry_value(&entry, "issuer"), "rsa");
	ck_assert_str_eq(log_entry_value(&entry, "list"), "full");
	ck_assert_str_eq(log_entry_value(&entry, "number"), "1");
	ck_assert_str_eq(log_entry_value(&entry, "this_update"), "2027-01-15T08:00:00Z");
	ck_assert_str_eq(entry.why, "first");
	ck_assert(slice_equal(entry.objects[0].sha256, db_get_bytes(r, 0, 1)));
}
END_TEST

START_TEST(revocations_reach_the_list)
{
	certificate("05", T + 1000000);
	certificate("0080", T + 1000000);
	certificate("10ffffffffffffffffffffffffffffffffffffff", T + 1000000);
	(void)run();
	order("05", CRL_REVOKE, 4);
	order("0080", CRL_HOLD, 6);
	clock_at(T + 59);
	ck_assert_int_eq(run(), T + 60);
	ck_assert_int_eq(listed("05"), 0);
	clock_at(T + 60);
	(void)run();
	ck_assert_int_eq(listed("05"), 1);
	ck_assert_int_eq(listed("0080"), 1);
	ck_assert_int_eq(status()->published.number, 2);
	ck_assert_int_eq(status()->published.order_seq, next_seq);
	/* key compromise goes at once */
	clock_at(T + 61);
	order("10ffffffffffffffffffffffffffffffffffffff", CRL_REVOKE, 1);
	(void)run();
	ck_assert_int_eq(listed("10ffffffffffffffffffffffffffffffffffffff"), 1);
	/* a release takes the hold off */
	order("0080", CRL_RELEASE, 8);
	clock_at(T + 200);
	(void)run();
	ck_assert_int_eq(listed("0080"), 0);
	ck_assert_int_eq(listed("05"), 1);
	ck_assert_int_eq(status()->published.num_entries, 2);
	ck_assert_int_eq(files_of("archive"), 4);
	ck_assert_int_eq(fake_signd.refused, 0);
}
END_TEST

START_TEST(an_order_that_the_signer_has_not_accepted_is_not_listed)
{
	certificate("05", T + 1000000);
	(void)run();
	(void)order_at("05", CRL_REVOKE, 1, T);
	clock_at(T + 100);
	(void)run();
	ck_assert_int_eq(listed("05"), 0);
	ck_assert_int_eq(fake_signd.signed_lists, 1);
}
END_TEST

START_TEST(a_restart_takes_the_published_list_over)
{
	certificate("05", T + 1000000);
	order("05", CRL_REVOKE, 1);
	(void)run();
	clock_at(T + 100);
	restart();
	ck_assert(status()->has_list);
	ck_assert_int_eq(status()->published.number, 1);
	ck_assert_int_eq(status()->published.order_seq, next_seq);
	ck_assert_int_eq(run(), T + 86400);
	ck_assert_int_eq(fake_signd.signed_lists, 1);
}
END_TEST

/* Killed between the commit and the rename: the recorded list is placed by the next start, and no number is lost. */
START_TEST(a_recorded_list_is_placed_after_a_crash)
{
	char from[128], to[128];
	int64_t number;

	certificate("05", T + 1000000);
	(void)run();
	order("05", CRL_REVOKE, 1);
	clock_at(T + 1);
	(void)run();
	(void)snprintf(from, sizeof from, "%s/nca_rsa.crl", dir);
	(void)snprintf(to, sizeof to, "%s/.nca_rsa.2.tmp", dir);
	ck_assert_int_eq(rename(from, to), 0);
	(void)snprintf(to, sizeof to, "%s/archive/nca_rsa.2.crl", dir);
	ck_assert_int_eq(unlink(to), 0);
	(void)snprintf(to, sizeof to, "%s/archive/nca_rsa.1.crl", dir);
	ck_assert_int_eq(link(to, from), 0);
	restart();
	ck_assert_int_eq(published("nca_rsa.crl", "05", &number), 1);
	ck_assert_int_eq(number, 2);
	ck_assert_int_eq(files_of("archive"), 2);
	ck_assert_int_eq(status()->published.number, 2);
	/* folder: list, archive, cert, log; no draft is left */
	ck_assert_int_eq(files_of("."), 4);
}
END_TEST

/* Killed before the commit: the draft is no list of the ledger and goes. */
START_TEST(a_draft_that_was_not_recorded_is_swept)
{
	char path[128];

	(void)run();
	(void)snprintf(path, sizeof path, "%s/.nca_rsa.2.tmp", dir);
	ck_assert_int_eq(close(open(path, O_CREAT | O_WRONLY, 0600)), 0);
	restart();
	ck_assert_int_eq(files_of("."), 4);
	ck_assert_int_eq(status()->published.number, 1);
}
END_TEST

START_TEST(an_empty_machine_takes_over_without_going_back)
{
	char path[128];

	(void)run();
	clock_at(T + 10);
	(void)snprintf(path, sizeof path, "%s/nca_rsa.crl", dir);
	ck_assert_int_eq(unlink(path), 0);
	restart();
	ck_assert(!status()->has_list);
	(void)run();
	ck_assert_int_eq(status()->published.number, 2);
	ck_assert_int_eq(status()->published.this_update_at, T + 10);
}
END_TEST

START_TEST(a_file_of_another_issuer_or_damaged_is_not_taken_over)
{
	struct crl_ca other;
	OWN(buf) der = BUF_INIT(4096);

	(void)run();
	crl_ca_init(&other, "p256");
	struct crl_spec spec = crl_ca_spec(&other, 50, T);
	crl_ca_list(&der, &other, &spec, NULL, 0);
	ck_ok(crl_folder_put(folder, "nca_rsa.crl", buf_slice(&der)));
	crl_ca_clear(&other);
	clock_at(T + 1);
	restart();
	ck_assert(!status()->has_list);
	(void)run();
	ck_assert_int_eq(status()->published.number, 2);
	ck_ok(crl_folder_put(folder, "nca_rsa.crl", SLICE_STR("rubbish")));
	clock_at(T + 2);
	restart();
	ck_assert(!status()->has_list);
	(void)run();
	ck_assert_int_eq(status()->published.number, 3);
}
END_TEST

START_TEST(a_refusal_keeps_the_old_list_and_is_tried_again)
{
	int64_t look_again_at;

	certificate("05", T + 1000000);
	(void)run();
	order("05", CRL_REVOKE, 1);
	fake_signd.is_refusing = true;
	clock_at(T + 5);
	ck_ok(crl_lists_run(lists, &look_again_at));
	ck_assert_int_eq(listed("05"), 0);
	ck_assert_int_eq(status()->published.number, 1);
	ck_assert_int_eq(status()->failed, 1);
	ck_assert_ptr_nonnull(strstr(status()->problem, "not what was ordered"));
	ck_assert_int_eq(pg_number("SELECT last_number FROM crl_counter"), 1);
	ck_assert_int_eq(files_of("."), 4);
	/* a pause of one second, then of two */
	ck_assert_int_eq(run(), T + 6);
	ck_assert_int_eq(status()->failed, 1);
	clock_at(T + 6);
	(void)run();
	ck_assert_int_eq(status()->failed, 2);
	ck_assert_int_eq(run(), T + 8);
	fake_signd.is_refusing = false;
	clock_at(T + 8);
	(void)run();
	ck_assert_int_eq(listed("05"), 1);
	ck_assert_str_eq(status()->problem, "");
	ck_assert_int_eq(status()->published.number, 2);
}
END_TEST

START_TEST(a_wrong_signature_never_gets_out)
{
	(void)run();
	fake_signd.damages_signature = true;
	clock_at(T + 86400);
	(void)run();
	ck_assert_int_eq(status()->published.number, 1);
	ck_assert_int_eq(status()->failed, 1);
	ck_assert_int_eq(files_of("archive"), 1);
	ck_assert_int_eq(files_of("."), 4);
	/* The signer has used number 2 up: the next list is number 3. */
	fake_signd.damages_signature = false;
	clock_at(T + 86401);
	(void)run();
	ck_assert_int_eq(status()->published.number, 3);
}
END_TEST

START_TEST(a_signer_that_is_away_keeps_the_old_list_and_raises_the_alarm)
{
	(void)run();
	fake_signd.is_busy = true;
	clock_at(T + 86400 + 1000);
	(void)run();
	ck_assert_int_eq(status()->published.number, 1);
	clock_at(T + 97200);
	(void)run();
	ck_assert_str_eq(status()->alarm, "the published list has expired");
	fake_signd.is_busy = false;
	clock_at(T + 97300);
	(void)run();
	ck_assert_int_eq(status()->published.number, 2);
	ck_assert_ptr_null(status()->alarm);
}
END_TEST

/* Acceptance 8 is committed after 10 was read: the signer knows better, and the ledger is read anew. */
START_TEST(an_order_that_was_committed_late_is_found)
{
	certificate("05", T + 1000000);
	certificate("06", T + 1000000);
	(void)run();
	int64_t first = order_at("05", CRL_REVOKE, 1, T);
	next_seq = 100;
	int64_t second = order_at("06", CRL_REVOKE, 1, T);
	accept(second, 10);
	ck_ok(serial_from_hex(&fake_signd.must[0], "05"));
	ck_ok(serial_from_hex(&fake_signd.must[1], "06"));
	fake_signd.num_must = 2;
	clock_at(T + 1);
	(void)run();
	ck_assert_int_eq(status()->failed, 1);
	accept(first, 8);
	clock_at(T + 2);
	(void)run();
	ck_assert_int_eq(status()->published.number, 2);
	ck_assert_int_eq(listed("05") + listed("06"), 2);
}
END_TEST

/* incidents.md row 26: soon, just past, long past -> present, present once more, gone. */
START_TEST(expired_entries_stay_for_one_more_list)
{
	certificate("05", T + 100);
	order("05", CRL_REVOKE, 4);
	(void)run();
	ck_assert_int_eq(listed("05"), 1);
	clock_at(T + 86400);
	(void)run();
	ck_assert_int_eq(status()->published.number, 2);
	ck_assert_int_eq(listed("05"), 1);
	clock_at(T + 2 * 86400);
	(void)run();
	ck_assert_int_eq(status()->published.number, 3);
	ck_assert_int_eq(listed("05"), 0);
	/* also after everything was read anew */
	restart();
	clock_at(T + 3 * 86400);
	(void)run();
	ck_assert_int_eq(status()->published.number, 4);
	ck_assert_int_eq(listed("05"), 0);
}
END_TEST

/* With lists every minute, one list is not enough: the setting keeps it for a day. */
START_TEST(expired_entries_stay_for_the_time_set)
{
	keep_expired_s = 86400;
	full.every_s = 60;
	restart();
	certificate("05", T + 100);
	order("05", CRL_REVOKE, 4);
	for (int64_t at = T; at <= T + 100 + 86400; at += 21600) {
		clock_at(at);
		(void)run();
		ck_assert_int_eq(listed("05"), 1);
	}
	clock_at(T + 100 + 86401);
	(void)run();
	ck_assert_int_eq(listed("05"), 0);
}
END_TEST

START_TEST(two_of_them_number_strictly)
{
	char other_dir[64] = "/tmp/nuc-crl-XXXXXX";
	struct crl_folder *other_folder = NULL;
	struct crl_lists *other = NULL;
	struct db *other_db = NULL;
	int64_t look_again_at;

	ck_assert_ptr_nonnull(mkdtemp(other_dir));
	ck_ok(crl_folder_open(&other_folder, other_dir));
	db_new(&other_db);
	lists_new(&other, other_db, other_folder);
	certificate("05", T + 1000000);
	(void)run();
	/* in the same second the other one has to wait */
	ck_ok(crl_lists_run(other, &look_again_at));
	ck_assert(!crl_lists_status(other, CRL_FULL)->has_list);
	clock_at(T + 1);
	ck_ok(crl_lists_run(other, &look_again_at));
	ck_assert_int_eq(crl_lists_status(other, CRL_FULL)->published.number, 2);
	/* each keeps its own list: none follows the other's for its own sake */
	for (int i = 2; i < 20; i++) {
		clock_at(T + i);
		(void)run();
		ck_ok(crl_lists_run(other, &look_again_at));
	}
	ck_assert_int_eq(pg_number("SELECT max(number) FROM crl"), 2);
	order("05", CRL_REVOKE, 1);
	for (int i = 20; i < 25; i++) {
		clock_at(T + i);
		(void)run();
		ck_ok(crl_lists_run(other, &look_again_at));
	}
	ck_assert_int_eq(status()->published.number, 3);
	ck_assert_int_eq(crl_lists_status(other, CRL_FULL)->published.number, 4);
	ck_assert_int_eq(pg_number("SELECT count(*) FROM crl"), 4);
	ck_assert_int_eq(fake_signd.refused, 0);
	crl_lists_destroy(&other);
	db_destroy(&other_db);
	crl_folder_close(&other_folder);
	(void)nftw(other_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
END_TEST

/* Hold, full list, release, delta, full list: on, on, off by the delta, gone. */
START_TEST(deltas_stand_on_the_full_list)
{
	int64_t number;

	full.changed_every_s = 0;
	delta = (struct crl_rule){ .every_s = 1800, .validity_s = 27000, .changed_every_s = 10 };
	restart();
	certificate("05", T + 1000000);
	certificate("06", T + 1000000);
	order("05", CRL_HOLD, 6);
	(void)run();
	ck_assert_int_eq(published("nca_rsa.crl", "05", &number), 1);
	ck_assert_int_eq(number, 1);
	/* the first delta comes with the next second and has nothing to say */
	clock_at(T + 1);
	(void)run();
	ck_assert_int_eq(published("nca_d_rsa.crl", "05", &number), 0);
	ck_assert_int_eq(number, 2);
	clock_at(T + 100);
	order("05", CRL_RELEASE, 8);
	order("06", CRL_REVOKE, 4);
	(void)run();
	ck_assert_int_eq(published("nca_d_rsa.crl", "05", &number), 2);
	ck_assert_int_eq(published("nca_d_rsa.crl", "06", &number), 1);
	ck_assert_int_eq(number, 3);
	ck_assert_int_eq(listed("05"), 1);
	ck_assert_int_eq(pg_number("SELECT base_number FROM crl WHERE number = 3"), 1);
	clock_at(T + 86400);
	(void)run();
	ck_assert_int_eq(published("nca_rsa.crl", "05", &number), 0);
	ck_assert_int_eq(listed("06"), 1);
	ck_assert_int_ge(number, 4);
	ck_assert_int_eq(fake_signd.refused, 0);
}
END_TEST

START_TEST(the_database_goes_away_in_between)
{
	int64_t look_again_at;

	certificate("05", T + 1000000);
	(void)run();
	pg_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'nuc_crl'");
	ck_fails(crl_lists_run(lists, &look_again_at), ERR_GONE, "");
	ck_assert(status()->has_list);
	order("05", CRL_REVOKE, 1);
	clock_at(T + 2);
	for (int i = 0; i < 100 && !db_is_connected(db); i++) {
		OWN(err) e = db_ensure(db);
		if (e != NULL)
			(void)usleep(20000);
	}
	ck_ok(crl_lists_recover(lists));
	(void)run();
	ck_assert_int_eq(listed("05"), 1);
}
END_TEST

START_TEST(no_counter_no_list)
{
	pg_sql("DELETE FROM crl_counter");
	(void)run();
	ck_assert(!status()->has_list);
	ck_assert_ptr_nonnull(strstr(status()->problem, "crl_counter has no row"));
}
END_TEST

/* A list past the chunk size goes out, is read back and is verified by somebody else. */
START_TEST(thirty_thousand_entries)
{
	char command[256];

	pg_sql("INSERT INTO certificate (issuer, serial, origin, profile, der, sha256, spki_sha256, not_before_at, "
	       "not_after_at) "
	       "SELECT 'rsa', decode('10' || md5(i::text) || '00', 'hex'), 'adopted', 'p', '', sha256(i::text::bytea), "
	       "sha256(i::text::bytea), 0, 2000000000 FROM generate_series(1, 30000) i; "
	       "INSERT INTO revocation (certificate_id, issuer, serial, action, reason, revoked_at, der, digest, "
	       "ordered_by) "
	       "SELECT id, issuer, serial, 1, (ARRAY[0, 1, 3, 4, 5])[1 + id %% 5], 1700000000 + id, '', sha256, 'p' "
	       "FROM "
	       "certificate; "
	       "INSERT INTO order_acceptance (order_id, seq) SELECT id, id FROM revocation");
	(void)run();
	ck_assert_int_eq(status()->published.num_entries, 30000);
	ck_assert_int_gt(status()->published.size_bytes, CRL_PIECE_BYTES);
	ck_assert_int_eq(status()->published.order_seq, 30000);
	(void)snprintf(command, sizeof command,
		       "test $(openssl crl -inform DER -in %s/nca_rsa.crl -noout -text | "
		       "grep -c 'Serial Number') -eq 30000",
		       dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl/lists");
	TCase *c = tcase_create("lists");

	log_setup("lists_test", LOG_ERROR);
	log_set_sink(NULL, NULL);
	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, first_list_is_issued_at_once);
	tcase_add_test(c, the_log_entry_tells_of_the_list);
	tcase_add_test(c, revocations_reach_the_list);
	tcase_add_test(c, an_order_that_the_signer_has_not_accepted_is_not_listed);
	tcase_add_test(c, a_restart_takes_the_published_list_over);
	tcase_add_test(c, a_recorded_list_is_placed_after_a_crash);
	tcase_add_test(c, a_draft_that_was_not_recorded_is_swept);
	tcase_add_test(c, an_empty_machine_takes_over_without_going_back);
	tcase_add_test(c, a_file_of_another_issuer_or_damaged_is_not_taken_over);
	tcase_add_test(c, a_refusal_keeps_the_old_list_and_is_tried_again);
	tcase_add_test(c, a_wrong_signature_never_gets_out);
	tcase_add_test(c, a_signer_that_is_away_keeps_the_old_list_and_raises_the_alarm);
	tcase_add_test(c, an_order_that_was_committed_late_is_found);
	tcase_add_test(c, expired_entries_stay_for_one_more_list);
	tcase_add_test(c, expired_entries_stay_for_the_time_set);
	tcase_add_test(c, two_of_them_number_strictly);
	tcase_add_test(c, deltas_stand_on_the_full_list);
	tcase_add_test(c, the_database_goes_away_in_between);
	tcase_add_test(c, no_counter_no_list);
	tcase_add_test(c, thirty_thousand_entries);
	suite_add_tcase(s, c);
	return pg_suite_main(s);
}
