/* The schema as a whole: the file that shows it, the statements that use it, the grants that guard it. */
#include "tests/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/db.h"
#include "sql_all.h"

SUITE("schema")

enum { SCHEMA_BYTES_MAX = 1 << 20 };

static const char *const roles[] = {
	"winnow_serve", "winnow_ingest", "winnow_embed", "winnow_tally", "winnow_reward", "winnow_seal"};
enum { ROLES = sizeof roles / sizeof roles[0] };
static char base[1100];

static bool fresh(void)
{
	const char *conninfo = test_database();
	if (conninfo)
		snprintf(base, sizeof base, "%s", conninfo);
	return conninfo != NULL;
}

static bool open_as(struct db **db, const char *role)
{
	char conninfo[1200];
	struct wn_error err = {0};
	snprintf(conninfo, sizeof conninfo, "%s user=%s", base, role);
	return check_true(db_open(db, conninfo, &err), err.text, __FILE__, __LINE__);
}

static char *schema_read(FILE *from)
{
	char *text = calloc(1, SCHEMA_BYTES_MAX);
	if (text && from)
		CHECK(fread(text, 1, SCHEMA_BYTES_MAX - 1, from) < SCHEMA_BYTES_MAX - 1);
	return text;
}

TEST(the_schema_file_shows_what_the_migrations_make)
{
	char command[1400];
	CHECK_OR_RETURN(fresh());
	/* The conninfo quotes with ' only. */
	snprintf(command, sizeof command, "sh ops/dump_schema.sh \"%s user=winnow_owner\"", base);
	FILE *dump = popen(command, "re");
	char *made = schema_read(dump);
	CHECK_INT(dump ? pclose(dump) : -1, 0);
	CHECK(strstr(made, "CREATE TABLE public.item (") != NULL);
	const char *target = getenv("WINNOW_SCHEMA_WRITE");
	FILE *file = fopen(target ? target : "sql/schema.sql", target ? "we" : "re");
	CHECK_OR_RETURN(file != NULL);
	if (target) {
		CHECK(fputs(made, file) >= 0);
	} else {
		char *shown = schema_read(file);
		const char *first = strchr(made, '\n'), *first_shown = strchr(shown, '\n');
		/* Another pg_dump says the same in other words. */
		if (first && first_shown && strncmp(made, shown, (size_t)(first - made)) != 0)
			test_skip("sql/schema.sql was written by another version of pg_dump");
		else if (!CHECK(strcmp(made, shown) == 0))
			printf("  run `make schema` and look at the difference\n");
		free(shown);
	}
	CHECK_INT(fclose(file), 0);
	free(made);
}

/* "EXPLAIN EXECUTE s (NULL, NULL)": plans and checks the grants, runs nothing. */
static void explain_of(char out[512], const struct sql_statement *statement)
{
	size_t at = (size_t)snprintf(out, 512, "EXPLAIN EXECUTE %s", statement->name);
	for (int i = 0; i < statement->parameters; i++)
		at += (size_t)snprintf(out + at, 512 - at, i ? ", NULL" : " (NULL");
	if (statement->parameters)
		snprintf(out + at, 512 - at, ")");
}

/* What `winnow up` and `winnow migrate` do as the owner. */
static const char *const owners_alone[] = {"core_network_insert", "core_migration_find", "core_migration_record", NULL};

static bool owners_only(const char *name)
{
	for (int i = 0; owners_alone[i]; i++)
		if (strcmp(owners_alone[i], name) == 0)
			return true;
	return false;
}

static bool prepare(struct db *db, const struct sql_statement *statement, struct wn_error *err)
{
	static char text[65536];
	int bytes = snprintf(text, sizeof text, "PREPARE %s AS %s", statement->name, statement->text);
	return check_true(bytes < (int)sizeof text, statement->name, __FILE__, __LINE__) && db_command(db, text, err);
}

TEST(every_statement_prepares_and_some_role_may_run_it)
{
	struct db *owner, *as[ROLES];
	struct wn_error err = {0};
	int count = 0;
	CHECK_OR_RETURN(fresh() && open_as(&owner, "winnow_owner"));
	for (int r = 0; r < ROLES; r++)
		CHECK_OR_RETURN(open_as(&as[r], roles[r]));
	for (int f = 0; sql_all[f].folder; f++)
		for (const struct sql_statement *const *each = sql_all[f].statements; *each; each++) {
			char explain[512];
			bool allowed = owners_only((*each)->name);
			count++;
			if (!prepare(owner, *each, &err)) {
				check_text(err.text, "", (*each)->name, __FILE__, __LINE__);
				continue;
			}
			explain_of(explain, *each);
			CHECK_OK(db_command(owner, explain, &err), err);
			for (int r = 0; r < ROLES && !allowed; r++)
				allowed = prepare(as[r], *each, &err) && db_command(as[r], explain, &err);
			if (!allowed)
				check_text(err.text, "granted to some role", (*each)->name, __FILE__, __LINE__);
		}
	CHECK(count > 20);
	for (int r = 0; r < ROLES; r++)
		db_close(as[r]);
	db_close(owner);
}

