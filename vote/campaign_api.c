/* Routes of campaigns: what is wanted, how it is judged, what it pays; the operator opens and closes them. */
#include "vote/campaign_api.h"

#include "core/hash.h"
#include "core/journal.h"
#include "vote/campaign_store.h"
#include "vote/seat_bond.h"

enum { CAMPAIGNS_PAGE = 100 };

static void campaign_put(
	struct exchange *exchange, struct json_writer *writer, const char *name, const struct campaign_row *row)
{
	const struct campaign *campaign = &row->campaign;
	json_open_object(writer, name);
	json_put_string(writer, "name", campaign->name);
	json_put_string(writer, "kind", campaign->kind == ITEM_TEXT ? "text" : "window");
	json_put_string(writer, "question", campaign->question);
	json_open_array(writer, "choices");
	for (int i = 0; i < campaign->choice_count; i++) {
		static const char *const verdicts[] = {"reject", "keep", "abstain"};
		json_open_object(writer, NULL);
		json_put_string(writer, "name", campaign->choices[i].name);
		json_put_string(writer, "verdict", verdicts[campaign->choices[i].verdict]);
		if (i < campaign->class_count)
			json_put_integer(writer, "class", i);
		json_close_object(writer);
	}
	json_close_array(writer);
	json_open_object(writer, "panel");
	json_put_string(writer, "mode", campaign->panel_mode == PANEL_OPEN ? "open" : "drawn");
	json_put_bool(writer, "pick", campaign->pick);
	json_put_integer(writer, "seats", campaign->seats);
	json_put_integer(writer, "escalate", campaign->escalate);
	json_close_object(writer);
	json_put_amount(writer, "seat_pay", campaign->seat_pay);
	json_put_amount(writer, "seat_bond", seat_bond_units(campaign, &exchange->node->policy));
	json_put_amount(writer, "per_item_ceiling", campaign->per_item_ceiling);
	json_put_string(writer, "licence", campaign->licence);
	json_put_string(writer, "basis", campaign->basis);
	json_put_bool(writer, "open", row->open);
	json_put_raw(writer, "document", row->document);
	json_close_object(writer);
}

