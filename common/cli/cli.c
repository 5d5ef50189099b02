/*
 * cli.c - the frame of the command-line programs. See cli.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <string.h>

#include "base/text.h"

enum { NAME_COLUMN = 22 };

const struct option_row cli_common_options[] = {
	{ "home", 0, OPTION_TEXT, "DIR", "home of the installation (default: $NUC_HOME, or ./run)", false },
	{ "json", 0, OPTION_FLAG, NULL, "print records as JSON", false },
	{ "help", 'h', OPTION_FLAG, NULL, "show this help", false },
	{ "version", 'V', OPTION_FLAG, NULL, "show the version", false },
	{ 0 },
};

static void cli_clear(struct cli *self)
{
	options_clear(&self->options);
	env_clear(&self->env);
}
OWN_TYPE(cli, struct cli, cli_clear)

/* ---------------------------------------------------------------- help */

static void program_help(const struct cli_program *program, FILE *out)
{
	(void)fprintf(out, "%s - %s\n\nusage: %s [OPTION...] COMMAND [ARGUMENT...]\n\ncommands:\n", program->name,
		      program->summary, program->name);
	for (const struct cli_command *c = program->commands; c->name != NULL; c++) {
		char left[120];

		(void)snprintf(left, sizeof left, "%s%s%s", c->name, c->words[0] != '\0' ? " " : "", c->words);
		(void)fprintf(out, "  %-*s  %s%s\n", NAME_COLUMN, left, c->summary,
			      c->run == NULL ? " (not available in this version)" : "");
	}
	(void)fprintf(out, "\noptions of every command:\n");
	options_help(program->options, out);
	options_help(cli_common_options, out);
	if (program->notes != NULL)
		(void)fprintf(out, "\n%s\n", program->notes);
	(void)fprintf(out, "\nexit: 0 done, 1 refused, 2 usage, 3 a service could not be reached\n");
}

static void command_help(const struct cli_program *program, const struct cli_command *command, FILE *out)
{
	(void)fprintf(out, "%s %s - %s\n\nusage: %s %s [OPTION...]%s%s\n", program->name, command->name,
		      command->summary, program->name, command->name, command->words[0] != '\0' ? " " : "",
		      command->words);
	for (size_t t = 0; command->tables[t] != NULL; t++) {
		(void)fputs(t == 0 ? "\noptions:\n" : "", out);
		options_help(command->tables[t], out);
	}
	(void)fprintf(out, "\noptions of every command:\n");
	options_help(program->options, out);
	options_help(cli_common_options, out);
}

/* ---------------------------------------------------------------- finding and running a command */

/* Finds the command that argv begins with; the name of two words first. *out_words is the number of words it took. */
static const struct cli_command *command_find(const struct cli_program *program, int argc, char *const argv[],
					      int *out_words)
{
	for (*out_words = argc >= 2 ? 2 : 1; *out_words > 0; (*out_words)--) {
		char name[80];

		(void)snprintf(name, sizeof name, "%s%s%s", argv[0], *out_words == 2 ? " " : "",
			       *out_words == 2 ? argv[1] : "");
		for (const struct cli_command *c = program->commands; c->name != NULL; c++)
			if (strcmp(c->name, name) == 0)
				return c;
	}
	return NULL;
}

static struct option_set set_of(const struct cli_program *program, const struct cli_command *command)
{
	struct option_set set = { .tables = { cli_common_options, program->options } };

	for (size_t t = 0; command != NULL && command->tables[t] != NULL; t++)
		set.tables[2 + t] = command->tables[t];
	return set;
}

struct err *cli_usage(struct cli *cli, const char *field, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	cli->is_usage = true;
	return ERR_FIELD(BAD_INPUT, field, "%s", text);
}

static struct err *words_check(struct cli *cli, const struct cli_command *command)
{
	size_t n = cli->options.num_words;

