/*
 * register.c - SIMULATOR of the state registers. See register.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/simulators/register.h"

#include <stdio.h>
#include <string.h>

#include "cli/files.h"
#include "x509/person.h"

enum { REGISTER_MAX = 1024 * 1024 };

static const char *const surnames[] = { "АХМЕТОВ", "ӘБІЛОВ",  "ҚАЛИЕВ",	   "НҰРЛАНОВ",
					"ОМАРОВ",  "СЕРІКОВ", "ТӨЛЕГЕНОВ", "ИБРАЕВ" };
static const char *const given[] = { "ДАУРЕН", "ЕРЛАН", "БАУЫРЖАН", "АЙДОС", "МАРАТ", "ҒАЛЫМ" };
static const char *const patronymics[] = { "СЕРІКҰЛЫ", "БОЛАТҰЛЫ", "МАРАТҰЛЫ", "ӨМІРҰЛЫ", "АСҚАРҰЛЫ" };

struct err *register_load(json_t **out, const char *path)
{
	OWN(buf) text = BUF_INIT(REGISTER_MAX);
	json_error_t where;

	if (path == NULL) {
		*out = json_object();
		ENSURE(*out != NULL, NO_MEMORY, "out of memory");
		return NULL;
	}
	TRY(file_read(&text, path, "register"));
	OWN(json) file = json_loadb((const char *)text.p, text.len, JSON_REJECT_DUPLICATES, &where);
	ENSURE_FIELD(json_is_object(file), BAD_INPUT, "register", "%s line %d: %s", path, where.line, where.text);
	*out = TAKE(file);
	return NULL;
}

static const json_t *row_find(const json_t *file, const char *list, const char *member, const char *number)
{
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(file, list), i,
			   row) if (strcmp(answer_text_or(row, member, ""), number) == 0) return row;
	return NULL;
}

/* A small number that depends on the digits alone. */
static size_t pick(const char *number, size_t salt, size_t count)
{
	size_t sum = salt;

	for (const char *p = number; *p != '\0'; p++)
		sum = sum * 31 + (size_t)(*p - '0');
	return sum % count;
}

#define PICK(list, number, salt) ((list)[pick((number), (salt), sizeof(list) / sizeof((list)[0]))])

static struct err *answer_make(json_t **out, json_t *answer)
{
	ENSURE(answer != NULL, NO_MEMORY, "out of memory");
	*out = answer;
	return NULL;
}

struct err *register_person(json_t **out, const json_t *file, const char *iin)
{
	TRY(person_check_iin("iin", iin, PERSON_TEST_IDENTITIES, NULL));
	ENSURE_FIELD(strncmp(iin, "000000", 6) != 0, NOT_FOUND, "iin", "nobody has this number in the register");
	const json_t *row = row_find(file, "persons", "iin", iin);
	if (row != NULL)
		return answer_make(out, json_pack("{s:s, s:s, s:s, s:s, s:b}", "iin", iin, "surname",
						  answer_text_or(row, "surname", ""), "given",
						  answer_text_or(row, "given", ""), "patronymic",
						  answer_text_or(row, "patronymic", ""), "made_up", 0));
	return answer_make(out, json_pack("{s:s, s:s, s:s, s:s, s:b}", "iin", iin, "surname", PICK(surnames, iin, 1),
					  "given", PICK(given, iin, 2), "patronymic", PICK(patronymics, iin, 3),
					  "made_up", 1));
}

struct err *register_organisation(json_t **out, const json_t *file, const char *bin)
{
	char name[64];

	TRY(person_check_bin("bin", bin, PERSON_TEST_IDENTITIES, NULL));
	ENSURE_FIELD(strncmp(bin, "000000", 6) != 0, NOT_FOUND, "bin",
		     "no organisation has this number in the register");
	const json_t *row = row_find(file, "organisations", "bin", bin);
	if (row != NULL)
		return answer_make(out, json_pack("{s:s, s:s, s:s, s:b}", "bin", bin, "name",
						  answer_text_or(row, "name", ""), "head",
						  answer_text_or(row, "head", ""), "made_up", 0));
	(void)snprintf(name, sizeof name, "ТОО \"ДЕМО-%.4s\"", bin + 7);
	return answer_make(out, json_pack("{s:s, s:s, s:s, s:b}", "bin", bin, "name", name, "head", "", "made_up", 1));
}
