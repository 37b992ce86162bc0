-- The statements of reward/: the ledger, what vests and unbonds, claims, an account's figures.

-- ---- ledger ----
-- Unique index (owner, kind). Only what is missing is tried, so that no identity number is used up; in the order of the
-- locks, so that two batches that make the same accounts wait for each other one way.
-- name: accounts_create
INSERT INTO ledger_account (owner, kind)
SELECT u.owner, u.kind::smallint FROM unnest($1::bytea[], $2::integer[]) AS u (owner, kind)
WHERE NOT EXISTS (SELECT FROM ledger_account a WHERE a.owner = u.owner AND a.kind = u.kind)
ORDER BY u.owner, u.kind ON CONFLICT (owner, kind) DO NOTHING

-- Unique index (owner, kind). Everyone locks in this one order: no two batches wait for each other both ways.
-- name: accounts_lock
SELECT a.account_id, a.owner, a.kind, a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending
FROM unnest($1::bytea[], $2::integer[]) AS u (owner, kind) JOIN ledger_account a ON a.owner = u.owner AND a.kind = u.kind
ORDER BY a.owner, a.kind FOR NO KEY UPDATE OF a

-- Unique index (owner, kind)
-- name: accounts_read
SELECT u.n, a.debits_posted, a.credits_posted, a.debits_pending, a.credits_pending
FROM unnest($1::bytea[], $2::integer[]) WITH ORDINALITY AS u (owner, kind, n)
JOIN ledger_account a ON a.owner = u.owner AND a.kind = u.kind ORDER BY u.n

-- Primary keys
-- name: accounts_save
UPDATE ledger_account SET debits_posted = u.debits_posted, credits_posted = u.credits_posted, debits_pending = u.debits_pending,
	credits_pending = u.credits_pending
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
	AS u (account_id, debits_posted, credits_posted, debits_pending, credits_pending)
WHERE ledger_account.account_id = u.account_id

-- Primary keys
-- name: transfers_find
SELECT t.transfer_id, t.step, d.owner, d.kind, c.owner, c.kind, t.amount, t.pending_id, t.cause, t.subject, t.epoch
FROM ledger_transfer t JOIN ledger_account d ON d.account_id = t.debit_account JOIN ledger_account c ON c.account_id = t.credit_account
WHERE t.transfer_id = ANY ($1::bytea[])

-- ledger_transfer_ends_once
-- name: transfers_ended
SELECT pending_id FROM ledger_transfer WHERE pending_id = ANY ($1::bytea[]) AND step >= 2

-- Rows are numbered in the batch's order. One that is there already was posted between other accounts at this moment: the caller
-- counts what was inserted and tries again.
-- name: transfers_insert
INSERT INTO ledger_transfer (transfer_id, step, debit_account, credit_account, amount, pending_id, cause, subject, epoch, time_ms)
SELECT u.transfer_id, u.step::smallint, u.debit_account, u.credit_account, u.amount, u.pending_id, u.cause, u.subject,
	nullif(u.epoch, -1), $10::bigint
FROM unnest($1::bytea[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::text[], $8::bytea[], $9::bigint[])
	WITH ORDINALITY AS u (transfer_id, step, debit_account, credit_account, amount, pending_id, cause, subject, epoch, n)
ORDER BY u.n ON CONFLICT (transfer_id) DO NOTHING


-- ---- claims ----
-- Who pays rewards shares this lock; the close that takes the root holds it alone: the root counts what precedes it.
-- name: claims_share
SELECT pg_advisory_xact_lock_shared(7309453621)

-- name: claims_exclude
SELECT pg_advisory_xact_lock(7309453621)

-- Primary key
-- name: claims_add
INSERT INTO claims_total (account, cumulative)
SELECT u.account, sum(u.units)::bigint FROM unnest($1::bytea[], $2::bigint[]) AS u (account, units)
GROUP BY u.account ORDER BY u.account
ON CONFLICT (account) DO UPDATE SET cumulative = claims_total.cumulative + excluded.cumulative

-- claims_total_changed: only those that were paid since the last close
-- name: claims_publish
UPDATE claims_total SET published = cumulative WHERE published <> cumulative

-- Primary key
-- name: claims_page
SELECT account, published FROM claims_total WHERE account > $1::bytea ORDER BY account LIMIT $2::integer

-- Primary key, newest first: behind the newest closed epoch come the open one and at most one that waits for audits
-- name: claims_latest
SELECT epoch, claims_root, closed_leaf FROM epoch WHERE state = 2 AND claims_root IS NOT NULL ORDER BY epoch DESC LIMIT 1

-- ---- vesting ----
-- Primary key
-- name: grants_add
INSERT INTO vesting_grant (grant_id, owner, amount, start_ms, period_ms, revocable, final_ms)
SELECT u.grant_id, u.owner, u.amount, u.start_ms, u.period_ms, u.revocable, u.final_ms
FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::bigint[])
	AS u (grant_id, owner, amount, start_ms, period_ms, revocable, final_ms)
ON CONFLICT (grant_id) DO NOTHING

-- Primary key. The row is locked even where nothing changes: a release that finds no grant left waits for this transaction.
-- name: owners_add
INSERT INTO vesting_owner (owner, live) SELECT DISTINCT u.owner, true FROM unnest($1::bytea[]) AS u (owner) ORDER BY u.owner
ON CONFLICT (owner) DO UPDATE SET live = true WHERE NOT vesting_owner.live

