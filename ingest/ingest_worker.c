/* Pulls sources: items, evidence and the source's cursor move in one transaction, so a killed worker simply goes on. */
#include "ingest/ingest_worker.h"

#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fetch.h"
#include "core/journal.h"
#include "core/log.h"
#include "ingest/ingest_store.h"

enum { INGEST_POLL_MS = 2000, INGEST_SOURCES_MAX = 16, INGEST_ARENA = 64 * 1024 * 1024 };

const struct option ingest_options[] = {
	{"ingest.ndjson", OPTION_TEXT, NULL, 0, 0,
		"file, or folder of *.ndjson files, whose lines are submitted as they come"},
	{"ingest.ndjson_campaign", OPTION_TEXT, NULL, 0, 0, "campaign that gets them"},
	{"ingest.machine", OPTION_BOOL, "false", 0, 0,
		"submit this machine's load and free memory, a window a minute (a sample network does without being "
		"told)"},
	{"ingest.machine_campaign", OPTION_TEXT, "sample-machine", 0, 0, "campaign that gets these windows"},
	{"ingest.key", OPTION_TEXT, NULL, 0, 0,
		"key file of the contributor that the node's own sources submit as (default keys/ingest.key)"},
	{"ingest.node", OPTION_TEXT, NULL, 0, 0,
		"node with which that key is registered when it is new (default: the one of this state folder)"},
	{.name = NULL},
};

/* One loop a process: what it keeps between batches. */
struct ingest_loop {
	bool ready;
	struct key_file key;
	struct {
		const struct source *source;
		void *state;
		const char *campaign;
	} open[INGEST_SOURCES_MAX];
	size_t open_count;
};
static struct ingest_loop ingest_loop;

/* The pseudonym of this machine: nobody can tell the host from it, and it stays the same. */
static void device_name(const struct key_file *key, char out[SOURCE_DEVICE_ROOM])
{
	char host[256] = "";
	struct sha256 hash;
	gethostname(host, sizeof host - 1);
	hmac_sha256(key->vote_seed, sizeof key->vote_seed, host, strlen(host), &hash);
	hex_write(out, hash.bytes, (SOURCE_DEVICE_ROOM - 1) / 2);
}

/* The key file is made on the first start; where it lies is an option. */
static bool ingest_key_read(const struct node *node, struct key_file *key, struct wn_error *err)
{
	char below[NODE_PATH_MAX];
	const char *path = option_text(node->options, "ingest.key");
	if (!path || !*path)
		path = node_path(node, below, "keys/ingest.key");
	if (access(path, F_OK) == 0)
		return key_file_read(path, key, err) || wn_while(err, "read ingest.key");
	return key_file_create(path, key, err) || wn_while(err, "make ingest.key");
}

static bool ingest_register(const struct worker *worker, const struct key_file *key, struct wn_error *err)
{
	struct wn_arena arena;
	struct fetch *fetch;
	const struct json *answer;
	char here[NODE_PATH_MAX];
	const char *node = option_text(worker->node->options, "ingest.node");
	if (!node && !node_address(worker->node, here))
		return wn_fail(err, WN_BUSY, "ingest_node",
			"this node's serve does not listen yet; ingest.node names another");
	if (!fetch_open(&fetch, node ? node : here, NULL, err))
		return wn_while(err, "reach ingest.node");
	wn_arena_init(&arena, INGEST_ARENA);
	struct fetch_request request = {
		.method = "POST",
		.target = "/v1/accounts",
		.content_type = "application/json",
		.body = WN_SLICE("{\"roles\":[\"contributor\"]}"),
		.key = &key->key,
		.tag = worker->node->network_tag,
	};
	bool ok = clock_now(worker->db, &request.now_ms, err) && fetch_json(fetch, &arena, &request, &answer, err);
	wn_arena_free(&arena);
	fetch_close(fetch);
	return ok || wn_while(err, "register ingest.key");
}

