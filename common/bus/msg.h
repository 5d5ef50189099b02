/*
 * msg.h - the list of messages as C sees it, and the envelope that travels before each body.
 *
 * A message is two frames: [header DER][body DER]. The header carries version, type, a 16-byte request id, the
 * deadline and the place of this part when a large body is cut into parts. The list itself is msg_types.def.
 * This file knows nothing of sockets; bus.h does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMMON_BUS_MSG_H
#define COMMON_BUS_MSG_H

#include "base/buf.h"
#include "base/err.h"

enum { MSG_VERSION = 1, MSG_ID_BYTES = 16, MSG_HEADER_MAX = 96, MSG_PARTS_MAX = 64 };

/* Bodies up to this travel in one part; larger ones are cut by the bus, unseen by its users. One CRL_CHUNK of 1 MiB
 * with its wrapping fits in one part. */
#define MSG_PART_BYTES (((size_t)1 << 20) + 1024)

/* Roles on the bus: what an authenticated key stands for. */
enum msg_role {
	MSG_ROLE_NONE,
	MSG_ROLE_RAD,
	MSG_ROLE_CAD,
	MSG_ROLE_CRLD,
	MSG_ROLE_OCSPD,
	MSG_ROLE_SIGND_CA,
	MSG_ROLE_SIGND_OCSP,
	MSG_ROLE_COUNT
};
#define MSG_ROLE_BIT(role) (1u << (role))

enum msg_type {
#define MSG(number, name, from, to, max, body) MSG_##name = (number),
#include "bus/msg_types.def"
#undef MSG
};

/* msg_role_word() gives "RAD", "SIGND_CA", ...; "NONE" for what is no role. msg_role_parse() reads one of those words. */
const char *msg_role_word(enum msg_role role);
bool msg_role_parse(enum msg_role *out, struct slice word);

struct msg_type_info {
	uint16_t number;
	const char *name; /* "SIGN_CERT" */
	unsigned from, to; /* MSG_ROLE_BIT()s */
	size_t max_bytes; /* of the body */
	const char *body; /* ASN.1 type, for people */
};

/* msg_type_find() gives the row of a number, NULL for an unknown one. msg_type_name() gives its name or "?". */
const struct msg_type_info *msg_type_find(unsigned number);
const char *msg_type_name(unsigned number);
/* msg_type_list() gives all rows, in the order of the list. */
const struct msg_type_info *msg_type_list(size_t *out_num);

/* msg_type_answer() gives the number that answers `type`; msg_type_is_ask() says whether it asks. */
static inline uint16_t msg_type_answer(uint16_t type)
{
	return (uint16_t)(type | 1u);
}
static inline bool msg_type_is_ask(uint16_t type)
{
	return (type & 1u) == 0;
}

struct msg_header {
	uint16_t type;
	uint8_t id[MSG_ID_BYTES];
	int64_t deadline_ms; /* Unix ms; 0 for messages that nobody waits for (PUB) */
	uint32_t part; /* from 0 */
	uint32_t num_parts; /* from 1 */
};

/* msg_header_encode() appends the DER of the header. */
struct err *msg_header_encode(struct buf *out, const struct msg_header *header) ERR_MUST_USE;

/* msg_header_decode() reads a header strictly. *Errors* BAD_INPUT (also for another version, a type that is not in
 * the list, part >= num_parts, num_parts > MSG_PARTS_MAX), TOO_LARGE. */
struct err *msg_header_decode(struct msg_header *out, struct slice der) ERR_MUST_USE;

#endif
