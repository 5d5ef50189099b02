/*
 * clock.c - time. See clock.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static atomic_bool is_set;
static _Atomic int64_t set_ms;

static int64_t read_ns(clockid_t id)
{
	struct timespec t;

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t clock_now_ms(void)
{
	return atomic_load(&is_set) ? atomic_load(&set_ms) : read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_now_s(void)
{
	return clock_now_ms() / 1000;
}

int64_t clock_mono_ms(void)
{
	return read_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_mono_us(void)
{
	return read_ns(CLOCK_MONOTONIC) / 1000;
}

void clock_set_for_test(int64_t now_ms)
{
	atomic_store(&set_ms, now_ms);
	atomic_store(&is_set, true);
}

void clock_unset_for_test(void)
{
	atomic_store(&is_set, false);
}

/* Days since 1970-01-01 of a proleptic Gregorian date, counted in eras of 400 years that begin on 1 March. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

void clock_civil(struct civil *out, int64_t at_s)
{
	int64_t days = (at_s >= 0 ? at_s : at_s - 86399) / 86400;
	int64_t rest = at_s - days * 86400;
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	out->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	out->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	out->year = (int)(yoe + era * 400 + (out->month <= 2));
	out->hour = (int)(rest / 3600);
	out->minute = (int)(rest / 60 % 60);
	out->second = (int)(rest % 60);
}

bool clock_civil_ok(const struct civil *c)
{
	static const int month_days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (c->year < 0 || c->year > 9999 || c->month < 1 || c->month > 12 || c->hour < 0 || c->hour > 23)
		return false;
	bool leap = c->year % 4 == 0 && (c->year % 100 != 0 || c->year % 400 == 0);
	int last = month_days[c->month - 1] + (c->month == 2 && leap);
	return c->day >= 1 && c->day <= last && c->minute >= 0 && c->minute < 60 && c->second >= 0 && c->second < 60;
}

int64_t clock_civil_to_s(const struct civil *c)
{
	return days_of(c->year, c->month, c->day) * 86400 + c->hour * 3600 + c->minute * 60 + c->second;
}

const char *clock_rfc3339(char out[CLOCK_RFC3339_SIZE], int64_t at_s)
{
	struct civil c;

	clock_civil(&c, at_s);
	(void)snprintf(out, CLOCK_RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02uZ", (unsigned)c.year % 10000u,
		       (unsigned)c.month % 100u, (unsigned)c.day % 100u, (unsigned)c.hour % 100u,
		       (unsigned)c.minute % 100u, (unsigned)c.second % 100u);
	return out;
}

const char *clock_rfc3339_ms(char out[CLOCK_RFC3339_SIZE], int64_t at_ms)
{
	int64_t s = (at_ms >= 0 ? at_ms : at_ms - 999) / 1000;

	clock_rfc3339(out, s);
	(void)snprintf(out + 19, CLOCK_RFC3339_SIZE - 19, ".%03uZ", (unsigned)(at_ms - s * 1000) % 1000u);
	return out;
}

static bool digits_at(const char *text, size_t at, size_t n, int *out)
{
	*out = 0;
	for (size_t i = at; i < at + n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*out = *out * 10 + (text[i] - '0');
	}
	return true;
}

struct err *clock_parse_rfc3339(int64_t *out_ms, const char *text)
{
	struct civil c;
	int ms = 0;
	size_t len = strlen(text);
	bool ok = (len == 20 || len == 24) && text[4] == '-' && text[7] == '-' && text[10] == 'T' && text[13] == ':' &&
		  text[16] == ':' && text[len - 1] == 'Z' && digits_at(text, 0, 4, &c.year) &&
		  digits_at(text, 5, 2, &c.month) && digits_at(text, 8, 2, &c.day) && digits_at(text, 11, 2, &c.hour) &&
		  digits_at(text, 14, 2, &c.minute) && digits_at(text, 17, 2, &c.second);

	if (ok && len == 24)
		ok = text[19] == '.' && digits_at(text, 20, 3, &ms);
	ENSURE(ok && clock_civil_ok(&c), BAD_INPUT, "not a time of the form 2026-11-22T21:40:28Z (RFC 3339, UTC)");
	*out_ms = clock_civil_to_s(&c) * 1000 + ms;
	return NULL;
}
