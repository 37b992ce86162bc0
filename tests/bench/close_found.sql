-- What an end and a close found out, as tables that plain SQL can put it in place from.
CREATE SCHEMA found;
CREATE TABLE found.epoch AS SELECT * FROM epoch;
CREATE TABLE found.journal AS SELECT entry_id, body, leaf_hash, entry_id > max(entry_id) FILTER (WHERE type = 'epoch_end') OVER () AS close
FROM (SELECT j.*, entry ->> 'type' AS type FROM journal_entry j, convert_from(body, 'UTF8') AS text, CAST(text AS json) AS entry, network
	WHERE (entry ->> 'time_ms')::bigint = clock_ms) e;
CREATE TABLE found.audit AS SELECT g.item_id, g.round, g.epoch, r.campaign, r.seats, r.opened_ms, r.commit_until_ms
FROM gold g JOIN round r USING (item_id, round);
CREATE TABLE found.second AS SELECT item_id, round, campaign, seats, opened_ms, commit_until_ms FROM round WHERE kind = 0 AND round > 1;
CREATE TABLE found.verdict AS SELECT * FROM verdict;
CREATE TABLE found.settled AS SELECT item_id, settled_epoch, final_ms FROM item WHERE state = 5;
CREATE TABLE found.counted AS SELECT item_id, counted_epoch FROM round WHERE counted_epoch IS NOT NULL;
CREATE TABLE found.validator AS SELECT * FROM campaign_validator;
CREATE TABLE found.state AS SELECT * FROM campaign_state;
CREATE TABLE found.account AS SELECT * FROM ledger_account;
CREATE TABLE found.transfer AS SELECT * FROM ledger_transfer WHERE epoch = 0;
CREATE TABLE found.vesting AS SELECT * FROM vesting_grant;
CREATE TABLE found.pay AS SELECT * FROM validator_pay;
CREATE TABLE found.slash AS SELECT * FROM slash;
CREATE TABLE found.claim AS SELECT account, cumulative FROM claims_total;
CREATE TABLE found.bond AS SELECT item_id, round, voter FROM seat WHERE bond_ended;