static void denied(struct db *db, const char *role, const char *sql)
{
	struct wn_error err = {0};
	if (db_command(db, sql, &err) || strcmp(err.code, "db_denied") != 0) {
		check_text(role, "denied", sql, __FILE__, __LINE__);
		check_text(err.text, "", sql, __FILE__, __LINE__);
	}
}

TEST(history_can_be_added_to_and_changed_by_nobody)
{
	static const char *const histories[] = {"journal_entry", "journal_leaf", "journal_node", "checkpoint",
		"ledger_transfer", "ballot", "vote_commit", "vote_reveal", "submission_evidence", "dedup_verdict",
		"provisional", "slash", "network", "migration"};
	char sql[200];
	struct db *db;
	CHECK_OR_RETURN(fresh());
	for (int r = 0; r < ROLES; r++) {
		CHECK_OR_RETURN(open_as(&db, roles[r]));
		for (size_t i = 0; i < sizeof histories / sizeof histories[0]; i++) {
			snprintf(sql, sizeof sql, "DELETE FROM %s", histories[i]);
			denied(db, roles[r], sql);
			snprintf(sql, sizeof sql, "TRUNCATE %s CASCADE", histories[i]);
			denied(db, roles[r], sql);
		}
		denied(db, roles[r], "UPDATE journal_entry SET body = ''");
		denied(db, roles[r], "UPDATE ledger_transfer SET amount = 0");
		denied(db, roles[r], "UPDATE ballot SET body = ''");
		denied(db, roles[r], "UPDATE vote_reveal SET choice = 0");
		denied(db, roles[r], "UPDATE network SET genesis = ''");
		denied(db, roles[r], "UPDATE item SET canonical = ''");
		denied(db, roles[r], "UPDATE account SET commitment = ''");
		denied(db, roles[r], "CREATE TABLE mine (a integer)");
		denied(db, roles[r], "CREATE ROLE friend SUPERUSER");
		denied(db, roles[r], "COPY item TO PROGRAM 'cat'");
		denied(db, roles[r], "DROP TABLE item");
		db_close(db);
	}
}

TEST(each_role_may_do_its_own_part_only)
{
	static const struct {
		const char *role, *sql;
	} tries[] = {
		{"winnow_serve", "UPDATE item SET state = 6"},
		{"winnow_serve", "INSERT INTO verdict DEFAULT VALUES"},
		{"winnow_serve", "INSERT INTO journal_leaf VALUES (0, 0)"},
		{"winnow_serve", "UPDATE round SET state = 2"},
		{"winnow_serve", "UPDATE network SET clock_manual = true"},
		{"winnow_serve", "INSERT INTO item (item_id, state) VALUES ('', 6)"},
		{"winnow_serve", "UPDATE ledger_account SET owner = ''"},
		{"winnow_serve", "UPDATE campaign SET document = ''"},
		{"winnow_serve", "UPDATE seat SET voter = ''"},
		{"winnow_serve", "SELECT salt FROM account"},
		{"winnow_ingest", "INSERT INTO ledger_transfer DEFAULT VALUES"},
		{"winnow_ingest", "UPDATE campaign SET open = true"},
		{"winnow_ingest", "INSERT INTO vote_reveal DEFAULT VALUES"},
		{"winnow_ingest", "UPDATE item SET state = 6"},
		{"winnow_ingest", "SELECT choice FROM vote_reveal"},
		{"winnow_ingest", "SELECT signature FROM submission_evidence"},
		{"winnow_embed", "INSERT INTO item DEFAULT VALUES"},
		{"winnow_embed", "INSERT INTO ballot DEFAULT VALUES"},
		{"winnow_embed", "SELECT choice FROM vote_reveal"},
		{"winnow_embed", "SELECT key FROM account"},
		{"winnow_tally", "INSERT INTO verdict DEFAULT VALUES"},
		{"winnow_tally", "INSERT INTO vote_reveal DEFAULT VALUES"},
		{"winnow_tally", "UPDATE round SET campaign = ''"},
		{"winnow_tally", "SELECT body FROM idempotency"},
		{"winnow_tally", "SELECT salt FROM account"},
		{"winnow_reward", "INSERT INTO ballot DEFAULT VALUES"},
		{"winnow_reward", "INSERT INTO checkpoint DEFAULT VALUES"},
		{"winnow_reward", "INSERT INTO item DEFAULT VALUES"},
		{"winnow_reward", "UPDATE verdict SET p_good = 0"},
		{"winnow_reward", "UPDATE round SET state = 2"},
		{"winnow_reward", "SELECT body FROM ballot"},
		{"winnow_seal", "INSERT INTO ledger_transfer DEFAULT VALUES"},
		{"winnow_seal", "UPDATE item SET state = 6"},
		{"winnow_seal", "INSERT INTO dataset_version DEFAULT VALUES"},
		{"winnow_seal", "SELECT choice FROM vote_reveal"},
		{"winnow_audit", "SELECT content FROM item"},
		{"winnow_audit", "SELECT choice FROM vote_reveal"},
		{"winnow_audit", "SELECT salt FROM account"},
	};
	struct db *db;
	CHECK_OR_RETURN(fresh());
	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		CHECK_OR_RETURN(open_as(&db, tries[i].role));
		denied(db, tries[i].role, tries[i].sql);
		db_close(db);
	}
}

