/* Recorded campaigns: what is taken, what is left out and counted, and every refusal with its code and its line. */
#include "cmd/recording.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

SUITE("recording")

enum { RECORDING_TEST_ARENA = 64 * 1024 * 1024, PATH_ROOM = 512 };

static const char good_campaign[] =
	"{\"name\":\"harbour-cranes\",\"question\":\"Does the post tell of a crane at work?\",\"licence\":\"CC0-1.0\","
	"\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"cannot_tell\",\"verdict\":\"abstain\"},"
	"{\"name\":\"yes\",\"verdict\":\"keep\"}]}";
static const char good_posts[] = "{\"id\":\"p1\",\"text\":\"The blue crane set down its last box.\"}\n"
				 "{\"id\":\"p2\",\"text\":\"Herring for lunch, \\u00fcber gut.\",\"lang\":\"de\"}\n"
				 "\n"
				 "{\"id\":\"p,3\",\"text\":\"\"}\n";
static const char good_votes[] =
	"post,worker,choice\np1,ann,yes\np2,ann,no\np1,bo,no\np1,ann,no\np2,bo,cannot_tell\n\"p,3\",\"b\"\"o\",yes\n";
static const char good_truth[] = "post,choice\np1,yes\np2,no\n\"p,3\",cannot_tell\n";

/* Files of a recording; NULL: the good one, "" with no_*: the file is not there. */
struct files {
	const char *campaign, *posts, *votes, *truth;
	size_t posts_bytes, votes_bytes; /* 0: up to the NUL */
	bool no_campaign, no_posts, no_votes, no_truth;
};

static void file_put(const char *folder, const char *name, const char *text, size_t bytes)
{
	char path[PATH_ROOM];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	CHECK_OR_RETURN(file != NULL);
	CHECK_INT((int64_t)fwrite(text, 1, bytes, file), (int64_t)bytes);
	CHECK_INT(fclose(file), 0);
}

static void files_put(const char *folder, const struct files *files)
{
	const char *posts = files->posts ? files->posts : good_posts, *votes = files->votes ? files->votes : good_votes;
	const char *campaign = files->campaign ? files->campaign : good_campaign;
	const char *truth = files->truth ? files->truth : good_truth;
	if (!files->no_campaign)
		file_put(folder, "campaign.json", campaign, strlen(campaign));
	if (!files->no_posts)
		file_put(folder, "posts.ndjson", posts, files->posts_bytes ? files->posts_bytes : strlen(posts));
	if (!files->no_votes)
		file_put(folder, "votes.csv", votes, files->votes_bytes ? files->votes_bytes : strlen(votes));
	if (!files->no_truth)
		file_put(folder, "truth.csv", truth, strlen(truth));
}

static bool files_read(struct wn_arena *arena, const struct files *files, struct recording *out, struct wn_error *err)
{
	const char *folder = test_folder();
	if (!folder)
		return wn_fail(err, WN_DOWN, "test_folder", "no folder");
	files_put(folder, files);
	return recording_read(arena, folder, out, err);
}

/* The recording is refused with this code, and the text holds this place. */
static void refused(const char *code, const char *place, struct files files)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	static struct recording recording;
	wn_arena_init(&arena, RECORDING_TEST_ARENA);
	CHECK(!files_read(&arena, &files, &recording, &err));
	CHECK_TEXT(err.code, code);
	CHECK_INT(err.blame, WN_INPUT);
	if (!strstr(err.text, place))
		CHECK_TEXT(err.text, place);
	wn_arena_free(&arena);
}

static char *text_repeat(const char *what, size_t count, const char *before, const char *after)
{
	char *text = malloc(strlen(before) + count * strlen(what) + strlen(after) + 1), *at = text;
	wn_assert(text != NULL);
	at = stpcpy(at, before);
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, what);
	strcpy(at, after);
	return text;
}

