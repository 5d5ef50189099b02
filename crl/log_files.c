/*
 * log_files.c - checkpoint and tiles as files. See log_files.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/log_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tlog/note.h"

enum { TILES_AT_ONCE = 64, PATH_BYTES = TREE_TILE_PATH_MAX + 8 };

struct crl_log_files {
	const struct crl_folder *folder;
	int64_t size;
	struct tree_hash (*tiles)[TREE_TILE_WIDTH]; /* TREE_TILE_WIDTH of them: the tiles under one partial tile */
};

/* The size in the published checkpoint, 0 when there is none. Tiles were written before it. */
static int64_t published_size(const struct crl_folder *folder)
{
	OWN(crl_map) map = { SLICE_NONE };
	struct note_checkpoint checkpoint;
	OWN(err) e = crl_map_open(&map, folder, "log/checkpoint");

	if (e != NULL)
		return 0;
	const uint8_t *end = memmem(map.bytes.p, map.bytes.len, "\n\n", 2);
	if (end != NULL)
		e = note_checkpoint_parse(&checkpoint, SLICE(map.bytes.p, (size_t)(end - map.bytes.p) + 1));
	return end != NULL && e == NULL ? (int64_t)checkpoint.size : 0;
}

struct err *crl_log_files_create(struct crl_log_files **out, const struct crl_folder *folder)
{
	OWN(crl_log_files) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "the log's files");
	self->folder = folder;
	self->tiles = calloc(TREE_TILE_WIDTH, sizeof *self->tiles);
	ENSURE(self->tiles != NULL, NO_MEMORY, "tiles of the log");
	self->size = published_size(folder);
	*out = TAKE(self);
	return NULL;
}

void crl_log_files_destroy(struct crl_log_files **self)
{
	if (*self == NULL)
		return;
	free((*self)->tiles);
	free(*self);
	*self = NULL;
}

int64_t crl_log_files_size(const struct crl_log_files *self)
{
	return self->size;
}

static struct err *put_tile(const struct crl_log_files *self, struct tree_tile tile, const struct tree_hash *hashes)
{
	char path[TREE_TILE_PATH_MAX], under_log[PATH_BYTES];

	(void)snprintf(under_log, sizeof under_log, "log/%s", tree_tile_path(path, tile));
	return crl_folder_put(self->folder, under_log, SLICE(hashes, tile.width * sizeof *hashes));
}

/* Removes the partial forms of a tile that is whole now. What cannot be removed only takes room. */
static void drop_partial(const struct crl_log_files *self, unsigned level, int64_t n)
{
	char path[TREE_TILE_PATH_MAX], folder[PATH_BYTES];
	const struct tree_tile tile = { .level = level, .n = (uint64_t)n, .width = TREE_TILE_WIDTH };

	(void)snprintf(folder, sizeof folder, "log/%s.p", tree_tile_path(path, tile));
	int fd = openat(crl_folder_fd(self->folder), folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		if (entry->d_name[0] != '.')
			(void)unlinkat(fd, entry->d_name, 0);
	(void)closedir(dir);
	(void)unlinkat(crl_folder_fd(self->folder), folder, AT_REMOVEDIR);
}

/* Tiles of a level that were completed between the two sizes. */
static struct err *put_complete(struct crl_log_files *self, struct db *db, unsigned level, int64_t size)
{
	unsigned shift = TREE_TILE_HEIGHT * (level + 1);
	int64_t from = self->size >> shift, to = size >> shift;

	for (int64_t n = from; n < to; n += TILES_AT_ONCE) {
		int64_t end = to - n > TILES_AT_ONCE ? n + TILES_AT_ONCE : to;

		TRY(crl_q_tiles(db, self->tiles, level, n, end));
		for (int64_t i = n; i < end; i++)
			TRY(put_tile(self,
				     (struct tree_tile){ .level = level, .n = (uint64_t)i, .width = TREE_TILE_WIDTH },
				     self->tiles[i - n]));
	}
	if (to > from)
		drop_partial(self, level, from);
	return NULL;
}

/* The tile that is still growing. Its hashes are leaves, or the roots of the tiles below. */
static struct err *put_partial(struct crl_log_files *self, struct db *db, unsigned level, int64_t size)
{
	struct tree_hash hashes[TREE_TILE_WIDTH];
	int64_t num = size >> (TREE_TILE_HEIGHT * level);
	int64_t first = num / TREE_TILE_WIDTH * TREE_TILE_WIDTH;
	unsigned width = (unsigned)(num - first);

	if (width == 0)
		return NULL;
	if (level == 0) {
		TRY(crl_q_leaves(db, hashes, first, width));
	} else {
		TRY(crl_q_tiles(db, self->tiles, level - 1, first, first + width));
		for (unsigned i = 0; i < width; i++)
			tree_tile_fold(&hashes[i], self->tiles[i], TREE_TILE_HEIGHT);
	}
	return put_tile(self,
			(struct tree_tile){ .level = level, .n = (uint64_t)(first / TREE_TILE_WIDTH), .width = width },
			hashes);
}

struct err *crl_log_files_run(struct crl_log_files *self, struct db *db)
{
	OWN(buf) note = BUF_INIT(NOTE_MAX);
	int64_t size;

	TRY(crl_q_head(db, &size, &note));
	if (size == self->size)
		return NULL;
	ENSURE(size > self->size, CONFLICT,
	       "a checkpoint of %" PRId64 " entries is published, the ledger's last is of %" PRId64, self->size, size);
	for (unsigned level = 0; level < TREE_TILE_LEVELS && size >> (TREE_TILE_HEIGHT * level) != 0; level++) {
		TRY(put_complete(self, db, level, size));
		TRY(put_partial(self, db, level, size));
	}
	TRY(crl_folder_put(self->folder, "log/checkpoint", buf_slice(&note)));
	self->size = size;
	return NULL;
}