/* Enough rows that reading whole tables would be the worse plan; the foreign keys are others' tests. */
static const char plan_rows[] =
	"SET session_replication_role = replica;"
	"INSERT INTO item (item_id, campaign, contributor, state, kind, source, source_id, canonical, salt, content, "
	"arrived_ms) "
	"SELECT sha256(i::text::bytea), 'c', sha256('a'), CASE WHEN i % 100 = 0 THEN i / 100 % 6 ELSE 6 END, 0, "
	"'direct', i::text, "
	"'{}', sha256('s'), repeat('y', 200), i FROM generate_series(1, 30000) i;"
	"INSERT INTO round (item_id, round, campaign, kind, state, seats, opened_ms, commit_until_ms, reveal_until_ms) "
	"SELECT item_id, 1, campaign, 0, CASE WHEN seq % 100 = 0 THEN seq / 100 % 2 ELSE 2 END, 8, 0, seq, seq FROM "
	"item;"
	"INSERT INTO seat (item_id, round, voter, state, lease_until_ms) "
	"SELECT item_id, round, sha256(v::text::bytea), 2, 0 FROM round, generate_series(1, 2) v;"
	"INSERT INTO journal_entry (body, leaf_hash) "
	"SELECT e.body, sha256('\\x00'::bytea || e.body) FROM (SELECT i::text::bytea AS body FROM generate_series(1, "
	"30000) i) e;"
	"INSERT INTO journal_leaf (position, entry_id) SELECT entry_id, entry_id FROM journal_entry;"
	"ANALYZE;";

/* Whether the plan of a statement holds a word, as the role would run it once it no longer looks at the arguments. */
static bool plan_holds(struct db *db, const struct sql_statement *statement, const char *word)
{
	char text[512];
	struct wn_error err = {0};
	struct sql_statement explain = {.name = "explain", .text = text};
	struct db_result *result = NULL;
	bool holds = false;
	CHECK_OK(db_command(db, "SET plan_cache_mode = force_generic_plan", &err) && prepare(db, statement, &err), err);
	explain_of(text, statement);
	CHECK_OK(db_query(db, &explain, NULL, &result, &err), err);
	for (size_t i = 0; result && i < db_rows(result); i++)
		holds = holds || strstr(db_text(result, i, 0), word);
	db_done(result);
	return holds;
}

static const struct sql_statement *statement_named(const char *name)
{
	for (int f = 0; sql_all[f].folder; f++)
		for (const struct sql_statement *const *each = sql_all[f].statements; *each; each++)
			if (strcmp((*each)->name, name) == 0)
				return *each;
	check_text(name, "a statement", "name", __FILE__, __LINE__);
	return NULL;
}

TEST(what_is_asked_often_does_not_read_what_grows)
{
	static const struct {
		const char *role, *statement, *plan_without, *plan_with;
	} plans[] = {
		/* An index over all rounds, ever. */
		{"winnow_serve", "web_seats_by_state", "round_pkey", "round_open"},
		{"winnow_serve", "web_rounds_by_state", "round_pkey", "round_commit_due"},
		{"winnow_serve", "web_items_waiting", "item_pkey", "item_received"},
		/* A join over all leaves, ever. */
		{"winnow_serve", "web_journal_counts", "Join", "journal_leaf_entry_id_key"},
		/* A join over all that one contributor ever sent. */
		{"winnow_ingest", "ingest_items_standing", "Join", "item_campaign_contributor_source_source_id_key"},
		{"winnow_serve", "core_journal_bodies", "Join", "journal_leaf_pkey"},
		{"winnow_embed", "gpu_embed_claim", "Seq Scan", "item_received"},
	};
	struct db *db;
	struct wn_error err = {0};
	CHECK_OR_RETURN(fresh() && open_as(&db, "winnow_owner"));
	CHECK_OK(db_command(db, plan_rows, &err), err);
	db_close(db);
	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
		const struct sql_statement *statement = statement_named(plans[i].statement);
		CHECK_OR_RETURN(statement && open_as(&db, plans[i].role));
		if (plan_holds(db, statement, plans[i].plan_without))
			check_text(plans[i].plan_without, "not in the plan", plans[i].statement, __FILE__, __LINE__);
		db_close(db);
		CHECK_OR_RETURN(open_as(&db, plans[i].role));
		if (!plan_holds(db, statement, plans[i].plan_with))
			check_text("no such index", plans[i].plan_with, plans[i].statement, __FILE__, __LINE__);
		db_close(db);
	}
}
