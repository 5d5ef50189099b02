/*
 * leaf.c - entries of the log in canonical form. See leaf.h.
 *
 * Written and read with the strict reader and writer of asn1/der.h: an entry has exactly one encoding, so what was read
 * need not be encoded again to know that it is canonical.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tlog/leaf.h"

#include <openssl/rand.h>
#include <string.h>

#include "asn1/der.h"
#include "base/text.h"

const char *log_kind_word(enum log_kind kind)
{
	static const char *const words[LOG_KIND_COUNT] = {
#define LOG_KIND(name, word) [LOG_KIND_##name] = word,
#include "tlog/log_kinds.def"
#undef LOG_KIND
	};

	return words[kind];
}

/* ---------------------------------------------------------------- building */

void log_entry_init(struct log_entry *self, enum log_kind kind, int64_t at_ms)
{
	memset(self, 0, sizeof *self);
	self->kind = log_kind_word(kind);
	self->at_ms = at_ms;
	self->role = "";
	self->person = "";
	self->why = "";
}

void log_entry_who(struct log_entry *self, const char *role, const char *person, struct slice key_hash)
{
	self->role = role;
	self->person = person;
	self->key_hash = key_hash;
}

void log_entry_what(struct log_entry *self, const char *name, const char *value)
{
	if (self->num_what == LOG_FIELDS_MAX) {
		self->is_overfull = true;
		return;
	}
	self->what[self->num_what].name = name;
	self->what[self->num_what++].value = value;
}

void log_entry_why(struct log_entry *self, const char *text)
{
	self->why = text;
}

void log_entry_object(struct log_entry *self, const char *name, struct slice sha256)
{
	if (self->num_objects == LOG_OBJECTS_MAX) {
		self->is_overfull = true;
		return;
	}
	self->objects[self->num_objects].name = name;
	self->objects[self->num_objects++].sha256 = sha256;
}

const char *log_entry_value(const struct log_entry *entry, const char *name)
{
	for (size_t i = 0; i < entry->num_what; i++)
		if (strcmp(entry->what[i].name, name) == 0)
			return entry->what[i].value;
	return "";
}

const char *log_text_fit(char *out, size_t out_size, struct slice text)
{
	size_t used = 0, characters;

	for (size_t i = 0; i < text.len;) {
		uint8_t lead = text.p[i];
		size_t n = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
		struct slice character = SLICE(text.p + i, n <= text.len - i ? n : 1);
		OWN(err) e = text_utf8_length(&characters, character);
		bool is_control = e == NULL && text_has_control(character);

		if (e != NULL) /* ill-formed: one mark for this octet, and go on with the next */
			character.len = 1;
		size_t written = e != NULL || is_control ? 1 : character.len;
		if (used + written >= out_size)
			break;
		memcpy(out + used, e != NULL || is_control ? (const uint8_t *)"?" : character.p, written);
		used += written;
		i += character.len;
	}
	out[used] = '\0';
	return out;
}

/* ---------------------------------------------------------------- encoding */

static struct err *write_text(struct buf *out, const char *text, size_t max, const char *field)
{
	size_t len = strlen(text), characters;

	ENSURE_FIELD(len <= max, BAD_INPUT, field, "has %zu octets, more than %zu", len, max);
	OWN(err) bad = text_utf8_length(&characters, SLICE(text, len));
	ENSURE_FIELD(bad == NULL, BAD_INPUT, field, "is not well-formed UTF-8");
	return der_utf8(out, SLICE(text, len));
}

static struct err *write_name(struct buf *out, const char *name, const char *field)
{
	ENSURE_FIELD(name[0] != '\0', BUG, field, "is empty");
	return write_text(out, name, LOG_NAME_MAX, field);
}

static struct err *write_who(struct buf *out, const struct log_entry *entry)
{
	size_t mark;

	ENSURE_FIELD(entry->key_hash.len == 0 || entry->key_hash.len == SHA256_LEN, BUG, "keyHash", "has %zu octets",
		     entry->key_hash.len);
	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(write_text(out, entry->role, LOG_NAME_MAX, "role"));
	TRY(write_text(out, entry->person, LOG_NAME_MAX, "person"));
	TRY(der_octets(out, entry->key_hash));
	return der_close(out, mark);
}

static struct err *write_what(struct buf *out, const struct log_entry *entry)
{
	size_t list, pair;

	TRY(der_open(out, &list, DER_SEQUENCE));
	for (size_t i = 0; i < entry->num_what; i++) {
		TRY(der_open(out, &pair, DER_SEQUENCE));
		TRY(write_name(out, entry->what[i].name, "what"));
		TRY(write_text(out, entry->what[i].value, LOG_VALUE_MAX, entry->what[i].name));
		TRY(der_close(out, pair));
	}
	return der_close(out, list);
}

static struct err *write_objects(struct buf *out, const struct log_entry *entry)
{
	size_t list, pair;

	TRY(der_open(out, &list, DER_SEQUENCE));
	for (size_t i = 0; i < entry->num_objects; i++) {
		ENSURE_FIELD(entry->objects[i].sha256.len == SHA256_LEN, BUG, entry->objects[i].name,
			     "a digest of %zu octets", entry->objects[i].sha256.len);
		TRY(der_open(out, &pair, DER_SEQUENCE));
		TRY(write_name(out, entry->objects[i].name, "objects"));
		TRY(der_octets(out, entry->objects[i].sha256));
		TRY(der_close(out, pair));
	}
	return der_close(out, list);
}

struct err *log_entry_encode(struct buf *out, const struct log_entry *entry)
{
	OWN(buf) der = BUF_INIT(LOG_ENTRY_MAX);
	size_t mark;

