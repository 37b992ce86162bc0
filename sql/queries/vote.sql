-- Statements of vote/: panels, ballots, tallies, epoch closes.

-- ---- campaigns ----
-- name: campaign_insert
INSERT INTO campaign (name, version, document, created_ms) VALUES ($1::text, 1, $2::bytea, $3::bigint) ON CONFLICT (name) DO NOTHING

-- primary key
-- name: campaign_get
SELECT document, version, open, created_ms FROM campaign WHERE name = $1::text

-- primary key order; campaigns are few
-- name: campaign_list
SELECT name, document, open FROM campaign WHERE name > $1::text ORDER BY name LIMIT $2::integer

-- No table: closing waits for submissions at work, and those that come meanwhile for the close.
-- name: campaign_exclude
SELECT pg_advisory_xact_lock(hashtextextended('campaign/' || $1::text, 0))

-- primary key
-- name: campaign_close
UPDATE campaign SET open = false WHERE name = $1::text AND open

-- ---- opening panels ----
-- item_embedded
-- name: embedded_claim
SELECT item_id, campaign FROM item WHERE state = 1 ORDER BY seq LIMIT $1::integer FOR NO KEY UPDATE SKIP LOCKED

-- name: round_insert
INSERT INTO round (item_id, round, campaign, kind, seats, opened_ms, commit_until_ms)
SELECT u.item_id, u.round, u.campaign, u.kind::smallint, u.seats, u.opened_ms, u.until_ms
FROM unnest($1::bytea[], $2::integer[], $3::text[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[])
	AS u (item_id, round, campaign, kind, seats, opened_ms, until_ms)
ON CONFLICT (item_id, round) DO NOTHING

-- primary key; an item that was erased meanwhile stays erased
-- name: item_state_set
UPDATE item SET state = $3::integer::smallint FROM unnest($1::bytea[]) AS u (item_id)
WHERE item.item_id = u.item_id AND item.state = $2::integer::smallint

-- ---- seats ----
-- round_commit; pick: the caller names the items
-- name: seat_pick
SELECT r.item_id, r.round, r.kind, r.seats, r.taken, r.commit_until_ms, i.contributor, i.content, i.kind AS item_kind,
	EXISTS (SELECT FROM seat s WHERE s.item_id = r.item_id AND s.voter = $3::bytea) AS sat
FROM round r JOIN item i USING (item_id)
WHERE r.state = 0 AND r.campaign = $1::text AND r.item_id = ANY ($2::bytea[]) AND i.state IN (3, 4)
ORDER BY r.item_id, r.round FOR NO KEY UPDATE OF r

-- round_commit; assigned in an order of its own for each voter, so that nobody chooses
-- name: seat_assign
SELECT r.item_id, r.round, r.kind, r.seats, r.taken, r.commit_until_ms, i.contributor, i.content, i.kind AS item_kind, false AS sat
FROM round r JOIN item i USING (item_id)
WHERE r.state = 0 AND r.campaign = $1::text AND r.taken < r.seats AND r.commit_until_ms > $4::bigint AND i.state IN (3, 4)
	AND i.contributor <> $2::bytea AND (r.kind = 0 OR $5::boolean)
	AND NOT EXISTS (SELECT FROM seat s WHERE s.item_id = r.item_id AND s.voter = $2::bytea)
ORDER BY sha256(r.item_id || $2::bytea) LIMIT $3::integer FOR NO KEY UPDATE OF r SKIP LOCKED

-- round's primary key; no lease outlives its commit phase
-- name: seat_insert
WITH s AS (
	INSERT INTO seat (item_id, round, voter, lease_until_ms, bond)
	SELECT u.item_id, u.round, $3::bytea, least($4::bigint, r.commit_until_ms), u.bond
	FROM unnest($1::bytea[], $2::integer[], $5::bytea[]) AS u (item_id, round, bond) JOIN round r USING (item_id, round)
	RETURNING item_id, round, voter, lease_until_ms
)
INSERT INTO lease (item_id, round, voter, lease_until_ms) SELECT item_id, round, voter, lease_until_ms FROM s

-- round's primary key
-- name: round_taken
UPDATE round SET taken = taken + $3::integer * u.seats
FROM (SELECT item_id, round, count(*)::integer AS seats FROM unnest($1::bytea[], $2::integer[]) AS k (item_id, round) GROUP BY 1, 2) u
WHERE round.item_id = u.item_id AND round.round = u.round

-- seat_voter, round_open: no lease ends before its round opened, so those that ended before every open round did are of closed ones
-- name: seat_mine
SELECT s.item_id, s.round, s.state, s.lease_until_ms, r.state, r.commit_until_ms, r.reveal_until_ms, r.commitments_root, r.closed_leaf,
	i.content, r.campaign, i.kind,
	coalesce((SELECT max(c.sequence) FROM vote_commit c WHERE c.item_id = s.item_id AND c.round = s.round AND c.voter = s.voter), 0)
FROM seat s JOIN round r USING (item_id, round) JOIN item i USING (item_id)
WHERE s.voter = $1::bytea AND s.lease_until_ms >= (SELECT min(opened_ms) FROM round WHERE state IN (0, 1))
	AND s.state IN (0, 1) AND r.state IN (0, 1) AND (s.item_id > $2::bytea)
ORDER BY s.item_id LIMIT $3::integer

-- No table: two requests of one voter for tasks come one after the other, so that the second sees what the first took.
-- name: voter_exclude
SELECT pg_advisory_xact_lock(hashtextextended('voter/' || encode($1::bytea, 'hex'), 0))

-- seat_once_per_item; the round before its seat, as whoever votes or lets seats lapse takes them
-- name: seat_round
SELECT r.round FROM seat s JOIN round r USING (item_id, round) WHERE s.item_id = $1::bytea AND s.voter = $2::bytea FOR NO KEY UPDATE OF r

-- seat_once_per_item
-- name: seat_skip
WITH s AS (
	UPDATE seat SET state = 3, bond_ended = true WHERE item_id = $1::bytea AND voter = $2::bytea AND state = 0 RETURNING round, bond
), l AS (
	DELETE FROM lease USING s WHERE lease.item_id = $1::bytea AND lease.round = s.round AND lease.voter = $2::bytea
)
SELECT round, bond FROM s

-- seat_voter: of the tasks whose time ended since $3 or runs, those that were skipped or let lapse, and all
-- name: seat_skips
SELECT count(*) FILTER (WHERE s.state IN (3, 4)), count(*) FROM seat s JOIN round r USING (item_id, round)
WHERE s.voter = $1::bytea AND r.campaign = $2::text AND s.lease_until_ms > $3::bigint

-- lease_due
-- name: seat_lapse_due
SELECT l.item_id, l.round FROM lease l JOIN round r USING (item_id, round)
WHERE l.lease_until_ms <= $1::bigint AND r.state = 0 ORDER BY l.item_id, l.round LIMIT $2::integer FOR NO KEY UPDATE OF r SKIP LOCKED

-- primary key
-- name: seat_lapse
WITH s AS (
	UPDATE seat SET state = 4, bond_ended = true FROM unnest($1::bytea[], $2::integer[]) AS u (item_id, round)
	WHERE seat.item_id = u.item_id AND seat.round = u.round AND seat.state = 0 AND seat.lease_until_ms <= $3::bigint
	RETURNING seat.item_id, seat.round, seat.voter, seat.bond
), l AS (
	DELETE FROM lease USING s WHERE lease.item_id = s.item_id AND lease.round = s.round AND lease.voter = s.voter
)
SELECT item_id, round, voter, bond FROM s

-- ---- ballots ----
-- Each statement is for the votes of many ballots; n is a vote's place in the arrays.
-- primary keys; rounds first and in order, so that two batches never wait for each other in a circle
-- name: ballot_rounds
SELECT u.n::integer, r.state, r.campaign, r.commit_until_ms, r.reveal_until_ms
FROM unnest($1::bytea[], $2::integer[]) WITH ORDINALITY AS u (item_id, round, n) JOIN round r USING (item_id, round)
ORDER BY r.item_id, r.round FOR NO KEY UPDATE OF r

-- primary keys, journal_entry_leaf, journal_leaf's unique index: rounds that were closed by an entry which a tree of $3 entries does not hold
-- name: ballot_unseen
SELECT u.n::integer FROM unnest($1::bytea[], $2::integer[], $3::bigint[]) WITH ORDINALITY AS u (item_id, round, size, n) JOIN round r USING (item_id, round)
WHERE r.closed_leaf IS NOT NULL AND NOT EXISTS (
	SELECT FROM journal_entry e JOIN journal_leaf l USING (entry_id) WHERE e.leaf_hash = r.closed_leaf AND l.position < u.size)

-- primary keys; read behind the locks, so that nothing of it changes before the commit. A leased seat has no vote yet.
-- name: ballot_seats
SELECT u.n::integer, s.state, s.lease_until_ms, i.contributor = s.voter,
	CASE WHEN s.state <> 0 THEN (SELECT max(c.sequence) FROM vote_commit c
		WHERE c.item_id = s.item_id AND c.round = s.round AND c.voter = s.voter) END,
	CASE WHEN s.state <> 0 THEN (SELECT c.commitment FROM vote_commit c
		WHERE c.item_id = s.item_id AND c.round = s.round AND c.voter = s.voter ORDER BY c.sequence DESC LIMIT 1) END,
	CASE WHEN s.state <> 0 THEN (SELECT c.commitment FROM vote_commit c
		WHERE c.item_id = s.item_id AND c.round = s.round AND c.voter = s.voter AND c.sequence = u.sequence) END,
	CASE WHEN s.state = 2 THEN (SELECT v.choice FROM vote_reveal v WHERE v.item_id = s.item_id AND v.round = s.round AND v.voter = s.voter) END,
	CASE WHEN s.state = 2 THEN (SELECT v.salt FROM vote_reveal v WHERE v.item_id = s.item_id AND v.round = s.round AND v.voter = s.voter) END
FROM unnest($1::bytea[], $2::integer[], $3::bytea[], $4::bigint[]) WITH ORDINALITY AS u (item_id, round, voter, sequence, n)
JOIN seat s USING (item_id, round, voter) JOIN item i USING (item_id)

-- primary keys. One statement for all sealed votes; only a round that fills wakes the tally, because NOTIFY makes commits queue.
-- name: ballot_commit
WITH u AS (
	SELECT * FROM unnest($7::bytea[], $8::integer[], $9::bytea[], $10::bytea[], $11::bigint[], $12::bytea[], $13::boolean[])
		AS u (item_id, round, voter, ballot_id, sequence, commitment, first)
), b AS (
	INSERT INTO ballot (ballot_id, voter, signature_base, signature, body, received_ms)
	SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bigint[]) ON CONFLICT (ballot_id) DO NOTHING
), c AS (
	INSERT INTO vote_commit (item_id, round, voter, sequence, commitment, ballot_id)
	SELECT u.item_id, u.round, u.voter, u.sequence, u.commitment, u.ballot_id FROM u
), s AS (
	UPDATE seat SET state = 1 FROM u
	WHERE u.first AND seat.item_id = u.item_id AND seat.round = u.round AND seat.voter = u.voter
), l AS (
	DELETE FROM lease USING u
	WHERE u.first AND lease.item_id = u.item_id AND lease.round = u.round AND lease.voter = u.voter
), r AS (
	UPDATE round SET committed = committed + k.votes
	FROM (SELECT u.item_id, u.round, count(*)::integer AS votes FROM u WHERE u.first GROUP BY 1, 2) k
	WHERE round.item_id = k.item_id AND round.round = k.round RETURNING round.committed >= round.seats AS is_full
)
SELECT count(pg_notify('winnow_embedded', '')) FROM r WHERE is_full

