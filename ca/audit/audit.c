/*
 * audit.c - the table of nucaudit's commands. See audit.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/audit/audit.h"

static const struct option_row export_options[] = {
	{ "from", 0, OPTION_TEXT, "TIME", "first instant, as 2026-11-22T00:00:00Z", true },
	{ "to", 0, OPTION_TEXT, "TIME", "instant after the last", true },
	{ "output", 'o', OPTION_TEXT, "PACK", "folder to make", true },
	{ "format", 0, OPTION_TEXT, "jsonl|csv", "csv: besides entries.jsonl a table for spreadsheets", false },
	{ "kind", 0, OPTION_LIST, "KIND", "only entries of this kind (may be repeated); the others as bare hashes",
	  false },
	{ "previous", 0, OPTION_TEXT, "FILE",
	  "checkpoint of the previous export: proves that nothing before it changed", false },
	{ 0 },
};

static const struct option_row no_options[] = { { 0 } };

static const struct option_row verify_options[] = {
	{ "log-key", 0, OPTION_TEXT, "FILE", "public key of the log that you trust (default: $NUC_LOG_VKEY)", false },
	{ "checkpoint", 0, OPTION_TEXT, "FILE", "a head of the log that you kept: the pack must agree with it", false },
	{ 0 },
};

static const struct cli_command commands[] = {
	{ "export",
	  "",
	  "write the entries of a period into a pack that proves itself",
	  { export_options },
	  0,
	  0,
	  audit_export },
	{ "verify", "PACK", "check a pack, without any database", { verify_options }, 1, 1, audit_verify },
	{ "status", "", "size and head of the log, what waits, the newest lists", { NULL }, 0, 0, audit_status },
	{ "status-at",
	  "SERIAL TIME",
	  "what was known of a certificate at a time, and what holds of it",
	  { NULL },
	  2,
	  2,
	  audit_status_at },
	{ "reconcile", "", "compare signer journal, ledger and published lists", { NULL }, 0, 0, NULL },
	{ 0 },
};

const struct cli_program nucaudit_program = {
	.name = "nucaudit",
	.summary = "exports the log of the certification centre and verifies such exports",
	.notes = "The database is found by PGHOST, PGDATABASE and PGUSER of HOME/env. `verify` needs the pack and a "
		 "trusted log key.\n",
	.options = no_options,
	.commands = commands,
};
