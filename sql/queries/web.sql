-- The statements of web/: stored answers, counts for operators, the journal's public side.

-- The table's own primary key.
-- name: idempotency_find
SELECT fingerprint, status, body FROM idempotency WHERE key = $1::bytea AND idempotency = $2::text

-- The primary key decides between two requests with one key: the second waits for the first and then inserts nothing.
-- name: idempotency_insert
INSERT INTO idempotency (key, idempotency, fingerprint, status, body, created_ms)
VALUES ($1::bytea, $2::text, $3::bytea, $4::integer, $5::bytea, $6::bigint)
ON CONFLICT (key, idempotency) DO NOTHING

-- checkpoint's primary key.
-- name: checkpoint_known
SELECT root = $2::bytea FROM checkpoint WHERE size = $1::bigint

-- The lock of the one row puts turns of the clock in order.
-- name: clock_lock
SELECT clock_manual, clock_ms FROM network FOR NO KEY UPDATE

-- One row, the table's own primary key.
-- name: clock_set
UPDATE network SET clock_ms = $1::bigint WHERE clock_manual AND clock_ms <= $1::bigint

-- Index item_campaign alone (campaign, state) answers it: no item is read.
-- name: items_by_state
SELECT state::integer, count(*) FROM item GROUP BY state ORDER BY state

-- The partial indexes item_received, item_embedded, item_judging, item_provisional, item_settled: what is on its way is few.
-- name: items_waiting
SELECT 0, count(*) FROM item WHERE state = 0
UNION ALL SELECT 1, count(*) FROM item WHERE state = 1
UNION ALL SELECT 3, count(*) FROM item WHERE state = 3
UNION ALL SELECT 4, count(*) FROM item WHERE state = 4
UNION ALL SELECT 5, count(*) FROM item WHERE state = 5

-- The partial indexes round_commit_due and round_reveal_due: open rounds are few.
-- name: rounds_by_state
SELECT 0, count(*) FROM round WHERE state = 0
UNION ALL SELECT 1, count(*) FROM round WHERE state = 1

-- The partial index round_open, and seat's unique index over (item_id, voter).
-- name: seats_by_state
SELECT s.state::integer, count(*) FROM round r JOIN seat s ON s.item_id = r.item_id AND s.round = r.round
WHERE r.state IN (0, 1) GROUP BY s.state ORDER BY s.state

-- Last row of the primary key; of those that are not closed, which epoch_unclosed holds, the first.
-- name: epoch_latest
SELECT epoch, state::integer, opened_ms, (SELECT min(epoch) FROM epoch WHERE state < 2) FROM epoch ORDER BY epoch DESC LIMIT 1

-- Last rows of the primary keys; entries that commit out of order lie at most a few thousand ids behind the newest numbered one, so
-- the ends of journal_entry's primary key and of journal_leaf's unique index are counted. A join would read all of journal_leaf.
-- name: journal_counts
SELECT coalesce((SELECT max(position) + 1 FROM journal_leaf), 0),
	(SELECT count(*) FROM journal_entry WHERE entry_id > coalesce((SELECT max(entry_id) FROM journal_leaf), -1) - 10000)
		- (SELECT count(*) FROM journal_leaf WHERE entry_id > coalesce((SELECT max(entry_id) FROM journal_leaf), -1) - 10000),
	coalesce((SELECT max(size) FROM checkpoint), 0),
	coalesce((SELECT time_ms FROM checkpoint ORDER BY size DESC LIMIT 1), 0)

-- journal_leaf's primary key from a position on, journal_entry's by id; the length of a body is known without reading it.
-- name: journal_sizes
SELECT octet_length(e.body)::bigint FROM journal_leaf l JOIN journal_entry e ON e.entry_id = l.entry_id
WHERE l.position >= $1::bigint ORDER BY l.position LIMIT $2::bigint

-- Settings of the server; no table.
-- name: sessions
SELECT current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