-- primary keys; as above for opened votes
-- name: ballot_reveal
WITH u AS (
	SELECT * FROM unnest($7::bytea[], $8::integer[], $9::bytea[], $10::bytea[], $11::integer[], $12::bytea[])
		AS u (item_id, round, voter, ballot_id, choice, salt)
), b AS (
	INSERT INTO ballot (ballot_id, voter, signature_base, signature, body, received_ms)
	SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bigint[]) ON CONFLICT (ballot_id) DO NOTHING
), v AS (
	INSERT INTO vote_reveal (item_id, round, voter, choice, salt, ballot_id)
	SELECT u.item_id, u.round, u.voter, u.choice::smallint, u.salt, u.ballot_id FROM u
), s AS (
	UPDATE seat SET state = 2 FROM u WHERE seat.item_id = u.item_id AND seat.round = u.round AND seat.voter = u.voter
), r AS (
	UPDATE round SET revealed = revealed + k.votes
	FROM (SELECT u.item_id, u.round, count(*)::integer AS votes FROM u GROUP BY 1, 2) k
	WHERE round.item_id = k.item_id AND round.round = k.round RETURNING round.revealed >= round.committed AS is_full
)
SELECT count(pg_notify('winnow_embedded', '')) FROM r WHERE is_full

-- primary keys
-- name: round_get
SELECT r.state, r.campaign, r.seats, r.taken, r.committed, r.revealed, r.commit_until_ms, r.reveal_until_ms, r.commitments_root, r.closed_leaf, i.state,
	r.small
