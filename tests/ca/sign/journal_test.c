/*
 * journal_test.c - the journal: what was committed is there, what was cut off is not, what was changed is found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/journal.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asn1/der.h"
#include "base/clock.h"
#include "base/log.h"
#include "ca/sign/journal_record.h"
#include "support/suite.h"

enum { START_AT = 1795000000 };

static char dir[64], path[96];
static char last_log[512];

static void on_log(void *arg, const char *line)
{
	(void)arg;
	(void)snprintf(last_log, sizeof last_log, "%s", line);
}

static void setup(void)
{
	log_set_sink(on_log, NULL);
	last_log[0] = '\0';
	clock_set_for_test((int64_t)START_AT * 1000);
	(void)snprintf(dir, sizeof dir, "/tmp/nuc-journal-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof path, "%s/journal", dir);
}

static void teardown(void)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
	clock_unset_for_test();
	log_set_sink(NULL, NULL);
}

/* ---- records */

static const uint8_t digest[32] = { 0xaa, 1 };
static const uint8_t tbs[5000] = { 0x30 };

static struct journal_record certificate(uint8_t serial)
{
	struct journal_record r = { .kind = JOURNAL_CERTIFICATE };

	r.certificate = (struct journal_certificate){ .issuer = SLICE_STR("rsa"),
						      .serial = { 1, { serial } },
						      .not_after_at = START_AT + 1000,
						      .authorisation = SLICE(digest, 32),
						      .digest = SLICE(digest, 32),
						      .tbs = SLICE(tbs, sizeof tbs),
						      .signature = SLICE("signature", 9),
						      .identifier = SLICE_STR("digital-id") };
	return r;
}

static struct journal_record order(uint8_t serial)
{
	struct journal_record r = { .kind = JOURNAL_ORDER };

	r.order = (struct journal_order){ .issuer = SLICE_STR("rsa"),
					  .serial = { 1, { serial } },
					  .not_after_at = START_AT + 1000,
					  .action = 1,
					  .reason = 4,
					  .revoked_at = START_AT,
					  .has_invalidity_at = true,
					  .invalidity_at = START_AT - 5,
					  .digest = SLICE(digest, 32),
					  .order = SLICE("order", 5) };
	return r;
}

/* One of every other kind. */
static struct journal_record other(enum journal_kind kind)
{
	struct journal_record r = { .kind = kind };

	switch (kind) {
	case JOURNAL_ADOPTED:
		r.adopted = (struct journal_adopted){ SLICE_STR("rsa"), { 1, { 9 } }, START_AT, SLICE(digest, 32) };
		break;
	case JOURNAL_CRL:
		r.crl = (struct journal_crl){ SLICE_STR("rsa"),	 SLICE_STR(""), 1, 7, 0, START_AT, START_AT + 60, 3, 2,
					      SLICE(digest, 32), SLICE("s", 1) };
		break;
	case JOURNAL_HEAD:
		r.head = (struct journal_head){ 12, SLICE(digest, 32), SLICE_STR("note\n") };
		break;
	case JOURNAL_POLICY:
		r.policy = (struct journal_policy){ 1, SLICE(digest, 32), SLICE("policy", 6) };
		break;
	case JOURNAL_OCSP:
		r.ocsp = (struct journal_ocsp){ START_AT, 99, SLICE(digest, 32) };
		break;
	default:
		ck_abort_msg("no example");
	}
	return r;
}

/* ---- what a replay saw */

struct seen {
	int num;
	enum journal_kind kinds[64];
	int64_t seqs[64];
	uint64_t offsets[64];
	int64_t at_last;
	struct err *fail_at_third;
};

static struct err *on_record(void *arg, const struct journal_record *record, uint64_t offset)
{
	struct seen *s = arg;

	ck_assert_int_lt(s->num, 64);
	s->kinds[s->num] = record->kind;
	s->seqs[s->num] = record->seq;
	s->offsets[s->num++] = offset;
	s->at_last = record->at;
	return s->num == 3 ? TAKE(s->fail_at_third) : NULL;
}

static struct journal *open_journal(struct seen *seen)
{
	struct journal *j = NULL;

	ck_ok(journal_open(&j, path, "ca", seen == NULL ? NULL : on_record, seen));
	return j;
}

static void append(struct journal *j, struct journal_record r, uint64_t *offset)
{
	ck_ok(journal_append(j, &r, offset));
}

/* Two frames after the start: a certificate with an order, and a certificate. */
static void fill(uint64_t offsets[3])
{
	struct journal *j = open_journal(NULL);

	append(j, certificate(1), &offsets[0]);
	append(j, order(1), &offsets[1]);
	ck_ok(journal_commit(j));
	append(j, certificate(2), &offsets[2]);
	ck_ok(journal_commit(j));
	ck_assert_int_eq(journal_next_seq(j), 4);
	journal_close(&j);
}

