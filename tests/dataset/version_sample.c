/* A small version for the tests, and the means to forge another out of it with the key that signed it. */
#include "tests/dataset/version_sample.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "core/checkpoint.h"
#include "core/hash.h"
#include "core/item_id.h"
#include "dataset/shard.h"
#include "dataset/version_folder.h"
#include "tests/check.h"

static int sample_folders;

static void seed_key(struct sign_key *key, const char *name)
{
	struct sha256 seed;
	sha256_of(name, strlen(name), &seed);
	sign_from_seed(key, seed.bytes);
}

static struct wn_slice canonical(struct wn_arena *arena, const char *json)
{
	struct wn_error err = {0};
	struct wn_slice out;
	CHECK_OK(jcs_canonical(arena, json, strlen(json), &out, &err), err);
	return out;
}

static const char sample_campaign[] = "{\"name\":\"hail\",\"question\":\"Does the post\\nreport "
				      "hail?\",\"licence\":\"CC-BY-4.0\",\"languages\":[\"en\"],\"choices\":["
				      "{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"hail\",\"verdict\":"
				      "\"keep\"},{\"name\":\"storm\",\"verdict\":\"keep\"},"
				      "{\"name\":\"unclear\",\"verdict\":\"abstain\"}]}";
static const char sample_recipe[] =
	"{\"name\":\"hail-posts\",\"campaign\":\"hail\",\"p_good_least\":600000,\"splits\":["
	"{\"name\":\"train\",\"ppm\":800000},{\"name\":\"test\",\"ppm\":200000}]}";

void version_sample_init(struct version_sample *sample)
{
	struct wn_error err = {0};
	const struct json *recipe;
	struct sha256 hash;
	char checkpoint[DID_ROOM], manifest[DID_ROOM];
	memset(sample, 0, sizeof *sample);
	sign_start();
	wn_arena_init(&sample->arena, 512u << 20);
	seed_key(&sample->checkpoint_key, "checkpoint of a test");
	seed_key(&sample->manifest_key, "manifest of a test");
	minisign_public_of(&sample->manifest_key.public_key, &sample->public);
	did_write(checkpoint, &sample->checkpoint_key.public_key);
	did_write(manifest, &sample->manifest_key.public_key);
	struct version_setup *setup = &sample->setup;
	setup->genesis = canonical(&sample->arena,
		wn_arena_printf(&sample->arena,
			"{\"type\":\"genesis\",\"time_ms\":0,\"keys\":{\"checkpoint\":\"%s\",\"manifest\":\"%s\"}}",
			checkpoint, manifest));
	sha256_of(setup->genesis.data, setup->genesis.bytes, &hash);
	memcpy(setup->network.bytes, hash.bytes, ID_BYTES);
	setup->campaign = canonical(&sample->arena, sample_campaign);
	CHECK_OK(json_parse(&sample->arena, sample_recipe, strlen(sample_recipe), &recipe, &err), err);
	CHECK_OK(recipe_parse(recipe, &sample->recipe, &err), err);
	setup->recipe = &sample->recipe;
	setup->version = 1;
	setup->checkpoint_key = sample->checkpoint_key.public_key;
	setup->manifest_key = &sample->manifest_key;
	setup->checkpoint = (struct checkpoint){.size = 42, .time_ms = 1750000000123};
	sha256_of("root", 4, &setup->checkpoint.root);
	CHECK_OK(checkpoint_sign(&sample->arena, &setup->network, &sample->checkpoint_key, &setup->checkpoint, &err),
		err);
}

void version_sample_free(struct version_sample *sample)
{
	wn_arena_free(&sample->arena);
}

void version_sample_item(struct version_sample *sample, int number, struct row_facts *out)
{
	struct sha256 hash;
	memset(out, 0, sizeof *out);
	sha256_of(&number, sizeof number, &hash);
	memcpy(out->salt.bytes, hash.bytes, ID_BYTES);
	out->canonical = canonical(&sample->arena,
		wn_arena_printf(&sample->arena,
			"{\"author\":\"%016x\",\"basis\":\"author_consent\",\"content\":\"Hail number %d, "
			"\\u00e9\\ud83c\\udf28\\n\\\"big\\\"\",\"kind\":\"text\","
			"\"language\":\"en\",\"licence\":\"%s\",\"published_ms\":%d,\"source\":\"direct\",\"source_"
			"id\":\"post-%d\",\"tags\":[\"hail\"]}",
			number % 7, number, number % 3 ? "CC-BY-4.0" : "CC0-1.0", 1000 + number, number));
	sha256_of(out->canonical.data, out->canonical.bytes, &hash);
	item_id_of(&sample->setup.network, &out->salt, &hash, &out->item);
	out->cluster = out->item;
	out->label = number % 2 ? "hail" : "storm";
	out->p_good = 600000 + number;
	out->votes = 5;
	sha256_of("somebody", 8, &out->contributor);
}

