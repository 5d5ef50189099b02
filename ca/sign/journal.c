/*
 * journal.c - the file of the journal: frames, chain, commit, replay. See journal.h.
 *
 * A frame is written with one pwrite() and then synced; a crash in between leaves a beginning of it, which the next
 * start cuts off. A frame that is whole but does not fit the chain is damage and never cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ca/sign/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "ca/sign/journal_record.h"
#include "x509/cert.h"

enum {
	HEAD_BYTES = 32,
	MAGIC_BYTES = 16,
	LENGTH_BYTES = 4,
	CHECK_BYTES = 4,
	FRAME_HEAD = LENGTH_BYTES + CHECK_BYTES,
	GROUP_MAX = 96 << 20,
	READ_FIRST = 4096
};

static const uint8_t magic[MAGIC_BYTES] = "nuc-journal-1\n\0";

struct journal {
	int fd;
	char tier[16];
	uint8_t chain[SHA256_LEN];
	uint64_t size; /* committed bytes */
	int64_t next_seq, last_at; /* committed */
	struct buf group; /* length, check, records */
	int64_t group_seq, group_at;
	bool is_broken;
};

OWN_POINTER(FILE, FILE *, fclose)

static void chain_step(uint8_t out[SHA256_LEN], const uint8_t before[SHA256_LEN], struct slice frame)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned len = 0;

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, before, SHA256_LEN) != 1 || EVP_DigestUpdate(ctx, frame.p, frame.len) != 1 ||
	    EVP_DigestFinal_ex(ctx, out, &len) != 1)
		panic("SHA-256 failed");
	EVP_MD_CTX_free(ctx);
}

void journal_drop(struct journal *self)
{
	buf_reset(&self->group);
	self->group_seq = self->next_seq;
	self->group_at = self->last_at;
}

/* ---- opening ---- */

static struct err *folder_sync(const char *path)
{
	char copy[4096];

	ENSURE((size_t)snprintf(copy, sizeof copy, "%s", path) < sizeof copy, CONFIG,
	       "path of the journal is too long");
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ERR_ERRNO("folder of %s", path);
	struct err *e = fsync(fd) == 0 ? NULL : ERR_ERRNO("folder of %s", path);
	(void)close(fd);
	return e;
}

static struct err *head_write(struct journal *self, const char *path)
{
	uint8_t head[HEAD_BYTES];

	memcpy(head, magic, MAGIC_BYTES);
	if (RAND_bytes(head + MAGIC_BYTES, HEAD_BYTES - MAGIC_BYTES) != 1)
		return ERR_OPENSSL(SYSTEM, "random journal id");
	if (ftruncate(self->fd, 0) != 0 || pwrite(self->fd, head, sizeof head, 0) != (ssize_t)sizeof head ||
	    fsync(self->fd) != 0)
		return ERR_ERRNO("%s", path);
	der_sha256(self->chain, SLICE(head, sizeof head));
	self->size = HEAD_BYTES;
	return folder_sync(path);
}

static struct err *file_lock(struct journal *self, const char *path)
{
	self->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (self->fd < 0)
		return ERR_ERRNO("%s", path);
	if (flock(self->fd, LOCK_EX | LOCK_NB) != 0) {
		ENSURE(errno != EWOULDBLOCK, CONFLICT, "%s is in use by another process", path);
		return ERR_ERRNO("lock of %s", path);
	}
	return NULL;
}

struct replay {
	struct journal *journal;
	const char *path;
	FILE *file;
	struct buf frame; /* length, check, records */
	journal_replay_fn fn;
	void *arg;
};

static struct err *record_replay(struct replay *r, const struct journal_record *record, uint64_t offset)
{
	struct journal *j = r->journal;

	if (journal_kind_is_event(record->kind)) {
		ENSURE(record->seq == j->next_seq, BUG, "%s: octet %llu: event %lld where %lld was due", r->path,
		       (unsigned long long)offset, (long long)record->seq, (long long)j->next_seq);
		j->next_seq++;
	}
	if (record->kind == JOURNAL_START)
		ENSURE(slice_equal(record->start.tier, SLICE_STR(j->tier)), CONFIG,
		       "%s is the journal of tier \"%.*s\", not \"%s\"", r->path, (int)record->start.tier.len,
		       (const char *)record->start.tier.p, j->tier);
	if (record->at > j->last_at)
		j->last_at = record->at;
	return r->fn == NULL ? NULL : r->fn(r->arg, record, offset);
}

