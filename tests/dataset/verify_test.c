/* A version verified by our code, by stock tools and by a second implementation; then every kind of tampering. */
#include "tests/check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/checkpoint.h"
#include "core/item_id.h"
#include "dataset/shard.h"
#include "dataset/version_folder.h"
#include "tests/dataset/version_sample.h"

SUITE("dataset verify")

#define FOREIGN "tests/foreign/verify_version.py"

static const char *verify_word(struct version_sample *sample, const char *dir, bool with_key, struct wn_error *err)
{
	struct wn_arena arena;
	struct dataset_report report;
	wn_arena_init(&arena, VERIFY_REPORT_ARENA);
	wn_error_reset(err);
	bool good = dataset_verify(&arena, dir, with_key ? &sample->public : NULL, NULL, &report, err);
	CHECK_TEXT(good ? "verify_good" : err->code, verify_code(report.result));
	wn_arena_free(&arena);
	return good ? "verify_good" : err->code;
}

TEST(a_version_is_good_for_us_for_stock_tools_and_for_a_second_implementation)
{
	struct version_sample sample;
	struct wn_error err = {0};
	char key[MINISIGN_PUBLIC_ROOM];
	version_sample_init(&sample);
	CHECK_OR_RETURN(version_sample_write(&sample, version_sample_items(&sample, SAMPLE_ROWS), SAMPLE_ROWS));
	CHECK_TEXT(verify_word(&sample, sample.place, true, &err), "verify_good");
	CHECK_TEXT(verify_word(&sample, sample.place, false, &err), "verify_good");
	minisign_public_write(&sample.public, key);
	CHECK_INT(sample_shell_status("cd %s && sha256sum -c --strict --quiet SHA256SUMS", sample.place), 0);
	CHECK_INT(sample_shell_status("cd %s && minisign -Vm manifest.json -P %s >/dev/null", sample.place, key), 0);
	CHECK_INT(sample_shell_status("zcat %s/data/*.gz | python3 -c 'import json,sys; assert len([json.loads(l) for "
				      "l in sys.stdin]) == %d'",
			  sample.place, SAMPLE_ROWS),
		0);
	CHECK_INT(sample_shell_status("python3 " FOREIGN " %s %s >%s/said", sample.place, key, test_folder()), 0);
	version_sample_free(&sample);
}

TEST(the_same_rows_give_the_same_bytes)
{
	struct version_sample sample;
	char first[SAMPLE_PATH_MAX + 16];
	version_sample_init(&sample);
	struct row_facts *items = version_sample_items(&sample, SAMPLE_ROWS);
	CHECK_OR_RETURN(version_sample_write(&sample, items, SAMPLE_ROWS));
	strcpy(first, sample.place);
	CHECK_OR_RETURN(version_sample_write(&sample, items, SAMPLE_ROWS));
	CHECK_INT(sample_shell_status("diff -r %s %s", first, sample.place), 0);
	version_sample_free(&sample);
}

TEST(a_version_without_rows_is_a_version)
{
	struct version_sample sample;
	struct wn_error err = {0};
	char key[MINISIGN_PUBLIC_ROOM];
	version_sample_init(&sample);
	CHECK_OR_RETURN(version_sample_write(&sample, NULL, 0));
	CHECK_TEXT(verify_word(&sample, sample.place, true, &err), "verify_good");
	minisign_public_write(&sample.public, key);
	CHECK_INT(sample_shell_status("python3 " FOREIGN " %s %s >%s/said", sample.place, key, test_folder()), 0);
	version_sample_free(&sample);
}

TEST(rows_of_many_shards_verify)
{
	enum { MANY = 3000, FILL = 6000 };
	struct version_sample sample;
	struct wn_error err = {0};
	uint64_t state = test_seed();
	version_sample_init(&sample);
	struct row_facts *items = version_sample_items(&sample, MANY);
	for (int i = 0; i < MANY; i++) {
		static char fill[FILL + 64];
		struct sha256 hash;
		int bytes = sprintf(fill, "Hail number ");
		for (; bytes < FILL; bytes++)
			fill[bytes] = (char)('a' + test_random(&state) % 26);
		fill[bytes] = '\0';
		items[i].canonical = sample_replace(&sample.arena, items[i].canonical, "Hail number ", fill);
		sha256_of(items[i].canonical.data, items[i].canonical.bytes, &hash);
		item_id_of(&sample.setup.network, &items[i].salt, &hash, &items[i].item);
	}
	qsort(items, MANY, sizeof *items, id_compare); /* the id is the first member */
	CHECK_OR_RETURN(version_sample_write(&sample, items, MANY));
	CHECK_INT(sample_shell_status("test -f %s/data/part-00001.jsonl.gz", sample.place), 0);
	CHECK_TEXT(verify_word(&sample, sample.place, true, &err), "verify_good");
	version_sample_free(&sample);
}

