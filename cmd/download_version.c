/* Fetches a version's files one by one; what a node says about paths and sizes is checked before anything is written.
 */
#include "cmd/download_version.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"
#include "dataset/manifest.h"
#include "dataset/version_folder.h"

enum { DOWNLOAD_ATTEMPTS_MAX = 5, DOWNLOAD_PAUSE_MS = 250 };
#define DOWNLOAD_PART ".download.part"

static bool file_read(const struct json *value, struct manifest_file *out)
{
	const char *path = json_member_string(value, "path", NULL), *hash = json_member_string(value, "sha256", NULL);
	if (!path || !hash || !hex_read(out->sha256.bytes, ID_BYTES, hash, strlen(hash)) ||
		!json_integer(json_get(value, "bytes"), &out->bytes) || out->bytes < 0 ||
		out->bytes > MANIFEST_FILE_BYTES_MAX)
		return false;
	out->path = path;
	return manifest_path_ok(path) || strcmp(path, MANIFEST_NAME) == 0 || strcmp(path, MANIFEST_SIGNATURE_NAME) == 0;
}

static bool files_read(struct fetch *node, struct wn_arena *arena, const char *name, int64_t version,
	struct manifest_file **out, size_t *count, int64_t *bytes_all, struct wn_error *err)
{
	const struct json *answer;
	char *target = wn_arena_printf(arena, "/v1/datasets/%s/%" PRId64, name, version);
	struct fetch_request request = {.method = "GET", .target = target};
	if (!target)
		return wn_fail(err, WN_FULL, "memory", "no room for a request");
	if (!fetch_json(node, arena, &request, &answer, err))
		return false;
	const char *state = json_member_string(answer, "state", "");
	if (!state || strcmp(state, "published") != 0)
		return wn_fail(err, WN_INPUT, "version_unpublished", "version %" PRId64 " of %s is not published",
			version, name);
	const struct json *files = json_get(answer, "files");
	if (!files || files->type != JSON_ARRAY || files->count == 0 || files->count > MANIFEST_FILES_MAX + 2)
		return wn_fail(err, WN_DOWN, "answer_malformed", "the node lists no files");
	*out = wn_arena_array(arena, files->count, sizeof **out);
	if (!*out)
		return wn_fail(err, WN_FULL, "memory", "no room for the list of files");
	*bytes_all = 0;
	for (size_t i = 0; i < files->count; i++) {
		if (!file_read(files->elements[i], &(*out)[i]))
			return wn_fail(
				err, WN_INPUT, "download_path", "the node lists a file that a version cannot hold");
		*bytes_all += (*out)[i].bytes;
	}
	*count = files->count;
	return true;
}

/* Whether a file is there already, with the right bytes. */
static bool file_there(int folder, const struct manifest_file *file)
{
	struct wn_error ignored = {0};
	struct sha256 hash;
	int64_t bytes;
	int descriptor;
	if (!folder_file_open(folder, file->path, &descriptor, &bytes, &ignored))
		return false;
	close(descriptor);
	return bytes == file->bytes && folder_file_sha256(folder, file->path, &hash, &bytes, &ignored) &&
	       id_compare(&hash, &file->sha256) == 0;
}

static bool part_fetch(
	struct fetch *node, int folder, const char *target, const struct manifest_file *file, struct wn_error *err)
{
	struct sha256 hash;
	int64_t bytes = 0;
	int descriptor;
	if (unlinkat(folder, DOWNLOAD_PART, 0) != 0 && errno != ENOENT)
		return wn_fail(err, WN_DOWN, "folder_write", "remove %s: %s", DOWNLOAD_PART, strerror(errno));
	if (!folder_file_create(folder, DOWNLOAD_PART, &descriptor, err))
		return false;
	bool ok = fetch_file(node, target, descriptor, file->bytes, &bytes, err);
	if (!ok)
		close(descriptor);
	else
		ok = folder_file_done(descriptor, err);
	ok = ok && folder_file_sha256(folder, DOWNLOAD_PART, &hash, &bytes, err);
	if (ok && (bytes != file->bytes || id_compare(&hash, &file->sha256) != 0))
		return wn_fail(
			err, WN_BUSY, "download_hash", "%s came with other bytes than the catalogue says", file->path);
	return ok;
}

static bool file_fetch(struct fetch *node, struct wn_arena *arena, int folder, const char *name, int64_t version,
	const struct manifest_file *file, struct wn_error *err)
{
	char *target = wn_arena_printf(arena, "/v1/datasets/%s/%" PRId64 "/%s", name, version, file->path);
	char first[MANIFEST_PATH_MAX + 1];
	const char *slash = strchr(file->path, '/');
	if (!target)
		return wn_fail(err, WN_FULL, "memory", "no room for a request");
	if (slash) {
		snprintf(first, sizeof first, "%.*s", (int)(slash - file->path), file->path);
		if (mkdirat(folder, first, 0755) != 0 && errno != EEXIST)
			return wn_fail(err, WN_DOWN, "folder_write", "make %s: %s", first, strerror(errno));
	}
	for (int attempt = 1;; attempt++) {
		wn_error_reset(err);
		if (part_fetch(node, folder, target, file, err))
			break;
		if (err->blame == WN_INPUT || err->blame == WN_FULL || attempt == DOWNLOAD_ATTEMPTS_MAX)
			return wn_while(err, "fetch %s", file->path);
		usleep((useconds_t)(DOWNLOAD_PAUSE_MS << (attempt - 1)) * 1000);
	}
	/* Opened again without links: what lies in the folder may have been put there by somebody else. */
	int parent = slash ? openat(folder, first, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : folder;
	bool ok = parent >= 0 && renameat(folder, DOWNLOAD_PART, parent, slash ? slash + 1 : file->path) == 0;
	int why = errno;
	if (slash && parent >= 0)
		close(parent);
	return ok || wn_fail(err, WN_DOWN, "folder_write", "name %s: %s", file->path, strerror(why));
}

bool download_version(struct fetch *node, struct wn_arena *arena, const char *name, int64_t version, const char *dir,
	download_progress *progress, struct wn_error *err)
{
	struct manifest_file *files = NULL;
	size_t count = 0;
	int64_t done = 0, bytes_all = 0;
	int folder;
	if (!files_read(node, arena, name, version, &files, &count, &bytes_all, err))
		return wn_while(err, "ask for version %" PRId64 " of %s", version, name);
	if (!folder_make(dir, err) || !folder_open(dir, &folder, err))
		return false;
	bool ok = true;
	for (size_t i = 0; ok && i < count; i++) {
		ok = file_there(folder, &files[i]) || file_fetch(node, arena, folder, name, version, &files[i], err);
		done += files[i].bytes;
		if (ok && progress)
			progress(done, bytes_all);
	}
	if (ok)
		unlinkat(folder, DOWNLOAD_PART, 0);
	folder_close(folder);
	return ok;
}
