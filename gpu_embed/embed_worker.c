/* The linker's loop. The index is a cache: whatever goes wrong, it is dropped and read again. */
#include "gpu_embed/embed_worker.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/log.h"
#include "gpu_embed/embed_store.h"
#include "gpu_embed/sign_crew.h"

enum {
	EMBED_POLL_MS = 1000,
	EMBED_ARENA = 192 * 1024 * 1024,
	EMBED_PAGE = SIGNER_BATCH_MAX,
	EMBED_THREADS_USUAL = 4,
	EMBED_AHEAD = 4,     /* posts: so that memory is near when their turn comes */
	EMBED_TRIES_MAX = 3, /* of a batch whose index was found damaged */
};
#define EMBED_LOCK 0x77696e6c696e6bLL /* "winlink" */

struct embed_loop {
	struct sign_crew *signers;
	char folder[NODE_PATH_MAX]; /* of the index; "": it stays in memory */
	uint32_t segment_leaders;
	struct linker
		*linker; /* NULL until the first batch, and after a failure that left it with what was not committed */
	int64_t linked;	 /* the highest link_seq that it has seen */
	size_t batch_items;
	struct wn_arena arena; /* for pages of leaders */
};

bool embed_loop_open(
	struct embed_loop **out, const char *backend, unsigned threads, size_t batch_items, struct wn_error *err)
{
	wn_assert(batch_items >= 1);
	wn_assert(batch_items <= EMBED_BATCH_MAX);
	struct embed_loop *loop = calloc(1, sizeof *loop);
	if (!loop)
		return wn_fail(err, WN_FULL, "memory", "no room for the linker's loop");
	if (!sign_crew_open(&loop->signers, backend, threads ? threads : crew_usual(EMBED_THREADS_USUAL), err)) {
		free(loop);
		return wn_while(err, "start the duplicate check");
	}
	loop->batch_items = batch_items;
	wn_arena_init(&loop->arena, EMBED_ARENA);
	*out = loop;
	return true;
}

void embed_loop_folder(struct embed_loop *loop, const char *folder, uint32_t segment_leaders)
{
	wn_assert(!loop->linker);
	wn_assert(strlen(folder) < sizeof loop->folder);
	strcpy(loop->folder, folder);
	loop->segment_leaders = segment_leaders;
}

void embed_loop_settle(struct embed_loop *loop)
{
	if (loop->linker)
		linker_settle(loop->linker);
}

static void loop_drop_index(struct embed_loop *loop)
{
	linker_close(loop->linker);
	loop->linker = NULL;
	loop->linked = 0;
}

void embed_loop_close(struct embed_loop *loop)
{
	if (!loop)
		return;
	loop_drop_index(loop);
	sign_crew_close(loop->signers);
	wn_arena_free(&loop->arena);
	free(loop);
}

/* Campaigns are told apart by the first bytes of their name's hash. */
static uint64_t campaign_number(const char *name)
{
	struct sha256 hash;
	uint64_t number;
	sha256_of(name, strlen(name), &hash);
	memcpy(&number, hash.bytes, sizeof number);
	return number;
}

static struct linker_post post_of(const struct item_id *item, int64_t link_seq, const char *campaign, int numerator,
	int denominator, const struct signed_content *content)
{
	return (struct linker_post){
		.item = *item,
		.seq = link_seq,
		.campaign = campaign_number(campaign),
		.numerator = numerator,
		.denominator = denominator,
		.raw = content->raw,
		.normal = content->normal,
		.near = content->near,
		.digits = content->digits,
		.lanes = content->lanes,
		.keys = content->keys,
		.key_stride = content->key_stride,
		.shingles = content->shingles,
		.size = content->size,
	};
}

/* What is stored must be what its content gives, or verdicts to come would rest on something that nobody can recompute.
 */
static bool leader_check(const struct embed_leader *leader, const struct signed_content *content, struct wn_error *err)
{
	char hex[ID_HEX_ROOM];
	if (memcmp(leader->raw.bytes, content->raw.bytes, ID_BYTES) == 0 &&
		memcmp(leader->normal.bytes, content->normal.bytes, ID_BYTES) == 0 &&
		memcmp(leader->lanes, content->lanes, sizeof leader->lanes) == 0)
		return true;
	return wn_fail(err, WN_DOWN, "embed_signature", "the stored signature of item %s is not the one of its content",
		hex_write(hex, leader->item.bytes, ID_BYTES));
}

