/*
 * folder.c - the folder that is published. See folder.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "crl/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct crl_folder {
	int fd;
};

enum { PATH_BYTES = 256 };

/* ---------------------------------------------------------------- the folder */

static struct err *make_folder(int at, const char *path)
{
	if (mkdirat(at, path, 0755) != 0 && errno != EEXIST)
		return ERR_ERRNO("making the folder %s", path);
	return NULL;
}

static struct err *sync_folder(int at, const char *path)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return ERR_ERRNO("opening the folder %s", path);
	struct err *e = fsync(fd) != 0 ? ERR_ERRNO("flushing the folder %s", path) : NULL;
	(void)close(fd);
	return e;
}

struct err *crl_folder_open(struct crl_folder **out, const char *path)
{
	OWN(crl_folder) self = calloc(1, sizeof *self);

	ENSURE(self != NULL, NO_MEMORY, "the published folder");
	self->fd = -1;
	TRY(make_folder(AT_FDCWD, path));
	self->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (self->fd < 0)
		return ERR_ERRNO("opening the published folder %s", path);
	TRY(make_folder(self->fd, "archive"));
	TRY(make_folder(self->fd, "cert"));
	TRY(make_folder(self->fd, "log"));
	*out = TAKE(self);
	return NULL;
}

void crl_folder_close(struct crl_folder **self)
{
	if (*self == NULL)
		return;
	if ((*self)->fd >= 0)
		(void)close((*self)->fd);
	free(*self);
	*self = NULL;
}

int crl_folder_fd(const struct crl_folder *self)
{
	return self->fd;
}

/* ---------------------------------------------------------------- drafts */

static void draft_name(char out[CRL_NAME_MAX], const char *name, int64_t number)
{
	(void)snprintf(out, CRL_NAME_MAX, ".%.30s.%" PRId64 ".tmp", name, number);
}

void crl_draft_clear(struct crl_draft *self)
{
	if (self->fd >= 0)
		(void)close(self->fd);
	self->fd = -1;
	if (self->name[0] != '\0')
		(void)unlinkat(self->folder->fd, self->name, 0);
	self->name[0] = '\0';
}

struct err *crl_draft_create(struct crl_draft *out, const struct crl_folder *folder, const char *name, int64_t number)
{
	struct crl_draft draft = { .folder = folder };

	draft_name(draft.name, name, number);
	draft.fd = openat(folder->fd, draft.name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (draft.fd < 0)
		return ERR_ERRNO("creating %s", draft.name);
	*out = draft;
	return NULL;
}

struct err *crl_draft_append(struct crl_draft *self, struct slice bytes)
{
	for (size_t done = 0; done < bytes.len;) {
		ssize_t n = write(self->fd, bytes.p + done, bytes.len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_ERRNO("writing %s", self->name);
		done += (size_t)n;
	}
	self->len += bytes.len;
	return NULL;
}

struct err *crl_draft_sync(struct crl_draft *self)
{
	if (fsync(self->fd) != 0)
		return ERR_ERRNO("flushing %s", self->name);
	return NULL;
}

void crl_draft_keep(struct crl_draft *self)
{
	self->name[0] = '\0';
}

/* ---------------------------------------------------------------- placing */

struct err *crl_folder_place(const struct crl_folder *self, const char *name, int64_t number)
{
	char draft[CRL_NAME_MAX], archived[CRL_NAME_MAX], current[CRL_NAME_MAX];

	draft_name(draft, name, number);
	(void)snprintf(archived, sizeof archived, "archive/%.30s.%" PRId64 ".crl", name, number);
	(void)snprintf(current, sizeof current, "%.30s.crl", name);
	ENSURE(faccessat(self->fd, draft, F_OK, 0) == 0, NOT_FOUND, "there is no %s", draft);
	if (linkat(self->fd, draft, self->fd, archived, 0) != 0 && errno != EEXIST)
		return ERR_ERRNO("linking %s", archived);
	if (renameat(self->fd, draft, self->fd, current) != 0)
		return ERR_ERRNO("renaming %s to %s", draft, current);
	/* rename(2) does nothing where both names are one file, which is so after a crash between the two. */
	if (unlinkat(self->fd, draft, 0) != 0 && errno != ENOENT)
		return ERR_ERRNO("removing %s", draft);
	TRY(sync_folder(self->fd, "archive"));
	return sync_folder(self->fd, ".");
}

struct err *crl_folder_sweep(const struct crl_folder *self, const char *name, int64_t keep_number)
{
	char keep[CRL_NAME_MAX], prefix[CRL_NAME_MAX];
	int fd = openat(self->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		struct err *e = ERR_ERRNO("reading the published folder");
		if (fd >= 0)
			(void)close(fd);
		return e;
	}
	draft_name(keep, name, keep_number);
	(void)snprintf(prefix, sizeof prefix, ".%.30s.", name);
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0 && strcmp(entry->d_name, keep) != 0)
			(void)unlinkat(self->fd, entry->d_name, 0);
	(void)closedir(dir);
	return NULL;
}

/* Makes the folders of a path that are not there. */
static struct err *make_parents(int at, const char *path)
{
	char folder[PATH_BYTES];

	for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		(void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
		TRY(make_folder(at, folder));
	}
	return NULL;
}

struct err *crl_folder_put(const struct crl_folder *self, const char *path, struct slice bytes)
{
	OWN(crl_draft) draft = CRL_DRAFT_NONE;

	ENSURE(strlen(path) < PATH_BYTES, BUG, "a path of %zu octets", strlen(path));
	TRY(crl_draft_create(&draft, self, "put", (int64_t)getpid()));
	TRY(crl_draft_append(&draft, bytes));
	if (renameat(self->fd, draft.name, self->fd, path) != 0) {
		if (errno != ENOENT)
			return ERR_ERRNO("renaming to %s", path);
		TRY(make_parents(self->fd, path));
		if (renameat(self->fd, draft.name, self->fd, path) != 0)
			return ERR_ERRNO("renaming to %s", path);
	}
	crl_draft_keep(&draft);
	return NULL;
}

/* ---------------------------------------------------------------- reading */

void crl_map_clear(struct crl_map *self)
{
	if (self->bytes.len > 0)
		(void)munmap((void *)(uintptr_t)self->bytes.p, self->bytes.len);
	self->bytes = SLICE_NONE;
}

struct err *crl_map_open(struct crl_map *out, const struct crl_folder *folder, const char *path)
{
	struct stat st;
	int fd = openat(folder->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	ENSURE(fd >= 0 || errno != ENOENT, NOT_FOUND, "there is no %s", path);
	if (fd < 0)
		return ERR_ERRNO("opening %s", path);
	struct err *e = NULL;
	void *p = MAP_FAILED;
	if (fstat(fd, &st) != 0)
		e = ERR_ERRNO("looking at %s", path);
	else if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		e = ERR(BAD_INPUT, "%s is empty or no file", path);
	else if ((p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) == MAP_FAILED)
		e = ERR_ERRNO("mapping %s", path);
	(void)close(fd);
	if (e == NULL)
		out->bytes = SLICE(p, (size_t)st.st_size);
	return e;
}

struct err *crl_map_draft(struct crl_map *out, const struct crl_folder *folder, const char *name, int64_t number)
{
	char path[CRL_NAME_MAX];

	draft_name(path, name, number);
	return crl_map_open(out, folder, path);
}
