/*
 * msg.c - the list of messages and the envelope. See msg.h.
 *
 * The header's ASN.1 (PROTOCOL.md):
 *   Header ::= SEQUENCE { version INTEGER (1), type INTEGER, requestId OCTET STRING (SIZE (16)), deadline INTEGER,
 *                         chunk INTEGER, chunks INTEGER }
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bus/msg.h"

#include <string.h>

#include "asn1/der.h"

static const char *const role_words[MSG_ROLE_COUNT] = {
	"NONE", "RAD", "CAD", "CRLD", "OCSPD", "SIGND_CA", "SIGND_OCSP"
};

#define R(role) MSG_ROLE_BIT(MSG_ROLE_##role)
#define R_ANY	(R(RAD) | R(CAD) | R(CRLD) | R(OCSPD) | R(SIGND_CA) | R(SIGND_OCSP))
static const struct msg_type_info types[] = {
#define MSG(number, name, from, to, max, body) { (number), #name, (from), (to), (max), (body) },
#include "bus/msg_types.def"
#undef MSG
};
enum { NUM_TYPES = sizeof types / sizeof types[0] };

const char *msg_role_word(enum msg_role role)
{
	return (unsigned)role < MSG_ROLE_COUNT ? role_words[role] : role_words[MSG_ROLE_NONE];
}

bool msg_role_parse(enum msg_role *out, struct slice word)
{
	for (int i = MSG_ROLE_NONE + 1; i < MSG_ROLE_COUNT; i++) {
		if (slice_equal(word, SLICE_STR(role_words[i]))) {
			*out = (enum msg_role)i;
			return true;
		}
	}
	return false;
}

const struct msg_type_info *msg_type_find(unsigned number)
{
	for (size_t i = 0; i < NUM_TYPES; i++)
		if (types[i].number == number)
			return &types[i];
	return NULL;
}

const char *msg_type_name(unsigned number)
{
	const struct msg_type_info *row = msg_type_find(number);

	return row == NULL ? "?" : row->name;
}

const struct msg_type_info *msg_type_list(size_t *out_num)
{
	*out_num = NUM_TYPES;
	return types;
}

struct err *msg_header_encode(struct buf *out, const struct msg_header *header)
{
	size_t mark;

	TRY(der_open(out, &mark, DER_SEQUENCE));
	TRY(der_int64(out, MSG_VERSION));
	TRY(der_int64(out, header->type));
	TRY(der_octets(out, SLICE(header->id, MSG_ID_BYTES)));
	TRY(der_int64(out, header->deadline_ms));
	TRY(der_int64(out, header->part));
	TRY(der_int64(out, header->num_parts));
	return der_close(out, mark);
}

static struct err *header_read(struct msg_header *out, struct der_reader *in)
{
	int64_t version, type, part, num_parts;
	struct slice id;

	TRY(der_read_uint(in, &version, "version"));
	ENSURE_FIELD(version == MSG_VERSION, BAD_INPUT, "version", "protocol version %lld, this side speaks %d",
		     (long long)version, MSG_VERSION);
	TRY(der_read_uint(in, &type, "type"));
	ENSURE_FIELD(type <= UINT16_MAX && msg_type_find((unsigned)type) != NULL, BAD_INPUT, "type",
		     "unknown message type %lld", (long long)type);
	TRY(der_read_octets(in, &id, MSG_ID_BYTES, MSG_ID_BYTES, "requestId"));
	TRY(der_read_uint(in, &out->deadline_ms, "deadline"));
	TRY(der_read_uint(in, &part, "chunk"));
	TRY(der_read_uint(in, &num_parts, "chunks"));
	ENSURE_FIELD(num_parts <= MSG_PARTS_MAX && part < num_parts, BAD_INPUT, "chunk", "chunk %lld of %lld",
		     (long long)part, (long long)num_parts);
	out->type = (uint16_t)type;
	memcpy(out->id, id.p, MSG_ID_BYTES);
	out->part = (uint32_t)part;
	out->num_parts = (uint32_t)num_parts;
	return der_finish(in, "header");
}

struct err *msg_header_decode(struct msg_header *out, struct slice der)
{
	struct msg_header read = { 0 };
	struct der_reader in, inner;

	ENSURE(der.len <= MSG_HEADER_MAX, TOO_LARGE, "header of %zu bytes, the limit is %d", der.len, MSG_HEADER_MAX);
	der_reader_init(&in, der);
	TRY(der_expect_sequence(&in, &inner, "header"));
	TRY(der_finish(&in, "header"));
	TRY(header_read(&read, &inner));
	*out = read;
	return NULL;
}
