-- The changes of an epoch's close, as the close makes them, without anything being computed.
BEGIN;
INSERT INTO round (item_id, round, campaign, kind, seats, opened_ms, commit_until_ms)
SELECT item_id, round, campaign, 0, seats, opened_ms, commit_until_ms FROM found.second ON CONFLICT (item_id, round) DO NOTHING;
UPDATE item SET state = 3 FROM found.second f WHERE item.item_id = f.item_id AND item.state = 4;
INSERT INTO verdict SELECT * FROM found.verdict;
UPDATE item SET state = 5, settled_epoch = f.settled_epoch, final_ms = f.final_ms FROM found.settled f WHERE item.item_id = f.item_id AND item.state = 4;
UPDATE round SET counted_epoch = f.counted_epoch FROM found.counted f
WHERE round.item_id = f.item_id AND round.kind = 0 AND round.state = 2 AND round.counted_epoch IS NULL;
INSERT INTO campaign_validator SELECT * FROM found.validator
ON CONFLICT (campaign, voter) DO UPDATE SET counts = excluded.counts, gold_votes = excluded.gold_votes, gold_right = excluded.gold_right,
	carried_points = excluded.carried_points, carried_scored = excluded.carried_scored, carried_since = excluded.carried_since;
INSERT INTO campaign_state SELECT * FROM found.state
ON CONFLICT (campaign) DO UPDATE SET prior = excluded.prior, crowd = excluded.crowd, proven = excluded.proven, epoch = excluded.epoch;
INSERT INTO ledger_account (owner, kind)
SELECT owner, kind FROM found.account f WHERE NOT EXISTS (SELECT FROM ledger_account a WHERE a.owner = f.owner AND a.kind = f.kind)
ORDER BY owner, kind ON CONFLICT (owner, kind) DO NOTHING;
UPDATE ledger_account SET debits_posted = f.debits_posted, credits_posted = f.credits_posted, debits_pending = f.debits_pending,
	credits_pending = f.credits_pending FROM found.account f WHERE ledger_account.account_id = f.account_id;
INSERT INTO ledger_transfer (transfer_id, step, debit_account, credit_account, amount, pending_id, cause, subject, epoch, time_ms)
SELECT transfer_id, step, debit_account, credit_account, amount, pending_id, cause, subject, epoch, time_ms FROM found.transfer ORDER BY seq
ON CONFLICT (transfer_id) DO NOTHING;
INSERT INTO claims_total (account, cumulative) SELECT account, cumulative FROM found.claim ORDER BY account
ON CONFLICT (account) DO UPDATE SET cumulative = claims_total.cumulative + excluded.cumulative;
INSERT INTO vesting_grant SELECT * FROM found.vesting ON CONFLICT (grant_id) DO NOTHING;
INSERT INTO vesting_owner (owner, live) SELECT DISTINCT owner, true FROM found.vesting ORDER BY owner
ON CONFLICT (owner) DO UPDATE SET live = true WHERE NOT vesting_owner.live;
INSERT INTO validator_pay SELECT * FROM found.pay;
UPDATE seat SET bond_ended = true FROM found.bond f WHERE seat.item_id = f.item_id AND seat.round = f.round AND seat.voter = f.voter;
UPDATE claims_total SET published = cumulative WHERE published <> cumulative;
UPDATE epoch SET state = 2, closed_ms = f.closed_ms, minted = f.minted, claims_root = f.claims_root FROM found.epoch f
WHERE epoch.epoch = 0 AND f.epoch = 0;
INSERT INTO slash SELECT * FROM found.slash;
INSERT INTO journal_entry (body, leaf_hash) SELECT body, leaf_hash FROM found.journal WHERE close ORDER BY entry_id;
COMMIT;
