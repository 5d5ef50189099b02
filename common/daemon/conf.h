/*
 * conf.h - configuration is a table: libconfig file in, plain struct out, every mistake named.
 *
 * A daemon describes its settings as rows; the row macros check at compile time that the member has the type the row
 * says. Keys that no row knows are mistakes. Every setting has a default unless it is CONF_REQUIRED. The sample in
 * config/ is compared with conf_sample() by a test, so that it always shows every key with its default and unit.
 *
 *   struct cad_conf { struct daemon_conf daemon; int64_t batch; };
 *   static const struct conf_row rows[] = {
 *           CONF_INT64(struct cad_conf, batch, "issue.batch", "100", 1, 10000, 0, "requests claimed at once"),
 *   };
 *
 * A path has one or two words: "profiles" or "bus.keys_dir". Relative file names stay as they are written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_CONF_H
#define COMMON_DAEMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum conf_type { CONF_TYPE_INT64, CONF_TYPE_BOOL, CONF_TYPE_STRING, CONF_TYPE_STRING_LIST };

enum conf_flags {
	CONF_REQUIRED = 1, /* must be in the file; `def` is an example for the sample */
	CONF_SECRET = 2, /* its value is never printed */
	CONF_RELOADABLE = 4 /* SIGHUP takes a new value over; keep no pointer to such a string */
};

/* A list of texts; items[num] is NULL. */
struct conf_strings {
	char **items;
	size_t num;
};

struct conf_row {
	const char *path;
	enum conf_type type;
	size_t offset;
	const char *def; /* as text; a list: items separated by ", " */
	int64_t min, max; /* value of an integer; bytes of a text; items of a list */
	unsigned flags;
	const char *help; /* one line, with the unit */
};

/* 0, or a compile-time error when `member` of `type` has not the C type `want`. */
#define CONF_TYPE_CHECK(type, member, want)                                                                            \
	(0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((type *)0)->member), want) ? 1 : -1]))
#define CONF_ROW(kind, want, ctype, member, row_path, row_def, row_min, row_max, row_flags, row_help)                  \
	{                                                                                                              \
		.path = (row_path), .type = (kind),                                                                    \
		.offset = offsetof(ctype, member) + CONF_TYPE_CHECK(ctype, member, want), .def = (row_def),            \
		.min = (row_min), .max = (row_max), .flags = (row_flags), .help = (row_help)                           \
	}
#define CONF_INT64(type, member, path, def, min, max, flags, help)                                                     \
	CONF_ROW(CONF_TYPE_INT64, int64_t, type, member, path, def, min, max, flags, help)
#define CONF_BOOL(type, member, path, def, flags, help)                                                                \
	CONF_ROW(CONF_TYPE_BOOL, bool, type, member, path, def, 0, 1, flags, help)
#define CONF_STRING(type, member, path, def, min, max, flags, help)                                                    \
	CONF_ROW(CONF_TYPE_STRING, char *, type, member, path, def, min, max, flags, help)
#define CONF_STRING_LIST(type, member, path, def, min, max, flags, help)                                               \
	CONF_ROW(CONF_TYPE_STRING_LIST, struct conf_strings, type, member, path, def, min, max, flags, help)

/* Mistakes found so far, one line each: "FILE:LINE: key: what is wrong". */
struct conf_problems {
	struct buf text;
	size_t num;
};
#define CONF_PROBLEMS_INIT                                                                                             \
	{                                                                                                              \
		BUF_INIT(64 * 1024), 0                                                                                 \
	}
void conf_problems_clear(struct conf_problems *self);
OWN_TYPE(conf_problems, struct conf_problems, conf_problems_clear)

/* conf_problem() notes a mistake; for a daemon's own checks between settings. `path` names the key. */
void conf_problem(struct conf_problems *problems, const char *path, const char *fmt, ...) ERR_PRINTF(3, 4);

/* conf_read() fills *conf (zeroed by the caller) from the file. Every mistake goes to `problems`; the struct is complete
 * only when problems->num stays 0. *Owns* the texts in *conf: the caller, conf_clear(), also after an error.
 * *Errors* CONFIG when the file cannot be opened or is no libconfig file at all. */
struct err *conf_read(void *conf, const struct conf_row *rows, size_t num_rows, const char *file,
		      struct conf_problems *problems) ERR_MUST_USE;

/* conf_clear() frees the texts of *conf (wiping the secret ones) and zeroes the members. */
void conf_clear(void *conf, const struct conf_row *rows, size_t num_rows);

/* conf_reload() moves the values of CONF_RELOADABLE rows from *fresh to *conf and appends to `out` one line for each
 * setting that differs: "key: reloaded" or "key: needs a restart". Both stay valid for conf_clear(). */
struct err *conf_reload(void *conf, void *fresh, const struct conf_row *rows, size_t num_rows,
			struct buf *out) ERR_MUST_USE;

/* conf_sample() appends the table as a commented sample file: groups in order of appearance; of each key its help with
 * the unit, range and default; every key set to its default, or to its example when it is required. */
struct err *conf_sample(struct buf *out, const struct conf_row *rows, size_t num_rows) ERR_MUST_USE;

/* conf_sample_check() compares a sample file with the table: it sets every key and no other, each that is not required
 * to its default. Differences go to `problems`. *Errors* as conf_read(). */
struct err *conf_sample_check(const char *file, const struct conf_row *rows, size_t num_rows,
			      struct conf_problems *problems) ERR_MUST_USE;

#endif
