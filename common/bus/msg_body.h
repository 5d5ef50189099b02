/*
 * msg_body.h - how bodies are described: each struct is a table of fields, and one reader and one writer serve them all.
 *
 * For the msg_*.c files and the signer's journal, whose records are written the same way. A row names a member of the plain struct, its ASN.1 type and its limits; the macros check at
 * compile time that the member has the C type of the row. A body is declared once: what is read is what is written.
 * Built on the strict reader and writer of asn1/der.h, because bodies are large and borrowed slices save copying them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BUS_MSG_BODY_H
#define COMMON_BUS_MSG_BODY_H

#include "asn1/der.h"
#include "bus/msg_common.h"

enum msg_kind {
	MSG_KIND_UINT, /* INTEGER 0.., int64_t */
	MSG_KIND_ENUM, /* ENUMERATED min..max, int64_t */
	MSG_KIND_OPTIONAL, /* [0] EXPLICIT INTEGER OPTIONAL, int64_t, with a bool that says whether it is there */
	MSG_KIND_OCTETS, /* OCTET STRING of min..max octets, struct slice */
	MSG_KIND_TEXT, /* UTF8String of min..max octets, struct slice */
	MSG_KIND_SERIAL, /* INTEGER, struct serial */
	MSG_KIND_SLICES, /* SEQUENCE OF OCTET STRING of min..max octets, array of struct slice */
	MSG_KIND_LIST /* SEQUENCE OF another shape, array of structs */
};

struct msg_shape;

struct msg_field {
	const char *name;
	enum msg_kind kind;
	size_t offset;
	size_t other; /* offset of the number (lists) or of the bool (optional) */
	int64_t min, max;
	size_t num_max; /* lists: elements */
	const struct msg_shape *shape; /* of a list's elements */
};

struct msg_shape {
	size_t size;
	const struct msg_field *fields;
	size_t num_fields;
};

#define MSG_CHECK(type, member, want)                                                                                  \
	(0 * sizeof(char[__builtin_types_compatible_p(__typeof__(((type *)0)->member), want) ? 1 : -1]))
#define MSG_AT(type, member, want) .name = #member, .offset = offsetof(type, member) + MSG_CHECK(type, member, want)

#define MSG_UINT(type, member)                                                                                         \
	{                                                                                                              \
		MSG_AT(type, member, int64_t), .kind = MSG_KIND_UINT                                                   \
	}
#define MSG_ENUM(type, member, last)                                                                                   \
	{                                                                                                              \
		MSG_AT(type, member, int64_t), .kind = MSG_KIND_ENUM, .min = 1, .max = (last)                          \
	}
#define MSG_OPTIONAL(type, has, member)                                                                                \
	{                                                                                                              \
		MSG_AT(type, member, int64_t), .kind = MSG_KIND_OPTIONAL,                                              \
					       .other = offsetof(type, has) + MSG_CHECK(type, has, bool)               \
	}
#define MSG_OCTETS(type, member, least, most)                                                                          \
	{                                                                                                              \
		MSG_AT(type, member, struct slice), .kind = MSG_KIND_OCTETS, .min = (least), .max = (most)             \
	}
#define MSG_DIGEST(type, member) MSG_OCTETS(type, member, SHA256_LEN, SHA256_LEN)
#define MSG_TEXT(type, member, most)                                                                                   \
	{                                                                                                              \
		MSG_AT(type, member, struct slice), .kind = MSG_KIND_TEXT, .min = 0, .max = (most)                     \
	}
#define MSG_SERIAL(type, member)                                                                                       \
	{                                                                                                              \
		MSG_AT(type, member, struct serial), .kind = MSG_KIND_SERIAL                                           \
	}
#define MSG_SLICES(type, member, number, most_elements, least, most)                                                   \
	{                                                                                                              \
		MSG_AT(type, member, struct slice *),                                                                  \
			.kind = MSG_KIND_SLICES, .other = offsetof(type, number) + MSG_CHECK(type, number, size_t),    \
			.num_max = (most_elements), .min = (least), .max = (most)                                      \
	}
#define MSG_DIGESTS(type, member, number, most_elements)                                                               \
	MSG_SLICES(type, member, number, most_elements, SHA256_LEN, SHA256_LEN)
#define MSG_LIST(type, member, number, most_elements, element, element_shape)                                          \
	{                                                                                                              \
		MSG_AT(type, member, element *), .kind = MSG_KIND_LIST,                                                \
						 .other = offsetof(type, number) + MSG_CHECK(type, number, size_t),    \
						 .num_max = (most_elements), .shape = &(element_shape)                 \
	}

/* MSG_SHAPE() makes the shape `name_shape` of struct name from its rows, for use in lists; MSG_BODY_DEFINE() also the
 * functions that MSG_BODY(name) declared, with the limit of the message `type`. */
#define MSG_SHAPE(name, ...)                                                                                           \
	static const struct msg_field name##_fields[] = { __VA_ARGS__ };                                               \
	static const struct msg_shape name##_shape = { sizeof(struct name), name##_fields,                             \
						       sizeof name##_fields / sizeof name##_fields[0] };
#define MSG_BODY_DEFINE(name, type, ...)                                                                               \
	MSG_SHAPE(name, __VA_ARGS__)                                                                                   \
	MSG_BODY_FUNCTIONS(name, type)
#define MSG_BODY_FUNCTIONS(name, type)                                                                                 \
	struct err *name##_encode(struct buf *out, const struct name *body)                                            \
	{                                                                                                              \
		return msg_body_encode(out, &name##_shape, body, (type));                                              \
	}                                                                                                              \
	struct err *name##_decode(struct name *out, struct slice der)                                                  \
	{                                                                                                              \
		struct name read = { 0 };                                                                              \
		TRY(msg_body_decode(&read, &read.mem, &name##_shape, der, (type)));                                    \
		*out = read;                                                                                           \
		return NULL;                                                                                           \
	}                                                                                                              \
	void name##_clear(struct name *self)                                                                           \
	{                                                                                                              \
		msg_mem_free(&self->mem);                                                                              \
	}

struct err *msg_body_encode(struct buf *out, const struct msg_shape *shape, const void *body,
			    unsigned type) ERR_MUST_USE;
struct err *msg_body_decode(void *out, struct msg_mem **mem, const struct msg_shape *shape, struct slice der,
			    unsigned type) ERR_MUST_USE;
void msg_mem_free(struct msg_mem **self);

/* The same for one struct inside something larger, without a message's limit. */
struct err *msg_shape_encode(struct buf *out, const struct msg_shape *shape, const void *object) ERR_MUST_USE;
struct err *msg_shape_decode(void *out, struct msg_mem **mem, const struct msg_shape *shape,
			     struct der_reader *in) ERR_MUST_USE;

/* struct msg_event as an element (msg_sign.c). */
extern const struct msg_shape *const msg_shape_of_event;

#endif
