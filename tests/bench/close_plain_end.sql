-- The changes of an epoch's end, as the end makes them, without anything being computed.
BEGIN;
UPDATE epoch SET state = 1, ended_ms = f.ended_ms FROM found.epoch f WHERE epoch.epoch = 0 AND f.epoch = 0 AND epoch.state = 0;
INSERT INTO epoch (epoch, opened_ms, onion, beacon) SELECT epoch, opened_ms, onion, beacon FROM found.epoch WHERE epoch = 1;
INSERT INTO round (item_id, round, campaign, kind, seats, opened_ms, commit_until_ms)
SELECT item_id, round, campaign, 1, seats, opened_ms, commit_until_ms FROM found.audit ON CONFLICT (item_id, round) DO NOTHING;
INSERT INTO gold (item_id, epoch, round) SELECT item_id, epoch, round FROM found.audit;
INSERT INTO journal_entry (body, leaf_hash) SELECT body, leaf_hash FROM found.journal WHERE NOT close ORDER BY entry_id;
COMMIT;
