/* What a fresh node shows a visitor without any network: everything in it is invented and says so. */
#include "cmd/sample.h"

#include <string.h>
#include <strings.h>

#define SAMPLE_PANEL                                                                                                   \
	"\"panel\":{\"mode\":\"open\",\"pick\":true,\"seats\":4,\"escalate\":0,\"commit_ms\":86400000,\"reveal_ms\":"  \
	"60000,"                                                                                                       \
	"\"lease_ms\":600000,\"audit\":\"open\"},"                                                                     \
	"\"budget\":{\"seat_pay\":\"0\",\"seat_bond\":\"0\"},\"challenge_ms\":0,\"vesting_ms\":0,\"probation\":false," \
	"\"sample\":true"

const char sample_campaign[] =
	"{\"name\":\"" SAMPLE_CAMPAIGN "\",\"kind\":\"text\",\"languages\":[\"en\"],\"licence\":\"CC0-1.0\","
	"\"basis\":\"author_consent\",\"question\":\"Sample campaign, judged by you and by robots. Does this post tell "
	"of a small kindness that "
	"somebody "
	"did?\",\"choices\":[{\"name\":\"advert\",\"verdict\":\"reject\"},{\"name\":\"off_topic\",\"verdict\":"
	"\"reject\"},"
	"{\"name\":\"kindness\",\"verdict\":\"keep\"},{\"name\":\"cannot_tell\",\"verdict\":\"abstain\"}]," SAMPLE_PANEL
	"}";

const char sample_machine_campaign[] =
	"{\"name\":\"" SAMPLE_MACHINE_CAMPAIGN "\",\"kind\":\"window\",\"licence\":\"CC0-1.0\","
	"\"basis\":\"device_owner\",\"sources\":[\"machine\"],\"question\":\"Sample campaign, judged by you and by "
	"robots. Load and free memory of "
	"this machine: do these readings look like a working "
	"machine?\",\"choices\":[{\"name\":\"broken\",\"verdict\":\"reject\"},"
	"{\"name\":\"plausible\",\"verdict\":\"keep\"},{\"name\":\"cannot_tell\",\"verdict\":\"abstain\"}]"
	"," SAMPLE_PANEL "}";

const char *const sample_posts[] = {
	"A stranger held the lift for me this morning although I was still searching for my keys at the far end of the "
	"hall.",
	"The bus driver waited an extra half minute so that an old man with two canes could reach the door.",
	"Our neighbour carried all six water bottles up to the fourth floor and would not even take a coffee for it.",
	"My umbrella broke in the storm and a student shared hers with me for three streets.",
	"Somebody found my library card on the pavement and brought it back to the front desk.",
	"The baker gave my daughter the last cinnamon roll because it was her first day at school.",
	"A cyclist stopped to help me change a flat tyre and then rode home in the dark without a lamp.",
	"At the till the woman in front of me paid for my milk when my card was refused.",
	"He lent me his gloves for the whole winter and only said that his hands are always warm.",
	"Two teenagers picked up every apple that had rolled out of my torn bag.",
	"The plumber fixed the dripping tap in the hall for free while he was there for ours.",
	"I dropped my wallet on the train and the conductor returned it with every coin still inside.",
	"The people upstairs left a note and earplugs on our door before their party.",
	"My colleague took my late shift so that I could see my sister in the school play.",
	"A man I had never met helped me push the car out of the snow and walked on.",
	"The girl at the kiosk kept my forgotten scarf for two weeks until I passed again.",
	"Our teacher stayed an hour longer to explain fractions to the three of us who did not get them.",
	"Someone has been watering the flowers at the tram stop all summer, today I thanked her.",
	"Someone has been watering the flowers at the tram stop all summer, today I finally thanked her.",
	"The fisherman on the pier gave the gulls' share of his catch to the man who sleeps by the boathouse.",
	"A stranger held the lift for me this morning although I was still searching for my keys at the very far end "
	"of the hall.",
	"When the power failed, the family next door brought us candles and a pot of hot soup.",
	"The mechanic showed my son how an engine works and let him tighten the last screw.",
	"A nurse on her break sat with my grandmother until I had parked the car.",
	"The boy from number nine shovels the whole street before school and rings no bell for thanks.",
	"My umbrella broke in the storm, and a student shared hers with me for three whole streets.",
	"On the ferry a woman gave up her seat for a mother with twins and stood for two hours.",
	"The librarian read the last chapter aloud because my glasses had snapped.",
	"He walked the lost dog from door to door until somebody knew its name.",
	"The chemist opened again at ten in the evening for one cough syrup, and helped me choose it.",
	"Buy two pairs of our shoes today and the third pair is free, only at www.example.com/shoes",
	"HUGE SALE!!! Everything 70% off until midnight, click the link in our profile",
	"Earn 500 $ a day from home, no experience needed, write me now",
	"Our new phone case protects like no other. Order today and get free shipping.",
	"Limited offer: subscribe before Sunday and save half of the price.",
	"Crypto tip of the week, guaranteed profit, visit https://example.com/rich",
	"The tram was eleven minutes late again and nobody said why.",
	"Fog over the harbour until noon, then a pale sun.",
	"I cannot decide between the green wallpaper and the grey one.",
	"Third day of rain. The cellar smells of wet stone.",
	"The home team lost by two goals and the referee saw neither foul.",
	"My cat sleeps on the keyboard whenever I have to write a report.",
	"Does anybody know why the clock on the town hall stands at five past four?",
	"New potatoes with butter and dill, nothing else tonight.",
	"The printer on the second floor is out of paper again.",
	"I have read the same page four times and still do not know who the narrator is.",
	"Fog over the harbour until noon, and then a pale sun.",
	"The mountain path is closed above the hut because of falling rocks.",
	NULL,
};

