-- The statements of core/: the clock, locks, accounts, the network's one row, migrations, the journal.

-- The node's clock; one row, the table's own primary key.
-- name: clock
SELECT clock_manual, clock_ms FROM network

-- No table: a lock of the session, given back when the connection ends.
-- name: try_lock
SELECT pg_try_advisory_lock($1::bigint)

-- ---- journal ----
