/*
 * daemon_args.c - the command line of every daemon. See daemon.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "daemon/daemon_priv.h"

static void print_usage(const struct daemon_spec *spec, FILE *out)
{
	(void)fprintf(out,
		      "%s - %s\n\nusage: %s -c FILE [-t]\n\n"
		      "  -c FILE           configuration\n"
		      "  -t                check the configuration, list every mistake, exit\n"
		      "  --print-config    print every setting with its default\n"
		      "  -V, --version     print the version\n"
		      "  --help            this text\n",
		      spec->name, spec->summary, spec->name);
	for (size_t i = 0; i < spec->num_commands; i++) {
		const struct daemon_command *c = &spec->commands[i];
		(void)fprintf(out, "  %s%s%s\n                    %s\n", c->option, c->argument != NULL ? " " : "",
			      c->argument != NULL ? c->argument : "", c->help);
	}
	(void)fprintf(out, "\nexit 0 done, 1 refused or failed, 2 usage, 3 could not reach a service\n");
}

static const struct daemon_command *find_command(const struct daemon_spec *spec, const char *option)
{
	for (size_t i = 0; i < spec->num_commands; i++)
		if (strcmp(spec->commands[i].option, option) == 0)
			return &spec->commands[i];
	return NULL;
}

static int print_config(const struct daemon_spec *spec)
{
	OWN(buf) out = BUF_INIT(1024 * 1024);
	const char *text = "";

	struct err *e = conf_sample(&out, spec->conf_rows, spec->num_conf_rows);
	if (e == NULL)
		e = buf_str(&out, &text);
	if (e != NULL) {
		log_err(LOG_ERROR, NULL, "print_config_failed", &e);
		return EXIT_FAILED;
	}
	(void)fputs(text, stdout);
	return EXIT_DONE;
}

int daemon_parse_args(struct run *run, int argc, char **argv)
{
	const struct daemon_spec *spec = run->d.spec;

	for (int i = 1; i < argc; i++) {
		const struct daemon_command *command = find_command(spec, argv[i]);
		if (strcmp(argv[i], "-c") == 0 && i + 1 < argc) {
			run->d.conf_file = argv[++i];
		} else if (strcmp(argv[i], "-t") == 0) {
			run->is_check = true;
		} else if (strcmp(argv[i], "-V") == 0 || strcmp(argv[i], "--version") == 0) {
			(void)printf("%s %s\n", spec->name, NUC_VERSION);
			return EXIT_DONE;
		} else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_usage(spec, stdout);
			return EXIT_DONE;
		} else if (strcmp(argv[i], "--print-config") == 0) {
			return print_config(spec);
		} else if (command != NULL && run->command == NULL && (command->argument == NULL || i + 1 < argc)) {
			run->command = command;
			run->argument = command->argument == NULL ? NULL : argv[++i];
		} else {
			print_usage(spec, stderr);
			return EXIT_USAGE;
		}
	}
	if (run->d.conf_file == NULL && (run->command == NULL || run->command->needs_conf)) {
		print_usage(spec, stderr);
		return EXIT_USAGE;
	}
	return -1;
}
