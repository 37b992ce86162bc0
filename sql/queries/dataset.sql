-- Statements of dataset/: what was asked for, which items go in, what was published.

-- ---- asking for a version ----
-- No table: two who ask for a version of one dataset come one after the other.
-- name: lock
SELECT pg_advisory_xact_lock(hashtextextended('dataset/' || $1::text, 0))

-- dataset's primary key
-- name: find
SELECT recipe, created_ms FROM dataset WHERE name = $1::text

-- name: insert
INSERT INTO dataset (name, recipe, created_ms) VALUES ($1::text, $2::bytea, $3::bigint)

-- campaign's primary key
-- name: campaign
SELECT document FROM campaign WHERE name = $1::text

-- dataset_version's primary key, backwards
-- name: version_newest
SELECT version, state::integer FROM dataset_version WHERE name = $1::text ORDER BY version DESC LIMIT 1

-- name: version_insert
INSERT INTO dataset_version (name, version, wanted_ms, wanted_leaf) VALUES ($1::text, $2::integer, $3::bigint, $4::bytea)

-- dataset_version's primary key. The number of a version that never came to be is used again.
-- name: version_again
UPDATE dataset_version SET state = 0, wanted_ms = $3::bigint, wanted_leaf = $4::bytea, failure = NULL
WHERE name = $1::text AND version = $2::integer AND state IN (2, 3)

-- Wakes the worker when the transaction commits.
-- name: notify
SELECT pg_notify('winnow_dataset', '')

-- ---- making a version ----
-- dataset_version_wanted
-- name: wanted
SELECT v.name, v.version, v.wanted_leaf, d.recipe FROM dataset_version v JOIN dataset d USING (name)
WHERE v.state = 0 ORDER BY v.wanted_ms, v.name LIMIT $1::integer

-- network's one row
-- name: network
SELECT genesis, checkpoint_key FROM network

-- dataset_version's primary key, backwards
-- name: version_before
SELECT version, manifest_sha256, row_root FROM dataset_version
WHERE name = $1::text AND version < $2::integer AND state = 1 ORDER BY version DESC LIMIT 1

-- item_accepted, in its order; the other tables by their primary keys
-- name: accepted
SELECT i.item_id, i.salt, i.canonical, v.class::integer, v.p_good, v.votes, coalesce(d.cluster, i.item_id), a.commitment
FROM item i JOIN verdict v USING (item_id) JOIN account a ON a.key = i.contributor LEFT JOIN dedup_verdict d USING (item_id)
WHERE i.campaign = $1::text AND i.state = 6 AND i.item_id > $2::bytea
ORDER BY i.item_id LIMIT $3::integer

-- journal_leaf's primary key
-- name: entry_at
SELECT entry_id FROM journal_leaf WHERE position = $1::bigint

-- A range at the right edge of journal_entry's primary key; the sequencer numbers in this order.
-- name: finals_after
SELECT entry_id, body FROM journal_entry
WHERE entry_id > $1::bigint AND position('"type":"final"'::bytea IN body) > 0 ORDER BY entry_id LIMIT $2::integer

-- dataset_row's primary key
-- name: rows_before
SELECT item_id FROM dataset_row WHERE name = $1::text AND version = $2::integer AND row >= $3::bigint ORDER BY row LIMIT $4::integer

-- dataset_row's primary key. An earlier try that was cut off may have left rows.
-- name: rows_put
INSERT INTO dataset_row (name, version, row, item_id)
SELECT $1::text, $2::integer, $3::bigint + u.n - 1, u.item_id FROM unnest($4::bytea[]) WITH ORDINALITY AS u (item_id, n)
ON CONFLICT (name, version, row) DO UPDATE SET item_id = excluded.item_id

-- dataset_row's primary key
-- name: rows_cut
DELETE FROM dataset_row WHERE name = $1::text AND version = $2::integer AND row >= $3::bigint

-- name: files_insert
INSERT INTO dataset_file (sha256, name, version, path, bytes)
SELECT u.sha256, $1::text, $2::integer, u.path, u.bytes FROM unnest($3::bytea[], $4::text[], $5::bigint[]) AS u (sha256, path, bytes)

-- dataset_version's primary key
-- name: version_publish
UPDATE dataset_version SET state = 1, checkpoint_size = $3::bigint, row_count = $4::bigint, row_root = $5::bytea, manifest_sha256 = $6::bytea,
	published_ms = $7::bigint, failure = NULL
WHERE name = $1::text AND version = $2::integer AND state = 0

-- dataset_version's primary key; failed or unchanged
-- name: version_end
UPDATE dataset_version SET state = $3::integer::smallint, failure = $4::text WHERE name = $1::text AND version = $2::integer AND state = 0

-- ---- the catalogue ----
-- dataset's primary key order; the newest published version by dataset_version's, backwards; campaign's primary key
-- name: list
SELECT d.name, d.recipe, c.document, v.version, v.row_count, v.row_root, v.published_ms, v.manifest_sha256
FROM dataset d LEFT JOIN campaign c ON c.name = convert_from(d.recipe, 'UTF8')::jsonb ->> 'campaign'
LEFT JOIN LATERAL (SELECT * FROM dataset_version x WHERE x.name = d.name AND x.state = 1 ORDER BY x.version DESC LIMIT 1) v ON true
WHERE d.name > $1::text ORDER BY d.name LIMIT $2::integer

-- dataset_version's primary key, backwards
-- name: versions
SELECT version, state::integer, wanted_ms, published_ms, checkpoint_size, row_count, row_root, manifest_sha256, failure
FROM dataset_version WHERE name = $1::text AND version < $2::integer ORDER BY version DESC LIMIT $3::integer

-- dataset_version's primary key; 0: the newest published one
-- name: version_find
SELECT version, state::integer, wanted_ms, published_ms, checkpoint_size, row_count, row_root, manifest_sha256, failure
FROM dataset_version WHERE name = $1::text AND (version = $2::integer OR ($2::integer = 0 AND state = 1)) ORDER BY version DESC LIMIT 1

-- dataset_file's primary key
-- name: files
SELECT path, bytes, sha256 FROM dataset_file WHERE name = $1::text AND version = $2::integer ORDER BY path COLLATE "C"

-- dataset_file's primary key
-- name: file_find
SELECT sha256 FROM dataset_file WHERE name = $1::text AND version = $2::integer AND path = $3::text

-- dataset_file_sha256
-- name: file_by_hash
SELECT name, version, path FROM dataset_file WHERE sha256 = $1::bytea ORDER BY name, version, path LIMIT 1