static struct err *frame_replay(struct replay *r)
{
	struct slice records = SLICE(r->frame.p + FRAME_HEAD, r->frame.len - FRAME_HEAD);
	struct der_reader in;

	der_reader_init(&in, records);
	while (!der_reader_done(&in)) {
		struct journal_record record;
		uint64_t offset = r->journal->size + FRAME_HEAD + (uint64_t)(in.p - records.p);
		struct err *e = journal_record_decode(&record, &in);

		if (e != NULL)
			return ERR_RECODE(e, BUG, "%s: octet %llu", r->path, (unsigned long long)offset);
		TRY(record_replay(r, &record, offset));
	}
	return NULL;
}

/* Writes the head of a frame: its length, and what tells a changed length from a cut frame. */
static void frame_head(uint8_t out[FRAME_HEAD], const uint8_t chain[SHA256_LEN], size_t records)
{
	uint8_t check[SHA256_LEN];

	for (size_t i = 0; i < LENGTH_BYTES; i++)
		out[i] = (uint8_t)(records >> (8 * (LENGTH_BYTES - 1 - i)));
	chain_step(check, chain, SLICE(out, LENGTH_BYTES));
	memcpy(out + LENGTH_BYTES, check, CHECK_BYTES);
}

/* Reads a frame. *out_whole is false at the end of the file and when the file ends within the frame. */
static struct err *frame_read(struct replay *r, uint8_t out_chain[SHA256_LEN], bool *out_whole)
{
	uint8_t head[FRAME_HEAD], want[FRAME_HEAD];
	uint8_t *at;

	*out_whole = false;
	if (fread(head, 1, sizeof head, r->file) != sizeof head)
		return NULL;
	size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
	frame_head(want, r->journal->chain, n);
	ENSURE(memcmp(head, want, sizeof head) == 0 && n > 0 && n <= GROUP_MAX, BUG,
	       "%s: octet %llu: damaged (no frame begins here)", r->path, (unsigned long long)r->journal->size);
	buf_reset(&r->frame);
	TRY(buf_append(&r->frame, SLICE(head, sizeof head)));
	TRY(buf_extend(&r->frame, &at, n));
	*out_whole = fread(at, 1, n, r->file) == n && fread(out_chain, 1, SHA256_LEN, r->file) == SHA256_LEN;
	return NULL;
}

static struct err *frames_replay(struct replay *r)
{
	struct journal *j = r->journal;

	for (;;) {
		uint8_t stored[SHA256_LEN], chain[SHA256_LEN];
		bool is_whole;

		TRY(frame_read(r, stored, &is_whole));
		if (!is_whole)
			break;
		chain_step(chain, j->chain, buf_slice(&r->frame));
		ENSURE(memcmp(chain, stored, SHA256_LEN) == 0, BUG,
		       "%s: octet %llu: damaged (the hash chain is broken)", r->path, (unsigned long long)j->size);
		TRY(frame_replay(r));
		memcpy(j->chain, chain, SHA256_LEN);
		j->size += r->frame.len + SHA256_LEN;
	}
	return ferror(r->file) ? ERR_ERRNO("%s", r->path) : NULL;
}

/* What a crash left of a frame was never acted upon: it goes. */
static struct err *tail_cut(const struct journal *self, const char *path, uint64_t file_size)
{
	if (file_size == self->size)
		return NULL;
	log_warn(NULL, "journal_tail_cut", "path=%s octets=%llu at=%llu", path,
		 (unsigned long long)(file_size - self->size), (unsigned long long)self->size);
	if (ftruncate(self->fd, (off_t)self->size) != 0 || fsync(self->fd) != 0)
		return ERR_ERRNO("%s", path);
	return NULL;
}

static struct err *file_replay(struct replay *r, uint64_t file_size)
{
	uint8_t head[HEAD_BYTES];
	int fd = dup(r->journal->fd);
	OWN(FILE) file = fd < 0 ? NULL : fdopen(fd, "r");

