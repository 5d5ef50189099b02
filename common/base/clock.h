/*
 * clock.h - the only place that asks the machine for the time. Tests set it.
 *
 * Instants are Unix time in UTC: `_at` in seconds, `_at_ms` in milliseconds. Leap seconds are not counted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include <stdint.h>

#include "base/buf.h"

int64_t clock_now_s(void);
int64_t clock_now_ms(void);
/* clock_mono_ms()/clock_mono_us() never go back: for durations and deadlines inside one process. Not settable. */
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

/* clock_set_for_test() makes clock_now_*() return the instant until clock_unset_for_test(). */
void clock_set_for_test(int64_t now_ms);
void clock_unset_for_test(void);

#define CLOCK_RFC3339_SIZE 25 /* "2026-11-22T21:40:28.123Z" and NUL */
/* clock_rfc3339() writes UTC with seconds ("...:28Z"); clock_rfc3339_ms() with milliseconds. Years 0000-9999. */
const char *clock_rfc3339(char out[CLOCK_RFC3339_SIZE], int64_t at_s);
const char *clock_rfc3339_ms(char out[CLOCK_RFC3339_SIZE], int64_t at_ms);
/* clock_parse_rfc3339() reads either form, Z only; second 60 is refused. *Errors* BAD_INPUT. */
struct err *clock_parse_rfc3339(int64_t *out_ms, const char *text) ERR_MUST_USE;

/* Civil time without time zones or locale; clock_civil_to_s() refuses what is no date (clock_civil_ok). */
struct civil {
	int year, month, day, hour, minute, second;
};
void clock_civil(struct civil *out, int64_t at_s);
bool clock_civil_ok(const struct civil *c);
int64_t clock_civil_to_s(const struct civil *c);

#endif
