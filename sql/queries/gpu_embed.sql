-- Statements of gpu_embed/: what the linker reads, and what it decides.

-- item_received, in order of arrival. There is one linker, so nothing is skipped: a locked row is waited for, or it
-- would lose its turn.
-- name: claim
SELECT item_id, seq, campaign, kind, content FROM item WHERE state = 0 ORDER BY seq LIMIT $1::integer FOR NO KEY UPDATE

-- campaign's primary key
-- name: campaigns
SELECT name, document FROM campaign WHERE name = ANY ($1::text[])

-- unique index over link_seq, its last entry
-- name: last_linked
SELECT coalesce(max(link_seq), 0) FROM dedup_signature

-- unique index over link_seq; item's primary key. Erasure takes the mark of a leader away.
-- name: leaders
SELECT s.link_seq, s.item_id, s.campaign, s.raw_sha256, s.norm_sha256, s.minhash, i.kind, i.content
FROM dedup_signature s JOIN item i USING (item_id)
WHERE s.link_seq > $1::bigint AND s.link_seq <= $2::bigint AND s.leader
ORDER BY s.link_seq LIMIT $3::integer

-- unique index over link_seq: what the index has as the last leaders of its segments
-- name: marks
SELECT link_seq, item_id FROM dedup_signature WHERE link_seq = ANY ($1::bigint[]) AND leader ORDER BY link_seq

-- dedup_signature's primary key: what the verdicts of a batch name
-- name: named
SELECT item_id, leader, raw_sha256, norm_sha256, shingles FROM dedup_signature WHERE item_id = ANY ($1::bytea[]) ORDER BY item_id

-- name: signatures_insert
INSERT INTO dedup_signature (item_id, link_seq, seq, campaign, raw_sha256, norm_sha256, shingles, minhash, leader)
SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::integer[],
	$8::bytea[], $9::boolean[])

-- name: verdicts_insert
INSERT INTO dedup_verdict (item_id, origin, cluster, method, numerator, denominator, spec_version,
	nearest, nearest_numerator, nearest_denominator, decided_ms)
SELECT u.item_id, u.origin, u.cluster, u.method::smallint, u.numerator, u.denominator, $7::integer,
	u.nearest, u.nearest_numerator, u.nearest_denominator, $11::bigint
FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::integer[], $5::integer[], $6::integer[],
	$8::bytea[], $9::integer[], $10::integer[]) AS u
	(item_id, origin, cluster, method, numerator, denominator, nearest, nearest_numerator, nearest_denominator)

-- item's primary key
-- name: states_set
UPDATE item SET state = u.state::smallint FROM unnest($1::bytea[], $2::integer[]) AS u (item_id, state)
WHERE item.item_id = u.item_id AND item.state = 0

-- item's unique index over seq, in order of arrival; erased items have no text
-- name: texts
SELECT seq, canonical, content FROM item WHERE seq > $1::bigint AND kind = 0 AND state <> 9 ORDER BY seq LIMIT $2::integer

-- No table is read.
-- name: notify
SELECT pg_notify('winnow_embedded', '')