static bool index_page(struct embed_loop *loop, struct embed_leader *leaders, size_t count, struct wn_error *err)
{
	struct signed_content *contents = wn_arena_array(&loop->arena, count, sizeof *contents);
	if (!contents)
		return wn_fail(err, WN_FULL, "memory", "no room for a page of leaders");
	for (size_t i = 0; i < count; i++)
		contents[i] = leaders[i].content;
	if (!sign_crew_sign(loop->signers, contents, count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		/* The threshold belongs to the posts that will be compared with it. */
		struct linker_post post =
			post_of(&leaders[i].item, leaders[i].link_seq, leaders[i].campaign, 1, 1, &contents[i]);
		if (!leader_check(&leaders[i], &contents[i], err) || !linker_restore(loop->linker, &post, err))
			return false;
		loop->linked = leaders[i].link_seq;
	}
	return true;
}

/* Opens what the folder holds, as far as the database bears it out: another one's, or one that was brought back from an
 * older copy, knows other leaders. */
static bool index_open_folder(struct embed_loop *loop, struct db *db, struct wn_error *err)
{
	const struct linker_mark *marks;
	size_t count, believed = 0;
	if (!linker_open_folder(&loop->linker, loop->folder[0] ? loop->folder : NULL, loop->segment_leaders, err))
		return false;
	count = linker_marks(loop->linker, &marks);
	if (!embed_store_marks(db, &loop->arena, marks, count, &believed, err) ||
		!linker_start(loop->linker, believed, err))
		return wn_while(err, "open the index");
	loop->linked = linker_watermark(loop->linker);
	return true;
}

/* Takes in what was linked since: everything at the start, nothing as a rule, another process's work after it was the
 * linker. */
static bool index_catch_up(struct embed_loop *loop, struct db *db, struct wn_error *err)
{
	int64_t last, started_ms = clock_monotonic_ms();
	size_t count, read = 0;
	bool fresh = !loop->linker;
	wn_arena_reset(&loop->arena);
	if (fresh && !index_open_folder(loop, db, err))
		return false;
	if (!embed_store_last(db, &loop->arena, &last, err))
		return false;
	if (last == loop->linked)
		return true;
	do {
		struct embed_leader *leaders;
		wn_arena_reset(&loop->arena);
		if (!embed_store_leaders(db, &loop->arena, loop->linked, last, EMBED_PAGE, &leaders, &count, err) ||
			!index_page(loop, leaders, count, err))
			return wn_while(err, "build the index");
		linker_keep(loop->linker);
		read += count;
	} while (count == EMBED_PAGE);
	loop->linked = last;
	log_event(fresh ? LOG_INFO : LOG_DEBUG, "duplicate_index_read",
		log_integer("leaders", (int64_t)linker_leaders(loop->linker)), log_integer("read", (int64_t)read),
		log_integer("ms", clock_monotonic_ms() - started_ms));
	return true;
}

static bool batch_link(
	struct embed_loop *loop, struct wn_arena *arena, struct embed_item *items, size_t count, struct wn_error *err)
{
	struct signed_content *contents = wn_arena_array(arena, count, sizeof *contents);
	struct linker_post *posts = wn_arena_array(arena, count, sizeof *posts);
	if (!contents || !posts)
		return wn_fail(err, WN_FULL, "memory", "no room for the signatures of a batch");
	for (size_t i = 0; i < count; i++)
		contents[i] = items[i].content;
	if (!sign_crew_sign(loop->signers, contents, count, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		items[i].content = contents[i];
		items[i].link_seq = loop->linked + 1 + (int64_t)i;
		posts[i] = post_of(&items[i].item, items[i].link_seq, items[i].campaign, items[i].numerator,
			items[i].denominator, &items[i].content);
	}
	for (size_t i = 0; i < count; i++) {
		if (i + EMBED_AHEAD < count)
			linker_prefetch(loop->linker, &posts[i + EMBED_AHEAD]);
		if (!linker_link(loop->linker, &posts[i], &items[i].verdict, err))
			return false;
	}
	return true;
}

/* *indexed: the index holds leaders of this batch, which the database does not know yet. */
static bool batch_in_transaction(struct embed_loop *loop, struct db *db, struct wn_arena *arena, size_t *count,
	bool *indexed, struct wn_error *err)
{
	struct embed_item *items;
	int64_t now_ms;
	*indexed = true; /* a half-read index is no better */
	if (!index_catch_up(loop, db, err))
		return false;
	*indexed = false;
	if (!embed_store_claim(db, arena, loop->batch_items, &items, count, err))
		return false;
	if (*count == 0)
		return true;
	if (!clock_now(db, &now_ms, err) || !embed_store_thresholds(db, arena, items, *count, err))
		return false;
	*indexed = true;
	return batch_link(loop, arena, items, *count, err) && embed_store_confirm(db, arena, items, *count, err) &&
	       embed_store_write(db, arena, items, *count, now_ms, err) &&
	       embed_store_journal(db, arena, items, *count, now_ms, err);
}

static bool batch_once(
	struct embed_loop *loop, struct db *db, struct wn_arena *arena, size_t *done, struct wn_error *err)
{
	size_t count = 0;
	bool indexed = false;
	if (!db_begin(db, err))
		return wn_while(err, "link a batch");
	if (!batch_in_transaction(loop, db, arena, &count, &indexed, err) || !db_commit(db, err)) {
		db_rollback(db);
		if (indexed)
			loop_drop_index(loop);
		return wn_while(err, "link a batch");
	}
	loop->linked += (int64_t)count;
	linker_keep(loop->linker);
	*done = count;
	return true;
}

bool embed_loop_batch(
	struct embed_loop *loop, struct db *db, struct wn_arena *arena, size_t *done, struct wn_error *err)
{
	*done = 0;
	for (int tries = 1;; tries++) {
		if (batch_once(loop, db, arena, done, err))
			return true;
		bool damaged = strcmp(err->code, "index_damaged") == 0, stale = strcmp(err->code, "index_stale") == 0;
		/* The database's last guard: a leader that the index should have known. Or a rival was faster. */
		bool missed = strcmp(err->code, "db_unique") == 0 && strstr(err->text, "dedup_signature_norm");
		if ((!damaged && !stale && !missed) || tries == EMBED_TRIES_MAX)
			return false;
		stale = stale || (missed && tries > 1);
		/* The damaged file is gone already; of one that says what the database does not, no file is believed.
		 */
		log_failure("duplicate_index_rebuilt", err);
		if (stale && loop->folder[0])
			linker_forget(loop->folder);
		wn_error_reset(err);
		wn_arena_reset(arena);
	}
}

const struct option embed_options[] = {
	{"embed.backend", OPTION_TEXT, NULL, 0, 0,
		"what signs texts: cuda, avx512, avx2 or ref (default: the fastest of the processor)"},
	{"embed.threads", OPTION_INTEGER, "0", 0, CREW_THREADS_MAX,
		"threads that sign texts (0: as many as there are processors, at most 4)"},
	{"embed.idf", OPTION_TEXT, NULL, 0, 0,
		"the embedder's table of weights, made by winnow idf (default: all words weigh the same)"},
	{.name = NULL},
};

static bool embed_worker_open(const struct node *node, struct embed_loop **out, struct wn_error *err)
{
	char folder[NODE_PATH_MAX];
	if (!embed_loop_open(out, option_text(node->options, "embed.backend"),
		    (unsigned)option_integer(node->options, "embed.threads"), EMBED_BATCH_MAX, err))
		return false;
	if (node->state_dir[0])
		embed_loop_folder(*out, node_path(node, folder, "index"), 0);
	return true;
}

static bool embed_worker_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	/* One linker a process. */
	static struct embed_loop *loop;
	if (!loop && !embed_worker_open(worker->node, &loop, err))
		return false;
	return embed_loop_batch(loop, worker->db, &worker->arena, done, err);
}

static const struct worker_plan plan = {
	.name = "embed",
	.role = "winnow_embed",
	.channel = "winnow_item",
	.lock_key = EMBED_LOCK,
	.poll_ms = EMBED_POLL_MS,
	.arena_bytes = EMBED_ARENA,
	.batch = embed_worker_batch,
};
const struct worker_plan *const embed_plan = &plan;
