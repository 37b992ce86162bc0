/* Options, the policy table and campaign documents: defaults, order of sources, and every refusal. */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/campaign.h"
#include "core/option.h"
#include "core/policy.h"

SUITE("settings")

enum { SETTINGS_ARENA_MAX = 1 << 20, PATH_ROOM = 512, JSON_ROOM = 4096 };

static const struct option serve_options[] = {
	{"serve.port", OPTION_INTEGER, "8080", 0, 65535, "port to listen on"},
	{"serve.address", OPTION_TEXT, "127.0.0.1", 0, 0, "address to listen on"},
	{"serve.tls", OPTION_BOOL, "false", 0, 0, "speak TLS"},
	{NULL},
};
static const struct option node_options[] = {
	{"node.state", OPTION_TEXT, NULL, 0, 0, "folder of keys and data"},
	{"dry_run", OPTION_BOOL, NULL, 0, 0, "change nothing"},
	{NULL},
};
static const struct option *const option_tables[] = {serve_options, node_options, NULL};

static void write_text(char path[PATH_ROOM], const char *text)
{
	snprintf(path, PATH_ROOM, "%s/winnow.conf", test_folder());
	FILE *file = fopen(path, "we");
	CHECK_OR_RETURN(file != NULL);
	fputs(text, file);
	fclose(file);
}

TEST(options_follow_default_then_file_then_environment_then_flag)
{
	struct wn_error err = {0};
	char path[PATH_ROOM];
	struct options *options = options_open(option_tables);
	CHECK_INT(option_integer(options, "serve.port"), 8080);
	CHECK_TEXT(option_text(options, "node.state"), NULL);
	CHECK(!option_bool(options, "serve.tls"));
	CHECK(!option_bool(options, "dry_run"));
	write_text(path,
		"# a comment\n\n  serve.port = 1\nserve.address=0.0.0.0 # kept\nserve.tls = yes\nnode.state = /file");
	CHECK_OK(options_read_file(options, path, &err), err);
	CHECK_INT(option_integer(options, "serve.port"), 1);
	CHECK_TEXT(option_text(options, "serve.address"), "0.0.0.0 # kept");
	CHECK(option_bool(options, "serve.tls"));
	setenv("WINNOW_SERVE_PORT", "2", 1);
	setenv("WINNOW_NODE_STATE", "/environment", 1);
	CHECK_OK(options_read_environment(options, &err), err);
	unsetenv("WINNOW_SERVE_PORT");
	unsetenv("WINNOW_NODE_STATE");
	CHECK_INT(option_integer(options, "serve.port"), 2);
	CHECK_TEXT(option_text(options, "node.state"), "/environment");
	char *argv[] = {"one", "--serve.port", "3", "--serve.tls=off", "-", "--dry-run", "two", "--", "--three", NULL};
	int argc = 9;
	CHECK_OK(options_read_flags(options, &argc, argv, &err), err);
	CHECK_INT(option_integer(options, "serve.port"), 3);
	CHECK(!option_bool(options, "serve.tls"));
	CHECK(option_bool(options, "dry_run"));
	CHECK_TEXT(option_text(options, "node.state"), "/environment");
	CHECK_INT(argc, 4);
	CHECK_TEXT(argv[0], "one");
	CHECK_TEXT(argv[1], "-");
	CHECK_TEXT(argv[2], "two");
	CHECK_TEXT(argv[3], "--three");
	CHECK_OK(options_read_file(options, NULL, &err), err);
	options_close(options);
	options_close(NULL);
}

TEST(an_unknown_option_is_answered_with_the_nearest_name)
{
	static const char *const typed[][2] = {{"--serve.prot", "--serve.port"}, {"--port", "--serve.port"},
		{"--serv.tls", "--serve.tls"}, {"--node.stat=x", "--node.state"}, {"--addres", "--serve.address"},
		{"--dryrun", "--dry_run"}};
	struct options *options = options_open(option_tables);
	struct wn_error err = {0};
	for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++) {
		char *argv[] = {(char *)typed[i][0], NULL};
		int argc = 1;
		CHECK(!options_read_flags(options, &argc, argv, &err));
		CHECK_TEXT(err.code, "option_unknown");
		if (!CHECK(strstr(err.text, typed[i][1]) != NULL))
			CHECK_TEXT(err.text, typed[i][1]);
	}
	char *argv[] = {"--zzzzqqqq", NULL};
	int argc = 1;
	CHECK(!options_read_flags(options, &argc, argv, &err));
	CHECK_TEXT(err.text, "no option --zzzzqqqq");
	options_close(options);
}

