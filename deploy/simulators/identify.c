/*
 * identify.c - SIMULATOR of the remote identification service. See identify.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "deploy/simulators/identify.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "deploy/simulators/register.h"
#include "ra/cli/decide.h"

enum { REQUESTS_MAX = 8, DECISION_VALID_S = 86400 };

struct question {
	const char *number, *iin, *kind;
	const json_t *purposes;
	char common_name[512]; /* of the Authorisations, the same in all of them */
	uint8_t digests[REQUESTS_MAX][SHA256_LEN];
	size_t num;
};

static bool is_listed(const json_t *list, struct slice text)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item) if (slice_equal(text, SLICE(json_string_value(item),
								      json_string_length(item)))) return true;
	return false;
}

/* An Authorisation must be about the person, the application and the kind that are asked for. */
static struct err *authorisation_check(struct question *q, struct slice der)
{
	struct authorisation a;
	struct slice name;
	char iin[13], bin[13];

	TRY(authorisation_decode(&a, der));
	name_person(iin, bin, a.subject);
	ENSURE_FIELD(slice_equal(a.application_number, SLICE_STR(q->number)), BAD_INPUT, "number",
		     "an authorisation belongs to another application");
	ENSURE_FIELD(strcmp(iin, q->iin) == 0, BAD_INPUT, "iin", "an authorisation is about another person");
	ENSURE_FIELD(slice_equal(a.kind, SLICE_STR(q->kind)), BAD_INPUT, "kind", "an authorisation is of another kind");
	ENSURE_FIELD(is_listed(q->purposes, a.purpose), BAD_INPUT, "purposes",
		     "an authorisation has a purpose that is not listed");
	ENSURE_FIELD(a.channel == CHANNEL_REMOTE, BAD_INPUT, "authorisations",
		     "an authorisation is not of the remote channel");
	ENSURE_FIELD(a.expires_at > clock_now_s(), BAD_INPUT, "authorisations", "an authorisation has expired");
	ENSURE_FIELD(name_get(&name, a.subject, NAME_CN) && name.len < sizeof q->common_name, BAD_INPUT,
		     "authorisations", "an authorisation's subject has no CN");
	ENSURE_FIELD(q->num == 0 || slice_equal(name, SLICE_STR(q->common_name)), BAD_INPUT, "authorisations",
		     "the authorisations name different people");
	memcpy(q->common_name, name.p, name.len);
	q->common_name[name.len] = '\0';
	der_sha256(q->digests[q->num++], der);
	return NULL;
}

static struct err *question_read(struct question *q, const json_t *request)
{
	json_t *list, *purposes;
	size_t i;

	TRY(answer_text(&q->number, request, "number"));
	TRY(answer_text(&q->iin, request, "iin"));
	TRY(answer_text(&q->kind, request, "kind"));
	TRY(answer_array(&purposes, request, "purposes"));
	TRY(answer_array(&list, request, "authorisations"));
	q->purposes = purposes;
	ENSURE_FIELD(json_array_size(list) >= 1 && json_array_size(list) <= REQUESTS_MAX, BAD_INPUT, "authorisations",
		     "1 to %d authorisations", REQUESTS_MAX);
	for (i = 0; i < json_array_size(list); i++) {
		OWN(buf) der = BUF_INIT(AUTHORISATION_MAX_BYTES);
		const json_t *item = json_array_get(list, i);

		ENSURE_FIELD(json_is_string(item), BAD_INPUT, "authorisations", "an authorisation is no text");
		TRY(text_unbase64(&der, SLICE(json_string_value(item), json_string_length(item))));
		TRY(authorisation_check(q, buf_slice(&der)));
	}
	return NULL;
}

/* Why the person is not recognised; NULL: recognised. */
static struct err *failure_find(const char **out, const struct question *q, const json_t *file)
{
	OWN(json) person = NULL;
	OWN(buf) expected = BUF_INIT(1024);
	OWN(buf) upper = BUF_INIT(1024);
	const char *space = strrchr(q->common_name, ' ');

	*out = NULL;
	struct err *e = register_person(&person, file, q->iin);
	if (e != NULL) {
		err_destroy(&e);
		*out = "the register does not have this person";
		return NULL;
	}
	if (space != NULL && strcmp(space + 1, "СБОЙ") == 0)
		*out = "the face was not recognised (given name of the simulation)";
	else if (strncmp(q->iin, "999999", 6) == 0)
		*out = "the face was not recognised (IIN of the simulation)";
	if (*out != NULL || json_is_true(json_object_get(person, "made_up")))
		return NULL;
	TRY(buf_printf(&expected, "%s %s", answer_text_or(person, "surname", ""), answer_text_or(person, "given", "")));
	TRY(name_upper(&upper, buf_slice(&expected)));
	if (!slice_equal(buf_slice(&upper), SLICE_STR(q->common_name)))
		*out = "the register has this person under another name";
	return NULL;
}

static struct err *matched(json_t **out, const struct question *q, const struct key_store *store)
{
	OWN(buf) decision = BUF_INIT(DECISION_MAX_BYTES);
	OWN(buf) cms = BUF_INIT(KEY_CMS_MAX);
	OWN(buf) record = BUF_INIT(4096);
	OWN(json) answer = json_pack("{s:s}", "outcome", "matched");
	uint8_t evidence[SHA256_LEN];

	ENSURE(answer != NULL, NO_MEMORY, "out of memory");
	TRY(buf_printf(&record, "simulated identification of %s for application %s at %lld", q->iin, q->number,
		       (long long)clock_now_s()));
	der_sha256(evidence, buf_slice(&record));
	const struct decide_terms terms = { .kind = DECISION_AUTHORISATIONS,
					    .verdict = DECISION_APPROVE,
					    .evidence = SLICE(evidence, sizeof evidence),
					    .reason = "",
					    .valid_s = DECISION_VALID_S };
	TRY(decide_sign(&decision, &cms, store, &terms, (const uint8_t(*)[SHA256_LEN])q->digests, q->num));
	TRY(request_base64(answer, "decision", buf_slice(&decision)));
	TRY(request_base64(answer, "signature", buf_slice(&cms)));
	*out = TAKE(answer);
	return NULL;
}

struct err *identify(json_t **out, const json_t *request, const json_t *file, const struct key_store *store)
{
	struct question q = { 0 };
	const char *failure;

	TRY(question_read(&q, request));
	TRY(failure_find(&failure, &q, file));
	if (failure == NULL)
		return matched(out, &q, store);
	*out = json_pack("{s:s, s:s}", "outcome", "failed", "text", failure);
	ENSURE(*out != NULL, NO_MEMORY, "out of memory");
	return NULL;
}
