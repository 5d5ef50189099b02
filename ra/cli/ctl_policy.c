/*
 * ctl_policy.c - nucctl policy build, sign, assemble, show and staff list: off line, no server. See ctl.h, policy.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "ra/cli/ctl.h"
#include "ra/cli/decide.h"
#include "cli/files.h"
#include "ra/cli/policy.h"

enum { PATH_SIZE = 4096, SIGNED_DECISION_MAX = 64 * 1024 };

const struct option_row policy_build_options[] = {
	{ "profiles", 0, OPTION_TEXT, "FILE", "profiles.conf", true },
	{ "staff", 0, OPTION_TEXT, "FILE", "staff file (its form: config/staff.conf)", true },
	{ "out", 0, OPTION_TEXT, "FILE", "the Policy, not signed", true },
	{ 0 },
};

const struct option_row policy_sign_options[] = {
	{ "in", 0, OPTION_TEXT, "FILE", "the Policy, not signed", true },
	{ "out", 0, OPTION_TEXT, "FILE", "the signed decision", true },
	{ 0 },
};

const struct option_row policy_assemble_options[] = {
	{ "in", 0, OPTION_TEXT, "FILE", "the Policy, not signed", true },
	{ "decision", 0, OPTION_LIST, "FILE", "an administrator's signed decision", true },
	{ "out", 0, OPTION_TEXT, "FILE", "the signed Policy", true },
	{ 0 },
};

/* ---------------------------------------------------------------- showing */

static struct err *policy_print(const struct cli *cli, const json_t *policy)
{
	static const struct cli_column staff[] = { { "PERSON", "person" },   { "NAME", "name" },
						   { "ROLE", "role" },	     { "OFFICE", "office" },
						   { "FROM", "from" },	     { "TO", "to" },
						   { "KEY SHA-256", "key" }, { 0 } };
	static const struct cli_column services[] = { { "IDENTIFICATION", "name" },
						      { "PER HOUR", "per_hour" },
						      { "PER DAY", "per_day" },
						      { "KEY SHA-256", "key" },
						      { 0 } };
	char number[32];

	if (cli->json)
		return cli_json(cli, policy);
	(void)snprintf(number, sizeof number, "%lld",
		       (long long)json_integer_value(json_object_get(policy, "version")));
	TRY(cli_field(cli, "version", number));
	TRY(cli_field(cli, "digest", answer_text_or(policy, "digest", "")));
	TRY(cli_field(cli, "profiles digest", answer_text_or(policy, "profiles_digest", "")));
	(void)fprintf(cli->out, "\n");
	TRY(cli_table(cli, staff, json_object_get(policy, "staff")));
	(void)fprintf(cli->out, "\n");
	return cli_table(cli, services, json_object_get(policy, "identification"));
}

/* Reads a Policy, signed or not, into its plain DER. */
static struct err *policy_read(struct buf *out, const char *path)
{
	OWN(buf) bytes = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	struct signed_policy outer;

	TRY(file_read(&bytes, path, "in"));
	OWN(err) unsigned_form = signed_policy_decode(&outer, buf_slice(&bytes));
	return buf_append(out, unsigned_form == NULL ? outer.policy : buf_slice(&bytes));
}

static struct err *policy_print_file(const struct cli *cli, const char *path, const char *member)
{
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);
	OWN(json) policy = NULL;

	TRY(policy_read(&der, path));
	struct err *e = policy_describe(&policy, buf_slice(&der));
	if (e != NULL)
		return ERR_WRAP(e, "%s is no Policy", path);
	if (cli->json && member != NULL)
		return cli_json(cli, json_object_get(policy, member));
	return policy_print(cli, policy);
}

struct err *ctl_policy_show(struct cli *cli)
{
	return policy_print_file(cli, cli->options.words[0], NULL);
}

struct err *ctl_staff_list(struct cli *cli)
{
	char path[PATH_SIZE];

	TRY(env_path(&cli->env, path, sizeof path, "ca/policy.der"));
	return policy_print_file(cli, path, "staff");
}