/* ---- tampering --------------------------------------------------------------------------------------------------- */

typedef void tampering(struct version_sample *sample, const char *dir);

static void lines_of(struct version_sample *sample, const char *dir, struct sample_lines **out)
{
	*out = wn_arena_alloc(&sample->arena, sizeof **out);
	sample_lines_read(sample, dir, *out);
	CHECK_INT((*out)->count, SAMPLE_ROWS);
}

static void flip(struct version_sample *sample, const char *dir, const char *path, size_t at)
{
	struct wn_slice bytes = sample_read(&sample->arena, dir, path);
	((char *)(uintptr_t)bytes.data)[at < bytes.bytes ? at : bytes.bytes - 1] ^= 1;
	sample_put(dir, path, bytes);
}

static void folder_gone(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("rm -rf %s", dir);
}
static void manifest_gone(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("rm %s/manifest.json", dir);
}
static void signature_gone(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("rm %s/manifest.json.minisig", dir);
}
static void signature_cut(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell(
		"head -n 3 %s/manifest.json.minisig >%s/x && mv %s/x %s/manifest.json.minisig", dir, dir, dir, dir);
}
static void signature_commented(struct version_sample *sample, const char *dir)
{
	sample_put(dir, MANIFEST_SIGNATURE_NAME,
		sample_replace(&sample->arena, sample_read(&sample->arena, dir, MANIFEST_SIGNATURE_NAME),
			"signature by", "Signature by"));
}
static void manifest_large(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("truncate -s 5M %s/manifest.json", dir);
}
static void manifest_flipped(struct version_sample *sample, const char *dir)
{
	/* A digit of a hash: still a good manifest, signed by nobody. */
	struct wn_slice text = sample_read(&sample->arena, dir, MANIFEST_NAME);
	char *place = memmem(text.data, text.bytes, "\"row_root\":\"", 12);
	CHECK_OR_RETURN(place != NULL);
	place[12] = place[12] == '0' ? '1' : '0';
	sample_put(dir, MANIFEST_NAME, text);
}
static void comment_changed(struct version_sample *sample, const char *dir)
{
	sample_put(dir, MANIFEST_SIGNATURE_NAME,
		sample_replace(&sample->arena, sample_read(&sample->arena, dir, MANIFEST_SIGNATURE_NAME), "version:1",
			"version:2"));
}
static void other_key(struct version_sample *sample, const char *dir)
{
	/* Signed by somebody else's key, which the manifest names too: what a thief of everything but the key can do.
	 */
	struct sign_key mine = sample->manifest_key, theirs;
	char old_did[DID_ROOM], new_did[DID_ROOM];
	sign_generate(&theirs);
	did_write(old_did, &mine.public_key);
	did_write(new_did, &theirs.public_key);
	struct wn_slice text =
		sample_replace(&sample->arena, sample_read(&sample->arena, dir, MANIFEST_NAME), old_did, new_did);
	sample->manifest_key = theirs;
	sample_sign(sample, dir, text);
	sample->manifest_key = mine;
}
static void manifest_raw(struct version_sample *sample, const char *dir, const char *what, const char *with)
{
	sample_sign(sample, dir,
		sample_replace(&sample->arena, sample_read(&sample->arena, dir, MANIFEST_NAME), what, with));
}
static void manifest_no_json(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"version\":1}", "\"version\":1");
}
static void manifest_twice_member(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"version\":1}", "\"version\":1,\"version\":1}");
}
static void manifest_new_member(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"version\":1}", "\"version\":1,\"zeal\":1}");
}
static void manifest_spaced(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"version\":1}", "\"version\": 1}");
}
static void manifest_later_schema(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"schema\":1", "\"schema\":2");
}
static void path_climbs(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"path\":\"README.md\"", "\"path\":\"../README.md\"");
}
static void path_absolute(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"path\":\"README.md\"", "\"path\":\"/etc/passwd\"");
}
static void path_deep(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"path\":\"README.md\"", "\"path\":\"a/b/README.md\"");
}
static void path_hidden(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"path\":\"README.md\"", "\"path\":\".README.md\"");
}
static void path_itself(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"path\":\"README.md\"", "\"path\":\"manifest.json\"");
}
static void files_unsorted(struct version_sample *sample, const char *dir)
{
	manifest_raw(sample, dir, "\"path\":\"README.md\"", "\"path\":\"zREADME.md\"");
}
static void file_linked(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("mv %s/README.md %s-readme && ln -s %s-readme %s/README.md", dir, dir, dir, dir);
}
static void manifest_linked(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("mv %s/manifest.json %s-manifest && ln -s %s-manifest %s/manifest.json", dir, dir, dir, dir);
}
static void folder_linked(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("mv %s/data %s-data && ln -s %s-data %s/data", dir, dir, dir, dir);
}
static void file_a_pipe(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("rm %s/README.md && mkfifo %s/README.md", dir, dir);
}
static void manifest_a_folder(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("rm %s/manifest.json && mkdir %s/manifest.json", dir, dir);
}
static void folders_nested(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("mkdir %s/data/more", dir);
}
static void folders_many(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("cd %s && for i in $(seq 40); do mkdir d$i; done", dir);
}
static void file_added(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("echo hello >%s/data/notes.txt", dir);
}
static void file_removed(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("rm %s/data/part-00000.jsonl.gz", dir);
}
static void card_unlisted(struct version_sample *sample, const char *dir)
{
	sample_shell("rm %s/README.md", dir);
	sample_reseal(sample, dir, false, NULL);
}
static void file_grown(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("echo >>%s/README.md", dir);
}
static void shard_grown(struct version_sample *sample, const char *dir)
{
	(void)sample;
	sample_shell("echo >>%s/data/part-00000.jsonl.gz", dir);
}
static void shard_flipped(struct version_sample *sample, const char *dir)
{
	flip(sample, dir, "data/part-00000.jsonl.gz", 100);
}
static void receipts_flipped(struct version_sample *sample, const char *dir)
{
	flip(sample, dir, MANIFEST_RECEIPTS_NAME, 33);
}
static void card_flipped(struct version_sample *sample, const char *dir)
{
	flip(sample, dir, "README.md", 33);
}
static void genesis_other(struct version_sample *sample, const char *dir)
{
	flip(sample, dir, "genesis.json", 1u << 20);
	sample_reseal(sample, dir, false, NULL);
}
/* A network of the forger's own, with our keys' names left out. */
static struct network_id forged_network;
static void change_network(struct manifest *manifest)
{
	manifest->network = forged_network;
}
static void genesis_keys(struct version_sample *sample, const char *dir)
{
	struct sha256 hash;
	struct wn_slice text = WN_SLICE("{\"keys\":{\"checkpoint\":\"did:key:z6Mk\",\"manifest\":\"did:key:z6Mk\"}}");
	sha256_of(text.data, text.bytes, &hash);
	memcpy(forged_network.bytes, hash.bytes, ID_BYTES);
	sample_put(dir, "genesis.json", text);
	sample_reseal(sample, dir, false, change_network);
}
static void campaign_other(struct version_sample *sample, const char *dir)
{
	sample_put(dir, "campaign.json",
		sample_replace(&sample->arena, sample_read(&sample->arena, dir, "campaign.json"), "report hail",
			"report rain"));
	sample_reseal(sample, dir, false, NULL);
}
static struct sha256 forged_campaign;
static void change_campaign(struct manifest *manifest)
{
	manifest->campaign_sha256 = forged_campaign;
}
static void campaign_broken(struct version_sample *sample, const char *dir)
{
	struct wn_slice text = WN_SLICE("{\"name\":\"hail\"}");
	sha256_of(text.data, text.bytes, &forged_campaign);
	sample_put(dir, "campaign.json", text);
	sample_reseal(sample, dir, false, change_campaign);
}
static void change_recipe(struct manifest *manifest)
{
	manifest->recipe.choices[0] = "no";
	manifest->recipe.choice_count = 1;
}
static void recipe_other(struct version_sample *sample, const char *dir)
{
	sample_reseal(sample, dir, false, change_recipe);
}
static void checkpoint_other(struct version_sample *sample, const char *dir)
{
	flip(sample, dir, "checkpoint", 30);
	sample_reseal(sample, dir, false, NULL);
}
static struct wn_slice forged_note;
static void change_note(struct manifest *manifest)
{
	manifest->checkpoint_note = forged_note;
}
static void checkpoint_forged(struct version_sample *sample, const char *dir)
{
	struct wn_error err = {0};
	struct sign_key somebody;
	struct checkpoint checkpoint = sample->setup.checkpoint;
	sign_generate(&somebody);
	CHECK_OK(checkpoint_sign(&sample->arena, &sample->setup.network, &somebody, &checkpoint, &err), err);
	forged_note = checkpoint.note;
	sample_put(dir, "checkpoint", checkpoint.note);
	sample_reseal(sample, dir, false, change_note);
}
static void change_size(struct manifest *manifest)
{
	manifest->checkpoint_size++;
}
static void checkpoint_size(struct version_sample *sample, const char *dir)
{
	sample_reseal(sample, dir, false, change_size);
}
static void sums_other(struct version_sample *sample, const char *dir)
{
	flip(sample, dir, MANIFEST_SUMS_NAME, 3);
	sample_reseal(sample, dir, true, NULL);
}
static void shard_renamed(struct version_sample *sample, const char *dir)
{
	sample_shell("mv %s/data/part-00000.jsonl.gz %s/data/part-00001.jsonl.gz", dir, dir);
	sample_reseal(sample, dir, false, NULL);
}
static void shard_huge(struct version_sample *sample, const char *dir)
{
	sample_shell("truncate -s %d %s/data/part-00000.jsonl.gz", SHARD_BYTES_MAX + 1, dir);
	sample_reseal(sample, dir, false, NULL);
}
static void shard_cut(struct version_sample *sample, const char *dir)
{
	sample_shell("truncate -s -9 %s/data/part-00000.jsonl.gz", dir);
	sample_reseal(sample, dir, false, NULL);
}
static void shard_twice(struct version_sample *sample, const char *dir)
{
	sample_shell("cd %s/data && cat part-00000.jsonl.gz part-00000.jsonl.gz >x && mv x part-00000.jsonl.gz", dir);
	sample_reseal(sample, dir, false, NULL);
}
static void shard_bomb(struct version_sample *sample, const char *dir)
{
	sample_shell("head -c 300M /dev/zero | gzip >%s/data/part-00000.jsonl.gz", dir);
	sample_reseal(sample, dir, false, NULL);
}
static void shard_unended(struct version_sample *sample, const char *dir)
{
	sample_shell("cd %s/data && zcat part-00000.jsonl.gz | head -c -1 | gzip >x && mv x part-00000.jsonl.gz", dir);
	sample_reseal(sample, dir, false, NULL);
}
static void row_edited(struct version_sample *sample, const char *dir, const char *what, const char *with)
{
	struct sample_lines *lines;
	lines_of(sample, dir, &lines);
	lines->lines[7] = sample_replace(&sample->arena, lines->lines[7], what, with);
	sample_lines_seal(sample, dir, lines, NULL);
}
static void row_broken(struct version_sample *sample, const char *dir)
{
	row_edited(sample, dir, "\"votes\":5", "\"votes\":null");
}
static void row_spaced(struct version_sample *sample, const char *dir)
{
	row_edited(sample, dir, "\"votes\":5", "\"votes\": 5");
}
static void row_content(struct version_sample *sample, const char *dir)
{
	row_edited(sample, dir, "Hail number", "Hail Number");
}
static void row_salt(struct version_sample *sample, const char *dir)
{
	struct sample_lines *lines;
	lines_of(sample, dir, &lines);
	char *salt = memmem(lines->lines[3].data, lines->lines[3].bytes, "\"salt\":\"", 8);
	CHECK_OR_RETURN(salt != NULL);
	salt[8] = salt[8] == '0' ? '1' : '0';
	sample_lines_seal(sample, dir, lines, NULL);
}
static void row_twice(struct version_sample *sample, const char *dir)
{
	struct sample_lines *lines;
	lines_of(sample, dir, &lines);
	lines->lines[8] = lines->lines[7];
	sample_lines_seal(sample, dir, lines, NULL);
}
static void rows_swapped(struct version_sample *sample, const char *dir)
{
	struct sample_lines *lines;
	lines_of(sample, dir, &lines);
	struct wn_slice kept = lines->lines[8];
	lines->lines[8] = lines->lines[7];
	lines->lines[7] = kept;
	sample_lines_seal(sample, dir, lines, NULL);
}
static void row_split(struct version_sample *sample, const char *dir)
{
	struct sample_lines *lines;
	lines_of(sample, dir, &lines);
	bool test = strstr(lines->lines[7].data, "\"split\":\"test\"") != NULL;
	lines->lines[7] =
		sample_replace(&sample->arena, lines->lines[7], test ? "\"split\":\"test\"" : "\"split\":\"train\"",
			test ? "\"split\":\"train\"" : "\"split\":\"test\"");
	sample_lines_seal(sample, dir, lines, NULL);
}
static void row_p_good(struct version_sample *sample, const char *dir)
{
	row_edited(sample, dir, "\"p_good\":6000", "\"p_good\":5000");
}
static void row_rejected(struct version_sample *sample, const char *dir)
{
	struct sample_lines *lines;
	lines_of(sample, dir, &lines);
	bool storm = strstr(lines->lines[7].data, "\"label\":\"storm\"") != NULL;
	lines->lines[7] = sample_replace(&sample->arena, lines->lines[7],
		storm ? "\"label\":\"storm\"" : "\"label\":\"hail\"", "\"label\":\"no\"");
	sample_lines_seal(sample, dir, lines, NULL);
}
/* A row whose source's terms forbid its content, made well in every other respect: id, split and place are right. */
static void row_forbidden(struct version_sample *sample, const char *dir)
{
	struct wn_error err = {0};
	struct sample_lines *lines;
	struct row row;
	struct item_id id;
	char old_id[ID_HEX_ROOM], new_id[ID_HEX_ROOM], old_split[64], new_split[64];
	lines_of(sample, dir, &lines);
	lines->count = 1;
	lines->lines[0] = sample_replace(&sample->arena, lines->lines[0], "\"source\":\"direct\"", "\"source\":\"x\"");
	CHECK_OK(row_parse(&sample->arena, lines->lines[0].data, lines->lines[0].bytes, &row, &err), err);
	item_id_of(&sample->setup.network, &row.salt, &row.canonical_sha256, &id);
	hex_write(old_id, row.item.bytes, ID_BYTES);
	hex_write(new_id, id.bytes, ID_BYTES);
	/* cluster and item_id both name the item. */
	lines->lines[0] = sample_replace(&sample->arena, lines->lines[0], old_id, new_id);
	lines->lines[0] = sample_replace(&sample->arena, lines->lines[0], old_id, new_id);
	snprintf(old_split, sizeof old_split, "\"split\":\"%s\"", row.split);
	snprintf(new_split, sizeof new_split, "\"split\":\"%s\"", recipe_split_of(&sample->recipe, &id));
	lines->lines[0] = sample_replace(&sample->arena, lines->lines[0], old_split, new_split);
	sample_lines_seal(sample, dir, lines, NULL);
}
static const char *forged_licences[3];
static void change_licences(struct manifest *manifest)
{
	manifest->licences = forged_licences;
	manifest->licence_count = forged_licences[1] ? 3 : 1;
}
static void licence_unlisted(struct version_sample *sample, const char *dir)
{
	forged_licences[0] = "CC0-1.0";
	forged_licences[1] = NULL;
	sample_reseal(sample, dir, false, change_licences);
}
static void licence_unused(struct version_sample *sample, const char *dir)
{
	forged_licences[0] = "CC-BY-4.0";
	forged_licences[1] = "CC0-1.0";
	forged_licences[2] = "MIT";
	sample_reseal(sample, dir, false, change_licences);
}
static void change_count(struct manifest *manifest)
{
	manifest->row_count++;
}
static void count_other(struct version_sample *sample, const char *dir)
{
	sample_reseal(sample, dir, false, change_count);
}
static void change_root(struct manifest *manifest)
{
	manifest->row_root.bytes[31] ^= 1;
}
static void root_other(struct version_sample *sample, const char *dir)
{
	sample_reseal(sample, dir, false, change_root);
}
static void keep_old_rows(struct manifest *manifest)
{
	manifest->row_count = SAMPLE_ROWS;
}
static void row_dropped(struct version_sample *sample, const char *dir)
{
	struct sample_lines *lines;
	lines_of(sample, dir, &lines);
	lines->count--;
	sample_lines_seal(sample, dir, lines, keep_old_rows);
}
static void receipts_other(struct version_sample *sample, const char *dir)
{
	flip(sample, dir, MANIFEST_RECEIPTS_NAME, 33);
	sample_reseal(sample, dir, false, NULL);
}
static void receipts_short(struct version_sample *sample, const char *dir)
{
	sample_shell("truncate -s -1 %s/" MANIFEST_RECEIPTS_NAME, dir);
	sample_reseal(sample, dir, false, NULL);
}