TEST(bad_values_of_options_are_refused_and_change_nothing)
{
	static const struct {
		const char *name, *value, *code;
	} bad[] = {
		{"serve.port", "65536", "option_range"},
		{"serve.port", "-1", "option_range"},
		{"serve.port", "", "option_value"},
		{"serve.port", "80a", "option_value"},
		{"serve.port", " 80", "option_value"},
		{"serve.port", "0x50", "option_value"},
		{"serve.port", "99999999999999999999", "option_value"},
		{"serve.tls", "maybe", "option_value"},
		{"serve.tls", "", "option_value"},
		{"none", "1", "option_unknown"},
	};
	struct options *options = options_open(option_tables);
	struct wn_error err = {0};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CHECK(!option_set(options, bad[i].name, bad[i].value, &err));
		CHECK_TEXT(err.code, bad[i].code);
		CHECK_INT(err.blame, WN_INPUT);
	}
	CHECK_INT(option_integer(options, "serve.port"), 8080);
	char path[PATH_ROOM], *argv[] = {"--serve.port", NULL};
	int argc = 1;
	CHECK(!options_read_flags(options, &argc, argv, &err));
	CHECK_TEXT(err.code, "option_value");
	write_text(path, "serve.port = 1\nnothing here\n");
	CHECK(!options_read_file(options, path, &err));
	CHECK_TEXT(err.code, "option_line");
	CHECK(strstr(err.text, "line 2") != NULL);
	write_text(path, "serve.prot = 1\n");
	CHECK(!options_read_file(options, path, &err));
	CHECK_TEXT(err.code, "option_unknown");
	CHECK(!options_read_file(options, "/no/such/file", &err));
	CHECK_TEXT(err.code, "option_file");
	setenv("WINNOW_SERVE_PORT", "x", 1);
	CHECK(!options_read_environment(options, &err));
	unsetenv("WINNOW_SERVE_PORT");
	CHECK(strstr(err.text, "WINNOW_SERVE_PORT") != NULL);
	options_close(options);
}

TEST(the_help_names_every_option_and_its_default)
{
	char help[2048] = "";
	struct options *options = options_open(option_tables);
	FILE *out = fmemopen(help, sizeof help, "w");
	CHECK_OR_RETURN(out != NULL);
	options_print_help(options, out);
	fclose(out);
	CHECK(strstr(help, "--serve.port N") != NULL);
	CHECK(strstr(help, "port to listen on (8080)") != NULL);
	CHECK(strstr(help, "--serve.address TEXT") != NULL);
	CHECK(strstr(help, "--dry_run ") != NULL);
	options_close(options);
}

/* ' stands for the quotes of JSON in these tests' texts. */
static const struct json *quoted(struct wn_arena *arena, const char *text)
{
	struct wn_error err = {0};
	const struct json *value = NULL;
	char *json = wn_arena_copy(arena, text, strlen(text));
	for (char *c = json; *c; c++)
		if (*c == '\'')
			*c = '"';
	CHECK_OK(json_parse(arena, json, strlen(json), &value, &err), err);
	return value;
}

