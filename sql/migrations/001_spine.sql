-- The whole schema of the spine: identity, journal, ledger, campaigns, items, duplicates, panels, verdicts, datasets.
-- Roles are made by cluster_up() / ops/roles.sql before migrations run; this file only grants.

CREATE TABLE network (
	only_one        boolean PRIMARY KEY DEFAULT true CHECK (only_one),
	network_id      bytea NOT NULL CHECK (octet_length(network_id) = 32),
	genesis         bytea NOT NULL,             -- canonical bytes of journal entry 0
	checkpoint_key  bytea NOT NULL CHECK (octet_length(checkpoint_key) = 32),
	clock_manual    boolean NOT NULL,
	clock_ms        bigint NOT NULL              -- read only when clock_manual
);

CREATE SEQUENCE worker_fence CACHE 1;             -- one number a worker process: leases and writes carry it

-- ---- journal -------------------------------------------------------------------------------------------------------
-- The transaction's number is drawn before the entry's id (CASE decides the order): whoever knows an id knows that its
-- transaction has a number below every number drawn from now on. The sequencer's proof stands on it (core/journal.c).
CREATE SEQUENCE journal_entry_id CACHE 1 MINVALUE 0 START 0;
CREATE TABLE journal_entry (
	entry_id   bigint PRIMARY KEY DEFAULT (CASE WHEN pg_current_xact_id() > '0'::xid8 THEN nextval('journal_entry_id') END),
	body       bytea NOT NULL,
	leaf_hash  bytea NOT NULL CHECK (leaf_hash = sha256('\x00'::bytea || body))
);
CREATE INDEX journal_entry_leaf ON journal_entry (leaf_hash);
CREATE TABLE journal_leaf (                      -- positions rise with entry_id
	position  bigint PRIMARY KEY,
	entry_id  bigint NOT NULL UNIQUE REFERENCES journal_entry
);
-- The sequencer's mark: every transaction that drew an id up to entry_id has a number below xid; done_id: numbered up to here.
CREATE TABLE journal_mark (
	only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
	entry_id  bigint NOT NULL,
	xid       xid8 NOT NULL,
	done_id   bigint NOT NULL CHECK (done_id <= entry_id)
);
INSERT INTO journal_mark (entry_id, xid, done_id) VALUES (-1, '0', -1);
CREATE TABLE journal_node (                      -- complete subtrees; level 0 is the leaf
	level     smallint NOT NULL,
	index     bigint NOT NULL,
	hash      bytea NOT NULL CHECK (octet_length(hash) = 32),
	PRIMARY KEY (level, index)
);
CREATE TABLE checkpoint (
	size      bigint PRIMARY KEY,
	root      bytea NOT NULL CHECK (octet_length(root) = 32),
	note      text NOT NULL,
	time_ms   bigint NOT NULL
);

-- ---- accounts ------------------------------------------------------------------------------------------------------
CREATE TABLE account (
	key            bytea PRIMARY KEY CHECK (octet_length(key) = 32),
	roles          integer NOT NULL,
	robot          boolean NOT NULL DEFAULT false,
	jailed         boolean NOT NULL DEFAULT false,
	terms_sha256   bytea,
	salt           bytea NOT NULL CHECK (octet_length(salt) = 32),       -- destroyed on erasure
	commitment     bytea NOT NULL UNIQUE CHECK (octet_length(commitment) = 32),
	registered_ms  bigint NOT NULL
);
CREATE TABLE idempotency (                       -- answers only; safety comes from natural keys
	key            bytea NOT NULL,
	idempotency    text NOT NULL,
	fingerprint    bytea NOT NULL,
	status         integer NOT NULL,
	body           bytea NOT NULL,
	created_ms     bigint NOT NULL,
	PRIMARY KEY (key, idempotency)
);