FROM round r JOIN item i USING (item_id) WHERE r.item_id = $1::bytea AND r.round = $2::integer

-- ---- what is due ----
-- item_embedded, lease_due, round_full, round_commit_due, round_reveal_due; epoch has one open row.
-- A deadline beyond the end of the open epoch waits for the next one, so that the epoch of a late tally never depends on who was quicker.
-- name: due
SELECT l.late_ms, EXISTS (SELECT FROM item WHERE state = 1),
	EXISTS (SELECT FROM lease l JOIN round r USING (item_id, round) WHERE l.lease_until_ms <= $1::bigint AND r.state = 0),
	EXISTS (SELECT FROM round WHERE is_full AND state = 0) OR EXISTS (SELECT FROM round WHERE state = 0 AND commit_until_ms <= l.late_ms),
	EXISTS (SELECT FROM round WHERE is_full AND state = 1) OR EXISTS (SELECT FROM round WHERE state = 1 AND reveal_until_ms <= l.late_ms),
	coalesce((SELECT turn_ms FROM vote_turn), 0)
FROM (SELECT least($1::bigint, (SELECT max(opened_ms) FROM epoch WHERE state = 0) + $2::bigint) AS late_ms) l

-- Only whoever read the note as it stands may change it: of several who see one outage, one moves the deadlines.
-- name: turn_set
INSERT INTO vote_turn (turn_ms) VALUES ($1::bigint) ON CONFLICT (only_one) DO UPDATE SET turn_ms = excluded.turn_ms
WHERE vote_turn.turn_ms = $2::bigint

