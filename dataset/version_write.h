/* Writes a version folder beside its place, reads it back as a stranger would, and only then gives it its name. */
#ifndef DATASET_VERSION_WRITE_H
#define DATASET_VERSION_WRITE_H

#include "core/journal.h"
#include "dataset/dataset_verify.h"
#include "dataset/row.h"

struct version_setup {
	const char *parent; /* folder datasets/<name>; the version becomes <parent>/<version> */
	const struct recipe *recipe;
	int64_t version;
	struct network_id network;
	struct account_key checkpoint_key;
	const struct sign_key *manifest_key;
	struct checkpoint checkpoint;
	struct wn_slice genesis;  /* canonical bytes of journal entry 0 */
	struct wn_slice campaign; /* canonical document */
	bool has_previous;
	int64_t previous_version;
	struct sha256 previous_manifest_sha256, previous_row_root;
};

struct version_writer;
/* `setup` and what it points to stay until the writer is closed. What an earlier try left behind is removed. */
bool version_writer_open(struct version_writer **out, const struct version_setup *setup, struct wn_error *err);
/* Rows come by rising item id, each once; the recipe's split is filled in here. */
bool version_writer_row(struct version_writer *writer, struct row_facts *facts, struct wn_error *err);
void version_writer_so_far(const struct version_writer *writer, int64_t *rows, struct sha256 *root);
/* Everything else: card, receipts, checksums, manifest, signature; sync, verify, rename, sync. */
/* `report` (its manifest too) lives as long as the writer. */
bool version_writer_publish(struct version_writer *writer, int64_t added, int64_t removed,
	struct dataset_report *report, struct wn_error *err);
/* Without a publish before it the unfinished folder is removed. NULL is fine. */
void version_writer_close(struct version_writer *writer);

#endif
