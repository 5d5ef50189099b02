/*
 * env.c - the home and its variables. See env.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/files.h"

void env_clear(struct env *self)
{
	free(self->home);
	self->home = NULL;
	buf_clear(&self->text);
	self->num = 0;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static struct err *home_find(struct env *self, const char *home_option)
{
	const char *home = home_option;

	if (home == NULL)
		home = getenv("NUC_HOME");
	if ((home == NULL || home[0] == '\0') && is_folder("run"))
		home = "run";
	if (home == NULL || home[0] == '\0')
		return NULL;
	ENSURE_FIELD(is_folder(home), NOT_FOUND, "home", "%s is no folder; name the home with --home or NUC_HOME",
		     home);
	self->home = strdup(home);
	ENSURE(self->home != NULL, NO_MEMORY, "out of memory");
	return NULL;
}

static bool is_name(const char *name)
{
	size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");

	return n > 0 && name[n] == '\0' && (name[0] < '0' || name[0] > '9');
}

/* Takes the quotes off; false when they do not match or the shell would substitute something. */
static bool unquote(char **value)
{
	char *text = *value;
	size_t len = strlen(text);

	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\r'))
		text[--len] = '\0';
	if (text[0] == '\'' || text[0] == '"') {
		char quote = text[0];
		if (len < 2 || text[len - 1] != quote)
			return false;
		text[len - 1] = '\0';
		*value = text + 1;
		return strchr(*value, quote) == NULL && (quote == '\'' || strpbrk(*value, "$`\\") == NULL);
	}
	return strpbrk(text, "$`\\'\" \t;&|<>()") == NULL;
}

static struct err *line_read(struct env *self, char *line, int number)
{
	line += strspn(line, " \t");
	if (line[0] == '#' || line[0] == '\0' || line[0] == '\r')
		return NULL;
	if (strncmp(line, "export ", 7) == 0)
		line += 7 + strspn(line + 7, " \t");
	char *equals = strchr(line, '=');
	ENSURE_FIELD(equals != NULL, CONFIG, "env", "%s/env line %d: not of the form NAME=value", self->home, number);
	*equals = '\0';
	char *value = equals + 1;
	ENSURE_FIELD(is_name(line), CONFIG, "env", "%s/env line %d: not a variable's name", self->home, number);
	ENSURE_FIELD(unquote(&value), CONFIG, "env",
		     "%s/env line %d: %s: the value needs 'quotes' or holds a substitution", self->home, number, line);
	ENSURE_FIELD(self->num < ENV_VARS_MAX, CONFIG, "env", "%s/env: more than %d variables", self->home,
		     ENV_VARS_MAX);
	self->vars[self->num].name = line;
	self->vars[self->num].value = value;
	self->num++;
	return NULL;
}

static struct err *lines_read(struct env *self)
{
	const char *text;
	int number = 0;

	TRY(buf_str(&self->text, &text));
	for (char *line = (char *)self->text.p; line != NULL;) {
		char *end = strchr(line, '\n');

		if (end != NULL)
			*end = '\0';
		TRY(line_read(self, line, ++number));
		line = end != NULL ? end + 1 : NULL;
	}
	return NULL;
}

struct err *env_load(struct env *self, const char *home_option)
{
	char path[4096];

	memset(self, 0, sizeof *self);
	self->text = (struct buf)BUF_INIT(ENV_FILE_MAX);
	self->home_given = home_option != NULL;
	TRY(home_find(self, home_option));
	if (self->home == NULL)
		return NULL;
	TRY(env_path(self, path, sizeof path, "env"));
	if (access(path, F_OK) != 0)
		return NULL;
	TRY(file_read(&self->text, path, "env"));
	return lines_read(self);
}

static const char *file_get(const struct env *self, const char *name)
{
	for (size_t i = self->num; i > 0; i--)
		if (strcmp(self->vars[i - 1].name, name) == 0)
			return self->vars[i - 1].value;
	return NULL;
}

const char *env_get(const struct env *self, const char *name)
{
	const char *first = self->home_given ? file_get(self, name) : getenv(name);

	if (first == NULL || first[0] == '\0')
		first = self->home_given ? getenv(name) : file_get(self, name);
	return first != NULL && first[0] != '\0' ? first : NULL;
}

struct err *env_need(const struct env *self, const char **out, const char *name)
{
	*out = env_get(self, name);
	ENSURE_FIELD(*out != NULL, CONFIG, name,
		     "%s is not set; name the installation's folder with --home or NUC_HOME", name);
	return NULL;
}

struct err *env_path(const struct env *self, char *out, size_t out_len, const char *relative)
{
	ENSURE_FIELD(self->home != NULL, CONFIG, "home", "no home is known; name it with --home or NUC_HOME");
	int n = snprintf(out, out_len, "%s/%s", self->home, relative);
	ENSURE_FIELD(n >= 0 && (size_t)n < out_len, TOO_LARGE, "home", "the path of %s is too long", relative);
	return NULL;
}