-- round_commit_due, round_reveal_due, primary keys of seat and lease; audits end with their epoch, whatever happens
-- name: deadlines_move
WITH c AS (
	UPDATE round SET commit_until_ms = commit_until_ms + $1::bigint WHERE state = 0 AND kind = 0 RETURNING 1
), r AS (
	UPDATE round SET reveal_until_ms = reveal_until_ms + $1::bigint WHERE state = 1 AND kind = 0 RETURNING 1
), s AS (
	UPDATE seat SET lease_until_ms = lease_until_ms + $1::bigint FROM round
	WHERE seat.state = 0 AND round.item_id = seat.item_id AND round.round = seat.round AND round.state = 0 RETURNING 1
), l AS (
	UPDATE lease SET lease_until_ms = lease_until_ms + $1::bigint FROM round
	WHERE round.item_id = lease.item_id AND round.round = lease.round AND round.state = 0
)
SELECT (SELECT count(*) FROM c) + (SELECT count(*) FROM r), (SELECT count(*) FROM s)

-- ---- closing commit ----
-- round_full
-- name: commit_full
SELECT item_id, round, campaign, kind, committed, revealed, seats, opened_ms FROM round WHERE is_full AND state = 0
ORDER BY item_id, round LIMIT $1::integer FOR NO KEY UPDATE SKIP LOCKED

-- round_commit_due
-- name: commit_late
SELECT item_id, round, campaign, kind, committed, revealed, seats, opened_ms FROM round WHERE state = 0 AND commit_until_ms <= $1::bigint
ORDER BY commit_until_ms, item_id, round LIMIT $2::integer FOR NO KEY UPDATE SKIP LOCKED

-- primary key
-- name: last_commitments
SELECT DISTINCT ON (c.item_id, c.round, c.voter) c.item_id, c.round, c.voter, c.commitment
FROM vote_commit c JOIN unnest($1::bytea[], $2::integer[]) AS u (item_id, round) USING (item_id, round)
ORDER BY c.item_id, c.round, c.voter, c.sequence DESC

-- primary key; a panel of those there were, fewer than its seats, is marked small
-- name: commit_close
UPDATE round SET state = 1, reveal_until_ms = u.until_ms, commitments_root = u.root, closed_leaf = $5::bytea, small = committed < seats
FROM unnest($1::bytea[], $2::integer[], $3::bigint[], $4::bytea[]) AS u (item_id, round, until_ms, root)
WHERE round.item_id = u.item_id AND round.round = u.round

-- primary key
-- name: seats_abandoned
WITH s AS (
	UPDATE seat SET state = 4, bond_ended = true FROM unnest($1::bytea[], $2::integer[]) AS u (item_id, round)
	WHERE seat.item_id = u.item_id AND seat.round = u.round AND seat.state = 0
	RETURNING seat.item_id, seat.round, seat.voter, seat.bond
), l AS (
	DELETE FROM lease USING s WHERE lease.item_id = s.item_id AND lease.round = s.round AND lease.voter = s.voter
)
SELECT item_id, round, voter, bond FROM s

-- primary key
-- name: round_void
UPDATE round SET state = 3 FROM unnest($1::bytea[], $2::integer[]) AS u (item_id, round)
WHERE round.item_id = u.item_id AND round.round = u.round

-- primary key: rounds of an item so far, by kind and fate
-- name: round_history
SELECT item_id, round, kind, state FROM round WHERE item_id = ANY ($1::bytea[]) ORDER BY item_id, round

-- ---- tally ----
-- round_full
-- name: reveal_full
SELECT item_id, round, campaign, kind, committed, revealed, seats, opened_ms FROM round WHERE is_full AND state = 1
ORDER BY item_id, round LIMIT $1::integer FOR NO KEY UPDATE SKIP LOCKED

-- round_reveal_due
-- name: reveal_late
SELECT item_id, round, campaign, kind, committed, revealed, seats, opened_ms FROM round WHERE state = 1 AND reveal_until_ms <= $1::bigint
ORDER BY reveal_until_ms, item_id, round LIMIT $2::integer FOR NO KEY UPDATE SKIP LOCKED