static off_t file_size(void)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	return st.st_size;
}

/* ---- tests */

START_TEST(written_and_replayed)
{
	uint64_t offsets[3];
	struct seen seen = { 0 };

	fill(offsets);
	struct journal *j = open_journal(&seen);
	ck_assert_int_eq(seen.num, 4);
	ck_assert_int_eq(seen.kinds[0], JOURNAL_START);
	ck_assert_int_eq(seen.kinds[1], JOURNAL_CERTIFICATE);
	ck_assert_int_eq(seen.kinds[2], JOURNAL_ORDER);
	ck_assert_int_eq(seen.seqs[3], 3);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(seen.offsets[i + 1], offsets[i]);
	ck_assert_int_eq(journal_next_seq(j), 4);
	ck_assert_int_eq(journal_last_at(j), START_AT);
	journal_close(&j);
	struct stat st;
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	journal_close(&j); /* harmless */
}
END_TEST

START_TEST(every_kind_reads_back)
{
	static const enum journal_kind kinds[] = { JOURNAL_ADOPTED, JOURNAL_CRL, JOURNAL_HEAD, JOURNAL_POLICY,
						   JOURNAL_OCSP };
	struct journal *j = open_journal(NULL);
	OWN(buf) scratch = BUF_INIT(1 << 20);
	struct journal_record r;
	uint64_t offset;

	append(j, other(kinds[_i]), &offset);
	ck_fails(journal_read(j, &r, &scratch, offset), ERR_BUG, "past the journal");
	ck_ok(journal_commit(j));
	ck_ok(journal_read(j, &r, &scratch, offset));
	struct journal_record want = other(kinds[_i]);
	OWN(buf) a = BUF_INIT(1 << 16);
	OWN(buf) b = BUF_INIT(1 << 16);
	want.at = r.at;
	want.seq = r.seq;
	ck_ok(journal_record_encode(&a, &want));
	ck_ok(journal_record_encode(&b, &r));
	ck_assert(slice_equal(buf_slice(&a), buf_slice(&b)));
	ck_assert_int_eq(r.seq, kinds[_i] == JOURNAL_ADOPTED ? 1 : 0);
	journal_close(&j);
}
END_TEST

START_TEST(fields_read_back)
{
	uint64_t offsets[3];
	struct journal_record r;
	OWN(buf) scratch = BUF_INIT(1 << 20);

	fill(offsets);
	struct journal *j = open_journal(NULL);
	ck_ok(journal_read(j, &r, &scratch, offsets[0]));
	ck_assert_int_eq(r.kind, JOURNAL_CERTIFICATE);
	ck_assert_int_eq(r.seq, 1);
	ck_assert_uint_eq(r.certificate.tbs.len, sizeof tbs);
	ck_assert(slice_equal(r.certificate.identifier, SLICE_STR("digital-id")));
	ck_ok(journal_read(j, &r, &scratch, offsets[1]));
	ck_assert_int_eq(r.order.invalidity_at, START_AT - 5);
	ck_assert(r.order.has_invalidity_at);
	ck_fails(journal_read(j, &r, &scratch, offsets[1] + 1), ERR_BUG, "no record");
	ck_fails(journal_read(j, &r, &scratch, UINT64_MAX), ERR_BUG, "past the journal");
	journal_close(&j);
}
END_TEST

/* Cut off anywhere in its last frame, the journal is what it was before that frame, and goes on from there. */
START_TEST(cut_at_every_octet)
{
	uint64_t offsets[3];

	fill(offsets);
	off_t whole = file_size();
	off_t before = (off_t)offsets[2] - 8; /* length and check stand before the record */
	char copy[128], command[300];
	(void)snprintf(copy, sizeof copy, "%s/copy", dir);
	(void)snprintf(command, sizeof command, "cp '%s' '%s'", path, copy);
	ck_assert_int_eq(system(command), 0);
	for (off_t n = before; n < whole; n++) {
		struct seen seen = { 0 };

		(void)snprintf(command, sizeof command, "cp '%s' '%s'", copy, path);
		if (n % 512 == 0 || whole - n < 3 || n - before < 6 || n % 97 == 0) {
			ck_assert_int_eq(system(command), 0);
			ck_assert_int_eq(truncate(path, n), 0);
			struct journal *j = open_journal(&seen);
			ck_assert_int_eq(seen.num, 3);
			ck_assert_int_eq(journal_next_seq(j), 3);
			ck_assert_int_eq(n == before ? 1 : strstr(last_log, "journal_tail_cut") != NULL, 1);
			append(j, certificate(3), NULL);
			ck_ok(journal_commit(j));
			journal_close(&j);
			seen = (struct seen){ 0 };
			j = open_journal(&seen);
			ck_assert_int_eq(seen.num, 5);
			ck_assert_int_eq(seen.seqs[4], 3);
			journal_close(&j);
		}
	}
}
END_TEST

