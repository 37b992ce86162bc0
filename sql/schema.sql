-- The whole schema as the migrations make it (pg_dump 15). Written by `make schema`; never edited.
CREATE TABLE public.account (
    key bytea NOT NULL,
    roles integer NOT NULL,
    robot boolean DEFAULT false NOT NULL,
    jailed boolean DEFAULT false NOT NULL,
    terms_sha256 bytea,
    salt bytea NOT NULL,
    commitment bytea NOT NULL,
    registered_ms bigint NOT NULL,
    CONSTRAINT account_commitment_check CHECK ((octet_length(commitment) = 32)),
    CONSTRAINT account_key_check CHECK ((octet_length(key) = 32)),
    CONSTRAINT account_salt_check CHECK ((octet_length(salt) = 32))
);
CREATE TABLE public.ballot (
    ballot_id bytea NOT NULL,
    voter bytea NOT NULL,
    signature_base bytea NOT NULL,
    signature bytea NOT NULL,
    body bytea NOT NULL,
    received_ms bigint NOT NULL,
    CONSTRAINT ballot_ballot_id_check CHECK ((octet_length(ballot_id) = 32)),
    CONSTRAINT ballot_signature_check CHECK ((octet_length(signature) = 64))
);
CREATE TABLE public.campaign (
    name text NOT NULL,
    version integer NOT NULL,
    document bytea NOT NULL,
    created_ms bigint NOT NULL,
    open boolean DEFAULT true NOT NULL,
    CONSTRAINT campaign_name_check CHECK ((name ~ '^[a-z0-9-]{1,64}$'::text))
);
CREATE TABLE public.campaign_state (
    campaign text NOT NULL,
    prior bigint[] NOT NULL,
    crowd bigint[] NOT NULL,
    proven bigint NOT NULL,
    epoch bigint NOT NULL
);
CREATE TABLE public.campaign_validator (
    campaign text NOT NULL,
    voter bytea NOT NULL,
    counts bigint[] NOT NULL,
    gold_votes bigint DEFAULT 0 NOT NULL,
    gold_right bigint DEFAULT 0 NOT NULL,
    carried_points bigint DEFAULT 0 NOT NULL,
    carried_scored bigint DEFAULT 0 NOT NULL,
    carried_since bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.checkpoint (
    size bigint NOT NULL,
    root bytea NOT NULL,
    note text NOT NULL,
    time_ms bigint NOT NULL,
    CONSTRAINT checkpoint_root_check CHECK ((octet_length(root) = 32))
);
CREATE TABLE public.claims_total (
    account bytea NOT NULL,
    cumulative bigint NOT NULL,
    published bigint DEFAULT 0 NOT NULL,
    CONSTRAINT claims_total_account_check CHECK ((octet_length(account) = 32)),
    CONSTRAINT claims_total_cumulative_check CHECK ((cumulative >= 0)),
    CONSTRAINT claims_total_grows CHECK (((published >= 0) AND (published <= cumulative)))
);
CREATE TABLE public.dataset (
    name text NOT NULL,
    recipe bytea NOT NULL,
    created_ms bigint NOT NULL,
    CONSTRAINT dataset_name_check CHECK ((name ~ '^[a-z0-9-]{1,64}$'::text))
);
CREATE TABLE public.dataset_file (
    sha256 bytea NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    path text NOT NULL,
    bytes bigint NOT NULL
);
CREATE TABLE public.dataset_row (
    name text NOT NULL,
    version integer NOT NULL,
    "row" bigint NOT NULL,
    item_id bytea NOT NULL
);
CREATE TABLE public.dataset_version (
    name text NOT NULL,
    version integer NOT NULL,
    state smallint DEFAULT 0 NOT NULL,
    checkpoint_size bigint,
    row_count bigint,
    row_root bytea,
    manifest_sha256 bytea,
    wanted_ms bigint NOT NULL,
    wanted_leaf bytea NOT NULL,
    published_ms bigint,
    failure text,
    CONSTRAINT dataset_version_version_check CHECK ((version >= 1)),
    CONSTRAINT dataset_version_wanted_leaf_check CHECK ((octet_length(wanted_leaf) = 32))
);
CREATE TABLE public.dedup_signature (
    item_id bytea NOT NULL,
    link_seq bigint NOT NULL,
    seq bigint NOT NULL,
    campaign text NOT NULL,
    raw_sha256 bytea NOT NULL,
    norm_sha256 bytea NOT NULL,
    shingles integer NOT NULL,
    minhash bytea NOT NULL,
    leader boolean NOT NULL,
    CONSTRAINT dedup_signature_link_seq_check CHECK ((link_seq > 0)),
    CONSTRAINT dedup_signature_minhash_check CHECK ((octet_length(minhash) = 256))
);
CREATE TABLE public.dedup_verdict (
    item_id bytea NOT NULL,
    origin bytea NOT NULL,
    cluster bytea NOT NULL,
    method smallint NOT NULL,
    numerator integer NOT NULL,
    denominator integer NOT NULL,
    spec_version integer NOT NULL,
    nearest bytea,
    nearest_numerator integer DEFAULT 0 NOT NULL,
    nearest_denominator integer DEFAULT 1 NOT NULL,
    decided_ms bigint NOT NULL
);
CREATE TABLE public.epoch (
    epoch bigint NOT NULL,
    state smallint DEFAULT 0 NOT NULL,
    opened_ms bigint NOT NULL,
    ended_ms bigint,
    closed_ms bigint,
    beacon bytea,
    onion bytea,
    minted bigint DEFAULT 0 NOT NULL,
    claims_root bytea,
    closed_leaf bytea,
    votes bigint DEFAULT 0 NOT NULL
);
CREATE TABLE public.gold (
    item_id bytea NOT NULL,
    epoch bigint NOT NULL,
    round integer NOT NULL,
    class smallint
);
CREATE TABLE public.idempotency (
    key bytea NOT NULL,
    idempotency text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    body bytea NOT NULL,
    created_ms bigint NOT NULL
);
CREATE TABLE public.item (
    item_id bytea NOT NULL,
    seq bigint NOT NULL,
    campaign text NOT NULL,
    contributor bytea NOT NULL,
    state smallint DEFAULT 0 NOT NULL,
    kind smallint NOT NULL,
    source text NOT NULL,
    source_id text NOT NULL,
    canonical bytea NOT NULL,
    salt bytea NOT NULL,
    content text NOT NULL,
    evidence_id bytea,
    arrived_ms bigint NOT NULL,
    stratum smallint DEFAULT 0 NOT NULL,
    settled_epoch bigint,
    final_ms bigint,
    CONSTRAINT item_item_id_check CHECK ((octet_length(item_id) = 32)),
    CONSTRAINT item_salt_check CHECK ((octet_length(salt) = 32))
);
ALTER TABLE public.item ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.item_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE SEQUENCE public.journal_entry_id
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;
CREATE TABLE public.journal_entry (
    entry_id bigint DEFAULT 
CASE
    WHEN (pg_current_xact_id() > '0'::xid8) THEN nextval('public.journal_entry_id'::regclass)
    ELSE NULL::bigint
END NOT NULL,
    body bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    CONSTRAINT journal_entry_check CHECK ((leaf_hash = sha256(('\x00'::bytea || body))))
);
CREATE TABLE public.journal_leaf (
    "position" bigint NOT NULL,
    entry_id bigint NOT NULL
);
CREATE TABLE public.journal_mark (
    only_one boolean DEFAULT true NOT NULL,
    entry_id bigint NOT NULL,
    xid xid8 NOT NULL,
    done_id bigint NOT NULL,
    CONSTRAINT journal_mark_check CHECK ((done_id <= entry_id)),
    CONSTRAINT journal_mark_only_one_check CHECK (only_one)
);
CREATE TABLE public.journal_node (
    level smallint NOT NULL,
    index bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT journal_node_hash_check CHECK ((octet_length(hash) = 32))
);
CREATE TABLE public.lease (
    item_id bytea NOT NULL,
    round integer NOT NULL,
    voter bytea NOT NULL,
    lease_until_ms bigint NOT NULL
);
CREATE TABLE public.ledger_account (
    account_id bigint NOT NULL,
    owner bytea NOT NULL,
    kind smallint NOT NULL,
    debits_posted bigint DEFAULT 0 NOT NULL,
    credits_posted bigint DEFAULT 0 NOT NULL,
    debits_pending bigint DEFAULT 0 NOT NULL,
    credits_pending bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ledger_account_credits_pending_check CHECK ((credits_pending >= 0)),
    CONSTRAINT ledger_account_credits_posted_check CHECK ((credits_posted >= 0)),
    CONSTRAINT ledger_account_debits_pending_check CHECK ((debits_pending >= 0)),
    CONSTRAINT ledger_account_debits_posted_check CHECK ((debits_posted >= 0)),
    CONSTRAINT ledger_no_overdraft CHECK (((kind = 0) OR (((credits_posted - debits_posted) - debits_pending) >= 0)))
);
ALTER TABLE public.ledger_account ALTER COLUMN account_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_account_account_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.ledger_transfer (
    transfer_id bytea NOT NULL,
    seq bigint NOT NULL,
    step smallint NOT NULL,
    debit_account bigint NOT NULL,
    credit_account bigint NOT NULL,
    amount bigint NOT NULL,
    pending_id bytea,
    cause text NOT NULL,
    subject bytea,
    epoch bigint,
    time_ms bigint NOT NULL,
    CONSTRAINT ledger_transfer_amount_check CHECK ((amount >= 0)),
    CONSTRAINT ledger_transfer_check CHECK ((debit_account <> credit_account)),
    CONSTRAINT ledger_transfer_check1 CHECK (((step >= 2) = (pending_id IS NOT NULL))),
    CONSTRAINT ledger_transfer_step_check CHECK (((step >= 0) AND (step <= 4))),
    CONSTRAINT ledger_transfer_transfer_id_check CHECK ((octet_length(transfer_id) = 32))
);
ALTER TABLE public.ledger_transfer ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ledger_transfer_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE public.migration (
    name text NOT NULL,
    sha256 bytea NOT NULL,
    applied_ms bigint NOT NULL,
    CONSTRAINT migration_sha256_check CHECK ((octet_length(sha256) = 32))
);
CREATE TABLE public.network (
    only_one boolean DEFAULT true NOT NULL,
    network_id bytea NOT NULL,
    genesis bytea NOT NULL,
    checkpoint_key bytea NOT NULL,
    clock_manual boolean NOT NULL,
    clock_ms bigint NOT NULL,
    CONSTRAINT network_checkpoint_key_check CHECK ((octet_length(checkpoint_key) = 32)),
    CONSTRAINT network_network_id_check CHECK ((octet_length(network_id) = 32)),
    CONSTRAINT network_only_one_check CHECK (only_one)
);
CREATE TABLE public.provisional (
    item_id bytea NOT NULL,
    round integer NOT NULL,
    scores bigint[] NOT NULL,
    class smallint NOT NULL,
    margin bigint NOT NULL,
    epoch bigint NOT NULL
);
CREATE TABLE public.round (
    item_id bytea NOT NULL,
    round integer NOT NULL,
    campaign text NOT NULL,
    kind smallint NOT NULL,
    state smallint DEFAULT 0 NOT NULL,
    seats integer NOT NULL,
    taken integer DEFAULT 0 NOT NULL,
    committed integer DEFAULT 0 NOT NULL,
    revealed integer DEFAULT 0 NOT NULL,
    opened_ms bigint NOT NULL,
    commit_until_ms bigint NOT NULL,
    reveal_until_ms bigint,
    commitments_root bytea,
    closed_leaf bytea,
    epoch bigint,
    counted_epoch bigint,
    small boolean DEFAULT false NOT NULL,
    is_full boolean GENERATED ALWAYS AS (
CASE state
    WHEN 0 THEN (committed >= seats)
    WHEN 1 THEN (revealed >= committed)
    ELSE false
END) STORED NOT NULL,
    CONSTRAINT round_round_check CHECK ((round >= 1))
)
WITH (fillfactor='60');
CREATE TABLE public.seat (
    item_id bytea NOT NULL,
    round integer NOT NULL,
    voter bytea NOT NULL,
    state smallint DEFAULT 0 NOT NULL,
    lease_until_ms bigint NOT NULL,
    bond bytea,
    bond_ended boolean DEFAULT false NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE public.slash (
    transfer_id bytea NOT NULL,
    voter bytea NOT NULL,
    campaign text NOT NULL,
    epoch bigint NOT NULL,
    points bigint NOT NULL,
    evidence bytea NOT NULL,
    CONSTRAINT slash_points_check CHECK ((points <= 0))
);
CREATE TABLE public.source_cursor (
    source text NOT NULL,
    campaign text NOT NULL,
    cursor text NOT NULL,
    items bigint DEFAULT 0 NOT NULL,
    errors bigint DEFAULT 0 NOT NULL,
    moved_ms bigint NOT NULL
);
CREATE TABLE public.submission_evidence (
    evidence_id bytea NOT NULL,
    key bytea NOT NULL,
    signature_base bytea NOT NULL,
    signature bytea NOT NULL,
    received_ms bigint NOT NULL,
    CONSTRAINT submission_evidence_evidence_id_check CHECK ((octet_length(evidence_id) = 32)),
    CONSTRAINT submission_evidence_signature_check CHECK ((octet_length(signature) = 64))
);
CREATE TABLE public.unbonded (
    owner bytea NOT NULL,
    since_epoch bigint NOT NULL,
    until_epoch bigint
);
CREATE TABLE public.unbonding (
    transfer_id bytea NOT NULL,
    owner bytea NOT NULL,
    amount bigint NOT NULL,
    due_ms bigint NOT NULL,
    ended boolean DEFAULT false NOT NULL,
    CONSTRAINT unbonding_amount_check CHECK ((amount > 0))
);
CREATE TABLE public.validator_pay (
    transfer_id bytea NOT NULL,
    voter bytea NOT NULL,
    campaign text NOT NULL,
    epoch bigint NOT NULL,
    points bigint NOT NULL,
    amount bigint NOT NULL,
    due_ms bigint NOT NULL,
    posted boolean DEFAULT false NOT NULL,
    CONSTRAINT validator_pay_amount_check CHECK ((amount > 0)),
    CONSTRAINT validator_pay_points_check CHECK ((points > 0))
);
CREATE TABLE public.verdict (
    item_id bytea NOT NULL,
    class smallint NOT NULL,
    p_good integer NOT NULL,
    margin bigint NOT NULL,
    scores bigint[] NOT NULL,
    votes integer NOT NULL,
    epoch bigint NOT NULL,
    settled_ms bigint NOT NULL
);
CREATE TABLE public.vesting_grant (
    grant_id bytea NOT NULL,
    owner bytea NOT NULL,
    amount bigint NOT NULL,
    start_ms bigint NOT NULL,
    period_ms bigint NOT NULL,
    revocable boolean NOT NULL,
    final_ms bigint NOT NULL,
    joined boolean DEFAULT false NOT NULL,
    ended boolean DEFAULT false NOT NULL,
    CONSTRAINT vesting_grant_amount_check CHECK ((amount > 0)),
    CONSTRAINT vesting_grant_period_ms_check CHECK ((period_ms >= 0))
);
CREATE TABLE public.vesting_owner (
    owner bytea NOT NULL,
    stepped_epoch bigint DEFAULT '-1'::integer NOT NULL,
    stepped_ms bigint DEFAULT 0 NOT NULL,
    live boolean NOT NULL
);
CREATE TABLE public.vote_commit (
    item_id bytea NOT NULL,
    round integer NOT NULL,
    voter bytea NOT NULL,
    sequence bigint NOT NULL,
    commitment bytea NOT NULL,
    ballot_id bytea NOT NULL,
    CONSTRAINT vote_commit_commitment_check CHECK ((octet_length(commitment) = 32)),
    CONSTRAINT vote_commit_sequence_check CHECK (((sequence >= 1) AND (sequence <= 8)))
);
CREATE TABLE public.vote_reveal (
    item_id bytea NOT NULL,
    round integer NOT NULL,
    voter bytea NOT NULL,
    choice smallint NOT NULL,
    salt bytea NOT NULL,
    ballot_id bytea NOT NULL,
    CONSTRAINT vote_reveal_salt_check CHECK ((octet_length(salt) = 32))
);
CREATE TABLE public.vote_turn (
    only_one boolean DEFAULT true NOT NULL,
    turn_ms bigint NOT NULL,
    CONSTRAINT vote_turn_only_one_check CHECK (only_one)
);
CREATE SEQUENCE public.worker_fence
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_commitment_key UNIQUE (commitment);
ALTER TABLE ONLY public.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.ballot
    ADD CONSTRAINT ballot_pkey PRIMARY KEY (ballot_id);
ALTER TABLE ONLY public.campaign
    ADD CONSTRAINT campaign_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.campaign_state
    ADD CONSTRAINT campaign_state_pkey PRIMARY KEY (campaign);
ALTER TABLE ONLY public.campaign_validator
    ADD CONSTRAINT campaign_validator_pkey PRIMARY KEY (campaign, voter);
ALTER TABLE ONLY public.checkpoint
    ADD CONSTRAINT checkpoint_pkey PRIMARY KEY (size);
ALTER TABLE ONLY public.claims_total
    ADD CONSTRAINT claims_total_pkey PRIMARY KEY (account);
ALTER TABLE ONLY public.dataset_file
    ADD CONSTRAINT dataset_file_pkey PRIMARY KEY (name, version, path);
ALTER TABLE ONLY public.dataset
    ADD CONSTRAINT dataset_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.dataset_row
    ADD CONSTRAINT dataset_row_pkey PRIMARY KEY (name, version, "row");
ALTER TABLE ONLY public.dataset_version
    ADD CONSTRAINT dataset_version_pkey PRIMARY KEY (name, version);
ALTER TABLE ONLY public.dedup_signature
    ADD CONSTRAINT dedup_signature_link_seq_key UNIQUE (link_seq);
ALTER TABLE ONLY public.dedup_signature
    ADD CONSTRAINT dedup_signature_pkey PRIMARY KEY (item_id);
ALTER TABLE ONLY public.dedup_signature
    ADD CONSTRAINT dedup_signature_seq_key UNIQUE (seq);
ALTER TABLE ONLY public.dedup_verdict
    ADD CONSTRAINT dedup_verdict_pkey PRIMARY KEY (item_id);
ALTER TABLE ONLY public.epoch
    ADD CONSTRAINT epoch_pkey PRIMARY KEY (epoch);
ALTER TABLE ONLY public.gold
    ADD CONSTRAINT gold_pkey PRIMARY KEY (item_id);
ALTER TABLE ONLY public.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (key, idempotency);
ALTER TABLE ONLY public.item
    ADD CONSTRAINT item_campaign_contributor_source_source_id_key UNIQUE (campaign, contributor, source, source_id);
ALTER TABLE ONLY public.item
    ADD CONSTRAINT item_pkey PRIMARY KEY (item_id);
ALTER TABLE ONLY public.item
    ADD CONSTRAINT item_seq_key UNIQUE (seq);
ALTER TABLE ONLY public.journal_entry
    ADD CONSTRAINT journal_entry_pkey PRIMARY KEY (entry_id);
ALTER TABLE ONLY public.journal_leaf
    ADD CONSTRAINT journal_leaf_entry_id_key UNIQUE (entry_id);
ALTER TABLE ONLY public.journal_leaf
    ADD CONSTRAINT journal_leaf_pkey PRIMARY KEY ("position");
ALTER TABLE ONLY public.journal_mark
    ADD CONSTRAINT journal_mark_pkey PRIMARY KEY (only_one);
ALTER TABLE ONLY public.journal_node
    ADD CONSTRAINT journal_node_pkey PRIMARY KEY (level, index);
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (item_id, round, voter);
ALTER TABLE ONLY public.ledger_account
    ADD CONSTRAINT ledger_account_owner_kind_key UNIQUE (owner, kind);
ALTER TABLE ONLY public.ledger_account
    ADD CONSTRAINT ledger_account_pkey PRIMARY KEY (account_id);
ALTER TABLE ONLY public.ledger_transfer
    ADD CONSTRAINT ledger_transfer_pkey PRIMARY KEY (transfer_id);
ALTER TABLE ONLY public.ledger_transfer
    ADD CONSTRAINT ledger_transfer_seq_key UNIQUE (seq);
ALTER TABLE ONLY public.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.network
    ADD CONSTRAINT network_pkey PRIMARY KEY (only_one);
ALTER TABLE ONLY public.provisional
    ADD CONSTRAINT provisional_pkey PRIMARY KEY (item_id, round);
ALTER TABLE ONLY public.round
    ADD CONSTRAINT round_pkey PRIMARY KEY (item_id, round);
ALTER TABLE ONLY public.seat
    ADD CONSTRAINT seat_pkey PRIMARY KEY (item_id, round, voter);
ALTER TABLE ONLY public.slash
    ADD CONSTRAINT slash_pkey PRIMARY KEY (transfer_id);
ALTER TABLE ONLY public.source_cursor
    ADD CONSTRAINT source_cursor_pkey PRIMARY KEY (source, campaign);
ALTER TABLE ONLY public.submission_evidence
    ADD CONSTRAINT submission_evidence_pkey PRIMARY KEY (evidence_id);
ALTER TABLE ONLY public.unbonded
    ADD CONSTRAINT unbonded_pkey PRIMARY KEY (owner);
ALTER TABLE ONLY public.unbonding
    ADD CONSTRAINT unbonding_pkey PRIMARY KEY (transfer_id);
ALTER TABLE ONLY public.validator_pay
    ADD CONSTRAINT validator_pay_pkey PRIMARY KEY (transfer_id);
ALTER TABLE ONLY public.verdict
    ADD CONSTRAINT verdict_pkey PRIMARY KEY (item_id);
ALTER TABLE ONLY public.vesting_grant
    ADD CONSTRAINT vesting_grant_pkey PRIMARY KEY (grant_id);
ALTER TABLE ONLY public.vesting_owner
    ADD CONSTRAINT vesting_owner_pkey PRIMARY KEY (owner);
ALTER TABLE ONLY public.vote_commit
    ADD CONSTRAINT vote_commit_pkey PRIMARY KEY (item_id, round, voter, sequence);
ALTER TABLE ONLY public.vote_reveal
    ADD CONSTRAINT vote_reveal_pkey PRIMARY KEY (item_id, round, voter);
ALTER TABLE ONLY public.vote_turn
    ADD CONSTRAINT vote_turn_pkey PRIMARY KEY (only_one);
CREATE INDEX campaign_validator_carried ON public.campaign_validator USING btree (carried_since) WHERE (carried_scored > 0);
CREATE INDEX claims_total_changed ON public.claims_total USING btree (account) WHERE (published <> cumulative);
CREATE INDEX dataset_file_sha256 ON public.dataset_file USING btree (sha256);
CREATE INDEX dataset_version_wanted ON public.dataset_version USING btree (wanted_ms) WHERE (state = 0);
CREATE UNIQUE INDEX dedup_signature_norm ON public.dedup_signature USING btree (campaign, norm_sha256) WHERE leader;
CREATE INDEX dedup_verdict_origin ON public.dedup_verdict USING btree (origin);
CREATE INDEX epoch_unclosed ON public.epoch USING btree (epoch) WHERE (state < 2);
CREATE INDEX gold_epoch ON public.gold USING btree (epoch);
CREATE INDEX item_accepted ON public.item USING btree (campaign, item_id) WHERE (state = 6);
CREATE INDEX item_campaign ON public.item USING btree (campaign, state);
CREATE INDEX item_contributor ON public.item USING btree (contributor, seq);
CREATE INDEX item_embedded ON public.item USING btree (seq) WHERE (state = 1);
CREATE INDEX item_judging ON public.item USING btree (campaign, seq) WHERE (state = 3);
CREATE INDEX item_provisional ON public.item USING btree (campaign, seq) WHERE (state = 4);
CREATE INDEX item_received ON public.item USING btree (seq) WHERE (state = 0);
CREATE INDEX item_settled ON public.item USING btree (final_ms) WHERE (state = 5);
CREATE INDEX journal_entry_leaf ON public.journal_entry USING btree (leaf_hash);
CREATE INDEX lease_due ON public.lease USING btree (lease_until_ms);
CREATE INDEX ledger_transfer_credit ON public.ledger_transfer USING btree (credit_account, seq);
CREATE INDEX ledger_transfer_debit ON public.ledger_transfer USING btree (debit_account, seq);
CREATE UNIQUE INDEX ledger_transfer_ends_once ON public.ledger_transfer USING btree (pending_id) WHERE (step >= 2);
CREATE INDEX round_commit ON public.round USING btree (campaign, item_id) WHERE (state = 0);
CREATE INDEX round_commit_due ON public.round USING btree (commit_until_ms) WHERE (state = 0);
CREATE INDEX round_epoch ON public.round USING btree (epoch) WHERE (epoch IS NOT NULL);
CREATE INDEX round_full ON public.round USING btree (item_id, round) WHERE is_full;
CREATE INDEX round_open ON public.round USING btree (opened_ms) WHERE (state = ANY (ARRAY[0, 1]));
CREATE INDEX round_reveal_due ON public.round USING btree (reveal_until_ms) WHERE (state = 1);
CREATE INDEX seat_bonded ON public.seat USING btree (voter) WHERE ((bond IS NOT NULL) AND (NOT bond_ended));
CREATE UNIQUE INDEX seat_once_per_item ON public.seat USING btree (item_id, voter);
CREATE INDEX seat_voter ON public.seat USING btree (voter, lease_until_ms);
CREATE INDEX unbonding_due ON public.unbonding USING btree (due_ms, transfer_id) WHERE (NOT ended);
CREATE INDEX validator_pay_due ON public.validator_pay USING btree (due_ms) WHERE (NOT posted);
CREATE INDEX verdict_epoch ON public.verdict USING btree (epoch);
CREATE INDEX vesting_grant_live ON public.vesting_grant USING btree (owner) WHERE (NOT ended);
CREATE INDEX vesting_grant_revocable ON public.vesting_grant USING btree (final_ms) WHERE revocable;
CREATE INDEX vesting_owner_live ON public.vesting_owner USING btree (stepped_epoch, owner) WHERE live;
ALTER TABLE ONLY public.campaign_state
    ADD CONSTRAINT campaign_state_campaign_fkey FOREIGN KEY (campaign) REFERENCES public.campaign(name);
ALTER TABLE ONLY public.campaign_validator
    ADD CONSTRAINT campaign_validator_campaign_fkey FOREIGN KEY (campaign) REFERENCES public.campaign(name);
ALTER TABLE ONLY public.campaign_validator
    ADD CONSTRAINT campaign_validator_voter_fkey FOREIGN KEY (voter) REFERENCES public.account(key);
ALTER TABLE ONLY public.dataset_file
    ADD CONSTRAINT dataset_file_name_version_fkey FOREIGN KEY (name, version) REFERENCES public.dataset_version(name, version);
ALTER TABLE ONLY public.dataset_row
    ADD CONSTRAINT dataset_row_item_id_fkey FOREIGN KEY (item_id) REFERENCES public.item(item_id);
ALTER TABLE ONLY public.dataset_row
    ADD CONSTRAINT dataset_row_name_version_fkey FOREIGN KEY (name, version) REFERENCES public.dataset_version(name, version);
ALTER TABLE ONLY public.dataset_version
    ADD CONSTRAINT dataset_version_name_fkey FOREIGN KEY (name) REFERENCES public.dataset(name);
ALTER TABLE ONLY public.dedup_signature
    ADD CONSTRAINT dedup_signature_item_id_fkey FOREIGN KEY (item_id) REFERENCES public.item(item_id);
ALTER TABLE ONLY public.dedup_verdict
    ADD CONSTRAINT dedup_verdict_item_id_fkey FOREIGN KEY (item_id) REFERENCES public.item(item_id);
ALTER TABLE ONLY public.gold
    ADD CONSTRAINT gold_item_id_fkey FOREIGN KEY (item_id) REFERENCES public.item(item_id);
ALTER TABLE ONLY public.item
    ADD CONSTRAINT item_campaign_fkey FOREIGN KEY (campaign) REFERENCES public.campaign(name);
ALTER TABLE ONLY public.item
    ADD CONSTRAINT item_contributor_fkey FOREIGN KEY (contributor) REFERENCES public.account(key);
ALTER TABLE ONLY public.journal_leaf
    ADD CONSTRAINT journal_leaf_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES public.journal_entry(entry_id);
ALTER TABLE ONLY public.lease
    ADD CONSTRAINT lease_item_id_round_voter_fkey FOREIGN KEY (item_id, round, voter) REFERENCES public.seat(item_id, round, voter);
ALTER TABLE ONLY public.ledger_transfer
    ADD CONSTRAINT ledger_transfer_credit_account_fkey FOREIGN KEY (credit_account) REFERENCES public.ledger_account(account_id);
ALTER TABLE ONLY public.ledger_transfer
    ADD CONSTRAINT ledger_transfer_debit_account_fkey FOREIGN KEY (debit_account) REFERENCES public.ledger_account(account_id);
ALTER TABLE ONLY public.ledger_transfer
    ADD CONSTRAINT ledger_transfer_pending_id_fkey FOREIGN KEY (pending_id) REFERENCES public.ledger_transfer(transfer_id);
ALTER TABLE ONLY public.round
    ADD CONSTRAINT round_item_id_fkey FOREIGN KEY (item_id) REFERENCES public.item(item_id);
ALTER TABLE ONLY public.seat
    ADD CONSTRAINT seat_item_id_round_fkey FOREIGN KEY (item_id, round) REFERENCES public.round(item_id, round);
ALTER TABLE ONLY public.seat
    ADD CONSTRAINT seat_voter_fkey FOREIGN KEY (voter) REFERENCES public.account(key);
ALTER TABLE ONLY public.slash
    ADD CONSTRAINT slash_epoch_fkey FOREIGN KEY (epoch) REFERENCES public.epoch(epoch);
ALTER TABLE ONLY public.slash
    ADD CONSTRAINT slash_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES public.ledger_transfer(transfer_id);
ALTER TABLE ONLY public.slash
    ADD CONSTRAINT slash_voter_fkey FOREIGN KEY (voter) REFERENCES public.account(key);
ALTER TABLE ONLY public.unbonding
    ADD CONSTRAINT unbonding_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES public.ledger_transfer(transfer_id);
ALTER TABLE ONLY public.validator_pay
    ADD CONSTRAINT validator_pay_epoch_fkey FOREIGN KEY (epoch) REFERENCES public.epoch(epoch);
ALTER TABLE ONLY public.validator_pay
    ADD CONSTRAINT validator_pay_transfer_id_fkey FOREIGN KEY (transfer_id) REFERENCES public.ledger_transfer(transfer_id);
ALTER TABLE ONLY public.verdict
    ADD CONSTRAINT verdict_item_id_fkey FOREIGN KEY (item_id) REFERENCES public.item(item_id);
ALTER TABLE ONLY public.vesting_grant
    ADD CONSTRAINT vesting_grant_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES public.ledger_transfer(transfer_id);
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO winnow_serve;
GRANT USAGE ON SCHEMA public TO winnow_ingest;
GRANT USAGE ON SCHEMA public TO winnow_embed;
GRANT USAGE ON SCHEMA public TO winnow_tally;
GRANT USAGE ON SCHEMA public TO winnow_reward;
GRANT USAGE ON SCHEMA public TO winnow_seal;
GRANT USAGE ON SCHEMA public TO winnow_audit;
GRANT INSERT ON TABLE public.account TO winnow_serve;
GRANT SELECT(key) ON TABLE public.account TO winnow_serve;
GRANT SELECT(key) ON TABLE public.account TO winnow_ingest;
GRANT SELECT(key) ON TABLE public.account TO winnow_tally;
GRANT SELECT(key) ON TABLE public.account TO winnow_reward;
GRANT SELECT(key) ON TABLE public.account TO winnow_seal;
GRANT SELECT(roles),UPDATE(roles) ON TABLE public.account TO winnow_serve;
GRANT SELECT(roles) ON TABLE public.account TO winnow_ingest;
GRANT SELECT(roles) ON TABLE public.account TO winnow_tally;
GRANT SELECT(roles) ON TABLE public.account TO winnow_reward;
GRANT SELECT(roles) ON TABLE public.account TO winnow_seal;
GRANT SELECT(robot) ON TABLE public.account TO winnow_serve;
GRANT SELECT(robot) ON TABLE public.account TO winnow_ingest;
GRANT SELECT(robot) ON TABLE public.account TO winnow_tally;
GRANT SELECT(robot) ON TABLE public.account TO winnow_reward;
GRANT SELECT(robot) ON TABLE public.account TO winnow_seal;
GRANT SELECT(jailed) ON TABLE public.account TO winnow_serve;
GRANT SELECT(jailed) ON TABLE public.account TO winnow_ingest;
GRANT SELECT(jailed) ON TABLE public.account TO winnow_tally;
GRANT SELECT(jailed) ON TABLE public.account TO winnow_reward;
GRANT SELECT(jailed) ON TABLE public.account TO winnow_seal;
GRANT SELECT(terms_sha256),UPDATE(terms_sha256) ON TABLE public.account TO winnow_serve;
GRANT SELECT(terms_sha256) ON TABLE public.account TO winnow_ingest;
GRANT SELECT(terms_sha256) ON TABLE public.account TO winnow_tally;
GRANT SELECT(terms_sha256) ON TABLE public.account TO winnow_reward;
GRANT SELECT(terms_sha256) ON TABLE public.account TO winnow_seal;
GRANT SELECT(commitment) ON TABLE public.account TO winnow_serve;
GRANT SELECT(commitment) ON TABLE public.account TO winnow_ingest;
GRANT SELECT(commitment) ON TABLE public.account TO winnow_tally;
GRANT SELECT(commitment) ON TABLE public.account TO winnow_reward;
GRANT SELECT(commitment) ON TABLE public.account TO winnow_seal;
GRANT SELECT(registered_ms) ON TABLE public.account TO winnow_serve;
GRANT SELECT(registered_ms) ON TABLE public.account TO winnow_ingest;
GRANT SELECT(registered_ms) ON TABLE public.account TO winnow_tally;
GRANT SELECT(registered_ms) ON TABLE public.account TO winnow_reward;
GRANT SELECT(registered_ms) ON TABLE public.account TO winnow_seal;
GRANT SELECT,INSERT ON TABLE public.ballot TO winnow_serve;
GRANT SELECT ON TABLE public.ballot TO winnow_audit;
GRANT SELECT,INSERT ON TABLE public.campaign TO winnow_serve;
GRANT SELECT ON TABLE public.campaign TO winnow_ingest;
GRANT SELECT ON TABLE public.campaign TO winnow_embed;
GRANT SELECT ON TABLE public.campaign TO winnow_tally;
GRANT SELECT ON TABLE public.campaign TO winnow_reward;
GRANT SELECT ON TABLE public.campaign TO winnow_seal;
GRANT UPDATE(open) ON TABLE public.campaign TO winnow_serve;
GRANT SELECT ON TABLE public.campaign_state TO winnow_serve;
GRANT SELECT ON TABLE public.campaign_state TO winnow_tally;
GRANT SELECT,INSERT ON TABLE public.campaign_state TO winnow_reward;
GRANT UPDATE(prior) ON TABLE public.campaign_state TO winnow_reward;
GRANT UPDATE(crowd) ON TABLE public.campaign_state TO winnow_reward;
GRANT UPDATE(proven) ON TABLE public.campaign_state TO winnow_reward;
GRANT UPDATE(epoch) ON TABLE public.campaign_state TO winnow_reward;
GRANT SELECT ON TABLE public.campaign_validator TO winnow_serve;
GRANT SELECT ON TABLE public.campaign_validator TO winnow_tally;
GRANT SELECT,INSERT ON TABLE public.campaign_validator TO winnow_reward;
GRANT SELECT ON TABLE public.campaign_validator TO winnow_audit;
GRANT UPDATE(counts) ON TABLE public.campaign_validator TO winnow_reward;
GRANT UPDATE(gold_votes) ON TABLE public.campaign_validator TO winnow_reward;
GRANT UPDATE(gold_right) ON TABLE public.campaign_validator TO winnow_reward;
GRANT UPDATE(carried_points) ON TABLE public.campaign_validator TO winnow_reward;
GRANT UPDATE(carried_scored) ON TABLE public.campaign_validator TO winnow_reward;
GRANT UPDATE(carried_since) ON TABLE public.campaign_validator TO winnow_reward;
GRANT SELECT ON TABLE public.checkpoint TO winnow_serve;
GRANT SELECT ON TABLE public.checkpoint TO winnow_reward;
GRANT SELECT,INSERT ON TABLE public.checkpoint TO winnow_seal;
GRANT SELECT ON TABLE public.checkpoint TO winnow_audit;
GRANT SELECT ON TABLE public.claims_total TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.claims_total TO winnow_reward;
GRANT SELECT ON TABLE public.claims_total TO winnow_audit;
GRANT UPDATE(cumulative) ON TABLE public.claims_total TO winnow_reward;
GRANT UPDATE(published) ON TABLE public.claims_total TO winnow_reward;
GRANT SELECT,INSERT ON TABLE public.dataset TO winnow_serve;
GRANT SELECT ON TABLE public.dataset TO winnow_seal;
GRANT SELECT ON TABLE public.dataset_file TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.dataset_file TO winnow_seal;
GRANT SELECT ON TABLE public.dataset_row TO winnow_serve;
GRANT SELECT,INSERT,DELETE ON TABLE public.dataset_row TO winnow_seal;
GRANT UPDATE(item_id) ON TABLE public.dataset_row TO winnow_seal;
GRANT SELECT,INSERT ON TABLE public.dataset_version TO winnow_serve;
GRANT SELECT ON TABLE public.dataset_version TO winnow_seal;
GRANT UPDATE(state) ON TABLE public.dataset_version TO winnow_serve;
GRANT UPDATE(state) ON TABLE public.dataset_version TO winnow_seal;
GRANT UPDATE(checkpoint_size) ON TABLE public.dataset_version TO winnow_seal;
GRANT UPDATE(row_count) ON TABLE public.dataset_version TO winnow_seal;
GRANT UPDATE(row_root) ON TABLE public.dataset_version TO winnow_seal;
GRANT UPDATE(manifest_sha256) ON TABLE public.dataset_version TO winnow_seal;
GRANT UPDATE(wanted_ms) ON TABLE public.dataset_version TO winnow_serve;
GRANT UPDATE(wanted_leaf) ON TABLE public.dataset_version TO winnow_serve;
GRANT UPDATE(published_ms) ON TABLE public.dataset_version TO winnow_seal;
GRANT UPDATE(failure) ON TABLE public.dataset_version TO winnow_serve;
GRANT UPDATE(failure) ON TABLE public.dataset_version TO winnow_seal;
GRANT SELECT,INSERT ON TABLE public.dedup_signature TO winnow_embed;
GRANT SELECT ON TABLE public.dedup_verdict TO winnow_serve;
GRANT INSERT ON TABLE public.dedup_verdict TO winnow_embed;
GRANT SELECT ON TABLE public.dedup_verdict TO winnow_reward;
GRANT SELECT ON TABLE public.dedup_verdict TO winnow_seal;
GRANT SELECT ON TABLE public.epoch TO winnow_serve;
GRANT SELECT ON TABLE public.epoch TO winnow_tally;
GRANT SELECT,INSERT ON TABLE public.epoch TO winnow_reward;
GRANT SELECT ON TABLE public.epoch TO winnow_audit;
GRANT UPDATE(state) ON TABLE public.epoch TO winnow_reward;
GRANT UPDATE(ended_ms) ON TABLE public.epoch TO winnow_reward;
GRANT UPDATE(closed_ms) ON TABLE public.epoch TO winnow_reward;
GRANT UPDATE(minted) ON TABLE public.epoch TO winnow_reward;
GRANT UPDATE(claims_root) ON TABLE public.epoch TO winnow_reward;
GRANT UPDATE(closed_leaf) ON TABLE public.epoch TO winnow_reward;
GRANT UPDATE(votes) ON TABLE public.epoch TO winnow_tally;
GRANT SELECT ON TABLE public.gold TO winnow_serve;
GRANT SELECT ON TABLE public.gold TO winnow_tally;
GRANT SELECT,INSERT ON TABLE public.gold TO winnow_reward;
GRANT UPDATE(class) ON TABLE public.gold TO winnow_tally;
GRANT SELECT,INSERT ON TABLE public.idempotency TO winnow_serve;
GRANT SELECT ON TABLE public.item TO winnow_serve;
GRANT SELECT ON TABLE public.item TO winnow_ingest;
GRANT SELECT ON TABLE public.item TO winnow_embed;
GRANT SELECT ON TABLE public.item TO winnow_tally;
GRANT SELECT ON TABLE public.item TO winnow_reward;
GRANT SELECT ON TABLE public.item TO winnow_seal;
GRANT INSERT(item_id) ON TABLE public.item TO winnow_serve;
GRANT INSERT(item_id) ON TABLE public.item TO winnow_ingest;
GRANT SELECT(item_id) ON TABLE public.item TO winnow_audit;
GRANT INSERT(campaign) ON TABLE public.item TO winnow_serve;
GRANT INSERT(campaign) ON TABLE public.item TO winnow_ingest;
GRANT INSERT(contributor) ON TABLE public.item TO winnow_serve;
GRANT INSERT(contributor) ON TABLE public.item TO winnow_ingest;
GRANT UPDATE(state) ON TABLE public.item TO winnow_embed;
GRANT UPDATE(state) ON TABLE public.item TO winnow_tally;
GRANT UPDATE(state) ON TABLE public.item TO winnow_reward;
GRANT SELECT(state) ON TABLE public.item TO winnow_audit;
GRANT INSERT(kind) ON TABLE public.item TO winnow_serve;
GRANT INSERT(kind) ON TABLE public.item TO winnow_ingest;
GRANT INSERT(source) ON TABLE public.item TO winnow_serve;
GRANT INSERT(source) ON TABLE public.item TO winnow_ingest;
GRANT INSERT(source_id) ON TABLE public.item TO winnow_serve;
GRANT INSERT(source_id) ON TABLE public.item TO winnow_ingest;
GRANT INSERT(canonical) ON TABLE public.item TO winnow_serve;
GRANT INSERT(canonical) ON TABLE public.item TO winnow_ingest;
GRANT INSERT(salt) ON TABLE public.item TO winnow_serve;
GRANT INSERT(salt) ON TABLE public.item TO winnow_ingest;
GRANT INSERT(content) ON TABLE public.item TO winnow_serve;
GRANT INSERT(content) ON TABLE public.item TO winnow_ingest;
GRANT INSERT(evidence_id) ON TABLE public.item TO winnow_serve;
GRANT INSERT(evidence_id) ON TABLE public.item TO winnow_ingest;
GRANT INSERT(arrived_ms) ON TABLE public.item TO winnow_serve;
GRANT INSERT(arrived_ms) ON TABLE public.item TO winnow_ingest;
GRANT UPDATE(settled_epoch) ON TABLE public.item TO winnow_reward;
GRANT UPDATE(final_ms) ON TABLE public.item TO winnow_reward;
GRANT USAGE ON SEQUENCE public.journal_entry_id TO winnow_serve;
GRANT USAGE ON SEQUENCE public.journal_entry_id TO winnow_ingest;
GRANT USAGE ON SEQUENCE public.journal_entry_id TO winnow_embed;
GRANT USAGE ON SEQUENCE public.journal_entry_id TO winnow_tally;
GRANT USAGE ON SEQUENCE public.journal_entry_id TO winnow_reward;
GRANT SELECT,USAGE ON SEQUENCE public.journal_entry_id TO winnow_seal;
GRANT SELECT ON TABLE public.journal_entry TO winnow_serve;
GRANT SELECT ON TABLE public.journal_entry TO winnow_seal;
GRANT SELECT ON TABLE public.journal_entry TO winnow_audit;
GRANT INSERT(body) ON TABLE public.journal_entry TO winnow_serve;
GRANT INSERT(body) ON TABLE public.journal_entry TO winnow_ingest;
GRANT INSERT(body) ON TABLE public.journal_entry TO winnow_embed;
GRANT INSERT(body) ON TABLE public.journal_entry TO winnow_tally;
GRANT INSERT(body) ON TABLE public.journal_entry TO winnow_reward;
GRANT INSERT(body) ON TABLE public.journal_entry TO winnow_seal;
GRANT INSERT(leaf_hash) ON TABLE public.journal_entry TO winnow_serve;
GRANT INSERT(leaf_hash) ON TABLE public.journal_entry TO winnow_ingest;
GRANT INSERT(leaf_hash) ON TABLE public.journal_entry TO winnow_embed;
GRANT INSERT(leaf_hash) ON TABLE public.journal_entry TO winnow_tally;
GRANT INSERT(leaf_hash) ON TABLE public.journal_entry TO winnow_reward;
GRANT INSERT(leaf_hash) ON TABLE public.journal_entry TO winnow_seal;
GRANT SELECT ON TABLE public.journal_leaf TO winnow_serve;
GRANT SELECT ON TABLE public.journal_leaf TO winnow_reward;
GRANT SELECT,INSERT ON TABLE public.journal_leaf TO winnow_seal;
GRANT SELECT ON TABLE public.journal_leaf TO winnow_audit;
GRANT SELECT ON TABLE public.journal_mark TO winnow_serve;
GRANT SELECT ON TABLE public.journal_mark TO winnow_seal;
GRANT SELECT ON TABLE public.journal_mark TO winnow_audit;
GRANT UPDATE(entry_id) ON TABLE public.journal_mark TO winnow_seal;
GRANT UPDATE(xid) ON TABLE public.journal_mark TO winnow_seal;
GRANT UPDATE(done_id) ON TABLE public.journal_mark TO winnow_seal;
GRANT SELECT ON TABLE public.journal_node TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.journal_node TO winnow_seal;
GRANT SELECT ON TABLE public.journal_node TO winnow_audit;
GRANT SELECT,INSERT,DELETE ON TABLE public.lease TO winnow_serve;
GRANT SELECT,DELETE ON TABLE public.lease TO winnow_tally;
GRANT UPDATE(lease_until_ms) ON TABLE public.lease TO winnow_tally;
GRANT SELECT ON TABLE public.ledger_account TO winnow_serve;
GRANT SELECT ON TABLE public.ledger_account TO winnow_tally;
GRANT SELECT ON TABLE public.ledger_account TO winnow_reward;
GRANT SELECT ON TABLE public.ledger_account TO winnow_audit;
GRANT INSERT(owner) ON TABLE public.ledger_account TO winnow_serve;
GRANT INSERT(owner) ON TABLE public.ledger_account TO winnow_tally;
GRANT INSERT(owner) ON TABLE public.ledger_account TO winnow_reward;
GRANT INSERT(kind) ON TABLE public.ledger_account TO winnow_serve;
GRANT INSERT(kind) ON TABLE public.ledger_account TO winnow_tally;
GRANT INSERT(kind) ON TABLE public.ledger_account TO winnow_reward;
GRANT UPDATE(debits_posted) ON TABLE public.ledger_account TO winnow_serve;
GRANT UPDATE(debits_posted) ON TABLE public.ledger_account TO winnow_tally;
GRANT UPDATE(debits_posted) ON TABLE public.ledger_account TO winnow_reward;
GRANT UPDATE(credits_posted) ON TABLE public.ledger_account TO winnow_serve;
GRANT UPDATE(credits_posted) ON TABLE public.ledger_account TO winnow_tally;
GRANT UPDATE(credits_posted) ON TABLE public.ledger_account TO winnow_reward;
GRANT UPDATE(debits_pending) ON TABLE public.ledger_account TO winnow_serve;
GRANT UPDATE(debits_pending) ON TABLE public.ledger_account TO winnow_tally;
GRANT UPDATE(debits_pending) ON TABLE public.ledger_account TO winnow_reward;
GRANT UPDATE(credits_pending) ON TABLE public.ledger_account TO winnow_serve;
GRANT UPDATE(credits_pending) ON TABLE public.ledger_account TO winnow_tally;
GRANT UPDATE(credits_pending) ON TABLE public.ledger_account TO winnow_reward;
GRANT SELECT,INSERT ON TABLE public.ledger_transfer TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.ledger_transfer TO winnow_tally;
GRANT SELECT,INSERT ON TABLE public.ledger_transfer TO winnow_reward;
GRANT SELECT ON TABLE public.network TO winnow_serve;
GRANT SELECT ON TABLE public.network TO winnow_ingest;
GRANT SELECT ON TABLE public.network TO winnow_embed;
GRANT SELECT ON TABLE public.network TO winnow_tally;
GRANT SELECT ON TABLE public.network TO winnow_reward;
GRANT SELECT ON TABLE public.network TO winnow_seal;
GRANT SELECT ON TABLE public.network TO winnow_audit;
GRANT UPDATE(clock_ms) ON TABLE public.network TO winnow_serve;
GRANT SELECT ON TABLE public.provisional TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.provisional TO winnow_tally;
GRANT SELECT ON TABLE public.provisional TO winnow_reward;
GRANT SELECT ON TABLE public.round TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.round TO winnow_tally;
GRANT SELECT,INSERT ON TABLE public.round TO winnow_reward;
GRANT UPDATE(state) ON TABLE public.round TO winnow_tally;
GRANT UPDATE(taken) ON TABLE public.round TO winnow_serve;
GRANT UPDATE(taken) ON TABLE public.round TO winnow_tally;
GRANT UPDATE(committed) ON TABLE public.round TO winnow_serve;
GRANT UPDATE(revealed) ON TABLE public.round TO winnow_serve;
GRANT UPDATE(commit_until_ms) ON TABLE public.round TO winnow_tally;
GRANT UPDATE(reveal_until_ms) ON TABLE public.round TO winnow_tally;
GRANT UPDATE(commitments_root) ON TABLE public.round TO winnow_tally;
GRANT UPDATE(closed_leaf) ON TABLE public.round TO winnow_tally;
GRANT UPDATE(epoch) ON TABLE public.round TO winnow_tally;
GRANT UPDATE(counted_epoch) ON TABLE public.round TO winnow_reward;
GRANT UPDATE(small) ON TABLE public.round TO winnow_tally;
GRANT SELECT,INSERT ON TABLE public.seat TO winnow_serve;
GRANT SELECT ON TABLE public.seat TO winnow_tally;
GRANT SELECT ON TABLE public.seat TO winnow_reward;
GRANT SELECT(item_id) ON TABLE public.seat TO winnow_audit;
GRANT SELECT(round) ON TABLE public.seat TO winnow_audit;
GRANT SELECT(voter) ON TABLE public.seat TO winnow_audit;
GRANT UPDATE(state) ON TABLE public.seat TO winnow_serve;
GRANT UPDATE(state) ON TABLE public.seat TO winnow_tally;
GRANT UPDATE(lease_until_ms) ON TABLE public.seat TO winnow_tally;
GRANT UPDATE(bond_ended) ON TABLE public.seat TO winnow_serve;
GRANT UPDATE(bond_ended) ON TABLE public.seat TO winnow_tally;
GRANT UPDATE(bond_ended) ON TABLE public.seat TO winnow_reward;
GRANT SELECT ON TABLE public.slash TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.slash TO winnow_reward;
GRANT SELECT,INSERT ON TABLE public.source_cursor TO winnow_ingest;
GRANT UPDATE(cursor) ON TABLE public.source_cursor TO winnow_ingest;
GRANT UPDATE(items) ON TABLE public.source_cursor TO winnow_ingest;
GRANT UPDATE(errors) ON TABLE public.source_cursor TO winnow_ingest;
GRANT UPDATE(moved_ms) ON TABLE public.source_cursor TO winnow_ingest;
GRANT INSERT ON TABLE public.submission_evidence TO winnow_serve;
GRANT INSERT ON TABLE public.submission_evidence TO winnow_ingest;
GRANT SELECT,INSERT ON TABLE public.unbonded TO winnow_serve;
GRANT SELECT ON TABLE public.unbonded TO winnow_reward;
GRANT UPDATE(since_epoch) ON TABLE public.unbonded TO winnow_serve;
GRANT UPDATE(until_epoch) ON TABLE public.unbonded TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.unbonding TO winnow_serve;
GRANT SELECT ON TABLE public.unbonding TO winnow_reward;
GRANT UPDATE(ended) ON TABLE public.unbonding TO winnow_reward;
GRANT SELECT ON TABLE public.validator_pay TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.validator_pay TO winnow_reward;
GRANT UPDATE(posted) ON TABLE public.validator_pay TO winnow_reward;
GRANT SELECT ON TABLE public.verdict TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.verdict TO winnow_reward;
GRANT SELECT ON TABLE public.verdict TO winnow_seal;
GRANT SELECT ON TABLE public.verdict TO winnow_audit;
GRANT SELECT ON TABLE public.vesting_grant TO winnow_serve;
GRANT SELECT,INSERT ON TABLE public.vesting_grant TO winnow_reward;
GRANT SELECT ON TABLE public.vesting_grant TO winnow_audit;
GRANT UPDATE(revocable) ON TABLE public.vesting_grant TO winnow_reward;
GRANT UPDATE(joined) ON TABLE public.vesting_grant TO winnow_reward;
GRANT UPDATE(ended) ON TABLE public.vesting_grant TO winnow_reward;
GRANT SELECT,INSERT ON TABLE public.vesting_owner TO winnow_reward;
GRANT UPDATE(stepped_epoch) ON TABLE public.vesting_owner TO winnow_reward;
GRANT UPDATE(stepped_ms) ON TABLE public.vesting_owner TO winnow_reward;
GRANT UPDATE(live) ON TABLE public.vesting_owner TO winnow_reward;
GRANT SELECT,INSERT ON TABLE public.vote_commit TO winnow_serve;
GRANT SELECT ON TABLE public.vote_commit TO winnow_tally;
GRANT SELECT ON TABLE public.vote_commit TO winnow_reward;
GRANT SELECT(item_id) ON TABLE public.vote_commit TO winnow_audit;
GRANT SELECT(round) ON TABLE public.vote_commit TO winnow_audit;
GRANT SELECT(voter) ON TABLE public.vote_commit TO winnow_audit;
GRANT SELECT(ballot_id) ON TABLE public.vote_commit TO winnow_audit;
GRANT SELECT,INSERT ON TABLE public.vote_reveal TO winnow_serve;
GRANT SELECT ON TABLE public.vote_reveal TO winnow_tally;
GRANT SELECT ON TABLE public.vote_reveal TO winnow_reward;
GRANT SELECT(item_id) ON TABLE public.vote_reveal TO winnow_audit;
GRANT SELECT(round) ON TABLE public.vote_reveal TO winnow_audit;
GRANT SELECT(voter) ON TABLE public.vote_reveal TO winnow_audit;
GRANT SELECT(ballot_id) ON TABLE public.vote_reveal TO winnow_audit;
GRANT SELECT,INSERT ON TABLE public.vote_turn TO winnow_tally;
GRANT UPDATE(turn_ms) ON TABLE public.vote_turn TO winnow_tally;
GRANT USAGE ON SEQUENCE public.worker_fence TO winnow_ingest;
GRANT USAGE ON SEQUENCE public.worker_fence TO winnow_embed;
GRANT USAGE ON SEQUENCE public.worker_fence TO winnow_tally;
GRANT USAGE ON SEQUENCE public.worker_fence TO winnow_reward;
GRANT USAGE ON SEQUENCE public.worker_fence TO winnow_seal;
