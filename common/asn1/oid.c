/*
 * oid.c - object identifiers by name.
 *
 * The table's DER is made once from the dotted text of oid_known.def, so the list has no octets to get wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "asn1/oid.h"
#include "base/log.h"

struct known {
	const char *dotted, *word;
	uint8_t content[OID_MAX_LEN];
	size_t len;
};

static struct known known[OID_COUNT] = {
#define OID(name, dotted, text) [OID_##name] = { dotted, text, { 0 }, 0 },
#include "asn1/oid_known.def"
#undef OID
};

static void encode_known(void)
{
	for (int i = 0; i < OID_COUNT; i++) {
		OWN(buf) der = BUF_INIT(OID_MAX_LEN);
		OWN(err) e = oid_parse(&der, known[i].dotted);
		if (e != NULL)
			panic("oid_known.def: %s is not an object identifier", known[i].dotted);
		memcpy(known[i].content, der.p, der.len);
		known[i].len = der.len;
	}
}

static const struct known *known_at(enum oid_name name)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (pthread_once(&once, encode_known) != 0)
		panic("pthread_once does not work");
	return &known[name];
}

struct slice oid(enum oid_name name)
{
	const struct known *k = known_at(name);

	return SLICE(k->content, k->len);
}

bool oid_is(struct slice content, enum oid_name name)
{
	return slice_equal(content, oid(name));
}

const char *oid_dotted(enum oid_name name)
{
	return known[name].dotted;
}

const char *oid_word(enum oid_name name)
{
	return known[name].word;
}

bool oid_find(enum oid_name *out, struct slice content)
{
	for (int i = 0; i < OID_COUNT; i++) {
		if (oid_is(content, (enum oid_name)i)) {
			*out = (enum oid_name)i;
			return true;
		}
	}
	return false;
}

bool oid_find_word(enum oid_name *out, const char *word)
{
	for (int i = 0; i < OID_COUNT; i++) {
		if (strcmp(known[i].word, word) == 0) {
			*out = (enum oid_name)i;
			return true;
		}
	}
	return false;
}

/* Reads one arc: digits without leading zeros, at most 2^63. */
static struct err *arc_parse(const char **text, uint64_t *out)
{
	const char *p = *text;
	uint64_t arc = 0;

	ENSURE(*p >= '0' && *p <= '9' && (p[0] != '0' || p[1] < '0' || p[1] > '9'), BAD_INPUT,
	       "object identifier: an arc is missing or begins with 0");
	for (; *p >= '0' && *p <= '9'; p++) {
		ENSURE(arc <= (INT64_MAX - 9) / 10, BAD_INPUT, "object identifier: an arc is too large");
		arc = arc * 10 + (uint64_t)(*p - '0');
	}
	*out = arc;
	*text = p;
	return NULL;
}

static struct err *arc_append(struct buf *out, uint64_t arc)
{
	uint8_t octets[10];
	size_t n = sizeof octets;

	octets[--n] = (uint8_t)(arc & 0x7F);
	while ((arc >>= 7) != 0)
		octets[--n] = (uint8_t)(0x80 | (arc & 0x7F));
	return buf_append(out, SLICE(octets + n, sizeof octets - n));
}

struct err *oid_parse(struct buf *out, const char *dotted)
{
	OWN(buf) content = BUF_INIT(OID_MAX_LEN);
	const char *p = dotted;
	uint64_t first, second;

	TRY(arc_parse(&p, &first));
	ENSURE(*p == '.', BAD_INPUT, "object identifier: fewer than two arcs");
	p++;
	TRY(arc_parse(&p, &second));
	ENSURE(first <= 2 && (first == 2 || second < 40) && second <= INT64_MAX - 80, BAD_INPUT,
	       "object identifier: the first arcs are out of range");
	TRY(arc_append(&content, first * 40 + second));
	while (*p == '.') {
		uint64_t arc;
		p++;
		TRY(arc_parse(&p, &arc));
		TRY(arc_append(&content, arc));
	}
	ENSURE(*p == '\0', BAD_INPUT, "object identifier: other characters than digits and dots");
	return buf_append(out, buf_slice(&content));
}

bool oid_check(struct slice content)
{
	bool starts = true;

	if (content.len == 0 || (content.p[content.len - 1] & 0x80) != 0)
		return false;
	for (size_t i = 0; i < content.len; i++) {
		if (starts && content.p[i] == 0x80)
			return false; /* X.690 §8.19.2: an arc is minimal */
		starts = (content.p[i] & 0x80) == 0;
	}
	return true;
}

struct err *oid_text(char out[OID_TEXT_SIZE], struct slice content)
{
	char text[OID_TEXT_SIZE] = "";
	size_t used = 0;
	uint64_t arc = 0;

	ENSURE(oid_check(content), BAD_INPUT, "object identifier: malformed octets");
	for (size_t i = 0; i < content.len; i++) {
		ENSURE(arc <= UINT64_MAX >> 7, TOO_LARGE, "object identifier: an arc is too large");
		arc = arc << 7 | (content.p[i] & 0x7F);
		if ((content.p[i] & 0x80) != 0)
			continue;
		uint64_t first = arc < 80 ? arc / 40 : 2;
		int n = used == 0 ? snprintf(text, sizeof text, "%d.%llu", (int)first,
					     (unsigned long long)(arc - first * 40))
				  : snprintf(text + used, sizeof text - used, ".%llu", (unsigned long long)arc);
		used += (size_t)n;
		ENSURE(used < sizeof text, TOO_LARGE, "object identifier: too long");
		arc = 0;
	}
	memcpy(out, text, used + 1);
	return NULL;
}

struct slice oid_from_asn1(const ASN1_OBJECT *object)
{
	return SLICE(OBJ_get0_data(object), OBJ_length(object));
}

static bool all_registered;

static void register_all(void)
{
	for (int i = 0; i < OID_COUNT; i++) {
		if (strncmp(known[i].word, "nuc", 3) == 0 && OBJ_txt2nid(known[i].dotted) == NID_undef &&
		    OBJ_create(known[i].dotted, known[i].word, known[i].word) == NID_undef)
			return;
	}
	all_registered = true;
}

struct err *oid_register(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (pthread_once(&once, register_all) != 0 || !all_registered)
		return ERR_OPENSSL(BUG, "object identifiers could not be registered");
	return NULL;
}
