/*
 * pem.c - the textual form of certificates, requests and lists. See pem.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "x509/pem.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { LINE = 64, MARK_SIZE = 64 };

static const uint8_t *find(struct slice text, const char *mark)
{
	return text.len == 0 ? NULL : memmem(text.p, text.len, mark, strlen(mark));
}

struct err *pem_next(struct buf *out_der, bool *out_found, struct slice *rest, const char *label)
{
	char begin_mark[MARK_SIZE], end_mark[MARK_SIZE];
	OWN(buf) packed = BUF_INIT(rest->len + 1);

	(void)snprintf(begin_mark, sizeof begin_mark, "-----BEGIN %s-----", label);
	(void)snprintf(end_mark, sizeof end_mark, "-----END %s-----", label);
	const uint8_t *begin = find(*rest, begin_mark);
	*out_found = begin != NULL;
	if (begin == NULL)
		return NULL;
	const uint8_t *body = begin + strlen(begin_mark), *stop = rest->p + rest->len;
	const uint8_t *end = find(SLICE(body, (size_t)(stop - body)), end_mark);
	ENSURE(end != NULL, BAD_INPUT, "the text has no line %s", end_mark);
	for (const uint8_t *c = body; c < end; c++)
		if (*c != '\n' && *c != '\r' && *c != ' ' && *c != '\t')
			TRY(buf_append_u8(&packed, *c));
	TRY(text_unbase64(out_der, buf_slice(&packed)));
	*rest = SLICE(end + strlen(end_mark), (size_t)(stop - end) - strlen(end_mark));
	return NULL;
}

/* DER begins with 30 and a length; in a text file that octet would be the digit 0. */
static bool is_der(struct slice text)
{
	return text.len > 2 && text.p[0] == 0x30 &&
	       (text.p[1] >= 0x80 || text.p[1] < 0x20 || text.p[1] + 2u == text.len);
}

struct err *pem_read(struct buf *out_der, struct slice text, const char *label)
{
	bool found = false;

	if (is_der(text))
		return buf_append(out_der, text);
	TRY(pem_next(out_der, &found, &text, label));
	ENSURE(found, BAD_INPUT, "there is neither DER nor a line -----BEGIN %s-----", label);
	return NULL;
}

struct err *pem_write(struct buf *out, struct slice der, const char *label)
{
	OWN(buf) packed = BUF_INIT(der.len * 2 + 4);

	TRY(text_base64(&packed, der));
	TRY(buf_printf(out, "-----BEGIN %s-----\n", label));
	for (size_t i = 0; i < packed.len; i += LINE) {
		TRY(buf_append(out, SLICE(packed.p + i, packed.len - i < LINE ? packed.len - i : LINE)));
		TRY(buf_append_str(out, "\n"));
	}
	return buf_printf(out, "-----END %s-----\n", label);
}
