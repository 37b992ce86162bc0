/* Checks a version folder without trusting anybody: signature, every file, every row's item id, the row tree, the
 * checkpoint. */
#ifndef DATASET_DATASET_VERIFY_H
#define DATASET_DATASET_VERIFY_H

#include "dataset/manifest.h"
#include "dataset/minisign.h"

/* In the order of the checks (without a given key the manifest is parsed before its signature); verify_code() has the
 * words. */
enum verify_result {
	VERIFY_GOOD,
	VERIFY_FOLDER, /* not a folder that can be read */
	VERIFY_READ,   /* the disk failed */
	VERIFY_MANIFEST_MISSING,
	VERIFY_SIGNATURE_MISSING,
	VERIFY_SIGNATURE_FORM,
	VERIFY_KEY, /* signed by another key than the given one */
	VERIFY_SIGNATURE,
	VERIFY_COMMENT,
	VERIFY_MANIFEST_LARGE,
	VERIFY_MANIFEST, /* not JSON, or a member is missing, unknown or of the wrong kind */
	VERIFY_MANIFEST_CANONICAL,
	VERIFY_SCHEMA,
	VERIFY_PATH, /* a path that leads elsewhere */
	VERIFY_MANIFEST_ORDER,
	VERIFY_LINK,
	VERIFY_KIND, /* a device, a socket, a folder in a folder */
	VERIFY_FILES_MANY,
	VERIFY_FILE_EXTRA,
	VERIFY_FILE_MISSING,
	VERIFY_FILE_SIZE,
	VERIFY_FILE_HASH,
	VERIFY_GENESIS,
	VERIFY_CAMPAIGN,
	VERIFY_RECIPE, /* the recipe does not fit the campaign or the dataset */
	VERIFY_CHECKPOINT,
	VERIFY_SUMS,
	VERIFY_SHARD_NAME,
	VERIFY_SHARD_LARGE,
	VERIFY_SHARD_GZIP,
	VERIFY_SHARD_TRAILING,
	VERIFY_SHARD_LINE,
	VERIFY_ROW,
	VERIFY_ROW_CANONICAL,
	VERIFY_ROW_TWICE,
	VERIFY_ROW_ORDER,
	VERIFY_ROW_ID,
	VERIFY_ROW_EXPORT,
	VERIFY_ROW_SPLIT,
	VERIFY_ROW_RECIPE,
	VERIFY_ROW_LICENCE,
	VERIFY_ROW_COUNT,
	VERIFY_ROW_ROOT,
	VERIFY_RECEIPTS,
	VERIFY_LICENCES,
	VERIFY_MEMORY,
	VERIFY_RESULTS,
};
const char *verify_code(enum verify_result result); /* "verify_row_order"; VERIFY_GOOD: "verify_good" */

enum { VERIFY_REPORT_ARENA = 64 * 1024 * 1024 }; /* an arena that always suffices for a report */

struct dataset_report {
	enum verify_result result;
	struct manifest manifest; /* once it was read; lives in the caller's arena */
	struct sha256 manifest_sha256;
	struct minisign_public key; /* that signed */
	bool key_given;		    /* else it is the one that the manifest and genesis name */
	struct wn_slice trusted_comment;
	int64_t rows, bytes;	/* read and found good */
	struct sha256 row_root; /* recomputed */
};

/* Told for every good row, in order; row leaf hashes are those of the row tree. */
typedef bool verify_row_seen(void *context, const struct item_id *item, struct wn_error *err);
/* Told after every file: bytes done and all. */
typedef void verify_progress(void *context, int64_t bytes, int64_t bytes_all);
struct verify_watch {
	verify_row_seen *row;	   /* may be NULL */
	verify_progress *progress; /* may be NULL */
	void *context;
};

/*
 * `key` NULL: the signature is checked with the manifest's own key. `watch` may be NULL. False with err->code a
 * verify_* word and report->result; blame WN_INPUT except VERIFY_READ (WN_DOWN) and VERIFY_MEMORY (WN_FULL), or what
 * watch->row failed with.
 */
bool dataset_verify(struct wn_arena *arena, const char *dir, const struct minisign_public *key,
	const struct verify_watch *watch, struct dataset_report *report, struct wn_error *err);

/* A minisign public key (base64, or the text of a .pub file), or did:key:z6Mk...; WN_INPUT verify_key_text. */
bool verify_key_read(const char *text, struct minisign_public *out, struct wn_error *err);

#endif
