/* Migrations: once, in order, never with another text than before. */
#include "tests/check.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "core/db.h"
#include "core/migrate.h"

SUITE("migrate")

static char base[1100];

/* A database that nobody migrated yet. */
static bool empty_database(void)
{
	const char *conninfo = test_database();
	struct db *db;
	struct wn_error err = {0};
	static int serial;
	char text[1300];
	if (!conninfo)
		return false;
	snprintf(text, sizeof text, "%s user=winnow_owner", conninfo);
	CHECK_OK(db_open(&db, text, &err), err);
	snprintf(text, sizeof text, "CREATE DATABASE empty_%d TEMPLATE template0", ++serial);
	CHECK_OK(db_command(db, text, &err), err);
	db_close(db);
	snprintf(base, sizeof base, "%.1000s dbname=empty_%d user=winnow_owner", conninfo, serial);
	return true;
}

TEST(a_fresh_database_is_brought_up_once)
{
	struct db *db;
	struct wn_error err = {0};
	int applied = 0;
	CHECK_OR_RETURN(empty_database());
	CHECK_OK(db_open(&db, base, &err), err);
	CHECK_OK(migrate_up(db, &applied, &err), err);
	CHECK(applied >= 1);
	CHECK_OK(db_command(db, "SELECT item_id FROM item", &err), err);
	CHECK_OK(migrate_up(db, &applied, &err), err);
	CHECK_INT(applied, 0);
	CHECK(!db_in_transaction(db));
	db_close(db);
}

TEST(a_migration_whose_text_changed_is_refused)
{
	struct db *db;
	struct wn_error err = {0};
	int applied = 0;
	CHECK_OR_RETURN(empty_database());
	CHECK_OK(db_open(&db, base, &err), err);
	CHECK_OK(migrate_up(db, NULL, &err), err);
	CHECK_OK(db_command(db, "UPDATE migration SET sha256 = sha256('other') WHERE name = '001_spine.sql'", &err),
		err);
	CHECK(!migrate_up(db, &applied, &err));
	CHECK_INT(err.blame, WN_INPUT);
	CHECK_TEXT(err.code, "migrate_changed");
	CHECK(!db_in_transaction(db));
	db_close(db);
}

TEST(a_migration_that_fails_leaves_nothing_behind)
{
	struct db *db;
	struct wn_error err = {0};
	CHECK_OR_RETURN(empty_database());
	CHECK_OK(db_open(&db, base, &err), err);
	/* Its last statements meet a table that is in the way of an early one. */
	CHECK_OK(db_command(db, "CREATE TABLE verdict (a integer)", &err), err);
	CHECK(!migrate_up(db, NULL, &err));
	CHECK(strstr(err.text, "001_spine.sql") != NULL);
	CHECK(!db_in_transaction(db));
	CHECK(!db_command(db, "SELECT item_id FROM item", &err));
	CHECK_OK(db_command(db, "DROP TABLE verdict", &err), err);
	CHECK_OK(migrate_up(db, NULL, &err), err);
	db_close(db);
}

struct migrator {
	pthread_t thread;
	struct wn_error err;
	int applied;
	bool done;
};

static void *migrate_in_thread(void *context)
{
	struct migrator *migrator = context;
	struct db *db;
	migrator->done = db_open(&db, base, &migrator->err) && migrate_up(db, &migrator->applied, &migrator->err);
	db_close(db);
	return NULL;
}

TEST(nodes_that_migrate_at_once_take_turns)
{
	enum { NODES = 4 };
	struct migrator nodes[NODES] = {0};
	int whole = 0;
	CHECK_OR_RETURN(empty_database());
	for (int i = 0; i < NODES; i++)
		CHECK_INT(pthread_create(&nodes[i].thread, NULL, migrate_in_thread, &nodes[i]), 0);
	for (int i = 0; i < NODES; i++) {
		pthread_join(nodes[i].thread, NULL);
		CHECK_OK(nodes[i].done, nodes[i].err);
		whole += nodes[i].applied;
	}
	/* Each was applied by one of them. */
	struct db *db;
	struct wn_error err = {0};
	char text[100];
	CHECK_OK(db_open(&db, base, &err), err);
	snprintf(text, sizeof text, "DO $$ BEGIN ASSERT (SELECT count(*) FROM migration) = %d; END $$", whole);
	CHECK_OK(db_command(db, text, &err), err);
	CHECK(whole >= 1);
	db_close(db);
}
