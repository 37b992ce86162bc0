/* One pass over the rows into a hidden sibling folder; then the rest, the signature, the reading back, the rename. */
#include "dataset/version_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/failpoint.h"
#include "core/hash.h"
#include "core/tree.h"
#include "dataset/card.h"
#include "dataset/shard.h"
#include "dataset/version_folder.h"

enum {
	VERSION_KEPT_BYTES = 64 * 1024 * 1024,
	VERSION_ROW_BYTES = 8 * 1024 * 1024,
	VERSION_LEAVES = 2048, /* written in one go */
	VERSION_OTHER_FILES = 6,
};

struct version_writer {
	const struct version_setup *setup;
	char place[FOLDER_PATH_MAX], partial[FOLDER_PATH_MAX];
	int folder, receipts;
	struct shard_writer *shards;
	struct sha256_stream *receipts_hash;
	struct sha256 leaves[VERSION_LEAVES];
	size_t leaf_count;
	struct tree_frontier tree;
	struct item_id last;
	const char *licences[MANIFEST_LICENCES_MAX]; /* sorted */
	size_t licence_count;
	struct wn_arena kept, row; /* until the end; of one row */
	bool published;
};

static bool version_folders(struct version_writer *writer, struct wn_error *err)
{
	char below[FOLDER_PATH_MAX + 16];
	if (!folder_remove(writer->partial, err) || !folder_make(writer->partial, err))
		return false;
	snprintf(below, sizeof below, "%s/data", writer->partial);
	if (!folder_make(below, err))
		return false;
	snprintf(below, sizeof below, "%s/receipts", writer->partial);
	return folder_make(below, err) && folder_open(writer->partial, &writer->folder, err) &&
	       folder_file_create(writer->folder, MANIFEST_RECEIPTS_NAME, &writer->receipts, err) &&
	       shard_writer_open(&writer->shards, writer->folder, err);
}

bool version_writer_open(struct version_writer **out, const struct version_setup *setup, struct wn_error *err)
{
	struct version_writer *writer = calloc(1, sizeof *writer);
	*out = NULL;
	if (!writer)
		return wn_fail(err, WN_FULL, "memory", "no room to write a version");
	writer->setup = setup;
	writer->folder = writer->receipts = -1;
	writer->receipts_hash = sha256_open();
	wn_arena_init(&writer->kept, VERSION_KEPT_BYTES);
	wn_arena_init(&writer->row, VERSION_ROW_BYTES);
	int most = FOLDER_PATH_MAX - 32;
	bool fits = snprintf(writer->place, sizeof writer->place, "%s/%lld", setup->parent, (long long)setup->version) <
			    most &&
		    snprintf(writer->partial, sizeof writer->partial, "%s/.%lld.partial", setup->parent,
			    (long long)setup->version) < most;
	if (!fits)
		wn_fail(err, WN_INPUT, "folder_path", "the path of the version folder is too long");
	if (!fits || !version_folders(writer, err)) {
		version_writer_close(writer);
		return wn_while(err, "write version %lld of %s", (long long)setup->version, setup->recipe->name);
	}
	*out = writer;
	return true;
}

void version_writer_close(struct version_writer *writer)
{
	struct wn_error ignored = {0};
	if (!writer)
		return;
	shard_writer_close(writer->shards);
	if (writer->receipts >= 0)
		close(writer->receipts);
	if (writer->folder >= 0)
		close(writer->folder);
	if (writer->receipts_hash)
		sha256_close(writer->receipts_hash, NULL);
	/* What cannot be removed now is removed by the next try. */
	if (!writer->published && writer->folder >= 0)
		folder_remove(writer->partial, &ignored);
	wn_arena_free(&writer->kept);
	wn_arena_free(&writer->row);
	free(writer);
}

static bool receipts_flush(struct version_writer *writer, struct wn_error *err)
{
	size_t bytes = writer->leaf_count * sizeof writer->leaves[0];
	sha256_add(writer->receipts_hash, writer->leaves, bytes);
	writer->leaf_count = 0;
	return folder_file_append(writer->receipts, writer->leaves, bytes, err) ||
	       wn_while(err, MANIFEST_RECEIPTS_NAME);
}