static bool campaigns_list(struct exchange *exchange, struct wn_error *err)
{
	struct campaign_row *rows;
	size_t count;
	struct wn_slice after = exchange_query(exchange, "after");
	struct json_writer answer;
	struct wn_slice text;
	char *from = wn_arena_copy(exchange->arena, after.data ? after.data : "", after.bytes);
	if (!from)
		return wn_fail(err, WN_FULL, "memory", "no room for the cursor");
	if (!campaign_store_list(exchange->db, exchange->arena, from, CAMPAIGNS_PAGE, &rows, &count, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	json_open_array(&answer, "campaigns");
	for (size_t i = 0; i < count; i++)
		campaign_put(exchange, &answer, NULL, &rows[i]);
	json_close_array(&answer);
	if (count == CAMPAIGNS_PAGE)
		json_put_string(&answer, "next", rows[count - 1].campaign.name);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool campaign_show(struct exchange *exchange, struct wn_error *err)
{
	struct campaign_row row;
	bool found;
	struct json_writer answer;
	struct wn_slice text;
	char *name = wn_arena_copy(exchange->arena, exchange->params[0].data, exchange->params[0].bytes);
	if (!name)
		return wn_fail(err, WN_FULL, "memory", "no room for the name");
	if (!campaign_store_get(exchange->db, exchange->arena, name, &row, &found, err))
		return false;
	if (!found)
		return exchange_problem(exchange, 404, "campaign_unknown", "There is no such campaign.");
	json_begin(&answer, exchange->arena);
	campaign_put(exchange, &answer, NULL, &row);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 200, text, err);
}

static bool campaign_entry(struct exchange *exchange, const char *name, struct wn_slice document, struct sha256 *leaf,
	struct wn_error *err)
{
	struct json_writer entry;
	struct wn_slice body;
	journal_entry_begin(&entry, exchange->arena, "campaign", exchange->now_ms);
	json_put_string(&entry, "name", name);
	json_put_integer(&entry, "version", 1);
	json_put_raw(&entry, "document", document);
	json_close_object(&entry);
	return json_end(&entry, &body, err) && journal_append(exchange->db, exchange->arena, body, leaf, err);
}

static bool campaign_create(struct exchange *exchange, struct wn_error *err)
{
	const struct json *body;
	bool answered, created;
	struct campaign campaign;
	struct wn_slice document, text, receipt;
	struct sha256 leaf;
	if (!exchange_json(exchange, &body, &answered, err))
		return answered;
	if (!campaign_parse(body, &campaign, err) || !jcs_write(exchange->arena, body, &document, err))
		return exchange_problem(exchange, 400, err->code, "%s", err->text);
	/* Seats that the beacon draws are paid from emission; handed out by lease they must not be (DESIGN.md 4). */
	if (campaign.panel_mode == PANEL_DRAWN)
		return exchange_problem(exchange, 400, "campaign_drawn",
			"This version runs open panels only: add \"panel\": {\"mode\": \"open\"}.");
	if (!db_begin(exchange->db, err) || !campaign_store_insert(exchange->db, exchange->arena, campaign.name,
						    document, exchange->now_ms, &created, err))
		return false;
	if (!created) {
		struct campaign_row row;
		bool found;
		db_rollback(exchange->db);
		if (!campaign_store_get(exchange->db, exchange->arena, campaign.name, &row, &found, err))
			return false;
		if (!found || !wn_slice_equal(row.document, document))
			return exchange_problem(exchange, 409, "campaign_exists",
				"Campaign %s exists with another document: choose a new name.", campaign.name);
		struct json_writer same;
		json_begin(&same, exchange->arena);
		campaign_put(exchange, &same, NULL, &row);
		return json_end(&same, &text, err) && exchange_ok(exchange, 200, text, err);
	}
	if (!campaign_entry(exchange, campaign.name, document, &leaf, err) || !db_commit(exchange->db, err))
		return false;
	struct campaign_row row = {.campaign = campaign, .document = document, .open = true};
	struct json_writer answer;
	if (!receipt_write(exchange->arena, &exchange->node->network, &exchange->node->checkpoint_key, &leaf,
		    exchange->now_ms, &receipt, err))
		return false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	campaign_put(exchange, &answer, "campaign", &row);
	json_put_raw(&answer, "receipt", receipt);
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_ok(exchange, 201, text, err);
}

static bool campaign_close_entry(struct exchange *exchange, const char *name, struct sha256 *leaf, struct wn_error *err)
{
	struct json_writer entry;
	struct wn_slice body;
	journal_entry_begin(&entry, exchange->arena, "campaign_closed", exchange->now_ms);
	json_put_string(&entry, "name", name);
	json_close_object(&entry);
	return json_end(&entry, &body, err) && journal_append(exchange->db, exchange->arena, body, leaf, err);
}

/* For good: opened once more by a request that somebody kept, it would not be closed. What was submitted is judged and
 * paid as promised. */
static bool campaign_close(struct exchange *exchange, struct wn_error *err)
{
	struct campaign_row row;
	struct json_writer answer;
	struct wn_slice text;
	struct sha256 leaf;
	bool found, changed;
	char *name = wn_arena_copy(exchange->arena, exchange->params[0].data, exchange->params[0].bytes);
	if (!name)
		return wn_fail(err, WN_FULL, "memory", "no room for the name");
	if (!campaign_store_get(exchange->db, exchange->arena, name, &row, &found, err))
		return false;
	if (!found)
		return exchange_problem(exchange, 404, "campaign_unknown", "There is no such campaign.");
	if (!db_begin(exchange->db, err) || !campaign_store_close(exchange->db, exchange->arena, name, &changed, err) ||
		(changed && !campaign_close_entry(exchange, name, &leaf, err)))
		return false;
	row.open = false;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	campaign_put(exchange, &answer, "campaign", &row);
	if (!exchange_receipt(exchange, &answer, changed ? &leaf : NULL, err))
		return false;
	json_close_object(&answer);
	return json_end(&answer, &text, err) && exchange_remember(exchange, 200, text, err) &&
	       db_commit(exchange->db, err) && exchange_ok(exchange, 200, text, err);
}

const struct route campaign_routes[] = {
	{.method = "GET",
		.pattern = "/v1/campaigns",
		.access = ROUTE_OPEN,
		.handle = campaigns_list,
		.summary = "List campaigns",
		.query = "after:Name",
		.gives = "200:Campaigns"},
	{.method = "GET",
		.pattern = "/v1/campaigns/{name}",
		.access = ROUTE_OPEN,
		.handle = campaign_show,
		.summary = "Show one campaign",
		.gives = "200:Campaign"},
	{.method = "POST",
		.pattern = "/v1/campaigns",
		.access = ROUTE_ACCOUNT,
		.roles = ACCOUNT_OPERATOR,
		.body_max = 65536,
		.handle = campaign_create,
		.summary = "Open a campaign (operator key)",
		.takes = "CampaignDocument",
		.gives = "200:Campaign,201:CampaignOpened"},
	{.method = "POST",
		.pattern = "/operator/campaigns",
		.access = ROUTE_OPERATOR,
		.body_max = 65536,
		.handle = campaign_create,
		.summary = "Open a campaign (operator's socket)",
		.takes = "CampaignDocument",
		.gives = "200:Campaign,201:CampaignOpened",
		.refuses = "409"},
	{.method = "POST",
		.pattern = "/v1/campaigns/{name}/close",
		.access = ROUTE_ACCOUNT,
		.roles = ACCOUNT_OPERATOR,
		.handle = campaign_close,
		.summary = "Close a campaign for good: it takes no more items (operator key)",
		.gives = "200:CampaignOpened"},
	{.method = "POST",
		.pattern = "/operator/campaigns/{name}/close",
		.access = ROUTE_OPERATOR,
		.handle = campaign_close,
		.summary = "Close a campaign for good: it takes no more items (operator's socket)",
		.gives = "200:CampaignOpened"},
	{.method = NULL},
};
