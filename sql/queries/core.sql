-- The node's clock; one row, the table's own primary key.
-- name: clock
SELECT clock_manual, clock_ms FROM network