/* Keeps the list sorted; few licences come over and over. */
static bool licence_seen(struct version_writer *writer, const char *licence, struct wn_error *err)
{
	size_t place = 0;
	while (place < writer->licence_count && strcmp(writer->licences[place], licence) < 0)
		place++;
	if (place < writer->licence_count && strcmp(writer->licences[place], licence) == 0)
		return true;
	if (writer->licence_count == MANIFEST_LICENCES_MAX)
		return wn_fail(err, WN_INPUT, "dataset_licences", "the rows have more than %d licences",
			MANIFEST_LICENCES_MAX);
	char *copy = wn_arena_copy(&writer->kept, licence, strlen(licence));
	if (!copy)
		return wn_fail(err, WN_FULL, "memory", "no room for a licence");
	memmove(&writer->licences[place + 1], &writer->licences[place],
		(writer->licence_count - place) * sizeof writer->licences[0]);
	writer->licences[place] = copy;
	writer->licence_count++;
	return true;
}

bool version_writer_row(struct version_writer *writer, struct row_facts *facts, struct wn_error *err)
{
	struct wn_slice row;
	wn_arena_reset(&writer->row);
	wn_assert(writer->tree.size == 0 || id_compare(&writer->last, &facts->item) < 0);
	if (writer->tree.size >= MANIFEST_ROWS_MAX)
		return wn_fail(err, WN_INPUT, "dataset_large", "a version has at most %lld rows", MANIFEST_ROWS_MAX);
	facts->split = recipe_split_of(writer->setup->recipe, &facts->item);
	if (!row_write(&writer->row, facts, &row, err) || !licence_seen(writer, facts->licence, err))
		return false;
	struct sha256 *leaf = &writer->leaves[writer->leaf_count++];
	tree_leaf(row.data, row.bytes, leaf);
	tree_append(&writer->tree, leaf, NULL, NULL);
	writer->last = facts->item;
	if (writer->leaf_count == VERSION_LEAVES && !receipts_flush(writer, err))
		return false;
	return shard_writer_add(writer->shards, row, err);
}

void version_writer_so_far(const struct version_writer *writer, int64_t *rows, struct sha256 *root)
{
	*rows = (int64_t)writer->tree.size;
	tree_frontier_root(&writer->tree, root);
}

/* Writes a small file and puts it on the list. */
static bool version_file(struct version_writer *writer, const char *path, struct wn_slice bytes,
	struct manifest_file *out, struct wn_error *err)
{
	out->path = path;
	out->bytes = (int64_t)bytes.bytes;
	sha256_of(bytes.data, bytes.bytes, &out->sha256);
	return folder_file_write(writer->folder, path, bytes, err);
}

static int version_file_compare(const void *a, const void *b)
{
	return strcmp(((const struct manifest_file *)a)->path, ((const struct manifest_file *)b)->path);
}

static void version_facts(const struct version_writer *writer, int64_t added, int64_t removed, struct manifest *out)
{
	const struct version_setup *setup = writer->setup;
	*out = (struct manifest){
		.dataset = setup->recipe->name,
		.version = setup->version,
		.network = setup->network,
		.checkpoint_key = setup->checkpoint_key,
		.manifest_key = setup->manifest_key->public_key,
		.recipe = *setup->recipe,
		.checkpoint_size = (int64_t)setup->checkpoint.size,
		.checkpoint_root = setup->checkpoint.root,
		.checkpoint_note = setup->checkpoint.note,
		.row_count = (int64_t)writer->tree.size,
		.licences = writer->licences,
		.licence_count = writer->licence_count,
		.gzip_codec = shard_codec(),
		.has_previous = setup->has_previous,
		.previous_version = setup->previous_version,
		.previous_manifest_sha256 = setup->previous_manifest_sha256,
		.previous_row_root = setup->previous_row_root,
		.added = added,
		.removed = removed,
	};
	sha256_of(setup->campaign.data, setup->campaign.bytes, &out->campaign_sha256);
	tree_frontier_root(&writer->tree, &out->row_root);
}

