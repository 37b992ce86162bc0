/* Version folders through descriptors: each component is opened by itself without following links. */
#include "dataset/version_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"

enum { FOLDER_PIECE_BYTES = 65536, FOLDER_REMOVE_ENTRIES_MAX = 1 << 20 };

/* Why a folder or file did not open, in the codes of the header. */
static bool folder_refused(struct wn_error *err, const char *path, int why)
{
	if (why == ENOENT || why == ENOTDIR)
		return wn_fail(err, WN_INPUT, "folder_missing", "%s is not there", path);
	if (why == ELOOP)
		return wn_fail(err, WN_INPUT, "folder_link", "%s is a symbolic link", path);
	return wn_fail(err, WN_DOWN, "folder_read", "open %s: %s", path, strerror(why));
}

static bool folder_write_failed(struct wn_error *err, const char *path, int why)
{
	bool full = why == ENOSPC || why == EDQUOT || why == EFBIG;
	return wn_fail(err, full ? WN_FULL : WN_DOWN, full ? "folder_full" : "folder_write", "write %s: %s", path,
		strerror(why));
}

bool folder_open(const char *path, int *folder, struct wn_error *err)
{
	*folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*folder >= 0)
		return true;
	if (errno == ENOENT)
		return wn_fail(err, WN_INPUT, "folder_missing", "%s is not there", path);
	return wn_fail(err, WN_INPUT, "folder_open", "%s is not a folder that can be read: %s", path, strerror(errno));
}

void folder_close(int folder)
{
	close(folder);
}