static const struct {
	const char *name;
	tampering *tamper;
	const char *with_key, *without; /* the word, when the lab has the key and when it has none; NULL: the same */
} tamperings[] = {
#define TAMPERING(function, word)                                                                                      \
	{                                                                                                              \
#function, function, word, NULL                                                                        \
	}
	TAMPERING(folder_gone, "verify_folder"),
	TAMPERING(manifest_gone, "verify_manifest_missing"),
	TAMPERING(signature_gone, "verify_signature_missing"),
	TAMPERING(signature_cut, "verify_signature_form"),
	TAMPERING(signature_commented, "verify_signature_form"),
	TAMPERING(manifest_large, "verify_manifest_large"),
	TAMPERING(manifest_flipped, "verify_signature"),
	TAMPERING(comment_changed, "verify_comment"),
	{"other_key", other_key, "verify_key", "verify_genesis"},
	TAMPERING(manifest_no_json, "verify_manifest"),
	TAMPERING(manifest_twice_member, "verify_manifest"),
	TAMPERING(manifest_new_member, "verify_manifest"),
	TAMPERING(manifest_spaced, "verify_manifest_canonical"),
	TAMPERING(manifest_later_schema, "verify_schema"),
	TAMPERING(path_climbs, "verify_path"),
	TAMPERING(path_absolute, "verify_path"),
	TAMPERING(path_deep, "verify_path"),
	TAMPERING(path_hidden, "verify_path"),
	TAMPERING(path_itself, "verify_path"),
	TAMPERING(files_unsorted, "verify_manifest_order"),
	TAMPERING(file_linked, "verify_link"),
	TAMPERING(manifest_linked, "verify_link"),
	TAMPERING(folder_linked, "verify_link"),
	TAMPERING(file_a_pipe, "verify_kind"),
	TAMPERING(manifest_a_folder, "verify_kind"),
	TAMPERING(folders_nested, "verify_kind"),
	TAMPERING(folders_many, "verify_files_many"),
	TAMPERING(file_added, "verify_file_extra"),
	TAMPERING(file_removed, "verify_file_missing"),
	TAMPERING(card_unlisted, "verify_file_missing"),
	TAMPERING(file_grown, "verify_file_size"),
	TAMPERING(shard_grown, "verify_file_size"),
	TAMPERING(shard_flipped, "verify_file_hash"),
	TAMPERING(receipts_flipped, "verify_file_hash"),
	TAMPERING(card_flipped, "verify_file_hash"),
	TAMPERING(genesis_other, "verify_genesis"),
	TAMPERING(genesis_keys, "verify_genesis"),
	TAMPERING(campaign_other, "verify_campaign"),
	TAMPERING(campaign_broken, "verify_campaign"),
	TAMPERING(recipe_other, "verify_recipe"),
	TAMPERING(checkpoint_other, "verify_checkpoint"),
	TAMPERING(checkpoint_forged, "verify_checkpoint"),
	TAMPERING(checkpoint_size, "verify_checkpoint"),
	TAMPERING(sums_other, "verify_sums"),
	TAMPERING(shard_renamed, "verify_shard_name"),
	TAMPERING(shard_huge, "verify_shard_large"),
	TAMPERING(shard_cut, "verify_shard_gzip"),
	TAMPERING(shard_twice, "verify_shard_trailing"),
	TAMPERING(shard_bomb, "verify_shard_line"),
	TAMPERING(shard_unended, "verify_shard_line"),
	TAMPERING(row_broken, "verify_row"),
	TAMPERING(row_spaced, "verify_row_canonical"),
	TAMPERING(row_content, "verify_row_id"),
	TAMPERING(row_salt, "verify_row_id"),
	TAMPERING(row_twice, "verify_row_twice"),
	TAMPERING(rows_swapped, "verify_row_order"),
	TAMPERING(row_split, "verify_row_split"),
	TAMPERING(row_p_good, "verify_row_recipe"),
	TAMPERING(row_rejected, "verify_row_recipe"),
	TAMPERING(row_forbidden, "verify_row_export"),
	TAMPERING(licence_unlisted, "verify_row_licence"),
	TAMPERING(licence_unused, "verify_licences"),
	TAMPERING(count_other, "verify_row_count"),
	TAMPERING(root_other, "verify_row_root"),
	TAMPERING(row_dropped, "verify_row_count"),
	TAMPERING(receipts_other, "verify_receipts"),
	TAMPERING(receipts_short, "verify_receipts"),
};