/* The same with small frames, at every octet without exception. */
START_TEST(cut_small_frame_at_every_octet)
{
	struct journal *j = open_journal(NULL);

	append(j, other(JOURNAL_OCSP), NULL);
	ck_ok(journal_commit(j));
	off_t before = (off_t)journal_size(j);
	append(j, other(JOURNAL_HEAD), NULL);
	ck_ok(journal_commit(j));
	off_t whole = (off_t)journal_size(j);
	journal_close(&j);
	uint8_t bytes[4096];
	int fd = open(path, O_RDWR);
	ck_assert_int_eq(pread(fd, bytes, sizeof bytes, 0), whole);
	for (off_t n = before; n < whole; n++) {
		struct seen seen = { 0 };

		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_eq(pwrite(fd, bytes, (size_t)n, 0), n);
		j = open_journal(&seen);
		ck_assert_int_eq(seen.num, 2);
		ck_assert_uint_gt(journal_size(j), (uint64_t)before); /* its own start */
		journal_close(&j);
	}
	(void)close(fd);
}
END_TEST

/* Any changed octet of what was committed is found, and nothing is opened. */
START_TEST(damage_is_found)
{
	struct journal *j = open_journal(NULL);

	append(j, other(JOURNAL_OCSP), NULL);
	ck_ok(journal_commit(j));
	append(j, other(JOURNAL_HEAD), NULL);
	ck_ok(journal_commit(j));
	journal_close(&j);
	off_t whole = file_size();
	int fd = open(path, O_RDWR);
	for (off_t n = 0; n < whole; n++) {
		uint8_t octet, changed;

		ck_assert_int_eq(pread(fd, &octet, 1, n), 1);
		changed = octet ^ 0x10;
		ck_assert_int_eq(pwrite(fd, &changed, 1, n), 1);
		struct err *e = journal_open(&j, path, "ca", NULL, NULL);
		ck_assert_msg(e != NULL, "octet %lld was changed and not found", (long long)n);
		ck_assert_int_eq(err_code(e), ERR_BUG);
		err_destroy(&e);
		ck_assert_int_eq(file_size(), whole);
		ck_assert_int_eq(pwrite(fd, &octet, 1, n), 1);
	}
	(void)close(fd);
	j = open_journal(NULL);
	journal_close(&j);
}
END_TEST

START_TEST(second_process_is_refused)
{
	struct journal *j = open_journal(NULL), *second = NULL;

	ck_fails(journal_open(&second, path, "ca", NULL, NULL), ERR_CONFLICT, "is in use by another process");
	journal_close(&j);
	j = open_journal(NULL);
	journal_close(&j);
}
END_TEST

START_TEST(not_this_signers)
{
	struct journal *j = open_journal(NULL);
	FILE *f;

	journal_close(&j);
	ck_fails(journal_open(&j, path, "ocsp", NULL, NULL), ERR_CONFIG, "is the journal of tier \"ca\", not \"ocsp\"");
	f = fopen(path, "w");
	(void)fputs("something else that is longer than thirty-two octets", f);
	(void)fclose(f);
	ck_fails(journal_open(&j, path, "ca", NULL, NULL), ERR_BUG, "is no journal");
	ck_fails(journal_open(&j, "/nonexistent/journal", "ca", NULL, NULL), ERR_SYSTEM, "/nonexistent/journal");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/tmp/elsewhere", path), 0);
	ck_fails(journal_open(&j, path, "ca", NULL, NULL), ERR_SYSTEM, path);
}
END_TEST

/* A start that died while the head was written. */
START_TEST(cut_head)
{
	for (off_t n = 0; n < 32; n++) {
		struct journal *j = open_journal(NULL);

		journal_close(&j);
		ck_assert_int_eq(truncate(path, n), 0);
		struct seen seen = { 0 };
		j = open_journal(&seen);
		ck_assert_int_eq(seen.num, 0);
		ck_assert_int_eq(journal_next_seq(j), 1);
		journal_close(&j);
	}
}
END_TEST

START_TEST(dropped_groups)
{
	struct journal *j = open_journal(NULL);
	uint64_t first, second;

	append(j, certificate(1), &first);
	ck_assert_int_eq(journal_group_seq(j), 2);
	ck_assert_int_eq(journal_next_seq(j), 1);
	journal_drop(j);
	ck_assert_int_eq(journal_group_seq(j), 1);
	append(j, certificate(2), &second);
	ck_assert_uint_eq(first, second);
	ck_ok(journal_commit(j));
	ck_ok(journal_commit(j)); /* an empty group */
	ck_assert_int_eq(journal_next_seq(j), 2);
	journal_close(&j);
}
END_TEST