-- ---- ledger (TigerBeetle's model) ------------------------------------------------------------------------------------
-- kind: 0 mint, 1 free, 2 stake, 3 bond, 4 pending reward (vesting), 5 campaign budget, 6 treasury, 7 reserve, 8 curators,
-- 9 epoch pool, 10 unbonding, 11 burned back to U is a transfer to mint
CREATE TABLE ledger_account (
	account_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	owner            bytea NOT NULL,             -- account key, or SHA-256 of the campaign's name, or 32 zero bytes
	kind             smallint NOT NULL,
	debits_posted    bigint NOT NULL DEFAULT 0 CHECK (debits_posted >= 0),
	credits_posted   bigint NOT NULL DEFAULT 0 CHECK (credits_posted >= 0),
	debits_pending   bigint NOT NULL DEFAULT 0 CHECK (debits_pending >= 0),
	credits_pending  bigint NOT NULL DEFAULT 0 CHECK (credits_pending >= 0),
	UNIQUE (owner, kind),
	CONSTRAINT ledger_no_overdraft CHECK (kind = 0 OR credits_posted - debits_posted - debits_pending >= 0)
);
-- step: 0 single, 1 pending, 2 post, 3 void, 4 expire
CREATE TABLE ledger_transfer (
	transfer_id     bytea PRIMARY KEY CHECK (octet_length(transfer_id) = 32),
	seq             bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
	step            smallint NOT NULL CHECK (step BETWEEN 0 AND 4),
	debit_account   bigint NOT NULL REFERENCES ledger_account,
	credit_account  bigint NOT NULL REFERENCES ledger_account,
	amount          bigint NOT NULL CHECK (amount >= 0),
	pending_id      bytea REFERENCES ledger_transfer,
	cause           text NOT NULL,               -- "genesis", "stake", "seat", "slash", "reward/contributor", ...
	subject         bytea,                       -- item id, campaign hash or other 32 bytes the cause is about
	epoch           bigint,
	time_ms         bigint NOT NULL,
	CHECK (debit_account <> credit_account),
	CHECK ((step >= 2) = (pending_id IS NOT NULL))
);
CREATE UNIQUE INDEX ledger_transfer_ends_once ON ledger_transfer (pending_id) WHERE step >= 2;
CREATE INDEX ledger_transfer_debit ON ledger_transfer (debit_account, seq);
CREATE INDEX ledger_transfer_credit ON ledger_transfer (credit_account, seq);
CREATE TABLE claims_total (                      -- what an account was ever paid as reward: the leaves of the claims tree
	account     bytea PRIMARY KEY CHECK (octet_length(account) = 32),
	cumulative  bigint NOT NULL CHECK (cumulative >= 0),
	published   bigint NOT NULL DEFAULT 0,       -- as in the claims root of the last close
	CONSTRAINT claims_total_grows CHECK (published BETWEEN 0 AND cumulative)
);
CREATE INDEX claims_total_changed ON claims_total (account) WHERE published <> cumulative;
CREATE TABLE vesting_owner (                     -- whose grants vest, and when they were last released
	owner          bytea PRIMARY KEY,
	stepped_epoch  bigint NOT NULL DEFAULT -1,   -- epoch of the last release
	stepped_ms     bigint NOT NULL DEFAULT 0,    -- grants that joined are released up to here
	live           boolean NOT NULL              -- false: no grant is left
);
CREATE INDEX vesting_owner_live ON vesting_owner (stepped_epoch, owner) WHERE live;
CREATE TABLE vesting_grant (                     -- rewards in a vesting account that become free in a line
	grant_id       bytea PRIMARY KEY REFERENCES ledger_transfer,
	owner          bytea NOT NULL,
	amount         bigint NOT NULL CHECK (amount > 0),
	start_ms       bigint NOT NULL,
	period_ms      bigint NOT NULL CHECK (period_ms >= 0),
	revocable      boolean NOT NULL,             -- an item behind it can still be overturned,
	final_ms       bigint NOT NULL,              -- at least until then
	joined         boolean NOT NULL DEFAULT false, -- was in a release of its owner
	ended          boolean NOT NULL DEFAULT false -- wholly released, or taken back
);
CREATE INDEX vesting_grant_live ON vesting_grant (owner) WHERE NOT ended;
CREATE INDEX vesting_grant_revocable ON vesting_grant (final_ms) WHERE revocable;
CREATE TABLE unbonding (                         -- stake on its way to free
	transfer_id  bytea PRIMARY KEY REFERENCES ledger_transfer,
	owner        bytea NOT NULL,
	amount       bigint NOT NULL CHECK (amount > 0),
	due_ms       bigint NOT NULL,
	ended        boolean NOT NULL DEFAULT false
);
CREATE INDEX unbonding_due ON unbonding (due_ms, transfer_id) WHERE NOT ended;
CREATE TABLE unbonded (                          -- who took out all of a deposit but what stood behind seats
	owner        bytea PRIMARY KEY,
	since_epoch  bigint NOT NULL,                -- the open one at that time
	until_epoch  bigint                          -- in which something was deposited again
);

-- ---- campaigns and epochs ----------------------------------------------------------------------------------------------
CREATE TABLE campaign (
	name        text PRIMARY KEY CHECK (name ~ '^[a-z0-9-]{1,64}$'),
	version     integer NOT NULL,
	document    bytea NOT NULL,                  -- canonical bytes
	created_ms  bigint NOT NULL,
	open        boolean NOT NULL DEFAULT true
);
-- state: 0 open, 1 waits for audits, 2 closed
CREATE TABLE epoch (
	epoch       bigint PRIMARY KEY,
	state       smallint NOT NULL DEFAULT 0,
	opened_ms   bigint NOT NULL,
	ended_ms    bigint,
	closed_ms   bigint,
	beacon      bytea,                           -- beacon of this epoch, shown after its checkpoint
	onion       bytea,
	minted      bigint NOT NULL DEFAULT 0,
	claims_root bytea,
	closed_leaf bytea,                           -- of the journal's entry that tells claims_root
	votes       bigint NOT NULL DEFAULT 0        -- opened votes of the rounds tallied in it
);
CREATE INDEX epoch_unclosed ON epoch (epoch) WHERE state < 2;

-- ---- items ---------------------------------------------------------------------------------------------------------------
-- state: 0 received, 1 embedded (duplicate check done, waits for a panel), 2 duplicate, 3 judging, 4 provisional, 5 settled,
-- 6 accepted (final), 7 rejected (final), 8 void (final), 9 erased
CREATE TABLE item (
	item_id       bytea PRIMARY KEY CHECK (octet_length(item_id) = 32),
	seq           bigint GENERATED ALWAYS AS IDENTITY UNIQUE,   -- arrival; the linker decides in this order
	campaign      text NOT NULL REFERENCES campaign,
	contributor   bytea NOT NULL REFERENCES account (key),
	state         smallint NOT NULL DEFAULT 0,
	kind          smallint NOT NULL,             -- 0 text, 1 window
	source        text NOT NULL,
	source_id     text NOT NULL,
	canonical     bytea NOT NULL,
	salt          bytea NOT NULL CHECK (octet_length(salt) = 32),
	content       text NOT NULL,                 -- redacted text, or the window's canonical JSON
	evidence_id   bytea,                         -- submission_evidence
	arrived_ms    bigint NOT NULL,
	stratum       smallint NOT NULL DEFAULT 0,
	settled_epoch bigint,
	final_ms      bigint,                        -- settled: when the challenge window ends
	UNIQUE (campaign, contributor, source, source_id)
);
CREATE INDEX item_received ON item (seq) WHERE state = 0;
CREATE INDEX item_embedded ON item (seq) WHERE state = 1;
CREATE INDEX item_judging ON item (campaign, seq) WHERE state = 3;
CREATE INDEX item_provisional ON item (campaign, seq) WHERE state = 4;
CREATE INDEX item_settled ON item (final_ms) WHERE state = 5;
CREATE INDEX item_campaign ON item (campaign, state);
CREATE INDEX item_accepted ON item (campaign, item_id) WHERE state = 6;
CREATE INDEX item_contributor ON item (contributor, seq);
CREATE TABLE submission_evidence (               -- signature base and signature, never the unredacted body
	evidence_id     bytea PRIMARY KEY CHECK (octet_length(evidence_id) = 32), -- SHA-256 of the base
	key             bytea NOT NULL,
	signature_base  bytea NOT NULL,
	signature       bytea NOT NULL CHECK (octet_length(signature) = 64),
	received_ms     bigint NOT NULL
);

-- ---- duplicates ------------------------------------------------------------------------------------------------------------
CREATE TABLE dedup_signature (
	item_id    bytea PRIMARY KEY REFERENCES item,
	link_seq   bigint NOT NULL UNIQUE CHECK (link_seq > 0), -- the linker's own order: earliest means least; two linkers collide here
	seq        bigint NOT NULL UNIQUE,
	campaign   text NOT NULL,
	raw_sha256 bytea NOT NULL,                   -- text as kept
	norm_sha256 bytea NOT NULL,                  -- normalised text
	shingles   integer NOT NULL,
	minhash    bytea NOT NULL CHECK (octet_length(minhash) = 256),
	leader     boolean NOT NULL
);
CREATE UNIQUE INDEX dedup_signature_norm ON dedup_signature (campaign, norm_sha256) WHERE leader;
-- method: 0 none (an origin), 1 exact, 2 normalised, 3 minhash, 4 semantic, 5 sensor
CREATE TABLE dedup_verdict (
	item_id      bytea PRIMARY KEY REFERENCES item,
	origin       bytea NOT NULL,                 -- itself when it repeats nothing
	cluster      bytea NOT NULL,
	method       smallint NOT NULL,
	numerator    integer NOT NULL,
	denominator  integer NOT NULL,
	spec_version integer NOT NULL,
	nearest      bytea,                          -- most similar leader that it does not repeat: novelty
	nearest_numerator integer NOT NULL DEFAULT 0,
	nearest_denominator integer NOT NULL DEFAULT 1,
	decided_ms   bigint NOT NULL
);
CREATE INDEX dedup_verdict_origin ON dedup_verdict (origin);

-- ---- panels ------------------------------------------------------------------------------------------------------------------
-- kind: 0 panel, 1 audit (known-answer). state: 0 commit, 1 reveal, 2 tallied, 3 void
CREATE TABLE round (
	item_id       bytea NOT NULL REFERENCES item,
	round         integer NOT NULL CHECK (round >= 1),
	campaign      text NOT NULL,
	kind          smallint NOT NULL,
	state         smallint NOT NULL DEFAULT 0,
	seats         integer NOT NULL,
	taken         integer NOT NULL DEFAULT 0,
	committed     integer NOT NULL DEFAULT 0,
	revealed      integer NOT NULL DEFAULT 0,
	opened_ms     bigint NOT NULL,
	commit_until_ms bigint NOT NULL,
	reveal_until_ms bigint,                      -- set when commit closes
	commitments_root bytea,
	closed_leaf   bytea,                         -- leaf hash of the journal entry that closed commit
	epoch         bigint,                        -- epoch into which its tally fell
	counted_epoch bigint,                        -- close whose counts its votes entered
	small         boolean NOT NULL DEFAULT false,
	-- the phase has every vote that it waits for; a column, because an index over the counts themselves would be written by every vote
	is_full       boolean NOT NULL GENERATED ALWAYS AS
		(CASE state WHEN 0 THEN committed >= seats WHEN 1 THEN revealed >= committed ELSE false END) STORED,
	PRIMARY KEY (item_id, round)
) WITH (fillfactor = 60);                                -- votes change counts in place
CREATE INDEX round_commit ON round (campaign, item_id) WHERE state = 0;
CREATE INDEX round_full ON round (item_id, round) WHERE is_full;
CREATE INDEX round_open ON round (opened_ms) WHERE state IN (0, 1);
CREATE INDEX round_commit_due ON round (commit_until_ms) WHERE state = 0;
CREATE INDEX round_reveal_due ON round (reveal_until_ms) WHERE state = 1;
CREATE INDEX round_epoch ON round (epoch) WHERE epoch IS NOT NULL;
-- state: 0 leased, 1 committed, 2 revealed, 3 skipped, 4 lapsed
CREATE TABLE seat (
	item_id       bytea NOT NULL,
	round         integer NOT NULL,
	voter         bytea NOT NULL REFERENCES account (key),
	state         smallint NOT NULL DEFAULT 0,
	lease_until_ms bigint NOT NULL,
	bond          bytea,                         -- pending transfer
	bond_ended    boolean NOT NULL DEFAULT false,
	PRIMARY KEY (item_id, round, voter),
	FOREIGN KEY (item_id, round) REFERENCES round
) WITH (fillfactor = 50);                                -- no index names state, so votes change a page of seats in place
CREATE UNIQUE INDEX seat_once_per_item ON seat (item_id, voter);  -- no item is served twice to anyone
CREATE INDEX seat_voter ON seat (voter, lease_until_ms);
CREATE INDEX seat_bonded ON seat (voter) WHERE bond IS NOT NULL AND NOT bond_ended;
CREATE TABLE lease (                             -- seats in state 0, and when they lapse
	item_id       bytea NOT NULL,
	round         integer NOT NULL,
	voter         bytea NOT NULL,
	lease_until_ms bigint NOT NULL,
	PRIMARY KEY (item_id, round, voter),
	FOREIGN KEY (item_id, round, voter) REFERENCES seat
);
CREATE INDEX lease_due ON lease (lease_until_ms);
CREATE TABLE ballot (                            -- evidence: one signed request with up to 64 votes
	ballot_id       bytea PRIMARY KEY CHECK (octet_length(ballot_id) = 32), -- SHA-256 of signature base
	voter           bytea NOT NULL,
	signature_base  bytea NOT NULL,
	signature       bytea NOT NULL CHECK (octet_length(signature) = 64),
	body            bytea NOT NULL,
	received_ms     bigint NOT NULL
);
-- Votes name their seat and their ballot. No foreign key says so: one statement writes them beside a seat that it changes and a ballot that
-- it inserts, neither is ever deleted, and the checks took a third of a vote's cost. winnow audit looks for both.
CREATE TABLE vote_commit (
	item_id     bytea NOT NULL,
	round       integer NOT NULL,
	voter       bytea NOT NULL,
	sequence    bigint NOT NULL CHECK (sequence BETWEEN 1 AND 8),
	commitment  bytea NOT NULL CHECK (octet_length(commitment) = 32),
	ballot_id   bytea NOT NULL,
	PRIMARY KEY (item_id, round, voter, sequence)
);
CREATE TABLE vote_reveal (
	item_id     bytea NOT NULL,
	round       integer NOT NULL,
	voter       bytea NOT NULL,
	choice      smallint NOT NULL,
	salt        bytea NOT NULL CHECK (octet_length(salt) = 32),
	ballot_id   bytea NOT NULL,
	PRIMARY KEY (item_id, round, voter)
);

-- ---- tally ---------------------------------------------------------------------------------------------------------------------
CREATE TABLE campaign_validator (                -- C[v] of mechanism.md 4, and what is carried between closes
	campaign     text NOT NULL REFERENCES campaign,
	voter        bytea NOT NULL REFERENCES account (key),
	counts       bigint[] NOT NULL,              -- K*K, row = truth, column = label, units of 1/64 vote
	gold_votes   bigint NOT NULL DEFAULT 0,
	gold_right   bigint NOT NULL DEFAULT 0,
	carried_points bigint NOT NULL DEFAULT 0,
	carried_scored bigint NOT NULL DEFAULT 0,
	carried_since  bigint NOT NULL DEFAULT 0,    -- epoch of the first score that is carried
	PRIMARY KEY (campaign, voter)
);
CREATE INDEX campaign_validator_carried ON campaign_validator (carried_since) WHERE carried_scored > 0;
CREATE TABLE campaign_state (
	campaign     text PRIMARY KEY REFERENCES campaign,
	prior        bigint[] NOT NULL,              -- pi, K, units of 1/64
	crowd        bigint[] NOT NULL,              -- K*K, sum of all validators' counts: a tally reads only its own voters' tables
	proven       bigint NOT NULL,                -- validators whose probation is over
	epoch        bigint NOT NULL                 -- last close that went in
);
CREATE TABLE provisional (                       -- what the online tally showed, once per tallied round
	item_id   bytea NOT NULL,
	round     integer NOT NULL,
	scores    bigint[] NOT NULL,
	class     smallint NOT NULL,
	margin    bigint NOT NULL,
	epoch     bigint NOT NULL,
	PRIMARY KEY (item_id, round)
);
CREATE TABLE verdict (                           -- the settled one
	item_id   bytea PRIMARY KEY REFERENCES item,
	class     smallint NOT NULL,                 -- -1 void
	p_good    integer NOT NULL,                  -- millionths
	margin    bigint NOT NULL,
	scores    bigint[] NOT NULL,
	votes     integer NOT NULL,                  -- panel votes
	epoch     bigint NOT NULL,
	settled_ms bigint NOT NULL
);
CREATE INDEX verdict_epoch ON verdict (epoch);
CREATE TABLE gold (
	item_id   bytea PRIMARY KEY REFERENCES item,
	epoch     bigint NOT NULL,                   -- epoch whose close it belongs to
	round     integer NOT NULL,                  -- its audit round
	class     smallint                           -- NULL while unknown; -1 tie or too few
);
CREATE INDEX gold_epoch ON gold (epoch);
CREATE TABLE slash (                             -- every slash points at stored evidence
	transfer_id bytea PRIMARY KEY REFERENCES ledger_transfer,
	voter       bytea NOT NULL REFERENCES account (key),
	campaign    text NOT NULL,
	epoch       bigint NOT NULL REFERENCES epoch,
	points      bigint NOT NULL CHECK (points <= 0), -- 0: a sealed vote that was never opened
	evidence    bytea NOT NULL                   -- leaf hash of the journal entry that lists its scored votes
);

CREATE TABLE validator_pay (                     -- pay of a close that waits, pending, for the last of its items to be final
	transfer_id bytea PRIMARY KEY REFERENCES ledger_transfer,
	voter       bytea NOT NULL,
	campaign    text NOT NULL,                   -- empty: the emission's share, of all drawn campaigns together
	epoch       bigint NOT NULL REFERENCES epoch,
	points      bigint NOT NULL CHECK (points > 0),
	amount      bigint NOT NULL CHECK (amount > 0),
	due_ms      bigint NOT NULL,
	posted      boolean NOT NULL DEFAULT false
);
CREATE INDEX validator_pay_due ON validator_pay (due_ms) WHERE NOT posted;
CREATE TABLE vote_turn (                         -- when the tally last looked: a long gap moves the deadlines of what was open
	only_one    boolean PRIMARY KEY DEFAULT true CHECK (only_one),
	turn_ms     bigint NOT NULL
);

-- ---- datasets ------------------------------------------------------------------------------------------------------------------
CREATE TABLE dataset (
	name        text PRIMARY KEY CHECK (name ~ '^[a-z0-9-]{1,64}$'),
	recipe      bytea NOT NULL,                  -- canonical bytes
	created_ms  bigint NOT NULL
);
-- state: 0 wanted, 1 published, 2 failed, 3 unchanged (the version before has the same rows; the number is used again)
CREATE TABLE dataset_version (
	name             text NOT NULL REFERENCES dataset,
	version          integer NOT NULL CHECK (version >= 1),
	state            smallint NOT NULL DEFAULT 0,
	checkpoint_size  bigint,
	row_count        bigint,
	row_root         bytea,
	manifest_sha256  bytea,
	wanted_ms        bigint NOT NULL,
	wanted_leaf      bytea NOT NULL CHECK (octet_length(wanted_leaf) = 32), -- journal entry that asked for it
	published_ms     bigint,
	failure          text,
	PRIMARY KEY (name, version)
);
CREATE INDEX dataset_version_wanted ON dataset_version (wanted_ms) WHERE state = 0;
CREATE TABLE dataset_row (                       -- which items a version holds, in row order
	name      text NOT NULL,
	version   integer NOT NULL,
	row       bigint NOT NULL,
	item_id   bytea NOT NULL REFERENCES item,
	PRIMARY KEY (name, version, row),
	FOREIGN KEY (name, version) REFERENCES dataset_version
);
CREATE TABLE dataset_file (
	sha256   bytea NOT NULL,
	name     text NOT NULL,
	version  integer NOT NULL,
	path     text NOT NULL,                      -- inside the version folder
	bytes    bigint NOT NULL,
	PRIMARY KEY (name, version, path),
	FOREIGN KEY (name, version) REFERENCES dataset_version
);
CREATE INDEX dataset_file_sha256 ON dataset_file (sha256);

-- ---- sources -------------------------------------------------------------------------------------------------------------------
CREATE TABLE source_cursor (
	source     text NOT NULL,
	campaign   text NOT NULL,
	cursor     text NOT NULL,
	items      bigint NOT NULL DEFAULT 0,
	errors     bigint NOT NULL DEFAULT 0,
	moved_ms   bigint NOT NULL,
	PRIMARY KEY (source, campaign)
);

-- ---- grants: each role only what it needs, column by column where a row outlives its making; history is insert-only --------------
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO winnow_serve, winnow_ingest, winnow_embed, winnow_tally, winnow_reward, winnow_seal;
GRANT SELECT ON network TO winnow_serve, winnow_ingest, winnow_embed, winnow_tally, winnow_reward, winnow_seal;
GRANT INSERT (body, leaf_hash) ON journal_entry TO winnow_serve, winnow_ingest, winnow_embed, winnow_tally, winnow_reward, winnow_seal;
GRANT USAGE ON SEQUENCE journal_entry_id TO winnow_serve, winnow_ingest, winnow_embed, winnow_tally, winnow_reward, winnow_seal;
GRANT USAGE ON SEQUENCE worker_fence TO winnow_ingest, winnow_embed, winnow_tally, winnow_reward, winnow_seal;
-- An account's salt links its key to its name in the journal: it is written and read by nobody but the owner.
GRANT SELECT (key, roles, robot, jailed, terms_sha256, commitment, registered_ms) ON account
	TO winnow_serve, winnow_ingest, winnow_tally, winnow_reward, winnow_seal;
-- serve: what a signed request may change, and all that a request may ask
GRANT SELECT ON journal_entry, journal_leaf, journal_mark, journal_node, checkpoint, idempotency, ledger_account, ledger_transfer, claims_total,
	vesting_grant, unbonding, campaign, epoch, item, dedup_verdict, round, seat, lease, ballot, vote_commit, vote_reveal, campaign_validator,
	campaign_state, provisional, verdict, gold, slash, validator_pay, dataset, dataset_version, dataset_row, dataset_file TO winnow_serve;
GRANT INSERT ON account, idempotency, campaign, submission_evidence, ballot, vote_commit, vote_reveal, seat, lease, dataset, dataset_version TO winnow_serve;
GRANT INSERT (item_id, campaign, contributor, kind, source, source_id, canonical, salt, content, evidence_id, arrived_ms) ON item
	TO winnow_serve, winnow_ingest;
GRANT INSERT (owner, kind), UPDATE (debits_posted, credits_posted, debits_pending, credits_pending) ON ledger_account
	TO winnow_serve, winnow_tally, winnow_reward;
GRANT INSERT ON ledger_transfer TO winnow_serve, winnow_tally, winnow_reward;
GRANT INSERT ON unbonding TO winnow_serve;
GRANT SELECT, INSERT, UPDATE (since_epoch, until_epoch) ON unbonded TO winnow_serve;
GRANT UPDATE (state, bond_ended) ON seat TO winnow_serve;
GRANT DELETE ON lease TO winnow_serve;
GRANT UPDATE (taken, committed, revealed) ON round TO winnow_serve;
GRANT UPDATE (clock_ms) ON network TO winnow_serve;
GRANT UPDATE (open) ON campaign TO winnow_serve;
GRANT UPDATE (state, wanted_ms, wanted_leaf, failure) ON dataset_version TO winnow_serve;
GRANT UPDATE (roles, terms_sha256) ON account TO winnow_serve;
-- ingest
GRANT SELECT ON campaign, item, source_cursor TO winnow_ingest;
GRANT INSERT ON submission_evidence, source_cursor TO winnow_ingest;
GRANT UPDATE (cursor, items, errors, moved_ms) ON source_cursor TO winnow_ingest;
-- embed
GRANT SELECT ON campaign, item, dedup_signature TO winnow_embed;
GRANT INSERT ON dedup_signature, dedup_verdict TO winnow_embed;
GRANT UPDATE (state) ON item TO winnow_embed;
-- tally: rounds, deadlines, provisional verdicts
GRANT SELECT ON ledger_account, ledger_transfer, campaign, epoch, item, round, seat, lease, vote_commit, vote_reveal, campaign_validator,
	campaign_state, provisional, gold, vote_turn TO winnow_tally;
GRANT INSERT ON round, provisional, vote_turn TO winnow_tally;
GRANT UPDATE (state, taken, small, commit_until_ms, reveal_until_ms, commitments_root, closed_leaf, epoch) ON round TO winnow_tally;
GRANT UPDATE (state, lease_until_ms, bond_ended) ON seat TO winnow_tally;
GRANT UPDATE (lease_until_ms), DELETE ON lease TO winnow_tally;
GRANT UPDATE (class) ON gold TO winnow_tally;
GRANT UPDATE (votes) ON epoch TO winnow_tally;
GRANT UPDATE (turn_ms) ON vote_turn TO winnow_tally;
GRANT UPDATE (state) ON item TO winnow_tally;
-- reward: epoch close and money
GRANT SELECT ON journal_leaf, checkpoint, ledger_account, ledger_transfer, claims_total, vesting_owner, vesting_grant, unbonding, campaign,
	epoch, item, dedup_verdict, round, seat, vote_commit, vote_reveal, campaign_validator, campaign_state, provisional, verdict, gold, slash,
	validator_pay TO winnow_reward;
GRANT INSERT ON campaign_validator, campaign_state, epoch, validator_pay, verdict, slash, round, gold, claims_total, vesting_grant, vesting_owner
	TO winnow_reward;
GRANT UPDATE (counts, gold_votes, gold_right, carried_points, carried_scored, carried_since) ON campaign_validator TO winnow_reward;
GRANT UPDATE (prior, crowd, proven, epoch) ON campaign_state TO winnow_reward;
GRANT UPDATE (state, ended_ms, closed_ms, minted, claims_root, closed_leaf) ON epoch TO winnow_reward;
GRANT UPDATE (posted) ON validator_pay TO winnow_reward;
GRANT UPDATE (counted_epoch) ON round TO winnow_reward;
GRANT UPDATE (bond_ended) ON seat TO winnow_reward;
GRANT UPDATE (cumulative, published) ON claims_total TO winnow_reward;
GRANT UPDATE (stepped_epoch, stepped_ms, live) ON vesting_owner TO winnow_reward;
GRANT UPDATE (joined, ended, revocable) ON vesting_grant TO winnow_reward;
GRANT UPDATE (ended) ON unbonding TO winnow_reward;
GRANT SELECT ON unbonded TO winnow_reward;
GRANT UPDATE (state, settled_epoch, final_ms) ON item TO winnow_reward;
-- seal: numbers the journal, signs checkpoints, writes dataset versions
GRANT SELECT ON SEQUENCE journal_entry_id TO winnow_seal;
GRANT SELECT ON journal_entry, journal_leaf, journal_mark, journal_node, checkpoint, campaign, item, dedup_verdict, verdict, dataset,
	dataset_version, dataset_row, dataset_file TO winnow_seal;
GRANT UPDATE (entry_id, xid, done_id) ON journal_mark TO winnow_seal;
GRANT INSERT ON journal_leaf, journal_node, checkpoint, dataset_row, dataset_file TO winnow_seal;
GRANT UPDATE (item_id), DELETE ON dataset_row TO winnow_seal; -- of versions that are not published yet
GRANT UPDATE (state, checkpoint_size, row_count, row_root, manifest_sha256, published_ms, failure) ON dataset_version TO winnow_seal;
-- audit: reads what a replay of the journal computes anew, and the evidence of ballots; never what items say
GRANT USAGE ON SCHEMA public TO winnow_audit;
GRANT SELECT ON network, journal_entry, journal_leaf, journal_mark, journal_node, checkpoint, ledger_account, claims_total, epoch, verdict,
	campaign_validator, vesting_grant, ballot TO winnow_audit;
GRANT SELECT (item_id, round, voter, ballot_id) ON vote_commit, vote_reveal TO winnow_audit;
GRANT SELECT (item_id, round, voter) ON seat TO winnow_audit;
GRANT SELECT (item_id, state) ON item TO winnow_audit;