	if (file == NULL)
		return ERR_ERRNO("%s", r->path);
	r->file = file;
	(void)setvbuf(file, NULL, _IOFBF, 1 << 20);
	ENSURE(fread(head, 1, sizeof head, file) == sizeof head && memcmp(head, magic, MAGIC_BYTES) == 0, BUG,
	       "%s is no journal", r->path);
	der_sha256(r->journal->chain, SLICE(head, sizeof head));
	r->journal->size = HEAD_BYTES;
	TRY(frames_replay(r));
	return tail_cut(r->journal, r->path, file_size);
}

static struct err *file_begin(struct journal *self, const char *path, journal_replay_fn fn, void *arg)
{
	struct replay r = {
		.journal = self, .path = path, .frame = BUF_INIT(GROUP_MAX + FRAME_HEAD), .fn = fn, .arg = arg
	};
	struct stat st;

	if (fstat(self->fd, &st) != 0)
		return ERR_ERRNO("%s", path);
	if (st.st_size < HEAD_BYTES)
		return head_write(self, path);
	struct err *e = file_replay(&r, (uint64_t)st.st_size);
	buf_clear(&r.frame);
	return e;
}

static struct err *start_write(struct journal *self)
{
	struct journal_record record = { .kind = JOURNAL_START };

	record.start.tier = SLICE_STR(self->tier);
	record.start.version = SLICE_STR(NUC_VERSION);
	TRY(journal_append(self, &record, NULL));
	return journal_commit(self);
}

struct err *journal_open(struct journal **out, const char *path, const char *tier, journal_replay_fn fn, void *arg)
{
	OWN(journal) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "journal");
	self->fd = -1;
	self->next_seq = 1;
	self->group.max = GROUP_MAX + FRAME_HEAD + SHA256_LEN;
	ENSURE((size_t)snprintf(self->tier, sizeof self->tier, "%s", tier) < sizeof self->tier, CONFIG,
	       "tier \"%s\" is too long", tier);
	TRY(file_lock(self, path));
	TRY(file_begin(self, path, fn, arg));
	journal_drop(self);
	TRY(start_write(self));
	*out = TAKE(self);
	return NULL;
}

void journal_close(struct journal **self)
{
	if (*self == NULL)
		return;
	if ((*self)->fd >= 0)
		(void)close((*self)->fd);
	buf_clear(&(*self)->group);
	free(*self);
	*self = NULL;
}

/* ---- writing ---- */

static struct err *group_append(struct journal *self, struct journal_record *record, uint64_t *out_offset)
{
	static const uint8_t no_head[FRAME_HEAD];

	if (self->group.len == 0)
		TRY(buf_append(&self->group, SLICE(no_head, sizeof no_head)));
	size_t before = self->group.len;
	struct err *e = journal_record_encode(&self->group, record);
	if (e == NULL && self->group.len > GROUP_MAX)
		e = ERR(TOO_LARGE, "a group of more than %d octets in the journal", GROUP_MAX);
	if (e != NULL) {
		self->group.len = before;
		return e;
	}
	if (out_offset != NULL)
		*out_offset = self->size + before;
	return NULL;
}

struct err *journal_append(struct journal *self, struct journal_record *record, uint64_t *out_offset)
{
	bool is_event = journal_kind_is_event(record->kind);

	ENSURE(!self->is_broken, SYSTEM, "the journal failed before; the signer must be started again");
	if (record->at == 0)
		record->at = clock_now_s();
	if (record->kind == JOURNAL_EVENT)
		ENSURE(record->seq == self->group_seq, BUG, "event %lld where %lld is due", (long long)record->seq,
		       (long long)self->group_seq);
	else
		record->seq = is_event ? self->group_seq : 0;
	TRY(group_append(self, record, out_offset));
	self->group_seq += is_event;
	if (record->at > self->group_at)
		self->group_at = record->at;
	return NULL;
}

static struct err *frame_pwrite(const struct journal *self)
{
	size_t done = 0;