TEST(the_default_policy_is_written_and_read_back)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct json_writer writer;
	struct wn_slice text;
	struct policy policy, back;
	const struct json *value;
	wn_arena_init(&arena, SETTINGS_ARENA_MAX);
	policy_default(&policy);
	CHECK_INT(policy.cap_units, 1000000000000000000);
	CHECK_INT(policy.rate, 21734995);
	CHECK_INT(policy.epoch_ms, 3600000);
	CHECK_INT(policy.unbonding_ms, 14 * 86400000LL);
	int64_t shares = 0;
	for (int i = 0; i < SHARE_COUNT; i++)
		shares += policy.shares_ppm[i];
	CHECK_INT(shares, 1000000);
	policy.epoch_ms = 60000;
	policy.seat_bond_floor = 7;
	json_begin(&writer, &arena);
	policy_write(&writer, NULL, &policy);
	CHECK_OK(json_end(&writer, &text, &err), err);
	CHECK_OK(json_parse(&arena, text.data, text.bytes, &value, &err), err);
	CHECK_OK(policy_parse(value, &back, &err), err);
	CHECK_BYTES(&back, sizeof back, &policy, sizeof policy);
	CHECK_OK(policy_parse(quoted(&arena, "{'epoch_ms':1000}"), &back, &err), err);
	CHECK_INT(back.epoch_ms, 1000);
	CHECK_INT(back.gold_ppm, 80000);
	wn_arena_free(&arena);
}

TEST(bad_policies_are_refused)
{
	static const char *const bad[][2] = {
		{"[]", "policy_object"},
		{"{'asset':'USD'}", "policy_asset"},
		{"{'asset':1}", "policy_asset"},
		{"{'epoch':1}", "policy_member"},
		{"{'epoch_ms':'1000'}", "policy_value"},
		{"{'epoch_ms':999}", "policy_range"},
		{"{'epoch_ms':1000.5}", "policy_value"},
		{"{'cap':1000}", "policy_value"},
		{"{'cap':'1000000000000000001'}", "policy_range"},
		{"{'cap':'0'}", "policy_range"},
		{"{'rate':1099511627777}", "policy_range"},
		{"{'rate':-1}", "policy_range"},
		{"{'gold_ppm':1000001}", "policy_range"},
		{"{'shares_ppm':{}}", "policy_shares"},
		{"{'shares_ppm':[1000000]}", "policy_shares"},
		{"{'shares_ppm':[500000,500000,1,0,0]}", "policy_shares"},
		{"{'shares_ppm':[500000,499999,0,0,0]}", "policy_shares"},
		{"{'shares_ppm':[1000001,-1,0,0,0]}", "policy_shares"},
		{"{'shares_ppm':['1000000',0,0,0,0]}", "policy_shares"},
	};
	struct wn_arena arena;
	struct policy policy;
	wn_arena_init(&arena, SETTINGS_ARENA_MAX);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct wn_error err = {0};
		bool parsed = policy_parse(quoted(&arena, bad[i][0]), &policy, &err);
		if (!CHECK_TEXT(parsed ? "" : err.code, bad[i][1]))
			CHECK_TEXT(bad[i][0], "");
	}
	struct wn_error err = {0};
	CHECK(!policy_parse(NULL, &policy, &err));
	wn_arena_free(&arena);
}

#define CHOICES "'choices':[{'name':'bad','verdict':'reject'},{'name':'good','verdict':'keep'}]"
#define LEAST "'name':'rain','question':'Is it raining?'," CHOICES

TEST(a_campaign_of_the_least_members_gets_every_default)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct campaign campaign;
	wn_arena_init(&arena, SETTINGS_ARENA_MAX);
	CHECK_OK(campaign_parse(quoted(&arena, "{" LEAST "}"), &campaign, &err), err);
	CHECK_TEXT(campaign.name, "rain");
	CHECK_INT(campaign.kind, ITEM_TEXT);
	CHECK_INT(campaign.panel_mode, PANEL_DRAWN);
	CHECK_INT(campaign.pick, false);
	CHECK_INT(campaign.seats, 5);
	CHECK_INT(campaign.escalate, 6);
	CHECK_INT(campaign.commit_ms, 900000);
	CHECK_INT(campaign.reveal_ms, 600000);
	CHECK_INT(campaign.lease_ms, 900000);
	CHECK_INT(campaign.audit_seats, 3);
	CHECK_INT(campaign.audit_open, false);
	CHECK_INT(campaign.dedup_numerator, 7);
	CHECK_INT(campaign.dedup_denominator, 10);
	CHECK_INT(campaign.seat_pay, 0);
	CHECK_INT(campaign.seat_bond, 0);
	CHECK_INT(campaign.prepaid, false);
	CHECK_INT(campaign.challenge_ms, 86400000);
	CHECK_INT(campaign.vesting_ms, 2592000000);
	CHECK_INT(campaign.probation, true);
	CHECK_INT(campaign.source_count + campaign.tag_count + campaign.language_count, 0);
	CHECK_OK(campaign_parse(quoted(&arena, "{" LEAST ",'panel':{'mode':'open'}}"), &campaign, &err), err);
	CHECK_INT(campaign.panel_mode, PANEL_OPEN);
	CHECK_INT(campaign.commit_ms, 86400000);
	CHECK_INT(campaign.reveal_ms, 86400000);
	wn_arena_free(&arena);
}

