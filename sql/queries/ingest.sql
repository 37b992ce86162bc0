-- One contributor's batches for one campaign come one after the other: no deadlock between two that repeat each other, and
-- arrival numbers in the order of the lines. Whoever closes the campaign takes its lock alone: what was accepted stands in the
-- journal before the entry that closes. No table is read.
-- name: contributor_lock
SELECT pg_advisory_xact_lock(hashtextextended(encode($1::bytea, 'hex') || $2::text, 0)),
	pg_advisory_xact_lock_shared(hashtextextended('campaign/' || $2::text, 0))

-- item's unique index over (campaign, contributor, source, source_id) decides what is new; rows come back for new items only, and none
-- where the campaign was closed meanwhile (campaign's primary key).
-- Arrays: item ids, sources, source ids, canonical bytes, salts, contents.
-- name: items_insert
INSERT INTO item (item_id, campaign, contributor, kind, source, source_id, canonical, salt, content, evidence_id, arrived_ms)
SELECT i.item_id, $1::text, $2::bytea, $3::integer::smallint, i.source, i.source_id, i.canonical, i.salt, i.content, $4::bytea, $5::bigint
FROM unnest($6::bytea[], $7::text[], $8::text[], $9::bytea[], $10::bytea[], $11::text[]) WITH ORDINALITY
	AS i (item_id, source, source_id, canonical, salt, content, line)
WHERE (SELECT open FROM campaign WHERE name = $1::text)
ORDER BY i.line
ON CONFLICT DO NOTHING
RETURNING item_id

-- The same unique index, one probe a key: what stands where a submission found its place taken. The limit keeps it from becoming a join
-- that reads all that the contributor ever sent to the campaign.
-- name: items_standing
SELECT w.line::integer, i.item_id, i.salt, i.state, i.canonical
FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS w (source, source_id, line)
JOIN LATERAL (SELECT * FROM item WHERE campaign = $1::text AND contributor = $2::bytea AND source = w.source AND source_id = w.source_id
	LIMIT 1) i ON true
ORDER BY w.line

-- submission_evidence's primary key: the same signed request proves the same thing twice.
-- name: evidence_insert
INSERT INTO submission_evidence (evidence_id, key, signature_base, signature, received_ms)
VALUES ($1::bytea, $2::bytea, $3::bytea, $4::bytea, $5::bigint)
ON CONFLICT DO NOTHING

-- Wakes the duplicate check when the transaction commits.
-- name: notify
SELECT pg_notify('winnow_item', '')

-- campaign's primary key.
-- name: campaign_open
SELECT open FROM campaign WHERE name = $1::text

-- campaign's primary key.
-- name: campaign
SELECT document, open FROM campaign WHERE name = $1::text

-- source_cursor's primary key. The row is locked, so that two workers of one source take turns.
-- name: cursor_get
SELECT cursor FROM source_cursor WHERE source = $1::text AND campaign = $2::text FOR UPDATE

-- source_cursor's primary key.
-- name: cursor_move
INSERT INTO source_cursor (source, campaign, cursor, items, errors, moved_ms)
VALUES ($1::text, $2::text, $3::text, $4::bigint, $5::bigint, $6::bigint)
ON CONFLICT (source, campaign) DO UPDATE
SET cursor = excluded.cursor, items = source_cursor.items + excluded.items, errors = source_cursor.errors + excluded.errors,
	moved_ms = excluded.moved_ms
