-- Between an epoch's end and its close: three curators open the truth about every known-answer item.
CREATE TEMP TABLE audit AS
SELECT r.item_id, r.round, ('x' || substr(md5(i.source_id), 1, 2))::bit(8)::integer % 2 AS truth, n.n,
	sha256(('curator/' || (i.source_id::integer + n.n * 10) % 30)::bytea) AS voter
FROM round r JOIN item i USING (item_id), generate_series(0, 2) n WHERE r.kind = 1;
INSERT INTO ballot (ballot_id, voter, signature_base, signature, body, received_ms)
SELECT sha256('audit/'::bytea || voter), voter, repeat('x', 300)::bytea, sha512(voter), repeat('x', 3000)::bytea, clock_ms
FROM (SELECT DISTINCT voter FROM audit) v, network;
INSERT INTO seat (item_id, round, voter, state, lease_until_ms) SELECT item_id, round, voter, 2, clock_ms FROM audit, network ORDER BY item_id, n;
INSERT INTO vote_reveal (item_id, round, voter, choice, salt, ballot_id)
SELECT item_id, round, voter, truth, sha256(item_id || voter), sha256('audit/'::bytea || voter) FROM audit ORDER BY item_id, n;
UPDATE round SET state = 2, taken = 3, committed = 3, revealed = 3, epoch = 1, reveal_until_ms = commit_until_ms, closed_leaf = item_id WHERE kind = 1;
UPDATE gold SET class = a.truth FROM audit a WHERE a.item_id = gold.item_id AND a.n = 0;
DROP TABLE audit;
