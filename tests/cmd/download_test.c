/* Downloads from a node that lies: nothing is written outside the folder, nothing is taken that is not what was listed.
 */
#include "tests/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/download_version.h"
#include "core/hash.h"

SUITE("download")

enum { PATH_ROOM = 600, NODE_WAIT_MS = 10000 };

struct liar {
	pid_t process;
	char dir[PATH_ROOM];
	struct fetch *fetch;
	struct wn_arena arena;
	struct wn_error err;
};
static int liar_count;

static void put(const char *path, const void *bytes, size_t count)
{
	FILE *file = fopen(path, "we");
	CHECK_OR_RETURN(file != NULL);
	CHECK_INT(fwrite(bytes, 1, count, file), count);
	fclose(file);
}

static int shell(const char *format, const char *a, const char *b)
{
	char command[4 * PATH_ROOM];
	snprintf(command, sizeof command, format, a, b);
	int status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool liar_open(struct liar *liar)
{
	char path[PATH_ROOM + 64], url[64];
	int port = 0;
	memset(liar, 0, sizeof *liar);
	sign_start();
	wn_arena_init(&liar->arena, 64 << 20);
	snprintf(liar->dir, sizeof liar->dir, "%s/liar-%d", test_folder(), ++liar_count);
	CHECK_INT(shell("mkdir -p %s/files %s/out", liar->dir, liar->dir), 0);
	liar->process = fork();
	if (liar->process == 0) {
		execlp("python3", "python3", "tests/foreign/hostile_node.py", liar->dir, (char *)NULL);
		_exit(127);
	}
	snprintf(path, sizeof path, "%s/port", liar->dir);
	for (int waited_ms = 0; port == 0 && waited_ms < NODE_WAIT_MS; waited_ms += 20) {
		FILE *file = fopen(path, "re");
		if (file) {
			CHECK_INT(fscanf(file, "%d", &port), 1);
			fclose(file);
		}
		usleep(20000);
	}
	snprintf(url, sizeof url, "http://127.0.0.1:%d", port);
	CHECK_OK(fetch_open(&liar->fetch, url, NULL, &liar->err), liar->err);
	return port != 0;
}

static void liar_close(struct liar *liar)
{
	kill(liar->process, SIGKILL);
	waitpid(liar->process, NULL, 0);
	fetch_close(liar->fetch);
	wn_arena_free(&liar->arena);
}

/* Lists one file with the bytes and hash of `listed`, and serves `sent` for it. */
static void liar_says(struct liar *liar, const char *path, const char *listed, const char *sent)
{
	char name[2 * PATH_ROOM + 64], list[2048], hex[ID_HEX_ROOM], flat[PATH_ROOM];
	struct sha256 hash;
	sha256_of(listed, strlen(listed), &hash);
	snprintf(list, sizeof list,
		"{\"state\":\"published\",\"files\":[{\"path\":\"%s\",\"bytes\":%zu,\"sha256\":\"%s\"}]}", path,
		strlen(listed), hex_write(hex, hash.bytes, ID_BYTES));
	snprintf(name, sizeof name, "%s/list.json", liar->dir);
	put(name, list, strlen(list));
	snprintf(flat, sizeof flat, "%s", path);
	for (char *c = flat; *c; c++)
		if (*c == '/')
			*c = '_';
	snprintf(name, sizeof name, "%s/files/%s", liar->dir, flat);
	put(name, sent, strlen(sent));
}

static const char *liar_word(struct liar *liar)
{
	char out[PATH_ROOM + 16];
	snprintf(out, sizeof out, "%s/out", liar->dir);
	wn_error_reset(&liar->err);
	wn_arena_reset(&liar->arena);
	return download_version(liar->fetch, &liar->arena, "d", 1, out, NULL, &liar->err) ? "" : liar->err.code;
}

TEST(a_file_that_is_what_was_listed_is_taken_and_not_fetched_twice)
{
	struct liar liar;
	CHECK_OR_RETURN(liar_open(&liar));
	liar_says(&liar, "data/part-00000.jsonl.gz", "rows", "rows");
	CHECK_TEXT(liar_word(&liar), "");
	CHECK_INT(shell("grep -q '^rows$' %s/out/data/part-00000.jsonl.gz && test -z \"$(find %s/out -name '.*part')\"",
			  liar.dir, liar.dir),
		0);
	/* The node has nothing but the list any more; what is there is enough. */
	CHECK_INT(shell("rm -r %s/files && test -d %s", liar.dir, liar.dir), 0);
	CHECK_TEXT(liar_word(&liar), "");
	/* One changed byte, and it is asked for again. */
	CHECK_INT(shell("printf rowz >%s/out/data/part-00000.jsonl.gz && test -d %s", liar.dir, liar.dir), 0);
	CHECK(strcmp(liar_word(&liar), "") != 0);
	liar_close(&liar);
}

TEST(a_connection_that_is_cut_is_made_up_for)
{
	struct liar liar;
	CHECK_OR_RETURN(liar_open(&liar));
	liar_says(&liar, "README.md", "a card of a version", "a card of a version");
	CHECK_INT(shell("touch %s/files/README.md.cut && test -d %s", liar.dir, liar.dir), 0);
	CHECK_TEXT(liar_word(&liar), "");
	CHECK_INT(shell("test ! -e %s/files/README.md.cut && grep -q '^a card of a version$' %s/out/README.md",
			  liar.dir, liar.dir),
		0);
	liar_close(&liar);
}

TEST(other_bytes_than_listed_are_never_kept)
{
	struct liar liar;
	CHECK_OR_RETURN(liar_open(&liar));
	liar_says(&liar, "README.md", "good", "evil");
	CHECK_TEXT(liar_word(&liar), "download_hash");
	liar_says(&liar, "README.md", "good", "good, and then much more than was listed");
	CHECK_TEXT(liar_word(&liar), "fetch_large");
	liar_says(&liar, "README.md", "good", "goo");
	CHECK_TEXT(liar_word(&liar), "download_hash");
	CHECK_INT(shell("test ! -e %s/out/README.md && test -d %s", liar.dir, liar.dir), 0);
	liar_close(&liar);
}

TEST(no_path_leads_out_of_the_folder)
{
	static const char *const paths[] = {"../evil", "/tmp/evil", "data/../../evil", "a/b/c", ".hidden", "data/", "",
		"data//x", "x\\u0000y", "..", "data/..", NULL};
	struct liar liar;
	CHECK_OR_RETURN(liar_open(&liar));
	for (int i = 0; paths[i]; i++) {
		char name[PATH_ROOM + 16], list[512];
		snprintf(name, sizeof name, "%s/list.json", liar.dir);
		snprintf(list, sizeof list,
			"{\"state\":\"published\",\"files\":[{\"path\":\"%s\",\"bytes\":4,\"sha256\":"
			"\"4e60b6a1d2d3dbcd1ba2dc7a3a1f6d8e7a1d6fe3d1e2f3a4b5c6d7e8f9a0b1c2\"}]}",
			paths[i]);
		put(name, list, strlen(list));
		CHECK_TEXT(liar_word(&liar), "download_path");
	}
	/* A folder of the version that is a link to somewhere else is not written through. */
	liar_says(&liar, "data/part-00000.jsonl.gz", "rows", "rows");
	CHECK_INT(shell("mkdir -p %s/elsewhere && test -d %s", liar.dir, liar.dir), 0);
	CHECK_INT(shell("rm -rf %s/out/data && ln -s ../elsewhere %s/out/data", liar.dir, liar.dir), 0);
	CHECK(strcmp(liar_word(&liar), "") != 0);
	CHECK_INT(shell("test -z \"$(ls %s/elsewhere)\" && test -d %s", liar.dir, liar.dir), 0);
	liar_close(&liar);
}

TEST(a_list_that_makes_no_sense_is_refused)
{
	static const struct {
		const char *list, *code;
	} lists[] = {
		{"[]", "version_unpublished"},
		{"{\"state\":\"wanted\"}", "version_unpublished"},
		{"{\"state\":\"published\"}", "answer_malformed"},
		{"{\"state\":\"published\",\"files\":[]}", "answer_malformed"},
		{"{\"state\":\"published\",\"files\":[{\"path\":\"README.md\",\"bytes\":-1,\"sha256\":\"00\"}]}",
			"download_path"},
		{"{\"state\":\"published\",\"files\":[7]}", "download_path"},
	};
	struct liar liar;
	char name[PATH_ROOM + 16];
	CHECK_OR_RETURN(liar_open(&liar));
	snprintf(name, sizeof name, "%s/list.json", liar.dir);
	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
		put(name, lists[i].list, strlen(lists[i].list));
		CHECK_TEXT(liar_word(&liar), lists[i].code);
	}
	liar_close(&liar);
}
