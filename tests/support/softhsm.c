/*
 * softhsm.c - see softhsm.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "support/softhsm.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool softhsm_is_installed(void)
{
	return access(SOFTHSM_MODULE, R_OK) == 0 && access("/usr/bin/softhsm2-util", X_OK) == 0;
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "we");

	ck_assert_msg(f != NULL, "%s", path);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

void softhsm_create(struct softhsm *out, const char *label)
{
	char text[512];

	(void)snprintf(out->folder, sizeof out->folder, "/tmp/nuc-softhsm.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(out->folder));
	(void)snprintf(out->tokens, sizeof out->tokens, "%s/tokens", out->folder);
	(void)snprintf(out->conf, sizeof out->conf, "%s/softhsm2.conf", out->folder);
	(void)snprintf(out->pin_file, sizeof out->pin_file, "%s/pin", out->folder);
	ck_assert_int_eq(mkdir(out->tokens, 0700), 0);
	(void)snprintf(text, sizeof text, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n",
		       out->tokens);
	write_file(out->conf, text, 0600);
	write_file(out->pin_file, SOFTHSM_PIN "\n", 0600);
	ck_assert_int_eq(setenv("SOFTHSM2_CONF", out->conf, 1), 0);
	(void)snprintf(text, sizeof text,
		       "softhsm2-util --init-token --free --label '%s' --pin " SOFTHSM_PIN
		       " --so-pin 87654321 >/dev/null",
		       label);
	ck_assert_int_eq(system(text), 0);
}

void softhsm_destroy(struct softhsm *self)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf '%s'", self->folder);
	ck_assert_int_eq(system(command), 0);
}

void softhsm_write_pin(const struct softhsm *self, char out[512], const char *pin, mode_t mode)
{
	(void)snprintf(out, 512, "%s/pin.other", self->folder);
	write_file(out, pin, mode);
}
