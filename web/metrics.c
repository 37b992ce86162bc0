/* Metric families with HELP and TYPE; names end with their unit. */
#include "web/metrics.h"

#include <inttypes.h>

#include "core/clock.h"
#include "web/server_state.h"
#include "web/web_store.h"

static void family(struct wn_text *text, const char *name, const char *type, const char *help)
{
	wn_text_printf(text, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(struct wn_text *text, const char *name, const char *help, int64_t value)
{
	family(text, name, "gauge", help);
	wn_text_printf(text, "%s %" PRId64 "\n", name, value);
}

static void metrics_requests(struct wn_text *text, const struct server *server, const struct counters *counters)
{
	uint64_t sum = 0;
	family(text, "winnow_http_requests_total", "counter", "Requests answered, by route and class of status.");
	for (size_t route = 0; route <= COUNTERS_NO_ROUTE; route++) {
		const struct route *known = route < server->router.count ? server->router.routes[route] : NULL;
		for (int hundred = 0; hundred < COUNTERS_CLASSES; hundred++) {
			uint64_t count = counters->answers[route][hundred];
			if (count == 0)
				continue;
			/* Patterns hold neither quotes nor backslashes. */
			wn_text_printf(text,
				"winnow_http_requests_total{method=\"%s\",route=\"%s\",class=\"%dxx\"} %" PRIu64 "\n",
				known ? known->method : "", known ? known->pattern : "none", hundred + 1, count);
		}
	}
	family(text, "winnow_http_request_seconds", "histogram",
		"From a request's last byte to the first of its answer.");
	for (int i = 0; i < COUNTERS_BUCKETS; i++) {
		sum += counters->durations[i];
		if (i < COUNTERS_BUCKETS - 1)
			wn_text_printf(text,
				"winnow_http_request_seconds_bucket{le=\"%" PRId64 ".%03" PRId64 "\"} %" PRIu64 "\n",
				counters_bounds_ms[i] / 1000, counters_bounds_ms[i] % 1000, sum);
		else
			wn_text_printf(text, "winnow_http_request_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", sum);
	}
	uint64_t us = counters->duration_us;
	wn_text_printf(text,
		"winnow_http_request_seconds_sum %" PRIu64 ".%06" PRIu64 "\nwinnow_http_request_seconds_count %" PRIu64
		"\n",
		us / 1000000, us % 1000000, sum);
	family(text, "winnow_http_connections_total", "counter", "Connections by what became of them.");
	wn_text_printf(text, "winnow_http_connections_total{outcome=\"accepted\"} %" PRIu64 "\n",
		(uint64_t)counters->accepted_connections);
	wn_text_printf(text, "winnow_http_connections_total{outcome=\"refused\"} %" PRIu64 "\n",
		(uint64_t)counters->refused_connections);
	wn_text_printf(text, "winnow_http_connections_total{outcome=\"cut_slow\"} %" PRIu64 "\n",
		(uint64_t)counters->slow_connections);
	wn_text_printf(text, "winnow_http_connections_total{outcome=\"cut_full\"} %" PRIu64 "\n",
		(uint64_t)counters->full_connections);
}

static void metrics_server(struct wn_text *text, struct server *server)
{
	struct lane_counts lanes;
	struct peers_held held;
	lanes_count(server->lanes, &lanes);
	peers_held(server->peers, &held);
	gauge(text, "winnow_http_connections", "Open connections.", peers_count(server->peers));
	gauge(text, "winnow_http_held_bytes", "Memory of requests that arrive or wait, and of answers on their way.",
		(int64_t)held.bytes);
	gauge(text, "winnow_http_held_peak_bytes", "The most that it was since this process began to serve.",
		(int64_t)held.most);
	gauge(text, "winnow_http_held_max_bytes", "What it may be.", (int64_t)held.bytes_max);
	gauge(text, "winnow_lanes", "Lanes: requests that can be worked on at once.", lanes.lanes);
	gauge(text, "winnow_lanes_busy", "Lanes that work on a request.", lanes.busy);
	gauge(text, "winnow_lanes_connected", "Lanes with a database connection.", lanes.connected);
	gauge(text, "winnow_queue_length", "Requests that wait for a lane.", (int64_t)lanes.queued);
	gauge(text, "winnow_queue_length_max", "Requests that may wait for a lane.", (int64_t)lanes.queued_max);
	gauge(text, "winnow_uptime_seconds", "Since this process began to serve.",
		(clock_monotonic_ms() - server->started_ms) / 1000);
	family(text, "winnow_build_info", "gauge", "The program's version.");
	wn_text_printf(text, "winnow_build_info{version=\"%s\"} 1\n", WINNOW_VERSION);
}

static void metrics_journal(struct wn_text *text, const struct web_journal *journal)
{
	gauge(text, "winnow_journal_entries", "Numbered journal entries.", journal->size);
	gauge(text, "winnow_journal_unsequenced", "Journal entries that wait for their number.", journal->unsequenced);
	gauge(text, "winnow_checkpoint_entries", "Entries in the latest checkpoint.", journal->checkpoint_size);
	family(text, "winnow_checkpoint_timestamp_seconds", "gauge",
		"When the latest checkpoint was signed, by the node's clock.");
	wn_text_printf(text, "winnow_checkpoint_timestamp_seconds %" PRId64 ".%03" PRId64 "\n",
		journal->checkpoint_ms / 1000, journal->checkpoint_ms % 1000);
}

static bool metrics_database(struct wn_text *text, struct exchange *exchange, struct wn_error *err)
{
	int64_t counts[ITEM_STATES];
	struct web_work work;
	struct web_journal journal;
	if (!web_store_items(exchange->db, exchange->arena, false, counts, err) ||
		!web_store_work(exchange->db, exchange->arena, &work, err) ||
		!web_store_journal(exchange->db, exchange->arena, &journal, err))
		return false;
	family(text, "winnow_items_waiting", "gauge", "Items on their way, by state.");
	for (int i = 0; i < ITEM_STATES; i++)
		if (item_state_waits((enum item_state)i))
			wn_text_printf(text, "winnow_items_waiting{state=\"%s\"} %" PRId64 "\n",
				item_state_word((enum item_state)i), counts[i]);
	family(text, "winnow_rounds_open", "gauge", "Open panels, by phase.");
	for (int i = 0; i < WEB_ROUNDS_OPEN; i++)
		wn_text_printf(text, "winnow_rounds_open{phase=\"%s\"} %" PRId64 "\n",
			round_state_word((enum round_state)i), work.rounds[i]);
	family(text, "winnow_seats", "gauge", "Seats of open panels, by state.");
	for (int i = 0; i < SEAT_STATES; i++)
		wn_text_printf(text, "winnow_seats{state=\"%s\"} %" PRId64 "\n", seat_state_word((enum seat_state)i),
			work.seats[i]);
	if (work.has_epoch) {
		gauge(text, "winnow_epoch", "The epoch that is open or closing.", work.epoch);
		gauge(text, "winnow_epoch_state", "Its state: 0 open, 1 waits for audits, 2 closed.", work.epoch_state);
	}
	metrics_journal(text, &journal);
	return true;
}

bool metrics_write(struct exchange *exchange, struct wn_slice *out, struct wn_error *err)
{
	struct wn_text text;
	struct counters *counters = wn_arena_alloc(exchange->arena, sizeof *counters);
	if (!counters)
		return wn_fail(err, WN_FULL, "memory", "no room for counters");
	server_count(exchange->server, counters);
	wn_text_init(&text, exchange->arena);
	metrics_requests(&text, exchange->server, counters);
	metrics_server(&text, exchange->server);
	bool up = exchange->db && db_connected(exchange->db);
	size_t told = text.bytes;
	if (up && !metrics_database(&text, exchange, err)) {
		/* Scrapes must go on when the database does not: that is when they are wanted most. */
		up = false;
		text.bytes = told;
	}
	gauge(&text, "winnow_database_up", "Whether the database answered this scrape.", up);
	if (text.full)
		return wn_fail(err, WN_FULL, "memory", "no room for metrics");
	*out = (struct wn_slice){text.data, text.bytes};
	return true;
}