static bool ingest_loop_start(struct worker *worker, struct wn_error *err)
{
	struct ingest_loop *loop = &ingest_loop;
	struct source_setup setup = {.options = worker->node->options, .sample = worker->node->sample};
	bool any = false;
	for (size_t i = 0; sources[i]; i++)
		any = any || sources[i]->wanted(&setup);
	/* Without a source there is nothing to do until this role is started with other options. */
	if (!any)
		return loop->ready = true;
	if (!ingest_key_read(worker->node, &loop->key, err))
		return false;
	device_name(&loop->key, setup.device);
	for (size_t i = loop->open_count; sources[i]; i++) {
		wn_assert(i < INGEST_SOURCES_MAX);
		if (!sources[i]->wanted(&setup)) {
			loop->open[loop->open_count++].source = NULL;
			continue;
		}
		const char *campaign = option_text(setup.options, sources[i]->campaign);
		if (!campaign || !*campaign)
			return wn_fail(err, WN_INPUT, "ingest_campaign",
				"set %s to the campaign that gets the items of %s", sources[i]->campaign,
				sources[i]->name);
		if (!sources[i]->open(&loop->open[i].state, &setup, err))
			return wn_while(err, "open the source %s", sources[i]->name);
		loop->open[i].source = sources[i];
		loop->open[i].campaign = campaign;
		loop->open_count++;
	}
	loop->ready = true;
	return true;
}

/* What the contributor signs for a batch of its own: the hashes of the canonical items, in order. */
static bool batch_sign(struct wn_arena *arena, const struct key_file *key, const struct campaign *campaign,
	const struct ingest_item *items, size_t count, int64_t now_ms, struct ingest_evidence *out,
	struct wn_error *err)
{
	struct json_writer writer;
	char did[DID_ROOM];
	did_write(did, &key->key.public_key);
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "type", "winnow/own-items/v1");
	json_put_string(&writer, "campaign", campaign->name);
	json_put_string(&writer, "contributor", did);
	json_put_integer(&writer, "time_ms", now_ms);
	json_open_array(&writer, "canonical_sha256");
	for (size_t i = 0; i < count; i++)
		json_put_hex(&writer, NULL, items[i].item.canonical_sha256.bytes, ID_BYTES);
	json_close_array(&writer);
	json_close_object(&writer);
	out->key = key->key.public_key;
	if (!json_end(&writer, &out->base, err))
		return wn_while(err, "sign a batch");
	sign_bytes(&key->key, out->base.data, out->base.bytes, &out->signature);
	return true;
}

/* Checks what a source handed over with the rules that hold for everybody; refused ones are counted and the first one
 * is named. */
static bool batch_check(struct wn_arena *arena, const struct source *source, const struct source_batch *raw,
	const struct item_rules *rules, struct ingest_item *items, size_t *count, int64_t *refused,
	struct wn_error *err)
{
	*count = 0;
	for (size_t i = 0; i < raw->count; i++) {
		struct item_answer answer;
		if (!item_check_json(
			    arena, raw->items[i].data, raw->items[i].bytes, rules, &items[*count].item, &answer, err))
			return wn_while(err, "check item %zu of a batch of %s", i, source->name);
		if (answer.result == ITEM_DONE)
			++*count;
		else if (++*refused == 1)
			log_event(LOG_WARN, "item_refused", log_text("source", source->name),
				log_text("code", answer.code), log_text("detail", answer.detail));
	}
	return true;
}

