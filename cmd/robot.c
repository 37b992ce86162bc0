/* `winnow robot`: the sample network's validators: programs that say so and judge by a published rule. */
#include "cmd/command.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/client.h"
#include "cmd/sample.h"
#include "core/campaign.h"
#include "core/clock.h"
#include "core/log.h"

enum {
	ROBOT_ARENA = 32 * 1024 * 1024,
	ROBOT_PAUSE_MS = 700,
	ROBOT_FAILED_MS = 3000,
	ROBOT_NOTES_MAX = 4096,
	ROBOT_TASKS_MAX = 16,
	ROBOT_FAILURES_TOLD = 10
};

static volatile sig_atomic_t robot_stop;

static void robot_on_signal(int number)
{
	(void)number;
	robot_stop = 1;
}

/* A sealed vote that waits to be opened. */
struct robot_note {
	int robot;
	struct vote_cast vote;
};

struct robots {
	const struct node *node;
	struct fetch *fetch;
	struct node_view view;
	struct key_file keys[SAMPLE_ROBOTS];
	struct key_file author; /* gives the sample's posts: whoever gives a post has no seat on it, and every robot is
				   needed */
	struct vote_client clients[SAMPLE_ROBOTS];
	struct closed_rounds *rounds;
	struct robot_note notes[ROBOT_NOTES_MAX];
	size_t note_count;
	struct wn_arena arena;
	bool settled_in; /* registered, campaigns open, posts submitted */
};

static bool robot_key(const struct robots *robots, const char *below, struct key_file *out, struct wn_error *err)
{
	char path[NODE_PATH_MAX];
	node_path(robots->node, path, below);
	return access(path, F_OK) == 0 ? key_file_read(path, out, err) : key_file_create(path, out, err);
}

static bool robots_keys(struct robots *robots, struct wn_error *err)
{
	for (int i = 0; i < SAMPLE_ROBOTS; i++) {
		char below[64];
		snprintf(below, sizeof below, "keys/robot-%d.key", i + 1);
		if (!robot_key(robots, below, &robots->keys[i], err))
			return false;
	}
	return robot_key(robots, "keys/robot-author.key", &robots->author, err);
}

/* The last robot leaves the sample's own posts, and every other series, to the visitor: a seat is free there until a
 * person judges. */
static bool robot_leaves(int robot, const char *campaign, const struct seat_taken *seat)
{
	if (robot != SAMPLE_ROBOTS - 1)
		return false;
	return strcmp(campaign, SAMPLE_CAMPAIGN) == 0 ? sample_is_post(seat->content)
						      : seat->key.item.bytes[0] % 2 == 0;
}

static bool robot_submit(struct robots *robots, struct wn_error *err)
{
	struct wn_text lines;
	const struct json *answer;
	wn_text_init(&lines, &robots->arena);
	for (size_t i = 0; sample_posts[i]; i++) {
		struct json_writer writer;
		struct wn_slice line;
		json_begin(&writer, &robots->arena);
		json_open_object(&writer, NULL);
		json_put_string(&writer, "content", sample_posts[i]);
		json_close_object(&writer);
		if (!json_end(&writer, &line, err))
			return false;
		wn_text_add(&lines, line.data, line.bytes);
		wn_text_add_string(&lines, "\n");
	}
	struct fetch_request request = {
		.method = "POST",
		.target = "/v1/campaigns/" SAMPLE_CAMPAIGN "/items",
		.content_type = "application/x-ndjson",
		.body = {lines.data, lines.bytes},
		.key = &robots->author.key,
		.tag = robots->view.tag,
		.now_ms = robots->view.clock_manual ? robots->view.now_ms : 0,
	};
	return !lines.full && fetch_json(robots->fetch, &robots->arena, &request, &answer, err);
}

static bool robot_campaign(struct robots *robots, const char *document, struct wn_error *err)
{
	const struct json *answer;
	return operator_send(robots->node->options, &robots->arena, "/operator/campaigns", document, &answer, err);
}

/* Serve may start after its robots, and elsewhere than last time: its address is looked up until it answered once. */
static bool robots_reach(struct robots *robots, struct wn_error *err)
{
	char url[CLIENT_URL_MAX];
	fetch_close(robots->fetch);
	robots->fetch = NULL;
	if (!fetch_open(&robots->fetch, client_url(robots->node->options, url), NULL, err))
		return false;
	for (int i = 0; i < SAMPLE_ROBOTS; i++)
		robots->clients[i].fetch = robots->fetch;
	return true;
}

