/*
 * suite.h - the main() of every unit test: build the suite, run it, exit 0 only when all passed.
 *
 * CK_RUN_CASE and CK_FORK work as Check documents them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TESTS_SUPPORT_SUITE_H
#define TESTS_SUPPORT_SUITE_H

#include <check.h>

#define COUNT_OF(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* Asserts success of a fallible call and prints the error otherwise. */
#define ck_ok(call)                                                                                                    \
	do {                                                                                                           \
		struct err *ck_e_ = (call);                                                                            \
		char ck_t_[600];                                                                                       \
		ck_assert_msg(ck_e_ == NULL, "%s", err_text(ck_e_, ck_t_, sizeof ck_t_));                              \
	} while (0)

/* Asserts that a call fails with the code, and that its text holds `part`. */
#define ck_fails(call, code, part)                                                                                     \
	do {                                                                                                           \
		struct err *ck_e_ = (call);                                                                            \
		char ck_t_[600];                                                                                       \
		ck_assert_msg(ck_e_ != NULL, "succeeded, expected %s", #code);                                         \
		(void)err_text(ck_e_, ck_t_, sizeof ck_t_);                                                            \
		ck_assert_msg(err_code(ck_e_) == (code), "expected %s, got %s: %s", #code,                             \
			      err_code_word(err_code(ck_e_)), ck_t_);                                                  \
		ck_assert_msg(strstr(ck_t_, (part)) != NULL, "\"%s\" not in: %s", (part), ck_t_);                      \
		err_destroy(&ck_e_);                                                                                   \
	} while (0)

static inline int suite_main(Suite *s)
{
	SRunner *r = srunner_create(s);

	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}

#endif
