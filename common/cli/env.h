/*
 * env.h - where the command-line tools find the installation: NUC_HOME and its file `env` of shell variables.
 *
 * The home is the one given by --home, else $NUC_HOME, else ./run when it exists, else none. A variable is taken from
 * the process environment, else from HOME/env; with --home the file comes first, because the person named it.
 * The file is read, never executed: lines `NAME=value`, `export NAME=value`, values plain, 'quoted' or "quoted"
 * without substitutions; comments and empty lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_CLI_ENV_H
#define COMMON_CLI_ENV_H

#include "base/buf.h"

enum { ENV_FILE_MAX = 64 * 1024, ENV_VARS_MAX = 128 };

struct env {
	char *home; /* NULL: none */
	bool home_given;
	struct buf text; /* the file, cut into NUL-terminated pieces that the pairs point at */
	size_t num;
	struct {
		const char *name, *value;
	} vars[ENV_VARS_MAX];
};

/* env_load() finds the home and reads its file (a home without one is fine). `home_option` may be NULL.
 * *Errors* CONFIG, naming the line; NOT_FOUND when the given home is no folder. */
struct err *env_load(struct env *self, const char *home_option) ERR_MUST_USE;
void env_clear(struct env *self);
OWN_TYPE(env, struct env, env_clear)

/* env_get() gives a variable or NULL; the text lives as long as the env. Empty values count as not set. */
const char *env_get(const struct env *self, const char *name);

/* env_need() is env_get() that refuses when the variable is not set and says what to do. *Errors* CONFIG. */
struct err *env_need(const struct env *self, const char **out, const char *name) ERR_MUST_USE;

/* env_path() writes HOME/relative into out. *Errors* CONFIG when there is no home, TOO_LARGE. */
struct err *env_path(const struct env *self, char *out, size_t out_len, const char *relative) ERR_MUST_USE;

#endif