-- primary keys
-- name: item_votes
SELECT v.item_id, v.round, v.voter, v.choice, v.salt, r.kind, r.counted_epoch IS NULL, r.state
FROM vote_reveal v JOIN round r USING (item_id, round)
WHERE v.item_id = ANY ($1::bytea[]) AND r.state IN (1, 2) ORDER BY v.item_id, v.round, v.voter

-- primary key: which of them had unbonded everything at the end of epoch $2
-- name: unbonded
SELECT owner FROM unbonded WHERE owner = ANY ($1::bytea[]) AND since_epoch <= $2::bigint AND (until_epoch IS NULL OR until_epoch > $2::bigint)
ORDER BY owner

-- primary key prefix
-- name: validators
SELECT voter, counts, gold_votes, gold_right, carried_points, carried_scored, carried_since
FROM campaign_validator WHERE campaign = $1::text ORDER BY voter

-- primary keys; one statement, so that a close between two reads cannot mix its tables with the ones before. The campaign's own row
-- comes first: crowd, proven, epoch and prior, without a voter.
-- name: snapshot
SELECT NULL::bytea AS voter, crowd, proven, epoch, prior FROM campaign_state WHERE campaign = $1::text
UNION ALL
SELECT voter, counts, gold_votes, gold_right, NULL FROM campaign_validator WHERE campaign = $1::text AND voter = ANY ($2::bytea[])
ORDER BY voter NULLS FIRST

-- primary key
-- name: campaign_state
SELECT prior, crowd, proven, epoch FROM campaign_state WHERE campaign = $1::text

-- primary key, newest first
-- name: epoch_open
SELECT epoch, opened_ms FROM epoch WHERE state = 0 ORDER BY epoch DESC LIMIT 1

-- The end of an epoch takes this lock alone, tallies share it: a tally falls wholly into one epoch.
-- name: epoch_share
SELECT pg_advisory_xact_lock_shared(7309453620)

-- name: epoch_exclude
SELECT pg_advisory_xact_lock(7309453620)

-- scores of all rows lie in one array, K of a row behind one another; void ones have none
-- name: provisional_insert
INSERT INTO provisional (item_id, round, scores, class, margin, epoch)
SELECT u.item_id, u.round, coalesce(($6::bigint[])[u.first:u.last], '{}'), u.class::smallint, u.margin, $8::bigint
FROM unnest($1::bytea[], $2::integer[], $3::integer[], $4::bigint[], $5::integer[], $7::integer[])
	AS u (item_id, round, class, margin, first, last)

-- primary key
-- name: epoch_votes
UPDATE epoch SET votes = votes + $2::bigint WHERE epoch = $1::bigint

-- primary key
-- name: round_tallied
UPDATE round SET state = 2, epoch = $3::bigint FROM unnest($1::bytea[], $2::integer[]) AS u (item_id, round)
WHERE round.item_id = u.item_id AND round.round = u.round

-- primary key
-- name: gold_class
UPDATE gold SET class = u.class::smallint FROM unnest($1::bytea[], $2::integer[]) AS u (item_id, class) WHERE gold.item_id = u.item_id

-- ---- items ----
-- primary keys
-- name: item_get
SELECT i.campaign, i.contributor, i.state, i.kind, i.source, i.source_id, i.content, i.arrived_ms, i.final_ms,
	d.origin, d.cluster, d.method, d.numerator, d.denominator, d.spec_version,
	v.class, v.p_good, v.margin, v.votes, v.epoch, d.nearest, d.nearest_numerator, d.nearest_denominator
FROM item i LEFT JOIN dedup_verdict d USING (item_id) LEFT JOIN verdict v USING (item_id) WHERE i.item_id = $1::bytea

-- primary key
-- name: item_content
SELECT content FROM item WHERE item_id = $1::bytea

-- item_contributor
-- name: items_of
SELECT i.item_id, i.seq, i.campaign, i.state, i.source, i.source_id, i.arrived_ms, i.content, d.origin, d.method, d.numerator, d.denominator,
	v.class, v.p_good
FROM item i LEFT JOIN dedup_verdict d USING (item_id) LEFT JOIN verdict v USING (item_id)
WHERE i.contributor = $1::bytea AND i.seq < $2::bigint ORDER BY i.seq DESC LIMIT $3::integer

-- ---- closes ----
-- epoch_unclosed
-- name: epoch_oldest
SELECT epoch, state, opened_ms, ended_ms, beacon, votes FROM epoch WHERE state < 2 ORDER BY epoch LIMIT 2

-- round_commit_due, round_reveal_due: rounds that the tally has to close before an epoch may end at $1
-- name: epoch_late
SELECT EXISTS (SELECT FROM round WHERE state = 0 AND commit_until_ms <= $1::bigint)
	OR EXISTS (SELECT FROM round WHERE state = 1 AND reveal_until_ms <= $1::bigint)