static bool robots_settle_in(struct robots *robots, struct wn_error *err)
{
	static const char *const roles[] = {"contributor", "validator", NULL};
	struct vote_client author = {.view = &robots->view, .keys = &robots->author};
	if (!robots_reach(robots, err) || !node_view_read(robots->fetch, &robots->arena, &robots->view, err))
		return false;
	for (int i = 0; i < SAMPLE_ROBOTS; i++)
		if (!vote_client_register(&robots->clients[i], &robots->arena, roles, true, NULL, err))
			return false;
	author.fetch = robots->fetch;
	if (!vote_client_register(&author, &robots->arena, (const char *const[]){"contributor", NULL}, true, NULL, err))
		return false;
	robots->settled_in = robot_campaign(robots, sample_campaign, err) &&
			     robot_campaign(robots, sample_machine_campaign, err) && robot_submit(robots, err);
	return robots->settled_in;
}

static int robot_choice(struct robots *robots, const char *campaign, struct wn_slice content)
{
	const struct json *window;
	struct wn_error err = {0};
	if (strcmp(campaign, SAMPLE_CAMPAIGN) == 0)
		return sample_judge(content);
	return json_parse(&robots->arena, content.data, content.bytes, &window, &err) ? sample_judge_window(window) : 0;
}

static bool robot_judge(struct robots *robots, int robot, const char *campaign, size_t *done, struct wn_error *err)
{
	struct seat_taken *seats;
	struct vote_cast votes[ROBOT_TASKS_MAX];
	size_t taken, count = 0, counted;
	if (robots->note_count + ROBOT_TASKS_MAX > ROBOT_NOTES_MAX)
		return true;
	if (!vote_client_take(
		    &robots->clients[robot], &robots->arena, campaign, NULL, ROBOT_TASKS_MAX, &seats, &taken, err))
		return false;
	for (size_t i = 0; i < taken; i++) {
		if (robot_leaves(robot, campaign, &seats[i])) {
			if (!vote_client_skip(&robots->clients[robot], &robots->arena, &seats[i].key.item, err))
				return false;
			continue;
		}
		votes[count++] = (struct vote_cast){
			.key = seats[i].key, .sequence = 1, .choice = robot_choice(robots, campaign, seats[i].content)};
	}
	if (count == 0)
		return true;
	if (!vote_client_commit(&robots->clients[robot], &robots->arena, votes, count, &counted, err))
		return false;
	for (size_t i = 0; i < count; i++)
		robots->notes[robots->note_count++] = (struct robot_note){.robot = robot, .vote = votes[i]};
	*done += count;
	return true;
}

/* Seats that an earlier process left sealed are found again: the choice follows from the rule. */
static bool robots_remember(struct robots *robots, struct wn_error *err)
{
	for (int robot = 0; robot < SAMPLE_ROBOTS; robot++) {
		const struct json *answer;
		if (!vote_client_send(&robots->clients[robot], &robots->arena, "GET", "/v1/seats", (struct wn_slice){0},
			    NULL, &answer, err))
			return false;
		const struct json *list = json_get(answer, "seats");
		for (size_t i = 0;
			list && list->type == JSON_ARRAY && i < list->count && robots->note_count < ROBOT_NOTES_MAX;
			i++) {
			const struct json *seat = list->elements[i], *content = json_get(seat, "content");
			struct robot_note note = {.robot = robot};
			const char *item = json_member_string(seat, "item_id", "");
			int64_t round;
			if (!content || content->type != JSON_STRING ||
				!hex_read(note.vote.key.item.bytes, ID_BYTES, item, strlen(item)) ||
				!json_integer(json_get(seat, "round"), &round) ||
				!json_integer(json_get(seat, "sequence"), &note.vote.sequence))
				continue;
			note.vote.key.round = (int32_t)round;
			note.vote.choice =
				robot_choice(robots, json_member_string(seat, "campaign", ""), content->text);
			if (note.vote.sequence == 0) {
				size_t counted;
				note.vote.sequence = 1;
				if (!vote_client_commit(
					    &robots->clients[robot], &robots->arena, &note.vote, 1, &counted, err))
					return false;
			}
			robots->notes[robots->note_count++] = note;
		}
	}
	return true;
}

