/*
 * conf_priv.h - what conf.c and conf_sample.c share; nobody else includes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_DAEMON_CONF_PRIV_H
#define COMMON_DAEMON_CONF_PRIV_H

#include "daemon/conf.h"

/* conf_store_default() gives the row's member its default; conf_store_default_list() cuts "a, b" into items. */
struct err *conf_store_default(void *conf, const struct conf_row *row) ERR_MUST_USE;
struct err *conf_store_default_list(struct conf_strings *list, const char *text) ERR_MUST_USE;

/* conf_values_equal() compares two members; conf_value_size() is the size of one. */
bool conf_values_equal(void *a, void *b, enum conf_type type);
size_t conf_value_size(enum conf_type type);

#endif