-- One release or taking back at a time.
-- name: vesting_exclude
SELECT pg_advisory_xact_lock(7309453622)

-- vesting_owner_live
-- name: owners_due
SELECT owner, stepped_ms FROM vesting_owner WHERE live AND stepped_epoch < $1::bigint ORDER BY stepped_epoch, owner LIMIT $2::integer

-- vesting_grant_live
-- name: grants_due
SELECT g.grant_id, g.owner, g.amount, g.start_ms, g.period_ms, g.joined FROM unnest($1::bytea[]) AS u (owner)
JOIN vesting_grant g ON g.owner = u.owner AND NOT g.ended ORDER BY g.owner, g.grant_id

-- Primary key
-- name: grants_step
UPDATE vesting_grant SET joined = true, ended = u.ended FROM unnest($1::bytea[], $2::boolean[]) AS u (grant_id, ended)
WHERE vesting_grant.grant_id = u.grant_id

-- Primary key, in the order of owners_add
-- name: owners_lock
SELECT owner FROM vesting_owner WHERE owner = ANY ($1::bytea[]) ORDER BY owner FOR NO KEY UPDATE

-- Primary key; vesting_grant_live. Behind owners_lock, so that it sees what the transactions that held the rows granted.
-- name: owners_step
UPDATE vesting_owner SET stepped_epoch = $2::bigint, stepped_ms = greatest(stepped_ms, $3::bigint),
	live = EXISTS (SELECT FROM vesting_grant g WHERE g.owner = vesting_owner.owner AND NOT g.ended)
WHERE vesting_owner.owner = ANY ($1::bytea[])

-- Primary keys
-- name: grants_revocable
SELECT g.grant_id, g.owner, g.amount, g.start_ms, g.period_ms, g.joined, o.stepped_ms
FROM vesting_grant g JOIN vesting_owner o USING (owner)
WHERE g.grant_id = ANY ($1::bytea[]) AND g.revocable AND NOT g.ended ORDER BY g.grant_id

-- ---- unbonding ----
-- Primary key
-- name: unbonding_add
INSERT INTO unbonding (transfer_id, owner, amount, due_ms) VALUES ($1::bytea, $2::bytea, $3::bigint, $4::bigint)
ON CONFLICT (transfer_id) DO NOTHING

-- The end of an epoch holds this lock alone (vote/): a stake moves wholly in one epoch.
-- name: unbonded_share
SELECT pg_advisory_xact_lock_shared(7309453620)

-- Primary keys. Who came back in this epoch and leaves again in it never was back at the end of one.
-- name: unbonded_begin
INSERT INTO unbonded (owner, since_epoch) SELECT $1::bytea, e.epoch FROM epoch e WHERE e.state = 0 ORDER BY e.epoch DESC LIMIT 1
ON CONFLICT (owner) DO UPDATE SET until_epoch = NULL, since_epoch = CASE
	WHEN unbonded.until_epoch IS NULL OR unbonded.until_epoch = excluded.since_epoch THEN unbonded.since_epoch ELSE excluded.since_epoch END

-- Primary keys
-- name: unbonded_end
UPDATE unbonded SET until_epoch = (SELECT e.epoch FROM epoch e WHERE e.state = 0 ORDER BY e.epoch DESC LIMIT 1)
WHERE owner = $1::bytea AND until_epoch IS NULL

-- unbonding_due
-- name: unbonding_due
SELECT transfer_id, owner, amount FROM unbonding WHERE NOT ended AND due_ms <= $1::bigint ORDER BY due_ms, transfer_id LIMIT $2::integer

-- Primary key
-- name: unbonding_end
UPDATE unbonding SET ended = true WHERE transfer_id = ANY ($1::bytea[])

-- ---- an account ----
-- Unique index (owner, kind): at most one row a kind
-- name: account_balances
SELECT kind, debits_posted, credits_posted, debits_pending, credits_pending FROM ledger_account WHERE owner = $1::bytea ORDER BY kind

-- ledger_account's unique index gives the owner's few accounts, ledger_transfer_debit and ledger_transfer_credit the newest rows of each.
-- name: statement
SELECT t.seq, t.transfer_id, t.time_ms, t.cause, t.amount, t.step, t.subject, t.epoch, d.owner, d.kind, c.owner, c.kind
FROM (
	SELECT DISTINCT r.seq FROM ledger_account a CROSS JOIN LATERAL (
		(SELECT x.seq FROM ledger_transfer x WHERE x.debit_account = a.account_id AND x.seq < $2::bigint ORDER BY x.seq DESC LIMIT $3::integer)
		UNION ALL
		(SELECT x.seq FROM ledger_transfer x WHERE x.credit_account = a.account_id AND x.seq < $2::bigint ORDER BY x.seq DESC LIMIT $3::integer)
	) r WHERE a.owner = $1::bytea ORDER BY r.seq DESC LIMIT $3::integer
) s JOIN ledger_transfer t ON t.seq = s.seq
JOIN ledger_account d ON d.account_id = t.debit_account JOIN ledger_account c ON c.account_id = t.credit_account
ORDER BY t.seq DESC

-- The whole table once: an auditor's question, not a request's. One row a kind of account.
-- name: supply
SELECT kind::integer, sum(credits_posted - debits_posted)::bigint, sum(debits_pending)::bigint, sum(credits_pending)::bigint
FROM ledger_account GROUP BY kind ORDER BY kind
