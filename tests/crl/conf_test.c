/*
 * conf_test.c - config/crld.conf shows every key with its default, and mistakes between settings are named.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crl/conf.h"
#include "support/suite.h"

START_TEST(sample_is_the_table)
{
	OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
	const char *text, *source = getenv("NUC_SOURCE");
	char path[512];

	(void)snprintf(path, sizeof path, "%s/config/crld.conf", source != NULL ? source : ".");
	ck_ok(conf_sample_check(path, crld_conf_rows, CRLD_CONF_ROWS, &problems));
	ck_ok(buf_str(&problems.text, &text));
	ck_assert_msg(problems.num == 0, "%s", text);
}
END_TEST

START_TEST(mistakes_between_settings)
{
	static const struct {
		struct crld_conf conf;
		const char *part;
	} cases[] = {
		{ { .full_every_s = 86400, .full_validity_s = 86400 }, "crl.full_validity_s" },
		{ { .full_every_s = 86400, .full_validity_s = 97200, .delta_every_s = 1800, .delta_validity_s = 1800 },
		  "crl.delta_validity_s" },
		{ { .full_every_s = 60, .full_validity_s = 120, .delta_every_s = 61, .delta_validity_s = 70 },
		  "crl.delta_every_s" },
		{ { .full_every_s = 86400, .full_validity_s = 97200, .delta_every_s = 0, .delta_validity_s = 2 },
		  NULL },
	};

	for (int i = 0; i < COUNT_OF(cases); i++) {
		OWN(conf_problems) problems = CONF_PROBLEMS_INIT;
		const char *text;

		crld_conf_check(&cases[i].conf, &problems);
		ck_ok(buf_str(&problems.text, &text));
		if (cases[i].part == NULL)
			ck_assert_msg(problems.num == 0, "%s", text);
		else
			ck_assert_msg(problems.num == 1 && strstr(text, cases[i].part) != NULL, "%d: %s", i, text);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("crl/conf");
	TCase *c = tcase_create("conf");

	tcase_add_test(c, sample_is_the_table);
	tcase_add_test(c, mistakes_between_settings);
	suite_add_tcase(s, c);
	return suite_main(s);
}