/* The folder that holds the last component, as a descriptor of its own; *name is that component. */
static bool folder_parent(int folder, const char *path, int *parent, const char **name, struct wn_error *err)
{
	char first[FOLDER_PATH_MAX];
	const char *slash = strchr(path, '/');
	struct stat about;
	*name = slash ? slash + 1 : path;
	wn_assert(strchr(*name, '/') == NULL);
	wn_assert(**name != '\0');
	if (!slash) {
		*parent = fcntl(folder, F_DUPFD_CLOEXEC, 0);
		return *parent >= 0 || folder_refused(err, path, errno);
	}
	wn_assert((size_t)(slash - path) < sizeof first);
	memcpy(first, path, (size_t)(slash - path));
	first[slash - path] = '\0';
	*parent = openat(folder, first, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*parent >= 0)
		return true;
	int why = errno;
	/* With O_DIRECTORY a link is reported as no folder. */
	if (why == ENOTDIR && fstatat(folder, first, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(about.st_mode))
		why = ELOOP;
	return folder_refused(err, path, why);
}

bool folder_file_open(int folder, const char *path, int *file, int64_t *bytes, struct wn_error *err)
{
	const char *name;
	struct stat about;
	int parent;
	if (!folder_parent(folder, path, &parent, &name, err))
		return false;
	/* O_NONBLOCK: a named pipe must not hang us. */
	*file = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int why = errno;
	close(parent);
	if (*file < 0)
		return why == ENXIO ? wn_fail(err, WN_INPUT, "folder_kind", "%s is no plain file", path)
				    : folder_refused(err, path, why);
	if (fstat(*file, &about) != 0 || !S_ISREG(about.st_mode)) {
		close(*file);
		*file = -1;
		return wn_fail(err, WN_INPUT, "folder_kind", "%s is no plain file", path);
	}
	*bytes = about.st_size;
	return true;
}

/* Fills the buffer as far as the file reaches; -1 with errno on failure. */
static ssize_t folder_fill(int file, char *buffer, size_t room)
{
	size_t bytes = 0;
	while (bytes < room) {
		ssize_t got = read(file, buffer + bytes, room - bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		bytes += (size_t)got;
	}
	return (ssize_t)bytes;
}

bool folder_file_read(struct wn_arena *arena, int folder, const char *path, size_t bytes_max, struct wn_slice *out,
	struct wn_error *err)
{
	int64_t bytes;
	int file;
	*out = (struct wn_slice){NULL, 0};
	if (!folder_file_open(folder, path, &file, &bytes, err))
		return false;
	if (bytes > (int64_t)bytes_max) {
		close(file);
		return wn_fail(err, WN_INPUT, "folder_large", "%s has %lld bytes, more than %zu", path,
			(long long)bytes, bytes_max);
	}
	char *data = wn_arena_alloc(arena, (size_t)bytes + 1);
	/* One byte more than it should have: a file that grows meanwhile is noticed. */
	ssize_t got = data ? folder_fill(file, data, (size_t)bytes + 1) : 0;
	int why = errno;
	close(file);
	if (!data)
		return wn_fail(err, WN_FULL, "memory", "no room for %s", path);
	if (got < 0)
		return wn_fail(err, WN_DOWN, "folder_read", "read %s: %s", path, strerror(why));
	if (got != (ssize_t)bytes)
		return wn_fail(err, WN_DOWN, "folder_read", "%s changes while it is read", path);
	data[bytes] = '\0';
	*out = (struct wn_slice){data, (size_t)bytes};
	return true;
}

bool folder_file_stream(int folder, const char *path, folder_piece *piece, void *context, struct wn_error *err)
{
	char buffer[FOLDER_PIECE_BYTES];
	int64_t bytes;
	ssize_t got;
	bool ok = true;
	int file;
	if (!folder_file_open(folder, path, &file, &bytes, err))
		return false;
	while (ok && (got = folder_fill(file, buffer, sizeof buffer)) != 0)
		ok = got > 0 ? piece(context, buffer, (size_t)got, err)
			     : wn_fail(err, WN_DOWN, "folder_read", "read %s: %s", path, strerror(errno));
	close(file);
	return ok;
}

struct folder_hash {
	struct sha256_stream *stream;
	int64_t bytes;
};

static bool folder_hash_piece(void *context, const void *bytes, size_t count, struct wn_error *err)
{
	struct folder_hash *hash = context;
	(void)err;
	sha256_add(hash->stream, bytes, count);
	hash->bytes += (int64_t)count;
	return true;
}

bool folder_file_sha256(int folder, const char *path, struct sha256 *out, int64_t *bytes, struct wn_error *err)
{
	struct folder_hash hash = {sha256_open(), 0};
	bool ok = folder_file_stream(folder, path, folder_hash_piece, &hash, err);
	sha256_close(hash.stream, ok ? out : NULL);
	*bytes = hash.bytes;
	return ok;
}

/* One level of a walk; `above` is "" or "data/". */
static bool folder_level(int folder, const char *above, size_t *entries, size_t entries_max, folder_found *found,
	void *context, struct wn_error *err)
{
	/* A descriptor of its own: closedir() closes it, and its place in the folder is not shared. */
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	bool ok = true;
	if (!listing) {
		int why = errno;
		if (copy >= 0)
			close(copy);
		return folder_refused(err, *above ? above : "the folder", why);
	}
	while (ok && (errno = 0, entry = readdir(listing)) != NULL) {
		char path[FOLDER_PATH_MAX];
		struct stat about;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		wn_assert((size_t)snprintf(path, sizeof path, "%s%s", above, entry->d_name) < sizeof path);
		if (++*entries > entries_max) {
			ok = wn_fail(
				err, WN_INPUT, "folder_many", "the folder holds more than %zu entries", entries_max);
		} else if (fstatat(folder, entry->d_name, &about, AT_SYMLINK_NOFOLLOW) != 0) {
			ok = wn_fail(err, WN_DOWN, "folder_read", "look at %s: %s", path, strerror(errno));
		} else if (S_ISLNK(about.st_mode)) {
			ok = wn_fail(err, WN_INPUT, "folder_link", "%s is a symbolic link", path);
		} else if (S_ISREG(about.st_mode)) {
			ok = found(context, path, err);
		} else if (!S_ISDIR(about.st_mode)) {
			ok = wn_fail(err, WN_INPUT, "folder_kind", "%s is no plain file", path);
		} else if (*above) {
			ok = wn_fail(err, WN_INPUT, "folder_deep", "%s is a folder in a folder in a version", path);
		} else {
			int below = openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			strcat(path, "/");
			ok = below >= 0 ? folder_level(below, path, entries, entries_max, found, context, err)
					: folder_refused(err, path, errno);
			if (below >= 0)
				close(below);
		}
	}
	if (ok && errno != 0)
		ok = wn_fail(err, WN_DOWN, "folder_read", "list the folder: %s", strerror(errno));
	closedir(listing);
	return ok;
}

bool folder_walk(int folder, size_t entries_max, folder_found *found, void *context, struct wn_error *err)
{
	size_t entries = 0;
	return folder_level(folder, "", &entries, entries_max, found, context, err);
}

bool folder_file_create(int folder, const char *path, int *file, struct wn_error *err)
{
	const char *name;
	int parent;
	if (!folder_parent(folder, path, &parent, &name, err))
		return false;
	*file = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int why = errno;
	close(parent);
	return *file >= 0 || folder_write_failed(err, path, why);
}

bool folder_file_append(int file, const void *bytes, size_t count, struct wn_error *err)
{
	const char *next = bytes;
	while (count > 0) {
		ssize_t written = write(file, next, count);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return folder_write_failed(err, "a file of the version", errno);
		next += written;
		count -= (size_t)written;
	}
	return true;
}

bool folder_file_done(int file, struct wn_error *err)
{
	/* fsync is never tried twice: after a failure the kernel may have dropped the pages (reliability.md). */
	bool ok = fsync(file) == 0;
	int why = errno;
	if (close(file) != 0 && ok) {
		ok = false;
		why = errno;
	}
	return ok || folder_write_failed(err, "a file of the version", why);
}

bool folder_file_write(int folder, const char *path, struct wn_slice bytes, struct wn_error *err)
{
	int file;
	if (!folder_file_create(folder, path, &file, err))
		return false;
	if (!folder_file_append(file, bytes.data, bytes.bytes, err)) {
		close(file);
		return wn_while(err, "%s", path);
	}
	return folder_file_done(file, err) || wn_while(err, "%s", path);
}

bool folder_make(const char *path, struct wn_error *err)
{
	return mkdir(path, 0755) == 0 || errno == EEXIST || folder_write_failed(err, path, errno);
}

bool folder_sync(const char *path, struct wn_error *err)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = folder >= 0 && fsync(folder) == 0;
	int why = errno;
	if (folder >= 0)
		close(folder);
	return ok || folder_write_failed(err, path, why);
}

/* Removes what lies in an open folder, one level below included; returns 0 or an errno. */
static int folder_empty(int folder, int depth)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	int why = 0;
	if (!listing) {
		why = errno;
		if (copy >= 0)
			close(copy);
		return why;
	}
	for (int i = 0; why == 0 && i < FOLDER_REMOVE_ENTRIES_MAX && (entry = readdir(listing)) != NULL; i++) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			unlinkat(folder, entry->d_name, 0) == 0)
			continue;
		why = errno;
		int below =
			depth > 1 ? openat(folder, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
		if (below < 0)
			continue;
		why = folder_empty(below, depth - 1);
		close(below);
		if (why == 0 && unlinkat(folder, entry->d_name, AT_REMOVEDIR) != 0)
			why = errno;
	}
	closedir(listing);
	return why;
}

bool folder_remove(const char *path, struct wn_error *err)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), why = errno;
	if (folder < 0)
		return why == ENOENT || wn_fail(err, WN_DOWN, "folder_write", "remove %s: %s", path, strerror(why));
	why = folder_empty(folder, FOLDER_DEPTH_MAX);
	close(folder);
	if (why == 0 && rmdir(path) != 0)
		why = errno;
	return why == 0 || wn_fail(err, WN_DOWN, "folder_write", "remove %s: %s", path, strerror(why));
}

bool folder_exists(const char *path)
{
	struct stat about;
	return lstat(path, &about) == 0;
}