TEST(a_campaign_says_everything_itself_where_it_wants)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct campaign campaign;
	wn_arena_init(&arena, SETTINGS_ARENA_MAX);
	const struct json *document =
		quoted(&arena, "{" LEAST ",'kind':'window','tags':['a','b'],'sources':['file'],'languages':['en','de'],"
			       "'licence':'CC0-1.0','basis':'public_domain','panel':{'mode':'open','pick':true,'seats':"
			       "3,'escalate':0,'commit_ms':1,'reveal_ms':2,"
			       "'lease_ms':3,'audit_seats':11,'audit':'open'},'dedup':{'numerator':4,'denominator':5},'"
			       "budget':{'per_item_ceiling':'10',"
			       "'seat_pay':'20','seat_bond':'30','source':'prepaid'},'challenge_ms':0,'vesting_ms':0,'"
			       "probation':false}");
	CHECK_OK(campaign_parse(document, &campaign, &err), err);
	CHECK_INT(campaign.kind, ITEM_WINDOW);
	CHECK_INT(campaign.tag_count, 2);
	CHECK_TEXT(campaign.tags[1], "b");
	CHECK_TEXT(campaign.sources[0], "file");
	CHECK_TEXT(campaign.languages[1], "de");
	CHECK_TEXT(campaign.licence, "CC0-1.0");
	CHECK_TEXT(campaign.basis, "public_domain");
	CHECK_INT(campaign.pick, true);
	CHECK_INT(campaign.seats, 3);
	CHECK_INT(campaign.escalate, 0);
	CHECK_INT(campaign.commit_ms, 1);
	CHECK_INT(campaign.reveal_ms, 2);
	CHECK_INT(campaign.lease_ms, 3);
	CHECK_INT(campaign.audit_seats, 11);
	CHECK_INT(campaign.audit_open, true);
	CHECK_INT(campaign.dedup_numerator, 4);
	CHECK_INT(campaign.dedup_denominator, 5);
	CHECK_INT(campaign.per_item_ceiling, 10);
	CHECK_INT(campaign.seat_pay, 20);
	CHECK_INT(campaign.seat_bond, 30);
	CHECK_INT(campaign.prepaid, true);
	CHECK_INT(campaign.challenge_ms, 0);
	CHECK_INT(campaign.vesting_ms, 0);
	CHECK_INT(campaign.probation, false);
	wn_arena_free(&arena);
}

TEST(classes_are_numbered_and_abstaining_choices_come_last)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct campaign campaign;
	wn_arena_init(&arena, SETTINGS_ARENA_MAX);
	CHECK_OK(campaign_parse(
			 quoted(&arena, "{'name':'x','question':'?','choices':[{'name':'skip','verdict':'abstain'},"
					"{'name':'off','verdict':'reject'},{'name':'spam','verdict':'reject'},{'name':'"
					"dunno','verdict':'abstain'},"
					"{'name':'yes','verdict':'keep'}]}"),
			 &campaign, &err),
		err);
	CHECK_INT(campaign.class_count, 3);
	CHECK_INT(campaign.choice_count, 5);
	static const char *const order[] = {"off", "spam", "yes", "skip", "dunno"};
	for (int i = 0; i < 5; i++)
		CHECK_TEXT(campaign.choices[i].name, order[i]);
	CHECK_INT(campaign_class(&campaign, "off"), 0);
	CHECK_INT(campaign_class(&campaign, "yes"), 2);
	CHECK_INT(campaign_class(&campaign, "skip"), -1);
	CHECK_INT(campaign_class(&campaign, "dunno"), -1);
	CHECK_INT(campaign_class(&campaign, "no"), -2);
	wn_arena_free(&arena);
}