TEST(a_recording_is_read_with_its_posts_votes_and_known_answers)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	static struct recording recording;
	wn_arena_init(&arena, RECORDING_TEST_ARENA);
	CHECK_OK(files_read(&arena, &(struct files){0}, &recording, &err), err);
	CHECK_TEXT(recording.campaign.name, "harbour-cranes");
	CHECK_INT(recording.campaign.class_count, 2);
	CHECK_OR_RETURN(recording.post_count == 3 && recording.worker_count == 3);
	CHECK_TEXT(recording.posts[0].id, "p1");
	CHECK_TEXT(recording.posts[2].id, "p,3");
	CHECK(wn_slice_equal(recording.posts[1].text, WN_SLICE("Herring for lunch, \xc3\xbc"
							       "ber gut.")));
	CHECK_INT((int64_t)recording.posts[2].text.bytes, 0);
	CHECK_TEXT(recording.workers[0], "ann");
	CHECK_TEXT(recording.workers[1], "bo");
	CHECK_TEXT(recording.workers[2], "b\"o");
	/* The second vote of ann on p1 is left out, as the node would refuse it; bo's abstention is no vote. */
	CHECK_INT(recording.vote_count, 4);
	CHECK_INT(recording.repeated, 1);
	CHECK_INT(recording.abstained, 1);
	CHECK_INT(recording.posts[0].vote_count, 2);
	CHECK_INT(recording.posts[0].votes[0].worker, 0);
	CHECK_INT(recording.posts[0].votes[0].class, 1);
	CHECK_INT(recording.posts[0].votes[1].worker, 1);
	CHECK_INT(recording.posts[0].votes[1].class, 0);
	CHECK_INT(recording.posts[1].vote_count, 1);
	CHECK_INT(recording.posts[2].votes[0].worker, 2);
	CHECK(recording.has_truth);
	CHECK_INT(recording.posts[0].truth, 1);
	CHECK_INT(recording.posts[1].truth, 0);
	CHECK_INT(recording.posts[2].truth, -1);
	wn_arena_free(&arena);
}

TEST(line_ends_of_windows_and_a_last_line_without_end_change_nothing)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	static struct recording recording;
	struct files files = {
		.posts = "{\"id\":\"a\",\"text\":\"One.\"}\r\n\r\n{\"id\":\"b\",\"text\":\"Two.\"}",
		.votes = "post,worker,choice\r\na,w,yes\r\n\r\nb,w,no",
		.truth = "post,choice\r\na,yes",
	};
	wn_arena_init(&arena, RECORDING_TEST_ARENA);
	CHECK_OK(files_read(&arena, &files, &recording, &err), err);
	CHECK_OR_RETURN(recording.post_count == 2 && recording.vote_count == 2);
	CHECK_INT(recording.posts[1].votes[0].class, 0);
	CHECK_INT(recording.posts[0].truth, 1);
	wn_arena_free(&arena);
}

TEST(without_known_answers_a_recording_has_none)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	static struct recording recording;
	wn_arena_init(&arena, RECORDING_TEST_ARENA);
	CHECK_OK(files_read(&arena, &(struct files){.no_truth = true}, &recording, &err), err);
	CHECK(!recording.has_truth);
	CHECK_INT(recording.posts[0].truth, -1);
	CHECK_INT(recording_majority_ppm(&recording, 8), 0);
	CHECK_TEXT(err.code, "");
	wn_arena_free(&arena);
}

TEST(a_missing_file_or_folder_is_named)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	static struct recording recording;
	refused("recording_file", "campaign.json", (struct files){.no_campaign = true});
	refused("recording_file", "posts.ndjson", (struct files){.no_posts = true});
	refused("recording_file", "votes.csv", (struct files){.no_votes = true});
	wn_arena_init(&arena, RECORDING_TEST_ARENA);
	CHECK(!recording_read(&arena, "/nowhere/at/all", &recording, &err));
	CHECK_TEXT(err.code, "recording_file");
	wn_arena_free(&arena);
}

TEST(a_campaign_that_is_none_or_of_another_kind_is_refused)
{
	refused("json_syntax", "campaign.json", (struct files){.campaign = "{\"name\":"});
	refused("campaign_name", "campaign.json", (struct files){.campaign = "{\"question\":\"?\"}"});
	refused("recording_kind", "text",
		(struct files){.campaign =
				       "{\"name\":\"w\",\"kind\":\"window\",\"question\":\"?\",\"licence\":\"CC0-1.0\","
				       "\"choices\":[{\"name\":\"no\",\"verdict\":\"reject\"},{\"name\":\"yes\","
				       "\"verdict\":\"keep\"}]}"});
}

