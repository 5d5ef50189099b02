/*
 * head.c - the check of a head. See head.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/head.h"

#include <string.h>

/* How many entries a log may grow by between two heads: a made-up size near the end of the numbers would end the log. */
#define HEAD_STEP_MAX ((uint64_t)1 << 32)

void head_init(struct head *out)
{
	out->size = 0;
	tree_hash_empty(&out->root);
}

static struct err *proof_check(const struct head *last, const struct msg_sign_head *asked, const struct tree_hash *root)
{
	struct tree_proof proof = { .num = asked->num_consistency };

	ENSURE_FIELD(asked->num_consistency <= TREE_PROOF_MAX, DENIED, "head_proof", "a proof of %zu hashes",
		     asked->num_consistency);
	for (size_t i = 0; i < proof.num; i++)
		memcpy(proof.h[i].b, asked->consistency[i].p, TREE_HASH_SIZE);
	struct err *e = tree_consistency_verify(last->size, &last->root, (uint64_t)asked->size, root, &proof);
	if (e == NULL)
		return NULL;
	OWN(err) owned = e;
	char text[200];
	return ERR_FIELD(DENIED, "head_proof", "the log of %lld entries does not go on from the one of %llu: %s",
			 (long long)asked->size, (unsigned long long)last->size, err_text(owned, text, sizeof text));
}

struct err *head_check(enum head_verdict *out, const struct head *last, const struct msg_sign_head *asked)
{
	struct tree_hash root;

	memcpy(root.b, asked->root.p, TREE_HASH_SIZE);
	if ((uint64_t)asked->size == last->size && last->size > 0) {
		ENSURE_FIELD(tree_hash_equal(&root, &last->root), DENIED, "head_forks",
			     "another log of %lld entries was signed", (long long)asked->size);
		*out = HEAD_REPEAT;
		return NULL;
	}
	ENSURE_FIELD((uint64_t)asked->size >= last->size && asked->size > 0, DENIED, "head_goes_back",
		     "a log of %lld entries after one of %llu", (long long)asked->size, (unsigned long long)last->size);
	ENSURE_FIELD((uint64_t)asked->old_size == last->size, CONFLICT, "oldSize",
		     "the last head that was signed has %llu entries, not %lld", (unsigned long long)last->size,
		     (long long)asked->old_size);
	ENSURE_FIELD((uint64_t)asked->size - last->size <= HEAD_STEP_MAX, DENIED, "head_jumps",
		     "a log of %lld entries after one of %llu", (long long)asked->size, (unsigned long long)last->size);
	TRY(proof_check(last, asked, &root));
	*out = HEAD_SIGN;
	return NULL;
}