TEST(every_kind_of_tampering_has_its_word)
{
	struct version_sample sample;
	struct wn_error err = {0};
	bool reached[VERIFY_RESULTS] = {[VERIFY_GOOD] = true, [VERIFY_READ] = true, [VERIFY_MEMORY] = true};
	char dir[SAMPLE_PATH_MAX], said[512], want[512];
	version_sample_init(&sample);
	CHECK_OR_RETURN(version_sample_write(&sample, version_sample_items(&sample, SAMPLE_ROWS), SAMPLE_ROWS));
	for (size_t i = 0; i < sizeof tamperings / sizeof tamperings[0]; i++) {
		snprintf(dir, sizeof dir, "%s/tampered-%zu", test_folder(), i);
		sample_shell("cp -r %s %s", sample.place, dir);
		tamperings[i].tamper(&sample, dir);
		const char *word = verify_word(&sample, dir, true, &err);
		snprintf(said, sizeof said, "%s: %s (%.200s)", tamperings[i].name, word, err.text);
		snprintf(want, sizeof want, "%s: %s (%.200s)", tamperings[i].name, tamperings[i].with_key, err.text);
		CHECK_TEXT(said, want);
		for (int r = 0; r < VERIFY_RESULTS; r++)
			reached[r] = reached[r] || strcmp(verify_code((enum verify_result)r), word) == 0;
		const char *without = tamperings[i].without ? tamperings[i].without : tamperings[i].with_key;
		CHECK_TEXT(verify_word(&sample, dir, false, &err), without);
		sample_shell("rm -rf %s", dir);
	}
	for (int r = 0; r < VERIFY_RESULTS; r++)
		if (!reached[r])
			CHECK_TEXT("nothing gave this word", verify_code((enum verify_result)r));
	version_sample_free(&sample);
}

