-- An epoch that is over: 20,000 items with five opened votes each, every vote with a bond. What a vote says follows from item and voter.
UPDATE network SET clock_manual = true;
INSERT INTO campaign (name, version, document, created_ms) SELECT 'bench', 1, convert_to(
	'{"choices":[{"name":"no","verdict":"reject"},{"name":"yes","verdict":"keep"}],"name":"bench","question":"Good?"}', 'UTF8'), clock_ms
FROM network;
CREATE TEMP TABLE times AS SELECT opened_ms AS ms FROM epoch WHERE epoch = 0;
CREATE TEMP TABLE voter AS SELECT n, sha256(('voter/' || n)::bytea) AS key FROM generate_series(0, 499) n;
INSERT INTO account (key, roles, salt, commitment, registered_ms)
SELECT key, 2, sha256('salt/'::bytea || key), sha256('account/'::bytea || key), ms FROM voter, times
UNION ALL
SELECT key, roles, sha256('salt/'::bytea || key), sha256('account/'::bytea || key), ms
FROM times, (SELECT sha256(('contributor/' || n)::bytea) AS key, 1 AS roles FROM generate_series(0, 999) n
	UNION ALL SELECT sha256(('curator/' || n)::bytea), 16 FROM generate_series(0, 29) n) a;

-- ---- items ----
CREATE TEMP TABLE thing AS SELECT n, sha256(('item/' || n)::bytea) AS item_id, ('x' || substr(md5(n::text), 1, 2))::bit(8)::integer % 2 AS truth
FROM generate_series(0, 19999) n;
INSERT INTO item (item_id, campaign, contributor, state, kind, source, source_id, canonical, salt, content, arrived_ms, stratum)
SELECT item_id, 'bench', sha256(('contributor/' || n % 1000)::bytea), 4, 0, 'direct', n::text, convert_to(repeat('words of a post ', 30), 'UTF8'),
	sha256('salt/'::bytea || item_id), repeat('words of a post ', 16), ms, n % 8
FROM thing, times ORDER BY n;
INSERT INTO dedup_verdict (item_id, origin, cluster, method, numerator, denominator, spec_version, nearest_numerator, decided_ms)
SELECT item_id, item_id, item_id, 0, 0, 1, 1, 0, ms FROM thing, times ORDER BY item_id;
INSERT INTO round (item_id, round, campaign, kind, state, seats, taken, committed, revealed, opened_ms, commit_until_ms, reveal_until_ms,
	commitments_root, closed_leaf, epoch)
SELECT item_id, 1, 'bench', 0, 2, 5, 5, 5, 5, ms, ms + 900000, ms + 1500000, sha256('root/'::bytea || item_id), sha256('leaf/'::bytea || item_id), 0
FROM thing, times ORDER BY n;

-- ---- votes: one voter in ten guesses, the others are wrong one time in sixteen; one vote in a hundred was never opened ----
CREATE TEMP TABLE vote AS
SELECT t.n, t.item_id, v.key AS voter, sha256('seat/'::bytea || t.item_id || v.key) AS bond,
	CASE WHEN d.draw % CASE WHEN v.n % 10 = 0 THEN 2 ELSE 16 END = 0 THEN 1 - t.truth ELSE t.truth END AS choice, d.draw % 100 <> 7 AS opened,
	row_number() OVER (PARTITION BY v.key ORDER BY t.n) / 20 AS sheet
FROM thing t, generate_series(0, 4) s JOIN LATERAL (SELECT (t.n * 13 + s * (1 + t.n / 500 % 99)) % 500 AS n) w ON true JOIN voter v ON v.n = w.n
CROSS JOIN LATERAL (SELECT ('x' || substr(md5(t.n || '/' || v.n), 1, 7))::bit(28)::integer AS draw) d;
INSERT INTO ledger_account (owner, kind) SELECT decode(repeat('00', 32), 'hex'), 0 ON CONFLICT DO NOTHING;
INSERT INTO ledger_account (owner, kind, credits_posted, debits_pending) SELECT voter, 2, 1000000000000, count(*) * 100000000 FROM vote GROUP BY voter;
INSERT INTO ledger_account (owner, kind, credits_pending) SELECT voter, 3, count(*) * 100000000 FROM vote GROUP BY voter;
UPDATE ledger_account SET debits_posted = debits_posted + 500 * 1000000000000 WHERE kind = 0;
INSERT INTO ledger_transfer (transfer_id, step, debit_account, credit_account, amount, cause, time_ms)
SELECT sha256('stake/'::bytea || v.key), 0, m.account_id, a.account_id, 1000000000000, 'genesis', ms
FROM voter v JOIN ledger_account a ON a.owner = v.key AND a.kind = 2 JOIN ledger_account m ON m.kind = 0, times;
INSERT INTO ledger_transfer (transfer_id, step, debit_account, credit_account, amount, cause, subject, time_ms)
SELECT v.bond, 1, d.account_id, c.account_id, 100000000, 'seat', v.item_id, ms
FROM vote v JOIN ledger_account d ON d.owner = v.voter AND d.kind = 2 JOIN ledger_account c ON c.owner = v.voter AND c.kind = 3, times ORDER BY v.n;
INSERT INTO seat (item_id, round, voter, state, lease_until_ms, bond)
SELECT item_id, 1, voter, CASE WHEN opened THEN 2 ELSE 1 END, ms + 900000, bond FROM vote, times ORDER BY n;
INSERT INTO ballot (ballot_id, voter, signature_base, signature, body, received_ms)
SELECT DISTINCT sha256(voter || ('/' || sheet)::bytea), voter, repeat('x', 300)::bytea, sha512(voter), repeat('x', 3000)::bytea, ms FROM vote, times;
INSERT INTO vote_reveal (item_id, round, voter, choice, salt, ballot_id)
SELECT item_id, 1, voter, choice, sha256('salt/'::bytea || bond), sha256(voter || ('/' || sheet)::bytea) FROM vote WHERE opened ORDER BY n;
INSERT INTO provisional (item_id, round, scores, class, margin, epoch)
SELECT item_id, 1, ARRAY[1000000, 1000000], CASE WHEN sum(choice) * 2 > count(*) THEN 1 ELSE 0 END, 1000000, 0 FROM vote WHERE opened GROUP BY n, item_id
ORDER BY n;
UPDATE epoch SET votes = (SELECT count(*) FROM vote_reveal) WHERE epoch = 0;

-- ---- what earlier epochs left ----
INSERT INTO campaign_validator (campaign, voter, counts, gold_votes, gold_right)
SELECT 'bench', key, ARRAY[64000, 6400, 6400, 64000], 40, 36 FROM voter ORDER BY key;
INSERT INTO campaign_state (campaign, prior, crowd, proven, epoch)
SELECT 'bench', ARRAY[64000, 64000], ARRAY[64000, 6400, 6400, 64000]::bigint[], 500, -1;
UPDATE campaign_state SET crowd = (SELECT array_agg(sum ORDER BY place)
	FROM (SELECT place, sum(cell)::bigint FROM campaign_validator, unnest(counts) WITH ORDINALITY AS c (cell, place) GROUP BY place) s);
UPDATE network SET clock_ms = (SELECT ms FROM times) + 3600000;
VACUUM (ANALYZE, FREEZE);
CHECKPOINT;