/* Every listed file beside the shards; on return `facts` has its list. */
static bool version_files(
	struct version_writer *writer, struct manifest *facts, const struct campaign *campaign, struct wn_error *err)
{
	const struct version_setup *setup = writer->setup;
	const struct manifest_file *shards;
	struct wn_slice card, sums;
	size_t count;
	if (!shard_writer_finish(writer->shards, &shards, &count, err) || !receipts_flush(writer, err))
		return false;
	if (count + VERSION_OTHER_FILES > MANIFEST_FILES_MAX)
		return wn_fail(err, WN_INPUT, "dataset_large", "a version has at most %d files", MANIFEST_FILES_MAX);
	struct manifest_file *files = wn_arena_array(&writer->kept, count + VERSION_OTHER_FILES, sizeof *files);
	if (!files)
		return wn_fail(err, WN_FULL, "memory", "no room for the list of files");
	if (count > 0)
		memcpy(files, shards, count * sizeof *files);
	files[count].path = MANIFEST_RECEIPTS_NAME;
	files[count].bytes = (int64_t)writer->tree.size * ID_BYTES;
	sha256_close(writer->receipts_hash, &files[count++].sha256);
	writer->receipts_hash = NULL;
	int receipts = writer->receipts;
	writer->receipts = -1;
	if (!folder_file_done(receipts, err) || !card_write(&writer->kept, facts, campaign, &card, err) ||
		!version_file(writer, "README.md", card, &files[count++], err) ||
		!version_file(writer, "campaign.json", setup->campaign, &files[count++], err) ||
		!version_file(writer, "checkpoint", setup->checkpoint.note, &files[count++], err) ||
		!version_file(writer, "genesis.json", setup->genesis, &files[count++], err))
		return false;
	qsort(files, count, sizeof *files, version_file_compare);
	if (!manifest_sums(&writer->kept, files, count, &sums, err) ||
		!version_file(writer, MANIFEST_SUMS_NAME, sums, &files[count++], err))
		return false;
	qsort(files, count, sizeof *files, version_file_compare);
	facts->files = files;
	facts->file_count = count;
	return true;
}

static bool version_sign(struct version_writer *writer, const struct manifest *facts, struct wn_error *err)
{
	struct wn_slice manifest, signature;
	/* The journal's time, not ours: the same checkpoint gives the same bytes. The words are the stock tool's. */
	char *comment = wn_arena_printf(&writer->kept,
		"timestamp:%lld\tfile:" MANIFEST_NAME "\thashed\tdataset:%s version:%lld",
		(long long)(writer->setup->checkpoint.time_ms / 1000), facts->dataset, (long long)facts->version);
	if (!comment)
		return wn_fail(err, WN_FULL, "memory", "no room for the signature");
	return manifest_write(&writer->kept, facts, &manifest, err) &&
	       minisign_sign(&writer->kept, writer->setup->manifest_key, manifest.data, manifest.bytes, comment,
		       &signature, err) &&
	       folder_file_write(writer->folder, MANIFEST_NAME, manifest, err) &&
	       folder_file_write(writer->folder, MANIFEST_SIGNATURE_NAME, signature, err);
}

/* Names of files are safe only when their folders are synced too. */
static bool version_sync(const struct version_writer *writer, struct wn_error *err)
{
	char below[FOLDER_PATH_MAX + 16];
	snprintf(below, sizeof below, "%s/data", writer->partial);
	if (!folder_sync(below, err))
		return false;
	snprintf(below, sizeof below, "%s/receipts", writer->partial);
	return folder_sync(below, err) && folder_sync(writer->partial, err);
}

static bool version_check(struct version_writer *writer, const struct manifest *facts, struct dataset_report *report,
	struct wn_error *err)
{
	struct minisign_public key;
	minisign_public_of(&writer->setup->manifest_key->public_key, &key);
	if (!dataset_verify(&writer->kept, writer->partial, &key, NULL, report, err))
		return wn_while(err, "read the finished version back");
	wn_assert(report->rows == facts->row_count);
	wn_assert(id_compare(&report->row_root, &facts->row_root) == 0);
	return true;
}

bool version_writer_publish(struct version_writer *writer, int64_t added, int64_t removed,
	struct dataset_report *report, struct wn_error *err)
{
	const struct json *document;
	struct campaign campaign;
	struct manifest facts;
	version_facts(writer, added, removed, &facts);
	if (!json_parse(&writer->kept, writer->setup->campaign.data, writer->setup->campaign.bytes, &document, err) ||
		!campaign_parse(document, &campaign, err))
		return wn_while(err, "read the campaign %s", writer->setup->recipe->campaign);
	if (!version_files(writer, &facts, &campaign, err) || !version_sign(writer, &facts, err) ||
		!version_sync(writer, err) || !version_check(writer, &facts, report, err))
		return wn_while(err, "write version %lld of %s", (long long)facts.version, facts.dataset);
	FAILPOINT("before_rename");
	if (rename(writer->partial, writer->place) != 0)
		return wn_fail(err, WN_DOWN, "folder_write", "name %s: %s", writer->place, strerror(errno));
	FAILPOINT("after_rename");
	writer->published = true;
	return folder_sync(writer->setup->parent, err);
}