TEST(what_is_not_forged_fails_in_a_second_implementation_too)
{
	/* Of those that a stranger without the key can do, and some that the signer itself could. */
	static tampering *const seen_by_both[] = {manifest_flipped, other_key, shard_flipped, receipts_flipped,
		card_flipped, file_added, file_removed, row_content, row_salt, row_twice, rows_swapped, row_dropped,
		root_other, receipts_other, sums_other, checkpoint_forged, genesis_keys, campaign_other};
	struct version_sample sample;
	char dir[SAMPLE_PATH_MAX], key[MINISIGN_PUBLIC_ROOM];
	version_sample_init(&sample);
	CHECK_OR_RETURN(version_sample_write(&sample, version_sample_items(&sample, SAMPLE_ROWS), SAMPLE_ROWS));
	minisign_public_write(&sample.public, key);
	for (size_t i = 0; i < sizeof seen_by_both / sizeof seen_by_both[0]; i++) {
		snprintf(dir, sizeof dir, "%s/foreign-%zu", test_folder(), i);
		sample_shell("cp -r %s %s", sample.place, dir);
		seen_by_both[i](&sample, dir);
		int status = sample_shell_status("python3 " FOREIGN " %s %s >%s/said 2>&1", dir, key, test_folder());
		if (!CHECK_INT(status, 1))
			printf("  tampering %zu of the list\n", i);
	}
	version_sample_free(&sample);
}

