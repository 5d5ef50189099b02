/*
 * program.c - options and start of nuc-simulators. See program.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/simulators/program.h"

#include <signal.h>
#include <stdlib.h>

#include "base/log.h"
#include "deploy/simulators/register.h"
#include "deploy/simulators/server.h"
#include "cli/options.h"

static const struct option_row rows[] = {
	{ "port", 'p', OPTION_TEXT, "N", "port on 127.0.0.1 (0: any; it is printed)", true },
	{ "key", 0, OPTION_TEXT, "FILE", "key of the identification service (PEM)", true },
	{ "cert", 0, OPTION_TEXT, "FILE", "its certificate, named in the Policy", true },
	{ "register", 0, OPTION_TEXT, "FILE", "persons and organisations with names of their own (JSON)", false },
	{ "password-file", 0, OPTION_TEXT, "FILE", "password of the key", false },
	{ "help", 'h', OPTION_FLAG, NULL, "show this help", false },
	{ "version", 'V', OPTION_FLAG, NULL, "show the version", false },
	{ 0 },
};

static const char about[] =
	"nuc-simulators - SIMULATORS of state systems for demonstrations and tests. Nothing here is the real thing.\n"
	"\n"
	"usage: nuc-simulators --port N --key FILE --cert FILE [OPTION...]\n"
	"\n"
	"  POST /identify        simulated remote identification; signs with the key that is given\n"
	"  POST /sms, GET /sms?to=NUMBER   simulated SMS gateway: the messages stay in memory and are shown to "
	"anybody\n"
	"  GET /person/IIN       simulated register of persons\n"
	"  GET /organisation/BIN simulated register of organisations\n"
	"\n"
	"Everybody is recognised, except: given name СБОЙ; IIN that begins with 999999; IIN that begins with 000000 "
	"(not in\n"
	"the register); a person whom the register file has under another name.\n"
	"\n"
	"options:\n";

static struct err *port_read(uint16_t *out, const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	ENSURE_FIELD(*text != '\0' && *end == '\0' && port >= 0 && port <= 65535, BAD_INPUT, "port",
		     "--port is a number from 0 to 65535");
	*out = (uint16_t)port;
	return NULL;
}

static struct err *start(struct simulators **out, const struct options *options)
{
	const struct key_password password = { .file = options_text(options, "password-file"),
					       .variable = "NUC_KEY_PASSWORD" };
	OWN(key_store) store = NULL;
	OWN(buf) spec = BUF_INIT(8192);
	OWN(json) file = NULL;
	const char *text;
	uint16_t port = 0;

	TRY(port_read(&port, options_text(options, "port")));
	TRY(buf_printf(&spec, "file:%s,%s", options_text(options, "key"), options_text(options, "cert")));
	TRY(buf_str(&spec, &text));
	TRY(key_store_open(&store, text, &password));
	TRY(register_load(&file, options_text(options, "register")));
	TRY(simulators_create(out, port, store, file));
	store = NULL; /* theirs now */
	file = NULL;
	return NULL;
}

static struct err *serve(const struct options *options, FILE *out)
{
	OWN(simulators) simulators = NULL;

	TRY(start(&simulators, options));
	(void)fprintf(out, "nuc-simulators: SIMULATORS of state systems at http://127.0.0.1:%u\n",
		      (unsigned)simulators_port(simulators));
	(void)fflush(out);
	return simulators_run(simulators);
}

static int fail(FILE *err, struct err *e, int code)
{
	char text[800];

	(void)fprintf(err, "nuc-simulators: %s\n", err_text(e, text, sizeof text));
	err_destroy(&e);
	return code;
}

int simulators_main(int argc, char *const argv[], FILE *out, FILE *err)
{
	OWN(options) options = { 0 };
	int used;

	log_setup("simulators", LOG_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	struct err *e =
		options_read(&options, &used, (struct option_set){ .tables = { rows } }, argc - 1, argv + 1, false);
	if (e == NULL && options_has(&options, "help")) {
		(void)fputs(about, out);
		options_help(rows, out);
		return 0;
	}
	if (e == NULL && options_has(&options, "version")) {
		(void)fprintf(out, "nuc-simulators %s\n", NUC_VERSION);
		return 0;
	}
	if (e == NULL)
		e = options_require(&options);
	if (e == NULL && options.num_words > 0)
		e = ERR(BAD_INPUT, "%.40s: nothing is expected here; see --help", options.words[0]);
	if (e != NULL)
		return fail(err, e, 2);
	e = serve(&options, out);
	return e == NULL ? 0 : fail(err, e, 1);
}