static int facts_compare(const void *a, const void *b)
{
	return id_compare(&((const struct row_facts *)a)->item, &((const struct row_facts *)b)->item);
}

struct row_facts *version_sample_items(struct version_sample *sample, int count)
{
	struct row_facts *items = wn_arena_array(&sample->arena, (size_t)count, sizeof *items);
	for (int i = 0; i < count; i++)
		version_sample_item(sample, i, &items[i]);
	qsort(items, (size_t)count, sizeof *items, facts_compare);
	return items;
}

bool version_sample_write(struct version_sample *sample, struct row_facts *items, int count)
{
	struct wn_error err = {0};
	struct version_writer *writer;
	struct dataset_report report;
	snprintf(sample->parent, sizeof sample->parent, "%s/datasets-%d", test_folder(), ++sample_folders);
	snprintf(sample->place, sizeof sample->place, "%s/1", sample->parent);
	sample->setup.parent = sample->parent;
	CHECK_OK(folder_make(sample->parent, &err), err);
	if (!version_writer_open(&writer, &sample->setup, &err)) {
		CHECK_TEXT(err.text, "");
		return false;
	}
	bool ok = true;
	for (int i = 0; ok && i < count; i++)
		ok = version_writer_row(writer, &items[i], &err);
	ok = ok && version_writer_publish(writer, count, 0, &report, &err);
	if (!ok)
		CHECK_TEXT(err.text, "");
	else
		CHECK_INT(report.rows, count);
	version_writer_close(writer);
	return ok;
}

/* ---- forging ------------------------------------------------------------------------------------------------ */