/* Paths of all plain files below a folder. */
struct paths {
	struct wn_arena *arena;
	const char *paths[64];
	size_t count;
};
static bool paths_add(void *context, const char *path, struct wn_error *err)
{
	struct paths *paths = context;
	(void)err;
	paths->paths[paths->count++] = wn_arena_copy(paths->arena, path, strlen(path));
	return true;
}

TEST(no_flipped_bit_and_no_cut_goes_unnoticed)
{
	enum { FLIPS = 1000, CUTS = 200 };
	struct version_sample sample;
	struct wn_error err = {0};
	struct wn_arena arena;
	uint64_t state = test_seed();
	int folder;
	version_sample_init(&sample);
	wn_arena_init(&arena, 16 << 20);
	CHECK_OR_RETURN(version_sample_write(&sample, version_sample_items(&sample, SAMPLE_ROWS), SAMPLE_ROWS));
	struct paths paths = {.arena = &sample.arena};
	CHECK_OK(folder_open(sample.place, &folder, &err), err);
	CHECK_OK(folder_walk(folder, 64, paths_add, &paths, &err), err);
	folder_close(folder);
	CHECK_INT(paths.count, 9);
	for (int i = 0; i < FLIPS + CUTS; i++) {
		wn_arena_reset(&arena);
		const char *path = paths.paths[test_random(&state) % paths.count];
		struct wn_slice good = sample_read(&arena, sample.place, path), bad = good;
		char *bytes = wn_arena_copy(&arena, good.data, good.bytes);
		size_t at = test_random(&state) % good.bytes;
		bad.data = bytes;
		if (i < FLIPS)
			bytes[at] ^= (char)(1 << test_random(&state) % 8);
		else
			bad.bytes = at;
		sample_put(sample.place, path, bad);
		if (!CHECK(strcmp(verify_word(&sample, sample.place, true, &err), "verify_good") != 0))
			printf("  %s at %zu\n", path, at);
		sample_put(sample.place, path, good);
	}
	CHECK_TEXT(verify_word(&sample, sample.place, true, &err), "verify_good");
	wn_arena_free(&arena);
	version_sample_free(&sample);
}