TEST(bad_campaigns_are_refused)
{
	static const char *const bad[][2] = {
		{"[]", "campaign_object"},
		{"{}", "campaign_name"},
		{"{'name':'Rain','question':'?'," CHOICES "}", "campaign_name"},
		{"{'name':'','question':'?'," CHOICES "}", "campaign_name"},
		{"{'name':'a b','question':'?'," CHOICES "}", "campaign_name"},
		{"{'name':'01234567890123456789012345678901234567890123456789012345678901234','question':'?'," CHOICES
		 "}",
			"campaign_name"},
		{"{'name':'x'," CHOICES "}", "campaign_question"},
		{"{'name':'x','question':''," CHOICES "}", "campaign_text"},
		{"{'name':'x','question':'a\\u0000b'," CHOICES "}", "campaign_text"},
		{"{'name':'x','question':'?'}", "campaign_choices"},
		{"{'name':'x','question':'?','choices':{}}", "campaign_choices"},
		{"{'name':'x','question':'?','choices':[]}", "campaign_choices_few"},
		{"{'name':'x','question':'?','choices':[{'name':'a','verdict':'keep'},{'name':'b','verdict':'abstain'}]"
		 "}",
			"campaign_choices_few"},
		{"{'name':'x','question':'?','choices':[{'name':'a','verdict':'keep'},{'name':'b','verdict':'reject'}]"
		 "}",
			"campaign_choice_order"},
		{"{'name':'x','question':'?','choices':[{'name':'a','verdict':'reject'},{'name':'b','verdict':'reject'}"
		 "]}",
			"campaign_choices_keep"},
		{"{'name':'x','question':'?','choices':[{'name':'a','verdict':'reject'},{'name':'a','verdict':'keep'}]"
		 "}",
			"campaign_choice_twice"},
		{"{'name':'x','question':'?','choices':[{'name':'a','verdict':'abstain'},{'name':'a','verdict':'keep'}]"
		 "}",
			"campaign_choice_twice"},
		{"{'name':'x','question':'?','choices':[{'name':'a','verdict':'abstain'},{'name':'a','verdict':'"
		 "abstain'}]}",
			"campaign_choice_twice"},
		{"{'name':'x','question':'?','choices':[{'name':'a'}]}", "campaign_choice"},
		{"{'name':'x','question':'?','choices':[{'verdict':'keep'}]}", "campaign_choice"},
		{"{'name':'x','question':'?','choices':[{'name':'a','verdict':'maybe'}]}", "campaign_choice"},
		{"{'name':'x','question':'?','choices':['a']}", "campaign_object"},
		{"{'name':'x','question':'?','choices':[{'name':'a','verdict':'keep','weight':2}]}", "campaign_member"},
		{"{" LEAST ",'color':'red'}", "campaign_member"},
		{"{" LEAST ",'kind':'video'}", "campaign_word"},
		{"{" LEAST ",'tags':'a'}", "campaign_list"},
		{"{" LEAST ",'tags':['a','a']}", "campaign_list"},
		{"{" LEAST ",'languages':[1]}", "campaign_list"},
		{"{" LEAST ",'licence':7}", "campaign_text"},
		{"{" LEAST ",'panel':[]}", "campaign_object"},
		{"{" LEAST ",'panel':{'size':5}}", "campaign_member"},
		{"{" LEAST ",'panel':{'mode':'closed'}}", "campaign_word"},
		{"{" LEAST ",'panel':{'pick':true}}", "campaign_pick"},
		{"{" LEAST ",'panel':{'pick':1}}", "campaign_truth"},
		{"{" LEAST ",'panel':{'seats':0}}", "campaign_number"},
		{"{" LEAST ",'panel':{'seats':65}}", "campaign_number"},
		{"{" LEAST ",'panel':{'seats':'5'}}", "campaign_number"},
		{"{" LEAST ",'panel':{'escalate':-1}}", "campaign_number"},
		{"{" LEAST ",'panel':{'commit_ms':0}}", "campaign_number"},
		{"{" LEAST ",'panel':{'audit':'all'}}", "campaign_word"},
		{"{" LEAST ",'dedup':{'numerator':3,'denominator':2}}", "campaign_dedup"},
		{"{" LEAST ",'dedup':{'denominator':0}}", "campaign_number"},
		{"{" LEAST ",'dedup':0.7}", "campaign_object"},
		{"{" LEAST ",'budget':{'seat_pay':5}}", "campaign_amount"},
		{"{" LEAST ",'budget':{'seat_bond':'-1'}}", "campaign_amount"},
		{"{" LEAST ",'budget':{'source':'stolen'}}", "campaign_word"},
		{"{" LEAST ",'vesting_ms':-1}", "campaign_number"},
		{"{" LEAST ",'probation':'no'}", "campaign_truth"},
	};
	struct wn_arena arena;
	struct campaign campaign;
	wn_arena_init(&arena, SETTINGS_ARENA_MAX);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct wn_error err = {0};
		bool parsed = campaign_parse(quoted(&arena, bad[i][0]), &campaign, &err);
		if (!CHECK_TEXT(parsed ? "" : err.code, bad[i][1]))
			CHECK_TEXT(bad[i][0], "");
		CHECK(parsed || err.blame == WN_INPUT);
	}
	struct wn_error err = {0};
	CHECK(!campaign_parse(NULL, &campaign, &err));
	CHECK_TEXT(err.code, "campaign_object");
	wn_arena_free(&arena);
}

