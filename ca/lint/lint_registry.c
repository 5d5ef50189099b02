/*
 * lint_registry.c - the list of all lints. A new file of lints is one line here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/lint/lint_internal.h"

static const struct lint_table *const tables[] = {
	&lint_rfc5280_tbs,	 &lint_rfc5280_name,	    &lint_rfc5280_extensions, &lint_rfc5280_urls,
	&lint_rfc6960_responder, &lint_cabf_br_certificate, &lint_cabf_br_server,     &lint_nuc_subject,
	&lint_nuc_usage,	 &lint_nuc_profile,
};

const struct lint *lint_at(size_t index)
{
	for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
		if (index < tables[i]->num)
			return &tables[i]->lints[index];
		index -= tables[i]->num;
	}
	return NULL;
}