-- primary key
-- name: epoch_end
UPDATE epoch SET state = 1, ended_ms = $2::bigint WHERE epoch = $1::bigint AND state = 0

-- name: epoch_begin
INSERT INTO epoch (epoch, opened_ms, onion, beacon) VALUES ($1::bigint, $2::bigint, $3::bytea, $4::bytea)

-- round_epoch, item_provisional, campaign_validator_carried, seat_bonded, round_commit_due, round_reveal_due: whether anything of epoch $1
-- or of earlier ones waits for a close, the first epoch whose close settles a carried score, and the next deadline
-- name: epoch_silence
SELECT NOT EXISTS (SELECT FROM round WHERE epoch = $1::bigint) AND NOT EXISTS (SELECT FROM item WHERE state = 4)
	AND NOT EXISTS (
		SELECT FROM seat s JOIN item i USING (item_id) JOIN round r USING (item_id, round)
		WHERE s.bond IS NOT NULL AND NOT s.bond_ended AND s.state IN (1, 2) AND i.state >= 5 AND r.state IN (2, 3)
			AND NOT EXISTS (SELECT FROM campaign_validator v WHERE v.campaign = i.campaign AND v.voter = s.voter AND v.carried_scored > 0))
	-- nor of somebody who unbonded everything
	AND NOT EXISTS (SELECT FROM campaign_validator v JOIN unbonded u ON u.owner = v.voter
		WHERE v.carried_scored > 0 AND v.carried_points >= 0 AND u.until_epoch IS NULL),
	(SELECT min(carried_since) FROM campaign_validator WHERE carried_scored > 0),
	least((SELECT min(commit_until_ms) FROM round WHERE state = 0), (SELECT min(reveal_until_ms) FROM round WHERE state = 1))

-- primary key: a run of silent epochs, of which only the last one's claims root is new
-- name: epochs_silent
INSERT INTO epoch (epoch, state, opened_ms, ended_ms, closed_ms, onion, beacon)
SELECT u.epoch, 2, u.opened_ms, u.opened_ms + $3::bigint, $4::bigint, u.onion, u.beacon
FROM unnest($1::bigint[], $2::bigint[], $5::bytea[], $6::bytea[]) AS u (epoch, opened_ms, onion, beacon)

-- round_epoch: salts revealed in an epoch, for the beacon of the next
-- name: epoch_reveals
SELECT v.item_id, v.round, v.voter, v.salt FROM vote_reveal v JOIN round r USING (item_id, round)
WHERE r.epoch = $1::bigint ORDER BY v.item_id, v.round, v.voter

-- item_provisional and round's primary key: what the close of an epoch settles, with the class that was shown, how many panels it had
-- (redraws of one panel count once, a second one that did not come about counts) and its last round
-- name: close_items
SELECT i.item_id, i.contributor, i.stratum, p.class, n.panels::integer, n.last
FROM item i
JOIN LATERAL (SELECT class, epoch FROM provisional p WHERE p.item_id = i.item_id ORDER BY round DESC LIMIT 1) p ON true
JOIN LATERAL (
	SELECT count(*) FILTER (WHERE r.kind = 0 AND r.round >= f.first) AS panels, max(r.round) AS last
	FROM round r, (SELECT min(round) AS first FROM round t WHERE t.item_id = i.item_id AND t.kind = 0 AND t.state = 2) f
	WHERE r.item_id = i.item_id) n ON true
WHERE i.state = 4 AND i.campaign = $1::text AND p.epoch <= $2::bigint ORDER BY i.item_id

-- item_provisional, campaign_validator's primary key, seat_bonded
-- name: close_campaigns
SELECT name FROM campaign c
WHERE EXISTS (SELECT FROM item i WHERE i.state = 4 AND i.campaign = c.name)
	OR EXISTS (SELECT FROM campaign_validator v WHERE v.campaign = c.name AND v.carried_scored > 0)
	OR EXISTS (SELECT FROM seat s JOIN item i USING (item_id)
		WHERE s.bond IS NOT NULL AND NOT s.bond_ended AND s.state IN (1, 2) AND i.state >= 5 AND i.campaign = c.name)
ORDER BY name

-- gold_epoch
-- name: gold_waits
SELECT EXISTS (SELECT FROM gold WHERE epoch = $1::bigint AND class IS NULL)

-- primary key
-- name: gold_known
SELECT item_id, class FROM gold WHERE item_id = ANY ($1::bytea[]) ORDER BY item_id

-- name: gold_insert
INSERT INTO gold (item_id, epoch, round) SELECT u.item_id, $3::bigint, u.round FROM unnest($1::bytea[], $2::integer[]) AS u (item_id, round)