TEST(the_number_of_choices_and_list_members_ends_at_its_limit)
{
	for (int more = 0; more < 2; more++) {
		struct wn_arena arena;
		struct wn_error err = {0};
		struct campaign campaign;
		struct wn_text text;
		wn_arena_init(&arena, SETTINGS_ARENA_MAX);
		wn_text_init(&text, &arena);
		wn_text_add_string(&text, "{'name':'x','question':'?','choices':[");
		for (int i = 0; i < CAMPAIGN_CHOICES_MAX + more; i++)
			wn_text_printf(&text, "%s{'name':'%d','verdict':'keep'}", i ? "," : "", i);
		wn_text_add_string(&text, "]}");
		bool parsed = campaign_parse(quoted(&arena, text.data), &campaign, &err);
		CHECK_TEXT(parsed ? "" : err.code, more ? "campaign_choices_many" : "");
		wn_text_init(&text, &arena);
		wn_text_add_string(&text, "{" LEAST ",'tags':[");
		for (int i = 0; i < CAMPAIGN_LIST_MAX + more; i++)
			wn_text_printf(&text, "%s'%d'", i ? "," : "", i);
		wn_text_add_string(&text, "]}");
		parsed = campaign_parse(quoted(&arena, text.data), &campaign, &err);
		CHECK_TEXT(parsed ? "" : err.code, more ? "campaign_list" : "");
		wn_arena_free(&arena);
	}
}

TEST(the_recorded_campaign_is_read_as_it_is)
{
	char data[JSON_ROOM];
	FILE *file = fopen("../shared/data/weather-campaign/campaign.json", "re");
	if (!file) {
		test_skip("../shared/data/weather-campaign is not here");
		return;
	}
	size_t bytes = fread(data, 1, sizeof data, file);
	fclose(file);
	struct wn_arena arena;
	struct wn_error err = {0};
	struct campaign campaign;
	const struct json *document;
	wn_arena_init(&arena, SETTINGS_ARENA_MAX);
	CHECK_OK(json_parse(&arena, data, bytes, &document, &err), err);
	CHECK_OK(campaign_parse(document, &campaign, &err), err);
	CHECK_INT(campaign.class_count, 4);
	CHECK_INT(campaign_class(&campaign, "unrelated"), 0);
	CHECK_INT(campaign_class(&campaign, "positive"), 3);
	CHECK_INT(campaign_class(&campaign, "cannot_tell"), -1);
	CHECK_INT(campaign.panel_mode, PANEL_OPEN);
	CHECK_INT(campaign.pick, true);
	CHECK_INT(campaign.commit_ms, 86400000);
	wn_arena_free(&arena);
}