/* ---------------------------------------------------------------- making */

struct err *ctl_policy_build(struct cli *cli)
{
	OWN(buf) profiles = BUF_INIT(PROFILES_MAX_BYTES);
	OWN(buf) staff = BUF_INIT(POLICY_MAX_BYTES);
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);
	OWN(json) shown = NULL;
	const char *staff_path = options_text(&cli->options, "staff");
	const char *slash = strrchr(staff_path, '/');
	char folder[PATH_SIZE];

	TRY(file_read(&profiles, options_text(&cli->options, "profiles"), "profiles"));
	TRY(file_read(&staff, staff_path, "staff"));
	(void)snprintf(folder, sizeof folder, "%.*s", slash != NULL ? (int)(slash - staff_path) : 1,
		       slash != NULL ? staff_path : ".");
	TRY(policy_build(&der, buf_slice(&profiles), buf_slice(&staff), folder));
	TRY(file_write(options_text(&cli->options, "out"), buf_slice(&der), 0644, true));
	TRY(policy_describe(&shown, buf_slice(&der)));
	return policy_print(cli, shown);
}

struct err *ctl_policy_sign(struct cli *cli)
{
	const struct decide_terms terms = {
		.kind = DECISION_POLICY, .verdict = DECISION_APPROVE, .reason = "", .valid_s = DECIDE_VALID_S
	};
	OWN(key_store) store = NULL;
	OWN(buf) der = BUF_INIT(POLICY_MAX_BYTES);
	OWN(buf) decision = BUF_INIT(DECISION_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(KEY_CMS_MAX);
	OWN(buf) out = BUF_INIT(SIGNED_DECISION_MAX);
	OWN(json) shown = NULL;
	uint8_t digest[1][SHA256_LEN];

	TRY(file_read(&der, options_text(&cli->options, "in"), "in"));
	TRY(policy_describe(&shown, buf_slice(&der)));
	TRY(ctl_open(&store, NULL, cli));
	TRY(policy_print(cli, shown));
	der_sha256(digest[0], buf_slice(&der));
	TRY(decide_sign(&decision, &cms, store, &terms, digest, 1));
	const struct signed_decision joined = { .decision = buf_slice(&decision), .signature = buf_slice(&cms) };
	TRY(signed_decision_encode(&out, &joined));
	return file_write(options_text(&cli->options, "out"), buf_slice(&out), 0644, true);
}

struct err *ctl_policy_assemble(struct cli *cli)
{
	OWN(buf) policy = BUF_INIT(POLICY_MAX_BYTES);
	OWN(buf) out = BUF_INIT(SIGNED_POLICY_MAX_BYTES);
	OWN(buf) files = BUF_INIT(SIGNED_POLICY_MAX_DECISIONS * SIGNED_DECISION_MAX);
	size_t ends[SIGNED_POLICY_MAX_DECISIONS];
	struct slice decisions[SIGNED_POLICY_MAX_DECISIONS];
	OWN(json) shown = NULL;
	size_t num = 0, at = 0;
	const char *path;

	TRY(file_read(&policy, options_text(&cli->options, "in"), "in"));
	while ((path = options_next(&cli->options, "decision", &at)) != NULL) {
		ENSURE_FIELD(num < SIGNED_POLICY_MAX_DECISIONS, TOO_LARGE, "decision", "more than %d decisions",
			     SIGNED_POLICY_MAX_DECISIONS);
		TRY(file_read(&files, path, "decision"));
		ends[num++] = files.len;
	}
	for (size_t i = 0, from = 0; i < num; from = ends[i++])
		decisions[i] = SLICE(files.p + from, ends[i] - from);
	TRY(policy_join(&out, buf_slice(&policy), decisions, num, clock_now_s()));
	TRY(file_write(options_text(&cli->options, "out"), buf_slice(&out), 0644, true));
	TRY(policy_describe(&shown, buf_slice(&policy)));
	return policy_print(cli, shown);
}