	while (done < self->group.len) {
		ssize_t n = pwrite(self->fd, self->group.p + done, self->group.len - done, (off_t)(self->size + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_ERRNO("writing the journal");
		done += (size_t)n;
	}
	return NULL;
}

/* Takes back what a failed write left; if even that fails, nothing more is written. */
static struct err *write_failed(struct journal *self, struct err *e)
{
	int why = errno;
	bool is_full = why == ENOSPC || why == EDQUOT || why == EFBIG;

	journal_drop(self);
	if (ftruncate(self->fd, (off_t)self->size) != 0) {
		self->is_broken = true;
		return e;
	}
	return is_full ? ERR_RECODE(e, RETRY, "no room for the journal") : e;
}

static struct err *group_write(struct journal *self, bool wait)
{
	uint8_t chain[SHA256_LEN];

	ENSURE(!self->is_broken, SYSTEM, "the journal failed before; the signer must be started again");
	if (self->group.len == 0)
		return NULL;
	frame_head(self->group.p, self->chain, self->group.len - FRAME_HEAD);
	chain_step(chain, self->chain, buf_slice(&self->group));
	TRY(buf_append(&self->group, SLICE(chain, sizeof chain)));
	errno = 0;
	struct err *e = frame_pwrite(self);
	if (e != NULL)
		return write_failed(self, e);
	if (wait && fdatasync(self->fd) != 0) {
		self->is_broken = true; /* what the kernel has now is unknown: only a new start reads it */
		e = ERR_ERRNO("the journal could not be brought to the disk");
		journal_drop(self);
		return e;
	}
	self->size += self->group.len;
	memcpy(self->chain, chain, sizeof chain);
	self->next_seq = self->group_seq;
	self->last_at = self->group_at;
	journal_drop(self);
	return NULL;
}

struct err *journal_commit(struct journal *self)
{
	return group_write(self, true);
}

struct err *journal_write(struct journal *self)
{
	return group_write(self, false);
}

/* ---- reading ---- */

static struct err *octets_read(const struct journal *self, struct buf *out, uint64_t offset, size_t n)
{
	uint8_t *at;

	TRY(buf_extend(out, &at, n));
	for (size_t done = 0; done < n;) {
		ssize_t got = pread(self->fd, at + done, n - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR_ERRNO("reading the journal");
		ENSURE(got > 0, BUG, "the journal ends at octet %llu", (unsigned long long)(offset + done));
		done += (size_t)got;
	}
	return NULL;
}

struct err *journal_read(const struct journal *self, struct journal_record *out, struct buf *scratch, uint64_t offset)
{
	struct der_reader in;

	ENSURE(offset < self->size, BUG, "octet %llu is past the journal", (unsigned long long)offset);
	buf_reset(scratch);
	size_t first = self->size - offset < READ_FIRST ? (size_t)(self->size - offset) : READ_FIRST;
	TRY(octets_read(self, scratch, offset, first));
	ENSURE(scratch->p[0] == DER_SEQUENCE && first >= 6, BUG, "no record at octet %llu", (unsigned long long)offset);
	size_t head = scratch->p[1] < 0x80 ? 2 : 2 + (size_t)(scratch->p[1] & 0x7f);
	size_t len = scratch->p[1];
	if (head > 2) {
		len = 0;
		for (size_t i = 2; i < head && i < 6; i++)
			len = len << 8 | scratch->p[i];
	}
	ENSURE(len <= GROUP_MAX && head + len <= self->size - offset, BUG, "no record at octet %llu",
	       (unsigned long long)offset);
	if (head + len > first)
		TRY(octets_read(self, scratch, offset + first, head + len - first));
	der_reader_init(&in, SLICE(scratch->p, head + len));
	return journal_record_decode(out, &in);
}

/* ---- short forms ---- */

struct err *journal_append_certificate(struct journal *self, const char *issuer, struct slice certificate)
{
	struct journal_record record = { .kind = JOURNAL_CERTIFICATE };
	struct cert c;

	TRY(cert_parse(&c, certificate));
	record.certificate = (struct journal_certificate){ .issuer = SLICE_STR(issuer),
							   .serial = c.serial,
							   .not_after_at = c.not_after_at,
							   .authorisation = SLICE_NONE,
							   .digest = SLICE(c.digest, SHA256_LEN),
							   .tbs = c.tbs,
							   .signature = c.signature };
	return journal_append(self, &record, NULL);
}

int64_t journal_next_seq(const struct journal *self)
{
	return self->next_seq;
}

int64_t journal_group_seq(const struct journal *self)
{
	return self->group_seq;
}

uint64_t journal_size(const struct journal *self)
{
	return self->size;
}

int64_t journal_last_at(const struct journal *self)
{
	return self->last_at;
}

bool journal_broken(const struct journal *self)
{
	return self->is_broken;
}
