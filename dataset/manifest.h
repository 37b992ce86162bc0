/* A version's manifest: canonical JSON that names every byte of the folder, where its rows come from and who vouches.
 * Pure. */
#ifndef DATASET_MANIFEST_H
#define DATASET_MANIFEST_H

#include "core/sign.h"
#include "dataset/recipe.h"

enum {
	MANIFEST_SCHEMA = 1,
	MANIFEST_BYTES_MAX = 4 * 1024 * 1024,
	MANIFEST_FILES_MAX = 8192,
	MANIFEST_PATH_MAX = 128,
	MANIFEST_LICENCES_MAX = 64,
	MANIFEST_VERSION_MAX = 1000000000,
	MANIFEST_CODEC_MAX = 100,
};
#define MANIFEST_ROWS_MAX 100000000LL
#define MANIFEST_FILE_BYTES_MAX (1LL << 40) /* so that all files together never overflow */
#define MANIFEST_NAME "manifest.json"
#define MANIFEST_SIGNATURE_NAME "manifest.json.minisig"
#define MANIFEST_SUMS_NAME "SHA256SUMS"
#define MANIFEST_RECEIPTS_NAME "receipts/rows.bin"

struct manifest_file {
	const char *path; /* below the version folder */
	int64_t bytes;
	struct sha256 sha256;
};

struct manifest {
	const char *dataset;
	int64_t version;
	struct network_id network;
	struct account_key checkpoint_key, manifest_key; /* did:key in JSON */
	struct recipe recipe;
	struct sha256 campaign_sha256; /* of the campaign's canonical document */
	int64_t checkpoint_size;
	struct sha256 checkpoint_root;
	struct wn_slice checkpoint_note; /* the signed note itself */
	const struct manifest_file
		*files; /* sorted by path, each once; manifest.json and its signature are not among them */
	size_t file_count;
	int64_t row_count;
	struct sha256 row_root;
	const char *const *licences; /* sorted, each once */
	size_t licence_count;
	const char *gzip_codec;
	bool has_previous;
	int64_t previous_version;
	struct sha256 previous_manifest_sha256, previous_row_root;
	int64_t added, removed; /* rows, against the previous version */
};

bool manifest_write(
	struct wn_arena *arena, const struct manifest *manifest, struct wn_slice *out, struct wn_error *err);
/*
 * Everything lives in the arena. All WN_INPUT but for a full arena: manifest_large, manifest_json, manifest_canonical,
 * manifest_member (missing or unknown), manifest_value, manifest_schema, manifest_path, manifest_order (files or
 * licences not sorted, or twice), and recipe_*.
 */
bool manifest_parse(struct wn_arena *arena, struct wn_slice text, struct manifest *out, struct wn_error *err);
/* One or two names of [A-Za-z0-9._-] that do not start with a dot: nothing that leads out of the folder or hides in it.
 */
bool manifest_path_ok(const char *path);
/* NULL when the manifest lists no such file. */
const struct manifest_file *manifest_find(const struct manifest *manifest, const char *path);

/* The text of SHA256SUMS, as `sha256sum -c` reads it, over all files of the list but itself. */
bool manifest_sums(struct wn_arena *arena, const struct manifest_file *files, size_t count, struct wn_slice *out,
	struct wn_error *err);

#endif