bool ingest_source_batch(struct worker *worker, const struct source *source, void *state, const char *campaign_name,
	const struct key_file *key, size_t *done, bool *more, struct wn_error *err)
{
	struct wn_arena *arena = &worker->arena;
	struct account account;
	struct campaign *campaign = wn_arena_alloc(arena, sizeof *campaign);
	struct source_batch *raw = wn_arena_alloc(arena, sizeof *raw);
	struct ingest_item *items = wn_arena_array(arena, SOURCE_BATCH_MAX, sizeof *items);
	struct ingest_evidence evidence;
	struct sha256 leaf;
	const char *cursor;
	bool open, has_campaign, has_account;
	size_t count, accepted = 0;
	int64_t now_ms, refused = 0;
	*done = 0;
	*more = false;
	if (!campaign || !raw || !items)
		return wn_fail(err, WN_FULL, "memory", "no room for a batch");
	if (!clock_now(worker->db, &now_ms, err) ||
		!account_find(worker->db, arena, &key->key.public_key, &account, &has_account, err) ||
		!ingest_store_campaign(worker->db, arena, campaign_name, campaign, &open, &has_campaign, err))
		return false;
	if (!has_campaign)
		return wn_fail(err, WN_BUSY, "campaign_unknown",
			"the campaign %s is not open yet: create it, or change %s", campaign_name, source->campaign);
	if (!has_account)
		return ingest_register(worker, key, err);
	/* A closed campaign refuses everything: the source waits, or its items would be passed over for good. */
	if (!open)
		return true;
	if (!db_begin(worker->db, err) ||
		!ingest_store_cursor(worker->db, arena, source->name, campaign_name, &cursor, err))
		return false;
	if (!source->next(state, arena, cursor, raw, err))
		return wn_while(err, "pull %s", source->name);
	struct item_rules rules = {.campaign = campaign, .commitment = account.commitment, .now_ms = now_ms};
	struct ingest_batch batch = {
		&worker->node->network, campaign, account.key, account.commitment, &evidence, now_ms};
	if (!batch_check(arena, source, raw, &rules, items, &count, &refused, err) ||
		!batch_sign(arena, key, campaign, items, count, now_ms, &evidence, err) ||
		!ingest_store_items(worker->db, arena, &batch, items, count, &accepted, err))
		return false;
	if (count > 0 && items[0].result == ITEM_CAMPAIGN_CLOSED) {
		db_rollback(worker->db);
		return true;
	}
	if (strcmp(cursor, raw->cursor) != 0 &&
		!ingest_store_cursor_move(worker->db, arena, source->name, campaign_name, raw->cursor,
			(int64_t)accepted, refused + raw->errors, now_ms, err))
		return false;
	if (accepted > 0 && !ingest_store_journal(worker->db, arena, &batch, items, count, &leaf, err))
		return false;
	if (!db_commit(worker->db, err))
		return false;
	*done = raw->count + (size_t)raw->errors;
	*more = raw->more;
	return true;
}

/* A source that fails does not hold up the others; the first failure is told. */
static bool ingest_worker_batch(struct worker *worker, size_t *done, struct wn_error *err)
{
	bool ok = true;
	*done = 0;
	if (!ingest_loop.ready && !ingest_loop_start(worker, err))
		return false;
	for (size_t i = 0; i < ingest_loop.open_count; i++) {
		struct wn_error failure = {0};
		size_t some;
		bool more;
		if (!ingest_loop.open[i].source)
			continue;
		wn_arena_reset(&worker->arena);
		if (ingest_source_batch(worker, ingest_loop.open[i].source, ingest_loop.open[i].state,
			    ingest_loop.open[i].campaign, &ingest_loop.key, &some, &more, &failure)) {
			*done += more ? some : 0; /* 0 lets the loop sleep until the next sample or line */
			continue;
		}
		db_rollback(worker->db);
		if (ok)
			*err = failure;
		ok = false;
	}
	return ok || wn_while(err, "ingest");
}

static const struct worker_plan plan = {
	.name = "ingest",
	.role = "winnow_ingest",
	.poll_ms = INGEST_POLL_MS,
	.arena_bytes = INGEST_ARENA,
	.batch = ingest_worker_batch,
};
const struct worker_plan *const ingest_plan = &plan;