	ENSURE(!entry->is_overfull, BUG, "a log entry has at most %d fields and %d objects", LOG_FIELDS_MAX,
	       LOG_OBJECTS_MAX);
	TRY(der_open(&der, &mark, DER_SEQUENCE));
	TRY(der_int64(&der, LOG_ENTRY_VERSION));
	TRY(write_name(&der, entry->kind, "kind"));
	TRY(der_int64(&der, entry->at_ms));
	TRY(write_who(&der, entry));
	TRY(write_what(&der, entry));
	TRY(write_text(&der, entry->why, LOG_VALUE_MAX, "why"));
	TRY(write_objects(&der, entry));
	TRY(der_close(&der, mark));
	return buf_append(out, buf_slice(&der));
}

/* ---------------------------------------------------------------- decoding */

/* Reads a text and keeps a copy with NUL in the arena, which has room for it (see log_entry_decode). */
static struct err *read_text(struct der_reader *r, struct buf *arena, const char **out, size_t min, size_t max,
			     const char *field)
{
	struct slice text;

	TRY(der_read_utf8(r, &text, min, max, field));
	*out = (const char *)arena->p + arena->len;
	TRY(buf_append(arena, text));
	return buf_append_u8(arena, '\0');
}

static struct err *read_who(struct der_reader *r, struct buf *arena, struct log_entry *entry)
{
	struct der_reader who;

	TRY(der_expect_sequence(r, &who, "who"));
	TRY(read_text(&who, arena, &entry->role, 0, LOG_NAME_MAX, "role"));
	TRY(read_text(&who, arena, &entry->person, 0, LOG_NAME_MAX, "person"));
	TRY(der_read_octets(&who, &entry->key_hash, 0, SHA256_LEN, "keyHash"));
	ENSURE_FIELD(entry->key_hash.len == 0 || entry->key_hash.len == SHA256_LEN, BAD_INPUT, "keyHash",
		     "has %zu octets", entry->key_hash.len);
	return der_finish(&who, "who");
}

static struct err *read_what(struct der_reader *r, struct buf *arena, struct log_entry *entry)
{
	struct der_reader list, pair;

	TRY(der_expect_sequence(r, &list, "what"));
	for (; !der_reader_done(&list); entry->num_what++) {
		ENSURE_FIELD(entry->num_what < LOG_FIELDS_MAX, BAD_INPUT, "what", "more than %d fields",
			     LOG_FIELDS_MAX);
		TRY(der_expect_sequence(&list, &pair, "what"));
		TRY(read_text(&pair, arena, &entry->what[entry->num_what].name, 1, LOG_NAME_MAX, "what.name"));
		TRY(read_text(&pair, arena, &entry->what[entry->num_what].value, 0, LOG_VALUE_MAX, "what.value"));
		TRY(der_finish(&pair, "what"));
	}
	return NULL;
}

static struct err *read_objects(struct der_reader *r, struct buf *arena, struct log_entry *entry)
{
	struct der_reader list, pair;

	TRY(der_expect_sequence(r, &list, "objects"));
	for (; !der_reader_done(&list); entry->num_objects++) {
		size_t i = entry->num_objects;

		ENSURE_FIELD(i < LOG_OBJECTS_MAX, BAD_INPUT, "objects", "more than %d objects", LOG_OBJECTS_MAX);
		TRY(der_expect_sequence(&list, &pair, "objects"));
		TRY(read_text(&pair, arena, &entry->objects[i].name, 1, LOG_NAME_MAX, "objects.name"));
		TRY(der_read_octets(&pair, &entry->objects[i].sha256, SHA256_LEN, SHA256_LEN, "objects.sha256"));
		TRY(der_finish(&pair, "objects"));
	}
	return NULL;
}

struct err *log_entry_decode(struct log_entry *out, struct buf *arena, struct slice der)
{
	struct log_entry entry = { .num_what = 0 };
	struct der_reader outer, r;
	int64_t version;

	ENSURE(der.len <= LOG_ENTRY_MAX, TOO_LARGE, "a log entry of %zu octets", der.len);
	/* Each text is shorter than its encoding by two octets or more, so the copies never make the arena grow. */
	buf_reset(arena);
	TRY(buf_reserve(arena, der.len + 1));
	der_reader_init(&outer, der);
	TRY(der_expect_sequence(&outer, &r, "LogEntry"));
	TRY(der_finish(&outer, "LogEntry"));
	TRY(der_read_uint(&r, &version, "version"));
	ENSURE_FIELD(version == LOG_ENTRY_VERSION, BAD_INPUT, "version", "%lld is not known here", (long long)version);
	TRY(read_text(&r, arena, &entry.kind, 1, LOG_NAME_MAX, "kind"));
	TRY(der_read_int64(&r, &entry.at_ms, "atMs"));
	TRY(read_who(&r, arena, &entry));
	TRY(read_what(&r, arena, &entry));
	TRY(read_text(&r, arena, &entry.why, 0, LOG_VALUE_MAX, "why"));
	TRY(read_objects(&r, arena, &entry));
	TRY(der_finish(&r, "LogEntry"));
	*out = entry;
	return NULL;
}

/* ---------------------------------------------------------------- hashing */

struct err *log_salt(uint8_t out[LOG_SALT_SIZE])
{
	if (RAND_bytes(out, LOG_SALT_SIZE) != 1)
		return ERR_OPENSSL(SYSTEM, "drawing a salt");
	return NULL;
}

void log_leaf_hash(struct tree_hash *out, struct slice salt, struct slice entry)
{
	struct tree_hash data;

	tree_sha256(&data, salt, entry);
	tree_hash_leaf(out, SLICE(data.b, TREE_HASH_SIZE));
}