	if (n < command->min_words)
		return cli_usage(cli, NULL, "%s needs %s; see %s %s --help", command->name, command->words,
				 cli->program->name, command->name);
	if (n > command->max_words)
		return cli_usage(cli, NULL, "%s: one word too many: %.60s; see %s %s --help", command->name,
				 cli->options.words[command->max_words], cli->program->name, command->name);
	return NULL;
}

/* Reads the whole command line. *out_command stays NULL when help, version or nothing was asked for. */
static struct err *line_read(struct cli *cli, const struct cli_command **out_command, int argc, char *const argv[])
{
	int used = 0, words = 0;

	cli->is_usage = true;
	TRY(options_read(&cli->options, &used, set_of(cli->program, NULL), argc - 1, argv + 1, true));
	argv += 1 + used;
	argc -= 1 + used;
	if (argc > 0) {
		*out_command = command_find(cli->program, argc, argv, &words);
		ENSURE(*out_command != NULL, BAD_INPUT, "%.40s is no command; see %s --help", argv[0],
		       cli->program->name);
		/* What is not available takes whatever follows it: its options are not fixed yet. */
		if ((*out_command)->run == NULL)
			return NULL;
		TRY(options_read(&cli->options, &used, set_of(cli->program, *out_command), argc - words, argv + words,
				 false));
	}
	bool asks = options_has(&cli->options, "help") || options_has(&cli->options, "version");
	ENSURE(asks || *out_command != NULL, BAD_INPUT, "no command is given; see %s --help", cli->program->name);
	if (!asks) {
		TRY(options_require(&cli->options));
		TRY(words_check(cli, *out_command));
	}
	return NULL;
}

static struct err *command_run(struct cli *cli, const struct cli_command *command)
{
	if (options_has(&cli->options, "version")) {
		(void)fprintf(cli->out, "%s %s\n", cli->program->name, NUC_VERSION);
		return NULL;
	}
	if (options_has(&cli->options, "help")) {
		if (command != NULL)
			command_help(cli->program, command, cli->out);
		else
			program_help(cli->program, cli->out);
		return NULL;
	}
	ENSURE(command->run != NULL, CONFLICT, "%s is not available in this version", command->name);
	cli->command = command;
	cli->json = options_has(&cli->options, "json");
	TRY(env_load(&cli->env, options_text(&cli->options, "home")));
	return command->run(cli);
}

static enum cli_exit exit_of(const struct cli *cli, const struct err *e)
{
	if (e == NULL)
		return CLI_DONE;
	if (cli->is_usage)
		return CLI_USAGE;
	return err_category(err_code(e)) == ERR_RETRY_LATER ? CLI_UNREACHED : CLI_REFUSED;
}

static void err_show(const struct cli *cli, const struct err *e)
{
	char text[1600];
	OWN(buf) line = BUF_INIT(8192);
	const char *field = err_field(e);
	const char *shown = text;

	(void)err_text(e, text, sizeof text);
	OWN(err) unclean = cli_clean(&line, text);
	if (unclean == NULL) {
		OWN(err) unended = buf_str(&line, &shown);
		if (unended != NULL)
			shown = text;
	}
	/* A sentence that begins with its field does not need it twice. */
	bool named = field != NULL && strncmp(shown, field, strlen(field)) == 0;
	(void)fprintf(cli->err, "%s: %s%s%s\n", cli->program->name, field != NULL && !named ? field : "",
		      field != NULL && !named ? ": " : "", shown);
}

int cli_main(const struct cli_program *program, int argc, char *const argv[], FILE *out, FILE *err)
{
	OWN(cli) cli = { .program = program, .out = out, .err = err };
	const struct cli_command *command = NULL;
	OWN(err) e = line_read(&cli, &command, argc, argv);

	if (e == NULL) {
		cli.is_usage = false;
		e = command_run(&cli, command);
	}
	if (e == NULL && fflush(out) != 0)
		e = ERR_ERRNO("the output cannot be written");
	if (e != NULL)
		err_show(&cli, e);
	return (int)exit_of(&cli, e);
}