TEST(a_key_is_given_in_either_form)
{
	struct version_sample sample;
	struct wn_error err = {0};
	struct minisign_public public;
	char key[MINISIGN_PUBLIC_ROOM], did[DID_ROOM];
	version_sample_init(&sample);
	minisign_public_write(&sample.public, key);
	did_write(did, &sample.manifest_key.public_key);
	CHECK_OK(verify_key_read(key, &public, &err), err);
	CHECK_BYTES(&public, sizeof public, &sample.public, sizeof public);
	CHECK_OK(verify_key_read(did, &public, &err), err);
	CHECK_BYTES(&public, sizeof public, &sample.public, sizeof public);
	CHECK(!verify_key_read("did:key:z6Mk", &public, &err));
	CHECK_TEXT(err.code, "verify_key_text");
	version_sample_free(&sample);
}

static bool count_row(void *context, const struct item_id *item, struct wn_error *err)
{
	int *left = context;
	(void)item;
	return (*left)-- > 0 || wn_fail(err, WN_DOWN, "watcher_tired", "enough");
}

TEST(a_failure_of_whoever_watches_comes_through)
{
	struct version_sample sample;
	struct wn_error err = {0};
	struct dataset_report report;
	int left = 5;
	struct verify_watch watch = {.row = count_row, .context = &left};
	version_sample_init(&sample);
	CHECK_OR_RETURN(version_sample_write(&sample, version_sample_items(&sample, SAMPLE_ROWS), SAMPLE_ROWS));
	CHECK(!dataset_verify(&sample.arena, sample.place, NULL, &watch, &report, &err));
	CHECK_TEXT(err.code, "watcher_tired");
	CHECK_INT(report.rows, 6);
	version_sample_free(&sample);
}
