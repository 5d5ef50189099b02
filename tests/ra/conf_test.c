/*
 * conf_test.c - rad's settings: the sample shows them all, mistakes are found.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ra/conf.h"
#include "ra/review.h"
#include "support/suite.h"

START_TEST(the_sample_shows_every_setting)
{
	char file[300];
	const char *source = getenv("NUC_SOURCE");
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	const char *text;

	(void)snprintf(file, sizeof file, "%s/config/rad.conf", source == NULL ? "." : source);
	ck_ok(conf_sample_check(file, ra_conf_rows, ra_conf_num_rows, &problems));
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_msg(problems.num == 0, "%s", text);
	struct ra_conf conf = { 0 };
	ck_ok(conf_read(&conf, ra_conf_rows, ra_conf_num_rows, file, &problems));
	ra_conf_check(&conf, &problems);
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_msg(problems.num == 0, "%s", text);
	conf_clear(&conf, ra_conf_rows, ra_conf_num_rows);
}
END_TEST

static const struct {
	const char *address;
	bool is_good;
} addresses[] = {
	{ "127.0.0.1:18082", true }, { "[::1]:443", true },   { "0.0.0.0:0", true }, { "localhost:80", false },
	{ "127.0.0.1", false },	     { "127.0.0.1:", false }, { "::1:443", false },  { "127.0.0.1:65536", false },
	{ "127.0.0.1:80x", false },  { "[::1:80", false },    { ":80", false },
};

START_TEST(addresses_are_read)
{
	struct sockaddr_storage address;
	socklen_t len;
	OWN(err) e = ra_conf_address(&address, &len, addresses[_i].address);

	ck_assert_msg((e == NULL) == addresses[_i].is_good, "%s", addresses[_i].address);
}
END_TEST

START_TEST(mistakes_between_settings_are_named)
{
	static char *pins[] = { "00ff", NULL };
	struct ra_conf conf = { .applicants = "127.0.0.1:1",
				.operators = "127.0.0.1:1",
				.identification_url = "ftp://x",
				.sms_url = "",
				.policy_pins = { pins, 1 } };
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	const char *text;

	ra_conf_check(&conf, &problems);
	ck_assert_uint_eq(problems.num, 3);
	ck_ok(buf_str(&problems.text, &text));
	ck_assert(strstr(text, "policy.pins") != NULL);
	ck_assert(strstr(text, "http.operators") != NULL);
	ck_assert(strstr(text, "identification.url") != NULL);
}
END_TEST

/* Whose turn it is, from the slots that are empty. */
static const struct {
	unsigned slots[PROFILE_MAX_DECIDERS];
	size_t num;
	enum ra_waits waits;
} turns[] = {
	{ { 0 }, 0, RA_WAITS_NOTHING },
	{ { ROLE_BIT(ROLE_IDENTIFICATION) }, 1, RA_WAITS_IDENTIFICATION },
	{ { ROLE_BIT(ROLE_OPERATOR) | ROLE_BIT(ROLE_SENIOR) }, 1, RA_WAITS_STAFF },
	{ { ROLE_BIT(ROLE_OPERATOR), ROLE_BIT(ROLE_IDENTIFICATION) }, 2, RA_WAITS_IDENTIFICATION },
	{ { ROLE_BIT(ROLE_OPERATOR), ROLE_BIT(ROLE_HEAD) | ROLE_BIT(ROLE_DELEGATE) }, 2, RA_WAITS_HEAD },
	{ { ROLE_BIT(ROLE_ADMINISTRATOR), ROLE_BIT(ROLE_ADMINISTRATOR) }, 2, RA_WAITS_STAFF },
};

START_TEST(whose_turn)
{
	ck_assert_int_eq(ra_waits_of(turns[_i].slots, turns[_i].num), turns[_i].waits);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ra/conf");
	TCase *t = tcase_create("conf");

	tcase_add_test(t, the_sample_shows_every_setting);
	tcase_add_loop_test(t, addresses_are_read, 0, COUNT_OF(addresses));
	tcase_add_test(t, mistakes_between_settings_are_named);
	tcase_add_loop_test(t, whose_turn, 0, COUNT_OF(turns));
	suite_add_tcase(s, t);
	return suite_main(s);
}