TEST(a_post_that_is_none_is_refused_with_its_line)
{
	static const char *const bad[] = {"{\"id\":\"b\"}", "{\"text\":\"t\"}", "{\"id\":\"\",\"text\":\"t\"}",
		"{\"id\":7,\"text\":\"t\"}", "{\"id\":\"b\",\"text\":null}", "[\"b\",\"t\"]", "\"b\"", "3",
		"{\"id\":\"b\\u0000c\",\"text\":\"t\"}"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char posts[256];
		snprintf(posts, sizeof posts, "{\"id\":\"a\",\"text\":\"One.\"}\n\n%s\n", bad[i]);
		refused("recording_post", "posts.ndjson line 3",
			(struct files){.posts = posts, .votes = "post,worker,choice\n"});
	}
	refused("recording_post_twice", "posts.ndjson line 2: the id a stands twice",
		(struct files){.posts = "{\"id\":\"a\",\"text\":\"One.\"}\n{\"id\":\"a\",\"text\":\"Two.\"}\n"});
	refused("json_syntax", "posts.ndjson line 2",
		(struct files){.posts = "{\"id\":\"a\",\"text\":\"One.\"}\n{\"id\":\n"});
	refused("json_utf8", "posts.ndjson line 1", (struct files){.posts = "{\"id\":\"a\",\"text\":\"\xff\"}\n"});
	refused("recording_posts", "holds no post", (struct files){.posts = "\n\n"});
	refused("recording_posts", "holds no post", (struct files){.posts = " "});
}

TEST(a_nul_in_a_file_is_refused_not_taken_for_its_end)
{
	static const char posts[] = "{\"id\":\"a\",\"text\":\"One.\"}\n\0\n{\"id\":\"b\",\"text\":\"Two.\"}\n";
	static const char votes[] = "post,worker,choice\np1,a\0b,yes\n";
	refused("json_syntax", "posts.ndjson line 2", (struct files){.posts = posts, .posts_bytes = sizeof posts - 1});
	refused("recording_field", "votes.csv line 2", (struct files){.votes = votes, .votes_bytes = sizeof votes - 1});
}

TEST(a_header_that_is_not_the_agreed_one_is_refused)
{
	refused("recording_header", "votes.csv", (struct files){.votes = "worker,post,choice\nann,p1,yes\n"});
	refused("recording_header", "votes.csv", (struct files){.votes = "p1,ann,yes\np1,bo,yes\n"});
	refused("recording_row", "votes.csv line 1 has 2", (struct files){.votes = "post,worker\np1,ann\n"});
	refused("recording_row", "votes.csv line 1 has 4",
		(struct files){.votes = "post,worker,choice,when\np1,ann,yes,1\n"});
	refused("recording_header", "truth.csv", (struct files){.truth = "id,choice\np1,yes\n"});
	refused("recording_header", "votes.csv", (struct files){.votes = ""});
	refused("recording_header", "truth.csv", (struct files){.truth = "\n"});
}

TEST(a_vote_that_does_not_fit_is_refused_with_its_line)
{
	refused("recording_post_unknown", "votes.csv line 3: there is no post p9",
		(struct files){.votes = "post,worker,choice\np1,ann,yes\np9,ann,yes\n"});
	refused("recording_choice", "votes.csv line 2: campaign.json has no choice maybe",
		(struct files){.votes = "post,worker,choice\np1,ann,maybe\n"});
	refused("recording_choice", "votes.csv line 2", (struct files){.votes = "post,worker,choice\np1,ann,\n"});
	refused("recording_row", "votes.csv line 3 has 2 fields",
		(struct files){.votes = "post,worker,choice\np1,ann,yes\np1,bo\n"});
	refused("recording_row", "votes.csv line 2 has 4 fields",
		(struct files){.votes = "post,worker,choice\np1,ann,yes,no\n"});
	refused("recording_field", "votes.csv line 2",
		(struct files){.votes = "post,worker,choice\np1,a\xc3\x28,yes\n"});
	refused("recording_csv", "votes.csv line 2", (struct files){.votes = "post,worker,choice\np1,a\"b,yes\n"});
	refused("recording_csv", "votes.csv line 3",
		(struct files){.votes = "post,worker,choice\np1,ann,yes\np1,\"bo,yes\n"});
	refused("recording_post_unknown", "truth.csv line 3", (struct files){.truth = "post,choice\np1,yes\np7,yes\n"});
	refused("recording_choice", "truth.csv line 2", (struct files){.truth = "post,choice\np1,perhaps\n"});
}