void sample_policy(struct policy *out)
{
	policy_default(out);
	out->epoch_ms = 60000;
	out->stake_least = 0;
	out->seat_bond_floor = 0;
	out->unbonding_ms = 60000;
}

bool sample_is_post(struct wn_slice text)
{
	for (size_t i = 0; sample_posts[i]; i++)
		if (wn_slice_equal(text, wn_slice_of(sample_posts[i])))
			return true;
	return false;
}

/* Whether one of the words begins somewhere in the text at the start of a word; "http" finds "https://...". */
static bool has_word(struct wn_slice text, const char *const words[])
{
	for (size_t at = 0; at < text.bytes; at++) {
		bool start = at == 0 || strchr(" \t\r\n.,;:!?\"'()-", text.data[at - 1]);
		for (size_t w = 0; start && words[w]; w++) {
			size_t bytes = strlen(words[w]);
			if (bytes <= text.bytes - at && strncasecmp(text.data + at, words[w], bytes) == 0)
				return true;
		}
	}
	return false;
}

int sample_judge(struct wn_slice text)
{
	static const char *const offers[] = {"http", "www.", "buy ", "sale", "order today", "offer", "subscribe",
		"click", "earn ", "shipping", "guaranteed", "$", NULL};
	static const char *const kind[] = {"help", "held ", "thank", "shared", "lent ", "gave ", "carried", "waited",
		"returned", "brought", "paid for", "picked up", "fixed", "kept my", "let him", "let her", "stayed",
		"took my", "sat with", "walked the lost", "read the last", "shovels", "left a note", "kind", NULL};
	enum { ADVERT, OFF_TOPIC, KINDNESS };
	if (has_word(text, offers))
		return ADVERT;
	return has_word(text, kind) ? KINDNESS : OFF_TOPIC;
}

int sample_judge_window(const struct json *content)
{
	const struct json *channels = json_get(content, "channels"), *samples = json_get(content, "samples");
	enum { BROKEN, PLAUSIBLE };
	if (!channels || !samples || samples->type != JSON_ARRAY || channels->type != JSON_ARRAY)
		return BROKEN;
	for (size_t c = 1; c <= channels->count; c++) {
		size_t present = 0;
		for (size_t i = 0; i < samples->count; i++) {
			const struct json *sample = samples->elements[i];
			present += sample->type == JSON_ARRAY && sample->count > c &&
				   sample->elements[c]->type == JSON_NUMBER;
		}
		if (present == 0)
			return BROKEN;
	}
	return PLAUSIBLE;
}
