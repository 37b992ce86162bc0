/* `winnow up`: own PostgreSQL, migrations, genesis, then one supervised process a role until Ctrl-C. */
#include "cmd/command.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/genesis.h"
#include "cmd/state_lock.h"
#include "cmd/supervisor.h"
#include "core/clock.h"
#include "core/cluster.h"
#include "core/fetch.h"
#include "core/log.h"
#include "core/migrate.h"
#include "core/network_store.h"

enum { UP_ARENA = 64 * 1024 * 1024, UP_READY_MS = 30000, UP_READY_POLL_MS = 20 };

static const struct option up_options[] = {
	{"clock", OPTION_TEXT, "wall", 0, 0, "wall, or manual: a new network's time moves only by winnow clock"},
	{"genesis", OPTION_TEXT, NULL, 0, 0,
		"file that describes a new network (winnow config --genesis prints one); without it a sample network"},
	{"ephemeral", OPTION_BOOL, "false", 0, 0, "stop the node's own PostgreSQL too when the node stops"},
	{.name = NULL},
};

static bool up_network(struct node *node, struct db *db, struct wn_arena *arena, struct wn_error *err)
{
	struct network_row network;
	struct genesis_wish wish;
	bool found;
	const char *clock = option_text(node->options, "clock");
	bool manual = strcmp(clock, "manual") == 0;
	if (!manual && strcmp(clock, "wall") != 0)
		return wn_fail(err, WN_INPUT, "clock", "--clock is wall or manual, not %s", clock);
	if (!network_store_get(db, arena, &network, &found, err))
		return false;
	if (found && manual && !network.clock_manual)
		return wn_fail(err, WN_INPUT, "clock",
			"this network was born with the wall clock; --clock manual is for new ones");
	if (found)
		return true;
	return genesis_read(arena, option_text(node->options, "genesis"), manual, clock_wall_ms(), &wish, err) &&
	       genesis_write(node, db, arena, &wish, err);
}

/* Database reachable and migrated, network born, node filled. */
static bool up_prepare(struct node *node, struct wn_error *err)
{
	struct cluster cluster;
	struct wn_arena arena;
	struct db *db = NULL;
	bool started = false;
	int applied = 0;
	if (node->own_database) {
		if (!cluster_plan(&cluster, node->state_dir, err) || !cluster_up(&cluster, &started, err))
			return wn_while(err, "start PostgreSQL");
		if (started)
			log_event(LOG_INFO, "postgresql_started", log_text("data", cluster.data_dir));
	}
	if (!node_connect(node, "winnow_owner", &db, err))
		return wn_while(err, "connect as winnow_owner");
	wn_arena_init(&arena, UP_ARENA);
	bool ok = migrate_up(db, &applied, err) && up_network(node, db, &arena, err);
	wn_arena_free(&arena);
	db_close(db);
	if (ok && applied)
		log_event(LOG_INFO, "migrated", log_integer("migrations", applied));
	return ok && node_load(node, err);
}

static bool is_ready(const struct node *node, char address[NODE_PATH_MAX])
{
	char socket[NODE_PATH_MAX];
	struct wn_error err = {0};
	struct wn_arena arena;
	struct fetch *fetch;
	struct fetch_answer answer;
	struct fetch_request request = {.method = "GET", .target = "/readyz", .timeout_ms = 2000};
	if (!node_address(node, address) ||
		!fetch_open(&fetch, "http://localhost", node_path(node, socket, "run/operator.sock"), &err))
		return false;
	wn_arena_init(&arena, 1 << 20);
	bool ready = fetch_send(fetch, &arena, &request, &answer, &err) && answer.status == 200;
	wn_arena_free(&arena);
	fetch_close(fetch);
	return ready;
}

/*
 * From here on a wish to stop waits until the supervisor hears it: a start that is cut in the middle would leave a
 * server behind that an ephemeral node has to take along.
 */