/* Editors count lines, so what counts records must not be what is told. */
TEST(a_line_is_told_as_an_editor_counts_it)
{
	refused("recording_post_unknown", "votes.csv line 5: there is no post p9",
		(struct files){.votes = "post,worker,choice\n\n\np1,ann,yes\np9,ann,yes\n"});
	refused("recording_post_unknown", "votes.csv line 5: there is no post p9",
		(struct files){.votes = "post,worker,choice\np1,\"a\nn\nn\",yes\np9,ann,yes\n"});
	refused("recording_choice", "votes.csv line 3",
		(struct files){.votes = "post,worker,choice\r\np1,ann,yes\r\np1,bo,maybe\r\n"});
}

TEST(a_huge_line_is_refused_not_cut)
{
	char *field = text_repeat("x", 1025, "post,worker,choice\np1,ann,yes\np1,", ",yes\n");
	char *fits = text_repeat("x", 1024, "post,worker,choice\np1,ann,yes\np1,", ",yes\n");
	char *fields = text_repeat("p1,", 200000, "post,worker,choice\n", "yes\n");
	struct wn_arena arena;
	struct wn_error err = {0};
	static struct recording recording;
	refused("recording_field", "votes.csv line 3", (struct files){.votes = field});
	refused("recording_row", "votes.csv line 2 has 200001 fields", (struct files){.votes = fields});
	wn_arena_init(&arena, RECORDING_TEST_ARENA);
	CHECK_OK(files_read(&arena, &(struct files){.votes = fits}, &recording, &err), err);
	CHECK_INT((int64_t)strlen(recording.workers[1]), 1024);
	wn_arena_free(&arena);
	free(fields);
	free(fits);
	free(field);
}

TEST(more_workers_than_the_limit_are_refused)
{
	struct wn_text votes;
	struct wn_arena arena;
	wn_arena_init(&arena, RECORDING_TEST_ARENA);
	wn_text_init(&votes, &arena);
	wn_text_add_string(&votes, "post,worker,choice\n");
	for (int i = 0; i <= RECORDING_WORKERS_MAX; i++)
		wn_text_printf(&votes, "p1,w%d,yes\n", i);
	CHECK(!votes.full);
	refused("recording_workers", "votes.csv", (struct files){.votes = votes.data});
	wn_arena_free(&arena);
}

TEST(a_recording_too_large_for_its_arena_is_refused_not_cut)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	static struct recording recording;
	wn_arena_init(&arena, 64 * 1024);
	CHECK(!files_read(&arena, &(struct files){0}, &recording, &err));
	CHECK_INT(err.blame, WN_FULL);
	wn_arena_free(&arena);
}

TEST(the_majority_of_the_first_votes_breaks_ties_to_the_lowest_class)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	static struct recording recording;
	struct files files = {
		.posts = "{\"id\":\"a\",\"text\":\"1\"}\n{\"id\":\"b\",\"text\":\"2\"}\n{\"id\":\"c\",\"text\":\"3\"}\n"
			 "{\"id\":\"d\",\"text\":\"4\"}\n",
		/* a: 2 yes, later 3 no; b: a tie; c: nobody voted; d: known to be impossible to tell */
		.votes = "post,worker,choice\na,1,yes\na,2,yes\na,3,no\na,4,no\na,5,no\nb,1,yes\nb,2,no\nd,1,yes\n",
		.truth = "post,choice\na,yes\nb,no\nc,no\nd,cannot_tell\n",
	};
	wn_arena_init(&arena, RECORDING_TEST_ARENA);
	CHECK_OK(files_read(&arena, &files, &recording, &err), err);
	CHECK_INT(recording_majority_ppm(&recording, 3), 1000000);
	CHECK_INT(recording_majority_ppm(&recording, 5), 666666);
	CHECK_INT(recording_majority_ppm(&recording, 1), 666666);
	wn_arena_free(&arena);
}
