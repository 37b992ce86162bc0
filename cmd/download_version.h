/* A lab's side of a download: a version's files into a folder, each checked against the catalogue's hash. */
#ifndef CMD_DOWNLOAD_VERSION_H
#define CMD_DOWNLOAD_VERSION_H

#include "core/fetch.h"

/* Told after each file: bytes done and all. */
typedef void download_progress(int64_t bytes, int64_t bytes_all);
/*
 * Fetches every file of dataset `name`, version `version`, below `dir`, which is made when it is missing; files that
 * are there with the right hash are not fetched again. progress may be NULL. Verifying the version is the caller's next
 * step (dataset_verify).
 */
bool download_version(struct fetch *node, struct wn_arena *arena, const char *name, int64_t version, const char *dir,
	download_progress *progress, struct wn_error *err);

#endif
