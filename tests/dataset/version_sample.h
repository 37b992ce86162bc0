/* A small version for the tests, and the means to forge another out of it with the key that signed it. */
#ifndef TESTS_DATASET_VERSION_SAMPLE_H
#define TESTS_DATASET_VERSION_SAMPLE_H

#include "dataset/version_write.h"

enum { SAMPLE_ROWS = 40, SAMPLE_PATH_MAX = 600, SAMPLE_LINES_MAX = 200 };

struct version_sample {
	struct wn_arena arena;
	struct sign_key checkpoint_key, manifest_key;
	struct minisign_public public;
	struct recipe recipe;
	struct version_setup setup;
	char parent[SAMPLE_PATH_MAX], place[SAMPLE_PATH_MAX + 16];
};
/* Keys, genesis, campaign, recipe (two splits, p_good at least 600,000), checkpoint. */
void version_sample_init(struct version_sample *sample);
void version_sample_free(struct version_sample *sample);
/* Item `number` of the sample: an accepted text whose p_good is 600,000 + number. */
void version_sample_item(struct version_sample *sample, int number, struct row_facts *out);
/* `count` items by rising id. */
struct row_facts *version_sample_items(struct version_sample *sample, int count);
/* Writes them as <parent>/1, parent a fresh folder; checks that it worked. */
bool version_sample_write(struct version_sample *sample, struct row_facts *items, int count);

/* ---- forging ---- */
void sample_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
int sample_shell_status(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct wn_slice sample_read(struct wn_arena *arena, const char *dir, const char *path);
void sample_put(const char *dir, const char *path, struct wn_slice bytes);
/* Signs any text as the folder's manifest. */
void sample_sign(struct version_sample *sample, const char *dir, struct wn_slice manifest);

typedef void sample_change(struct manifest *manifest);
/* Lists what lies in the folder anew (SHA256SUMS too unless keep_sums), lets `change` (may be NULL) alter the manifest,
 * signs it. */
void sample_reseal(struct version_sample *sample, const char *dir, bool keep_sums, sample_change *change);

/* Lines of the first shard. */
struct sample_lines {
	struct wn_slice lines[SAMPLE_LINES_MAX];
	size_t count;
};
void sample_lines_read(struct version_sample *sample, const char *dir, struct sample_lines *out);
/* The line with one occurrence of a text replaced. */
struct wn_slice sample_replace(struct wn_arena *arena, struct wn_slice text, const char *what, const char *with);
/* Writes shard, receipts, row count and root for these lines and seals everything. */
void sample_lines_seal(
	struct version_sample *sample, const char *dir, const struct sample_lines *lines, sample_change *change);

#endif