static int shell(const char *format, va_list arguments)
{
	char command[8192];
	CHECK(vsnprintf(command, sizeof command, format, arguments) < (int)sizeof command);
	int status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int sample_shell_status(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int status = shell(format, arguments);
	va_end(arguments);
	return status;
}

void sample_shell(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	CHECK_INT(shell(format, arguments), 0);
	va_end(arguments);
}

struct wn_slice sample_read(struct wn_arena *arena, const char *dir, const char *path)
{
	struct wn_error err = {0};
	struct wn_slice out = {NULL, 0};
	int folder;
	CHECK_OK(folder_open(dir, &folder, &err), err);
	CHECK_OK(folder_file_read(arena, folder, path, 64 << 20, &out, &err), err);
	folder_close(folder);
	return out;
}

void sample_put(const char *dir, const char *path, struct wn_slice bytes)
{
	struct wn_error err = {0};
	char name[SAMPLE_PATH_MAX * 2];
	int folder;
	snprintf(name, sizeof name, "%s/%s", dir, path);
	unlink(name);
	CHECK_OK(folder_open(dir, &folder, &err), err);
	CHECK_OK(folder_file_write(folder, path, bytes, &err), err);
	folder_close(folder);
}

void sample_sign(struct version_sample *sample, const char *dir, struct wn_slice manifest)
{
	struct wn_error err = {0};
	struct wn_slice signature;
	CHECK_OK(minisign_sign(&sample->arena, &sample->manifest_key, manifest.data, manifest.bytes,
			 "timestamp:1\tfile:manifest.json\thashed", &signature, &err),
		err);
	sample_put(dir, MANIFEST_NAME, manifest);
	sample_put(dir, MANIFEST_SIGNATURE_NAME, signature);
}

struct sample_list {
	struct version_sample *sample;
	const char *dir;
	struct manifest_file files[64];
	size_t count;
};

static bool sample_listed(void *context, const char *path, struct wn_error *err)
{
	struct sample_list *list = context;
	(void)err;
	if (strcmp(path, MANIFEST_NAME) == 0 || strcmp(path, MANIFEST_SIGNATURE_NAME) == 0)
		return true;
	struct wn_slice bytes = sample_read(&list->sample->arena, list->dir, path);
	struct manifest_file *file = &list->files[list->count++];
	file->path = wn_arena_copy(&list->sample->arena, path, strlen(path));
	file->bytes = (int64_t)bytes.bytes;
	sha256_of(bytes.data, bytes.bytes, &file->sha256);
	return true;
}

static int file_compare(const void *a, const void *b)
{
	return strcmp(((const struct manifest_file *)a)->path, ((const struct manifest_file *)b)->path);
}

static void sample_list_read(struct sample_list *list)
{
	struct wn_error err = {0};
	int folder;
	list->count = 0;
	CHECK_OK(folder_open(list->dir, &folder, &err), err);
	CHECK_OK(folder_walk(folder, 64, sample_listed, list, &err), err);
	folder_close(folder);
	qsort(list->files, list->count, sizeof list->files[0], file_compare);
}

void sample_reseal(struct version_sample *sample, const char *dir, bool keep_sums, sample_change *change)
{
	struct wn_error err = {0};
	struct sample_list *list = wn_arena_alloc(&sample->arena, sizeof *list);
	struct wn_slice old = sample_read(&sample->arena, dir, MANIFEST_NAME), sums, text;
	struct manifest manifest;
	CHECK_OK(manifest_parse(&sample->arena, old, &manifest, &err), err);
	list->sample = sample;
	list->dir = dir;
	sample_list_read(list);
	if (!keep_sums) {
		CHECK_OK(manifest_sums(&sample->arena, list->files, list->count, &sums, &err), err);
		sample_put(dir, MANIFEST_SUMS_NAME, sums);
		sample_list_read(list);
	}
	manifest.files = list->files;
	manifest.file_count = list->count;
	if (change)
		change(&manifest);
	CHECK_OK(manifest_write(&sample->arena, &manifest, &text, &err), err);
	sample_sign(sample, dir, text);
}

struct sample_reading {
	struct wn_arena *arena;
	struct sample_lines *lines;
};

static bool sample_line(void *context, struct wn_slice line, struct wn_error *err)
{
	struct sample_reading *reading = context;
	(void)err;
	reading->lines->lines[reading->lines->count++] =
		(struct wn_slice){wn_arena_copy(reading->arena, line.data, line.bytes), line.bytes};
	return true;
}

void sample_lines_read(struct version_sample *sample, const char *dir, struct sample_lines *out)
{
	struct wn_error err = {0};
	struct sample_reading reading = {&sample->arena, out};
	struct wn_slice gzip = sample_read(&sample->arena, dir, "data/part-00000.jsonl.gz");
	out->count = 0;
	CHECK_OK(shard_read(gzip.data, gzip.bytes, sample_line, &reading, &err), err);
}

struct wn_slice sample_replace(struct wn_arena *arena, struct wn_slice text, const char *what, const char *with)
{
	const char *place = memmem(text.data, text.bytes, what, strlen(what));
	struct wn_text out;
	CHECK(place != NULL);
	if (!place)
		return text;
	wn_text_init(&out, arena);
	wn_text_add(&out, text.data, (size_t)(place - text.data));
	wn_text_add_string(&out, with);
	wn_text_add_string(&out, place + strlen(what));
	return (struct wn_slice){out.data, out.bytes};
}

static struct sha256 sealed_root;
static int64_t sealed_count;
static sample_change *sealed_change;

static void sealed_rows(struct manifest *manifest)
{
	manifest->row_count = sealed_count;
	manifest->row_root = sealed_root;
	if (sealed_change)
		sealed_change(manifest);
}

void sample_lines_seal(
	struct version_sample *sample, const char *dir, const struct sample_lines *lines, sample_change *change)
{
	char path[SAMPLE_PATH_MAX * 2];
	struct sha256 leaves[SAMPLE_LINES_MAX];
	snprintf(path, sizeof path, "%s/data/part-00000.jsonl.gz", dir);
	gzFile file = gzopen(path, "wb6");
	CHECK(file != NULL);
	for (size_t i = 0; i < lines->count; i++) {
		gzwrite(file, lines->lines[i].data, (unsigned)lines->lines[i].bytes);
		gzputc(file, '\n');
		tree_leaf(lines->lines[i].data, lines->lines[i].bytes, &leaves[i]);
	}
	CHECK_INT(gzclose(file), Z_OK);
	sample_put(
		dir, MANIFEST_RECEIPTS_NAME, (struct wn_slice){(const char *)leaves, lines->count * sizeof leaves[0]});
	tree_root(leaves, lines->count, &sealed_root);
	sealed_count = (int64_t)lines->count;
	sealed_change = change;
	sample_reseal(sample, dir, false, sealed_rows);
}
