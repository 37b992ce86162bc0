/* Files of a version folder that may be hostile: nothing is followed out of it, nothing but plain files is read. */
#ifndef DATASET_VERSION_FOLDER_H
#define DATASET_VERSION_FOLDER_H

#include "core/arena.h"
#include "core/error.h"
#include "core/id.h"

enum { FOLDER_PATH_MAX = 1024, FOLDER_DEPTH_MAX = 2 };

/* The folder itself may be reached through links: the caller chose it. WN_INPUT folder_missing, folder_open. */
bool folder_open(const char *path, int *folder, struct wn_error *err);
void folder_close(int folder);

/*
 * `path` has one or two components (manifest_path_ok). WN_INPUT folder_missing, folder_link (a symbolic link),
 * folder_kind (no plain file); WN_DOWN folder_read.
 */
bool folder_file_open(int folder, const char *path, int *file, int64_t *bytes, struct wn_error *err);
/* The whole file into the arena; WN_INPUT folder_large above bytes_max. */
bool folder_file_read(struct wn_arena *arena, int folder, const char *path, size_t bytes_max, struct wn_slice *out,
	struct wn_error *err);
/* Streams a file in pieces of at most 64 KiB. */
typedef bool folder_piece(void *context, const void *bytes, size_t count, struct wn_error *err);
bool folder_file_stream(int folder, const char *path, folder_piece *piece, void *context, struct wn_error *err);
bool folder_file_sha256(int folder, const char *path, struct sha256 *out, int64_t *bytes, struct wn_error *err);

/* Calls back with the path of every plain file; anything else than plain files and folders one level deep is refused:
 * folder_link, folder_kind, folder_deep; more than entries_max entries: folder_many. Order is the file system's. */
typedef bool folder_found(void *context, const char *path, struct wn_error *err);
bool folder_walk(int folder, size_t entries_max, folder_found *found, void *context, struct wn_error *err);

/* New files only; written whole and synced. WN_DOWN folder_write (WN_FULL folder_full when the disk is). */
bool folder_file_create(int folder, const char *path, int *file, struct wn_error *err);
bool folder_file_append(int file, const void *bytes, size_t count, struct wn_error *err);
bool folder_file_done(int file, struct wn_error *err); /* fsync and close */
bool folder_file_write(int folder, const char *path, struct wn_slice bytes, struct wn_error *err);
bool folder_make(const char *path, struct wn_error *err); /* one level; being there already is fine */
bool folder_sync(const char *path, struct wn_error *err);
/* Removes a folder of the shape that folder_walk() knows; not being there is fine. */
bool folder_remove(const char *path, struct wn_error *err);
bool folder_exists(const char *path);

#endif