START_TEST(replay_may_object)
{
	uint64_t offsets[3];
	struct seen seen = { .fail_at_third = ERR(CONFLICT, "no room in memory for it") };
	struct journal *j = NULL;

	fill(offsets);
	ck_fails(journal_open(&j, path, "ca", on_record, &seen), ERR_CONFLICT, "no room in memory for it");
	ck_assert_ptr_null(j);
}
END_TEST

START_TEST(events_of_the_other_tier)
{
	struct journal *j = NULL;
	struct journal_record r = { .kind = JOURNAL_EVENT, .seq = 1 };

	r.event = (struct msg_event){
		1, MSG_EVENT_ISSUED, SLICE_STR("rsa"), { 1, { 5 } }, START_AT, 0, 0, START_AT, false,
		0, SLICE(digest, 32)
	};
	ck_ok(journal_open(&j, path, "ocsp", NULL, NULL));
	ck_ok(journal_append(j, &r, NULL));
	r.seq = 3;
	ck_fails(journal_append(j, &r, NULL), ERR_BUG, "event 3 where 2 is due");
	ck_ok(journal_commit(j));
	journal_close(&j);
	struct seen seen = { 0 };
	ck_ok(journal_open(&j, path, "ocsp", on_record, &seen));
	ck_assert_int_eq(seen.kinds[1], JOURNAL_EVENT);
	ck_assert_int_eq(journal_next_seq(j), 2);
	journal_close(&j);
}
END_TEST

/* The disk is full: nothing of the group counts, the file is as before, and it goes on when there is room again. */
START_TEST(no_room)
{
	struct journal *j = open_journal(NULL);
	uint64_t before = journal_size(j);
	struct rlimit limit, small = { before + 100, RLIM_INFINITY };

	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small.rlim_max = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	append(j, certificate(1), NULL);
	ck_fails(journal_commit(j), ERR_RETRY, "no room for the journal");
	ck_assert_uint_eq(journal_size(j), before);
	ck_assert_int_eq(file_size(), (off_t)before);
	ck_assert_int_eq(journal_next_seq(j), 1);
	ck_assert(!journal_broken(j));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	append(j, certificate(1), NULL);
	ck_ok(journal_commit(j));
	journal_close(&j);
	struct seen seen = { 0 };
	j = open_journal(&seen);
	ck_assert_int_eq(seen.num, 2);
	journal_close(&j);
}
END_TEST

START_TEST(times)
{
	struct journal *j = open_journal(NULL);
	struct journal_record r = certificate(1);

	r.at = START_AT + 500;
	ck_ok(journal_append(j, &r, NULL));
	ck_assert_int_eq(journal_last_at(j), START_AT);
	ck_ok(journal_commit(j));
	ck_assert_int_eq(journal_last_at(j), START_AT + 500);
	journal_close(&j);
	j = open_journal(NULL); /* the start's own record is older */
	ck_assert_int_eq(journal_last_at(j), START_AT + 500);
	journal_close(&j);
}
END_TEST

START_TEST(values_out_of_range)
{
	struct journal *j = open_journal(NULL);
	struct journal_record r = order(1);

	r.order.action = 4;
	ck_fails(journal_append(j, &r, NULL), ERR_BUG, "out of its range");
	r = certificate(1);
	r.certificate.digest = SLICE(digest, 31);
	ck_fails(journal_append(j, &r, NULL), ERR_BUG, "31 octets");
	r.kind = (enum journal_kind)77;
	ck_fails(journal_append(j, &r, NULL), ERR_BUG, "kind 77");
	append(j, certificate(1), NULL);
	ck_ok(journal_commit(j));
	ck_assert_int_eq(journal_next_seq(j), 2);
	journal_close(&j);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/journal");
	TCase *t = tcase_create("journal");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, written_and_replayed);
	tcase_add_loop_test(t, every_kind_reads_back, 0, 5);
	tcase_add_test(t, fields_read_back);
	tcase_add_test(t, cut_at_every_octet);
	tcase_add_test(t, cut_small_frame_at_every_octet);
	tcase_add_test(t, damage_is_found);
	tcase_add_test(t, second_process_is_refused);
	tcase_add_test(t, not_this_signers);
	tcase_add_test(t, cut_head);
	tcase_add_test(t, dropped_groups);
	tcase_add_test(t, replay_may_object);
	tcase_add_test(t, events_of_the_other_tier);
	tcase_add_test(t, no_room);
	tcase_add_test(t, times);
	tcase_add_test(t, values_out_of_range);
	suite_add_tcase(s, t);
	return suite_main(s);
}