-- account is small in curators
-- name: curators
SELECT count(*) FROM account WHERE (roles & 16) <> 0

-- primary key; the tables of all rows lie in one array, $4 cells each
-- name: validators_save
INSERT INTO campaign_validator (campaign, voter, counts, gold_votes, gold_right, carried_points, carried_scored, carried_since)
SELECT $1::text, u.voter, ($3::bigint[])[(u.n - 1) * $4::integer + 1:u.n * $4::integer], u.gold_votes, u.gold_right, u.points, u.scored, u.since
FROM unnest($2::bytea[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
	WITH ORDINALITY AS u (voter, gold_votes, gold_right, points, scored, since, n)
ON CONFLICT (campaign, voter) DO UPDATE SET counts = excluded.counts, gold_votes = excluded.gold_votes, gold_right = excluded.gold_right,
	carried_points = excluded.carried_points, carried_scored = excluded.carried_scored, carried_since = excluded.carried_since

-- name: campaign_state_save
INSERT INTO campaign_state (campaign, prior, crowd, proven, epoch) VALUES ($1::text, $2::bigint[], $3::bigint[], $4::bigint, $5::bigint)
ON CONFLICT (campaign) DO UPDATE SET prior = excluded.prior, crowd = excluded.crowd, proven = excluded.proven, epoch = excluded.epoch

-- primary key; the scores of all rows lie in one array, those of a row from `first` to `last`
-- name: verdicts_insert
INSERT INTO verdict (item_id, class, p_good, margin, scores, votes, epoch, settled_ms)
SELECT u.item_id, u.class::smallint, u.p_good, u.margin, ($5::bigint[])[u.first:u.last], u.votes, $9::bigint, $10::bigint
FROM unnest($1::bytea[], $2::integer[], $3::integer[], $4::bigint[], $6::integer[], $7::integer[], $8::integer[])
	AS u (item_id, class, p_good, margin, votes, first, last)

-- primary key
-- name: item_settle
UPDATE item SET state = 5, settled_epoch = $2::bigint, final_ms = $3::bigint WHERE item_id = ANY ($1::bytea[]) AND state = 4

-- primary key prefix
-- name: round_counted
UPDATE round SET counted_epoch = $2::bigint WHERE item_id = ANY ($1::bytea[]) AND kind = 0 AND state = 2 AND counted_epoch IS NULL

-- seat_bonded: bonds that end with a close. A sealed vote that was never opened loses its bond at once; the others of a voter are held
-- while its scores are carried.
-- name: bonds_ending
SELECT s.voter, s.item_id, s.round, s.bond, t.amount, s.state = 1 AND r.closed_leaf IS NOT NULL AS lost
FROM seat s JOIN item i USING (item_id) JOIN round r USING (item_id, round) JOIN ledger_transfer t ON t.transfer_id = s.bond
WHERE s.bond IS NOT NULL AND NOT s.bond_ended AND s.state IN (1, 2) AND i.campaign = $1::text AND i.state >= 5 AND r.state IN (2, 3)
	AND ((s.state = 1 AND r.closed_leaf IS NOT NULL) OR NOT EXISTS (
		SELECT FROM campaign_validator v WHERE v.campaign = $1::text AND v.voter = s.voter AND v.carried_scored > 0))
ORDER BY s.voter, s.item_id, s.round

-- primary key
-- name: bonds_end
UPDATE seat SET bond_ended = true FROM unnest($1::bytea[], $2::integer[], $3::bytea[]) AS u (item_id, round, voter)
WHERE seat.item_id = u.item_id AND seat.round = u.round AND seat.voter = u.voter

-- primary keys: novelty of settled items
-- name: novelty
SELECT item_id, nearest_numerator, nearest_denominator FROM dedup_verdict WHERE item_id = ANY ($1::bytea[]) ORDER BY item_id

-- gold_epoch: audit votes of an epoch's known-answer items, for the curators' share
-- name: audit_votes
SELECT v.voter, count(*) FROM gold g JOIN vote_reveal v ON v.item_id = g.item_id AND v.round = g.round
WHERE g.epoch = $1::bigint AND g.class IS NOT NULL GROUP BY v.voter ORDER BY v.voter

-- name: pay_insert
INSERT INTO validator_pay (transfer_id, voter, campaign, epoch, points, amount, due_ms)
SELECT u.transfer_id, u.voter, u.campaign, $7::bigint, u.points, u.amount, u.due_ms
FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
	AS u (transfer_id, voter, campaign, points, amount, due_ms)

-- name: slash_insert
INSERT INTO slash (transfer_id, voter, campaign, epoch, points, evidence)
SELECT u.transfer_id, u.voter, u.campaign, $5::bigint, u.points, $6::bytea
FROM unnest($1::bytea[], $2::bytea[], $3::text[], $4::bigint[]) AS u (transfer_id, voter, campaign, points)

-- primary key
-- name: epoch_close
UPDATE epoch SET state = 2, ended_ms = coalesce(ended_ms, $5::bigint), closed_ms = $2::bigint, minted = $3::bigint, claims_root = $4::bytea,
	closed_leaf = $6::bytea
WHERE epoch = $1::bigint

-- ---- finality ----
-- item_settled
-- name: final_due
SELECT i.item_id, v.class, c.document FROM item i JOIN verdict v USING (item_id) JOIN campaign c ON c.name = i.campaign
WHERE i.state = 5 AND i.final_ms <= $1::bigint ORDER BY i.final_ms, i.item_id LIMIT $2::integer FOR NO KEY UPDATE OF i SKIP LOCKED

-- vesting_grant_revocable, item_settled: items of one close and campaign are final at one time, so a grant is final for good when no
-- item waits that was due by then
-- name: grants_final
UPDATE vesting_grant g SET revocable = false WHERE g.revocable AND g.final_ms <= $1::bigint
	AND NOT EXISTS (SELECT FROM item i WHERE i.state = 5 AND i.final_ms <= g.final_ms)

-- validator_pay_due
-- name: pay_due
SELECT p.transfer_id, p.voter, p.epoch, p.amount, d.owner, d.kind, t.subject
FROM validator_pay p JOIN ledger_transfer t USING (transfer_id) JOIN ledger_account d ON d.account_id = t.debit_account
WHERE NOT p.posted AND p.due_ms <= $1::bigint ORDER BY p.due_ms, p.transfer_id LIMIT $2::integer FOR NO KEY UPDATE OF p SKIP LOCKED

-- primary key
-- name: pay_posted
UPDATE validator_pay SET posted = true WHERE transfer_id = ANY ($1::bytea[])

-- ---- audit: what `winnow audit` holds against the journal, page by page in the order of a key ----
-- primary key
-- name: audit_entries
SELECT entry_id, body FROM journal_entry WHERE entry_id > $1::bigint ORDER BY entry_id LIMIT $2::integer

-- primary key
-- name: audit_balances
SELECT account_id, owner, kind, debits_posted, credits_posted, debits_pending, credits_pending FROM ledger_account
WHERE account_id > $1::bigint ORDER BY account_id LIMIT $2::integer

-- primary key
-- name: audit_claims
SELECT account, cumulative FROM claims_total WHERE account > $1::bytea ORDER BY account LIMIT $2::integer

-- primary key; those that ended are told by what they moved
-- name: audit_grants
SELECT grant_id, owner, amount, start_ms, period_ms, revocable, final_ms FROM vesting_grant
WHERE grant_id > $1::bytea AND NOT ended ORDER BY grant_id LIMIT $2::integer

-- primary key
-- name: audit_validators
SELECT campaign, voter, counts, gold_votes, gold_right, carried_points, carried_scored, carried_since FROM campaign_validator
WHERE (campaign, voter) > ($1::text, $2::bytea) ORDER BY campaign, voter LIMIT $3::integer

-- primary key
-- name: audit_verdicts
SELECT item_id, class, p_good, margin, votes, epoch FROM verdict WHERE item_id = ANY ($1::bytea[])

-- verdict_epoch
-- name: audit_verdict_count
SELECT count(*) FROM verdict WHERE epoch <= $1::bigint

-- primary key
-- name: audit_states
SELECT item_id, state FROM item WHERE item_id = ANY ($1::bytea[])

-- primary key
-- name: audit_ballots
SELECT ballot_id, voter, signature_base, signature, body FROM ballot WHERE ballot_id = ANY ($1::bytea[])

-- primary key, twice
-- name: audit_epoch
SELECT e.state, e.opened_ms, e.ended_ms, e.minted, e.claims_root, n.beacon FROM epoch e JOIN epoch n ON n.epoch = e.epoch + 1
WHERE e.epoch = $1::bigint

-- Reads both tables of votes, the seats and the ballots from end to end, once an audit: what foreign keys would have said.
-- name: audit_votes_alone
SELECT count(*), count(*) FILTER (WHERE v.alone), min(encode(v.item_id, 'hex')) FILTER (WHERE v.alone)
FROM (SELECT c.item_id, s.voter IS NULL OR b.ballot_id IS NULL AS alone
	FROM vote_commit c LEFT JOIN seat s USING (item_id, round, voter) LEFT JOIN ballot b ON b.ballot_id = c.ballot_id AND b.voter = c.voter
	UNION ALL SELECT r.item_id, s.voter IS NULL OR b.ballot_id IS NULL
	FROM vote_reveal r LEFT JOIN seat s USING (item_id, round, voter) LEFT JOIN ballot b ON b.ballot_id = r.ballot_id AND b.voter = r.voter) v