static bool robots_open(struct robots *robots, size_t *done, struct wn_error *err)
{
	size_t kept = 0;
	for (size_t i = 0; i < robots->note_count; i++) {
		struct robot_note note = robots->notes[i];
		const struct vote_client *client = &robots->clients[note.robot];
		size_t counted;
		if (!vote_client_check_closed(client, robots->rounds, &note.vote, err)) {
			if (err->blame == WN_BUSY)
				robots->notes[kept++] = note;
			else if (err->blame == WN_DOWN) {
				while (i < robots->note_count)
					robots->notes[kept++] = robots->notes[i++];
				robots->note_count = kept;
				return false;
			} else {
				/* Voided rounds end here, and whatever a robot must not reveal. */
				log_failure("robot_vote_not_opened", err);
			}
			wn_error_reset(err);
			continue;
		}
		if (!vote_client_reveal(client, &robots->arena, robots->rounds, &note.vote, 1, &counted, err)) {
			while (i < robots->note_count)
				robots->notes[kept++] = robots->notes[i++];
			robots->note_count = kept;
			return false;
		}
		++*done;
	}
	robots->note_count = kept;
	return true;
}

static bool robots_turn(struct robots *robots, size_t *done, struct wn_error *err)
{
	*done = 0;
	wn_arena_reset(&robots->arena);
	if (!robots->settled_in && (!robots_settle_in(robots, err) || !robots_remember(robots, err)))
		return wn_while(err, "settle in");
	/* What is signed says when; a clock that the operator moves is the node's to tell. */
	if (robots->view.clock_manual && !node_view_read(robots->fetch, &robots->arena, &robots->view, err))
		return false;
	for (int robot = 0; robot < SAMPLE_ROBOTS; robot++)
		if (!robot_judge(robots, robot, SAMPLE_CAMPAIGN, done, err) ||
			!robot_judge(robots, robot, SAMPLE_MACHINE_CAMPAIGN, done, err))
			return wn_while(err, "judge");
	return robots_open(robots, done, err) || wn_while(err, "open votes");
}

static void robot_pause(int ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
	if (!robot_stop)
		nanosleep(&time, NULL);
}

static int robot_run(const struct options *options, int argc, char **argv)
{
	static struct node node;
	static struct robots robots;
	struct wn_error err = {0};
	size_t done;
	int failures = 0;
	(void)argv;
	if (argc != 0)
		return command_usage(&command_robot);
	sign_start();
	sigaction(SIGTERM, &(struct sigaction){.sa_handler = robot_on_signal}, NULL);
	sigaction(SIGINT, &(struct sigaction){.sa_handler = robot_on_signal}, NULL);
	if (!node_init(&node, options, &err))
		return command_failed(&err);
	robots.node = &node;
	robots.rounds = closed_rounds_open();
	wn_arena_init(&robots.arena, ROBOT_ARENA);
	for (int i = 0; i < SAMPLE_ROBOTS; i++)
		robots.clients[i] = (struct vote_client){.view = &robots.view, .keys = &robots.keys[i]};
	if (!robots_keys(&robots, &err))
		return command_failed(&err);
	while (!robot_stop) {
		bool ok = robots_turn(&robots, &done, &err);
		/* One line a streak, and none while serve is only just starting. */
		failures = ok ? 0 : failures + 1;
		if (failures == ROBOT_FAILURES_TOLD)
			log_failure("robots_wait", &err);
		wn_error_reset(&err);
		robot_pause(ok ? ROBOT_PAUSE_MS : ROBOT_FAILED_MS / (robots.settled_in ? 1 : 10));
	}
	closed_rounds_close(robots.rounds);
	fetch_close(robots.fetch);
	wn_arena_free(&robots.arena);
	return EXIT_DONE;
}

static const struct option robot_options[] = {
	CLIENT_OPTION_NODE,
	{.name = NULL},
};
static const char *const robot_help[] = {
	"Four robots judge the sample campaigns so that one visitor sees the whole path; a fifth key gives the "
	"sample's posts. Their",
	"accounts are marked as robots.",
	"Their rule for posts: a link, a price or the words of an offer make an advert; a word of helping makes a "
	"kindness; all else is",
	"off topic. For readings: broken when a channel has no value at all, else plausible. The fourth leaves the "
	"sample's own posts",
	"and every other series (by its id) to you.",
	NULL,
};

const struct command command_robot = {
	.name = "robot",
	.usage = "robot [OPTIONS]",
	.summary = "the sample network's validators, programs that say so",
	.help = robot_help,
	.options = robot_options,
	.runs_node = true,
	.run = robot_run,
};
