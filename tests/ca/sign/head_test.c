/*
 * head_test.c - heads of the log only go on: sizes grow, the new tree begins with the old one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/head.h"

#include <string.h>

#include "support/suite.h"

enum { LEAVES = 40 };

static struct tree_hash leaves[LEAVES];

/* Nodes of the tree from its leaves, by definition. */
static struct err *node(void *arg, struct tree_hash *out, struct tree_node n)
{
	const struct tree_hash *from = arg;

	if (n.height == 0) {
		*out = from[n.index];
		return NULL;
	}
	struct tree_hash left, right;
	TRY(node(arg, &left, (struct tree_node){ n.height - 1, 2 * n.index }));
	TRY(node(arg, &right, (struct tree_node){ n.height - 1, 2 * n.index + 1 }));
	tree_hash_node(out, &left, &right);
	return NULL;
}

static const struct tree_reader reader = { node, leaves };

static void setup(void)
{
	for (int i = 0; i < LEAVES; i++)
		tree_hash_leaf(&leaves[i], SLICE(&i, sizeof i));
}

struct question {
	struct tree_hash root;
	struct tree_proof proof;
	struct slice proof_slices[TREE_PROOF_MAX];
	struct msg_sign_head asked;
};

static void ask(struct question *q, uint64_t old_size, uint64_t size)
{
	ck_ok(tree_root(&q->root, size, reader));
	ck_ok(tree_consistency(&q->proof, old_size, size, reader));
	for (size_t i = 0; i < q->proof.num; i++)
		q->proof_slices[i] = SLICE(q->proof.h[i].b, TREE_HASH_SIZE);
	q->asked = (struct msg_sign_head){ (int64_t)old_size, (int64_t)size, SLICE(q->root.b, TREE_HASH_SIZE),
					   q->proof_slices,   q->proof.num,  NULL };
}

static struct head last_of(uint64_t size)
{
	struct head h;

	head_init(&h);
	h.size = size;
	if (size > 0)
		ck_ok(tree_root(&h.root, size, reader));
	return h;
}

START_TEST(every_step_forward)
{
	for (uint64_t from = 0; from < LEAVES; from++) {
		for (uint64_t to = from + 1; to <= LEAVES; to++) {
			struct head last = last_of(from);
			struct question q;
			enum head_verdict verdict = 0;

			ask(&q, from, to);
			ck_ok(head_check(&verdict, &last, &q.asked));
			ck_assert_int_eq(verdict, HEAD_SIGN);
		}
	}
}
END_TEST

START_TEST(repeat)
{
	struct head last = last_of(9);
	struct question q;
	enum head_verdict verdict;

	ask(&q, 4, 9); /* whatever it starts from: its own head is known */
	ck_ok(head_check(&verdict, &last, &q.asked));
	ck_assert_int_eq(verdict, HEAD_REPEAT);
}
END_TEST

static void expect(const struct head *last, const struct question *q, enum err_code code, const char *field)
{
	enum head_verdict verdict = 0;
	struct err *e = head_check(&verdict, last, &q->asked);

	ck_assert_ptr_nonnull(e);
	ck_assert_int_eq(err_code(e), code);
	ck_assert_str_eq(err_field(e), field);
	ck_assert_int_eq(verdict, 0);
	err_destroy(&e);
}

START_TEST(going_back)
{
	struct head last = last_of(20);
	struct question q;

	ask(&q, 5, 12);
	expect(&last, &q, ERR_DENIED, "head_goes_back");
	struct head empty;
	head_init(&empty);
	q.asked.size = 0;
	q.asked.old_size = 0;
	expect(&empty, &q, ERR_DENIED, "head_goes_back");
}
END_TEST

START_TEST(fork_of_the_same_size)
{
	struct head last = last_of(20);
	struct question q;

	ask(&q, 0, 20);
	q.root.b[0] ^= 1;
	expect(&last, &q, ERR_DENIED, "head_forks");
}
END_TEST

START_TEST(from_another_size)
{
	struct head last = last_of(20);
	struct question q;

	ask(&q, 19, 30);
	expect(&last, &q, ERR_CONFLICT, "oldSize");
	ask(&q, 0, 30);
	expect(&last, &q, ERR_CONFLICT, "oldSize");
}
END_TEST

/* A leaf changed, and every octet of proof and root. */
START_TEST(fork_that_grew)
{
	struct head last = last_of(20);
	struct question q;

	ask(&q, 20, 33);
	for (size_t i = 0; i < q.proof.num; i++) {
		q.proof.h[i].b[5] ^= 1;
		expect(&last, &q, ERR_DENIED, "head_proof");
		q.proof.h[i].b[5] ^= 1;
	}
	q.root.b[31] ^= 1;
	expect(&last, &q, ERR_DENIED, "head_proof");
	q.root.b[31] ^= 1;
	q.asked.num_consistency--;
	expect(&last, &q, ERR_DENIED, "head_proof");
	q.asked.num_consistency = TREE_PROOF_MAX + 1;
	expect(&last, &q, ERR_DENIED, "head_proof");
	leaves[3].b[0] ^= 1; /* the same sizes over another history */
	ask(&q, 20, 33);
	expect(&last, &q, ERR_DENIED, "head_proof");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("ca/sign/head");
	TCase *t = tcase_create("head");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, every_step_forward);
	tcase_add_test(t, repeat);
	tcase_add_test(t, going_back);
	tcase_add_test(t, fork_of_the_same_size);
	tcase_add_test(t, from_another_size);
	tcase_add_test(t, fork_that_grew);
	suite_add_tcase(s, t);
	return suite_main(s);
}
