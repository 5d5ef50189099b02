/*
 * folder.h - the folder that is published: lists and their archive, CA certificates, log tiles.
 *
 *	nca_rsa.crl nca_d_rsa.crl      current lists          archive/nca_rsa.17.crl   earlier ones
 *	cert/nca_rsa.cer root_rsa.cer  CA certificates        log/checkpoint log/tile/0/000 ...
 *
 * A reader never sees a part of a file: everything is written beside (names that begin with a dot are not served),
 * flushed where it must survive, and renamed. Opened before the ids are dropped or after, used by one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRL_FOLDER_H
#define CRL_FOLDER_H

#include "base/buf.h"

enum { CRL_NAME_MAX = 64 };

struct crl_folder;

/* crl_folder_open() opens (and makes) the folder and its parts. *Errors* SYSTEM. */
struct err *crl_folder_open(struct crl_folder **out, const char *path) ERR_MUST_USE;
void crl_folder_close(struct crl_folder **self);
OWN_TYPE(crl_folder, struct crl_folder *, crl_folder_close)

/* crl_folder_fd() is the folder's descriptor, for openat(). */
int crl_folder_fd(const struct crl_folder *self);

/* ---- a file under construction */

struct crl_draft {
	const struct crl_folder *folder;
	int fd;
	char name[CRL_NAME_MAX]; /* ".nca_rsa.17.tmp" */
	uint64_t len;
};
#define CRL_DRAFT_NONE                                                                                                 \
	{                                                                                                              \
		.fd = -1                                                                                               \
	}
/* crl_draft_clear() closes the draft and removes it unless it was placed or kept. */
void crl_draft_clear(struct crl_draft *self);
OWN_TYPE(crl_draft, struct crl_draft, crl_draft_clear)

/* crl_draft_create() begins ".NAME.NUMBER.tmp"; a rest of an earlier try is replaced. */
struct err *crl_draft_create(struct crl_draft *out, const struct crl_folder *folder, const char *name,
			     int64_t number) ERR_MUST_USE;
struct err *crl_draft_append(struct crl_draft *self, struct slice bytes) ERR_MUST_USE;
/* crl_draft_sync() flushes the bytes to the disk. */
struct err *crl_draft_sync(struct crl_draft *self) ERR_MUST_USE;
/* crl_draft_keep() leaves the file where it is when the draft is cleared: crl_folder_place() will come for it. */
void crl_draft_keep(struct crl_draft *self);

/* crl_folder_place() makes the draft of that number the current NAME.crl and archive/NAME.NUMBER.crl, and flushes the
 * folders. Can be repeated after a crash. *Errors* NOT_FOUND where there is no such draft, SYSTEM. */
struct err *crl_folder_place(const struct crl_folder *self, const char *name, int64_t number) ERR_MUST_USE;
/* crl_folder_sweep() removes drafts of NAME but for `keep_number`. */
struct err *crl_folder_sweep(const struct crl_folder *self, const char *name, int64_t keep_number) ERR_MUST_USE;

/* crl_folder_put() writes a small file whole, through a draft, making folders on the way. For what can be made again
 * from the ledger: nothing is flushed. */
struct err *crl_folder_put(const struct crl_folder *self, const char *path, struct slice bytes) ERR_MUST_USE;

/* ---- a file that is read */

struct crl_map {
	struct slice bytes; /* empty: nothing is mapped */
};
void crl_map_clear(struct crl_map *self);
OWN_TYPE(crl_map, struct crl_map, crl_map_clear)

/* crl_map_open() maps a file of the folder. *Errors* NOT_FOUND, BAD_INPUT (empty), SYSTEM. */
struct err *crl_map_open(struct crl_map *out, const struct crl_folder *folder, const char *path) ERR_MUST_USE;
/* crl_map_draft() maps the draft of a number. */
struct err *crl_map_draft(struct crl_map *out, const struct crl_folder *folder, const char *name,
			  int64_t number) ERR_MUST_USE;

#endif
