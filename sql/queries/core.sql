-- The statements of core/: the clock, locks, accounts, the network's one row, migrations, the journal.

-- The node's clock; one row, the table's own primary key.
-- name: clock
SELECT clock_manual, clock_ms FROM network

-- No table: a lock of the session, given back when the connection ends.
-- name: try_lock
SELECT pg_try_advisory_lock($1::bigint)

-- Primary key.
-- name: migration_find
SELECT sha256 FROM migration WHERE name = $1::text

-- name: migration_record
INSERT INTO migration (name, sha256, applied_ms) VALUES ($1::text, $2::bytea, $3::bigint)

-- Account's primary key.
-- name: account_find
SELECT u.n::integer, a.roles, a.robot, a.jailed, a.commitment, a.registered_ms
FROM unnest($1::bytea[]) WITH ORDINALITY AS u (key, n) JOIN account a USING (key)

-- The key decides between two registrations: the second inserts nothing and finds the first.
-- name: account_insert
INSERT INTO account (key, roles, robot, terms_sha256, salt, commitment, registered_ms)
VALUES ($1::bytea, $2::integer, $3::boolean, $4::bytea, $5::bytea, $6::bytea, $7::bigint)
ON CONFLICT (key) DO NOTHING

-- Primary key. Roles are only ever added; the row is locked by the update.
-- name: account_add_roles
UPDATE account SET roles = roles | $2::integer, terms_sha256 = coalesce($3::bytea, terms_sha256)
WHERE key = $1::bytea AND ((roles | $2::integer) <> roles OR ($3::bytea IS NOT NULL AND terms_sha256 IS DISTINCT FROM $3::bytea))
RETURNING roles

-- One row, the table's own primary key.
-- name: network
SELECT network_id, genesis, checkpoint_key, clock_manual, clock_ms FROM network

-- name: network_insert
INSERT INTO network (network_id, genesis, checkpoint_key, clock_manual, clock_ms)
VALUES ($1::bytea, $2::bytea, $3::bytea, $4::boolean, $5::bigint)
ON CONFLICT (only_one) DO NOTHING

-- A sequence without cache: a number is handed out once and later ones are higher.
-- name: fence_next
SELECT nextval('worker_fence')

-- ---- journal ----
-- No index is read; three are written: the primary key at its right edge, journal_entry_leaf, and the sequence.
-- name: journal_append
INSERT INTO journal_entry (body, leaf_hash) SELECT u.body, u.leaf_hash FROM unnest($1::bytea[], $2::bytea[]) AS u (body, leaf_hash)

-- What a turn of the sequencer starts from: one row of journal_mark, the sequence's own row, the snapshot. No table grows here.
-- known: the mark's transaction is one of this server's past; settled: every transaction that the mark covers has ended.
-- name: journal_mark
SELECT m.entry_id, m.done_id, m.xid < pg_snapshot_xmax(s.now) AS known, m.xid <= pg_snapshot_xmin(s.now) AS settled,
	(SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM journal_entry_id) AS drawn
FROM journal_mark m, (SELECT pg_current_snapshot() AS now) s

-- The one row, by its primary key; no row is touched when another sequencer was here.
-- name: journal_mark_move
UPDATE journal_mark SET done_id = $2::bigint, entry_id = $3::bigint, xid = CASE WHEN $4::boolean THEN pg_current_xact_id() ELSE xid END
WHERE only_one AND done_id = $1::bigint

-- A range of journal_entry's primary key that starts where numbering stopped; the limit is JOURNAL_BATCH_MAX.
-- name: journal_waiting
SELECT entry_id, leaf_hash FROM journal_entry WHERE entry_id > $1::bigint AND entry_id <= $2::bigint ORDER BY entry_id LIMIT 1000

-- The last row of journal_leaf's primary key.
-- name: journal_size
SELECT coalesce((SELECT max(position) + 1 FROM journal_leaf), 0)

-- journal_entry's primary key; no row before there is a network.
-- name: journal_genesis
SELECT n.genesis = e.body FROM network n, journal_entry e WHERE e.entry_id = $1::bigint

-- name: journal_leaf_insert
INSERT INTO journal_leaf (position, entry_id) SELECT $1::bigint + u.n - 1, u.entry_id FROM unnest($2::bigint[]) WITH ORDINALITY AS u (entry_id, n)

-- name: journal_node_insert
INSERT INTO journal_node (level, index, hash)
SELECT u.level::smallint, u.index, u.hash FROM unnest($1::integer[], $2::bigint[], $3::bytea[]) AS u (level, index, hash)

-- The primary key, once a node: a subquery in the list of columns is never turned into a join over the whole table.
-- name: journal_nodes
SELECT (SELECT n.hash FROM journal_node n WHERE n.level = u.level AND n.index = u.index)
FROM unnest($1::integer[], $2::bigint[]) WITH ORDINALITY AS u (level, index, n) ORDER BY u.n

-- A range of journal_leaf's primary key, then one look into each primary key a row. Bodies are fetched as long as those before them have
-- fewer bytes than $3; octet_length() does not read a body that is stored out of line. The limit is JOURNAL_BATCH_MAX.
-- name: journal_bodies
SELECT s.position, (SELECT e.body FROM journal_entry e WHERE e.entry_id = s.entry_id), s.node
FROM (SELECT l.position, l.entry_id, l.node, sum(l.bytes) OVER (ORDER BY l.position) - l.bytes AS before
	FROM (SELECT p.position, p.entry_id, (SELECT octet_length(e.body) FROM journal_entry e WHERE e.entry_id = p.entry_id) AS bytes,
			(SELECT n.hash FROM journal_node n WHERE n.level = 0 AND n.index = p.position) AS node
		FROM (SELECT position, entry_id FROM journal_leaf WHERE position >= $1::bigint AND position < $2::bigint
			ORDER BY position LIMIT 1000) p) l) s
WHERE s.before < $3::bigint ORDER BY s.position

-- journal_entry_leaf, then journal_leaf's unique index; of entries with equal bytes the first
-- name: journal_find
SELECT (SELECT l.position FROM journal_leaf l WHERE l.entry_id = e.entry_id)
FROM journal_entry e WHERE e.leaf_hash = $1::bytea ORDER BY e.entry_id LIMIT 1

-- Reads both primary keys from end to end: for audits only, which read every entry anyway.
-- name: journal_passed_over
SELECT coalesce(min(e.entry_id), -1) FROM journal_entry e
WHERE e.entry_id <= (SELECT done_id FROM journal_mark) AND NOT EXISTS (SELECT FROM journal_leaf l WHERE l.entry_id = e.entry_id)

-- The last row of the primary key.
-- name: checkpoint_latest
SELECT size, root, note, time_ms FROM checkpoint ORDER BY size DESC LIMIT 1

-- The primary key.
-- name: checkpoint_after
SELECT size, root, note, time_ms FROM checkpoint WHERE size > $1::bigint ORDER BY size LIMIT 1

-- name: checkpoint_insert
INSERT INTO checkpoint (size, root, note, time_ms) VALUES ($1::bigint, $2::bytea, $3::text, $4::bigint)