static void up_hold_signals(void)
{
	sigset_t held;
	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGHUP);
	sigprocmask(SIG_BLOCK, &held, NULL);
}

static bool up_cluster_stop(const struct node *node, struct wn_error *err)
{
	struct cluster cluster;
	return !node->own_database || (cluster_plan(&cluster, node->state_dir, err) && cluster_down(&cluster, err));
}

struct up_state {
	const struct node *node;
	int64_t started_ms, give_up_ms;
	bool told;
};

/* Between the supervisor's looks: says once when the page answers. */
static int up_tick(void *context)
{
	struct up_state *up = context;
	char address[NODE_PATH_MAX], tag[ID_HEX_ROOM];
	if (up->told)
		return -1;
	if (!is_ready(up->node, address)) {
		if (clock_monotonic_ms() > up->give_up_ms) {
			fprintf(stderr, "winnow: not ready after %d s; winnow doctor and the log above tell why\n",
				UP_READY_MS / 1000);
			up->told = true;
		}
		return UP_READY_POLL_MS;
	}
	up->told = true;
	hex_write(tag, up->node->network.bytes, 8);
	printf("winnow " WINNOW_VERSION " is ready after %lld ms: %s\n  network %s, state in %s\n  Ctrl-C stops the "
					"node; PostgreSQL stays up for the "
	       "next start (winnow down stops it)\n",
		(long long)(clock_monotonic_ms() - up->started_ms), address, tag, up->node->state_dir);
	fflush(stdout);
	return -1;
}

static int up_run(const struct options *options, int argc, char **argv)
{
	static struct node node;
	struct wn_error err = {0};
	char address[NODE_PATH_MAX], stale[NODE_PATH_MAX];
	int lock;
	pid_t other;
	struct up_state up = {.node = &node, .started_ms = clock_monotonic_ms()};
	(void)argv;
	if (argc != 0)
		return command_usage(&command_up);
	sign_start();
	if (!node_init(&node, options, &err) || !state_lock_take(&node, &lock, &other, &err))
		return command_failed(&err);
	if (other) {
		bool answers = node_address(&node, address);
		printf("winnow is running already (process %ld)%s%s\n", (long)other, answers ? ": " : "",
			answers ? address : "");
		return EXIT_DONE;
	}
	unlink(node_path(&node, stale, "run/serve.address"));
	up_hold_signals();
	if (!up_prepare(&node, &err)) {
		struct wn_error also = {0};
		if (option_bool(options, "ephemeral") && !up_cluster_stop(&node, &also))
			log_failure("postgresql_not_stopped", &also);
		close(lock);
		return command_failed(&err);
	}
	const char *roles[SUPERVISOR_ROLES_MAX + 1] = {"serve", "embed", "tally", "reward", "seal", "ingest"};
	int count = 6;
	if (node.own_database)
		roles[count++] = "keep";
	if (node.sample)
		roles[count++] = "robot";
	up.give_up_ms = up.started_ms + UP_READY_MS;
	int status = supervise(options, roles, up_tick, &up);
	if (option_bool(options, "ephemeral") && !up_cluster_stop(&node, &err))
		log_failure("postgresql_not_stopped", &err);
	close(lock);
	return status;
}

static const char *const up_help[] = {
	"Starts a PostgreSQL of its own below the state folder (set WINNOW_DATABASE to use another), brings its schema "
	"up to date and",
	"runs serve, embed, tally, reward, seal and ingest, each restarted when it ends, and keep, which brings "
	"PostgreSQL back when it went",
	"away. Without --genesis a new state folder becomes a sample network: labelled as such, judged by you and "
	"robots, a pay round every",
	"minute.",
	NULL,
};

const struct command command_up = {
	.name = "up",
	.usage = "up [--genesis FILE] [--clock manual] [OPTIONS]",
	.summary = "run a whole node on this machine",
	.help = up_help,
	.options = up_options,
	.runs_node = true,
	.run = up_run,
};
