-- The database roles of winnow: one owner that migrates, one login a part of the node, none of them a superuser by this file.
-- The embedded server runs it at its first start. For a server of your own, as its superuser:
--   psql -f sql/roles.sql -d postgres, then CREATE DATABASE winnow OWNER winnow_owner ENCODING 'UTF8' TEMPLATE template0
-- and give each role a password or a line in pg_ident.conf. Grants on tables come with the migrations.
DO $$
DECLARE
	role_name text;
BEGIN
	FOREACH role_name IN ARRAY ARRAY['winnow_owner', 'winnow_serve', 'winnow_ingest', 'winnow_embed', 'winnow_tally',
		'winnow_reward', 'winnow_seal', 'winnow_audit']
	LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
			EXECUTE format('CREATE ROLE %I LOGIN', role_name);
		END IF;
	END LOOP;
END
$$;
-- An audit changes nothing, whatever it may be granted.
ALTER ROLE winnow_audit SET default_transaction_read_only = on;
-- Plans are kept for a connection's life. One that was made while tables were small would read whole tables when they no longer are,
-- until the server looks at them anew; every statement of these two parts is served by an index. What closes epochs runs seldom and over
-- very different amounts: it plans each time.
ALTER ROLE winnow_serve SET enable_seqscan = off;
ALTER ROLE winnow_tally SET enable_seqscan = off;
-- The planner thinks that a plan for arrays of just this length is always cheaper, and plans a ballot's statements anew for each ballot:
-- a millisecond, several times what they cost to run.
ALTER ROLE winnow_serve SET plan_cache_mode = force_generic_plan;
ALTER ROLE winnow_tally SET plan_cache_mode = force_generic_plan;
ALTER ROLE winnow_reward SET plan_cache_mode = force_custom_plan;
