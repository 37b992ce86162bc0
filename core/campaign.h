/* A campaign's document: what is wanted, how it is judged, what it pays. Pure: parses and checks, touches nothing. */
#ifndef CORE_CAMPAIGN_H
#define CORE_CAMPAIGN_H

#include "core/json.h"

enum { CAMPAIGN_CHOICES_MAX = 16, CAMPAIGN_LIST_MAX = 32, CAMPAIGN_NAME_MAX = 64, CAMPAIGN_SEATS_MAX = 64 };

enum choice_verdict { CHOICE_REJECT, CHOICE_KEEP, CHOICE_ABSTAIN };
enum panel_mode { PANEL_DRAWN, PANEL_OPEN };
enum item_kind { ITEM_TEXT, ITEM_WINDOW };

struct campaign_choice {
	const char *name;
	enum choice_verdict verdict;
};

struct campaign {
	const char *name; /* [a-z0-9-]{1,64} */
	enum item_kind kind;
	const char *question;
	/* Non-abstaining choices first in document order: their index is the class number; rejecting ones come first.
	 */
	struct campaign_choice choices[CAMPAIGN_CHOICES_MAX];
	int choice_count, class_count; /* class_count = K */
	const char *languages[CAMPAIGN_LIST_MAX];
	int language_count; /* none: any */
	const char *sources[CAMPAIGN_LIST_MAX];
	int source_count; /* none: any */
	const char *tags[CAMPAIGN_LIST_MAX];
	int tag_count;
	const char *licence, *basis; /* "CC-BY-4.0", "author_consent" unless the document says otherwise */
	enum panel_mode panel_mode;
	bool pick;				/* validators may choose items */
	int seats, escalate;			/* first panel, added by the second */
	int64_t commit_ms, reveal_ms, lease_ms; /* phase lengths; DESIGN.md 4: 24 h each in open panels */
	int audit_seats;			/* audit panel of a known-answer item */
	bool audit_open;			/* anybody who did not sit may audit (backtests); else the curators */
	int dedup_numerator, dedup_denominator; /* Jaccard threshold, default 7/10 */
	int64_t per_item_ceiling;		/* units minted at most per accepted item */
	int64_t seat_pay;			/* units of the declared budget per panel vote; 0: unpaid */
	int64_t seat_bond;			/* units locked per seat */
	bool prepaid;				/* seats are paid by a deposit, not by new tokens */
	int64_t challenge_ms;			/* settled -> final */
	int64_t vesting_ms;
	bool probation; /* new keys count after 24 audited votes */
	bool sample;	/* a try-out: written for the sample network, judged by robots, shown as such */
};

/* `document` is the parsed JSON; strings point into it. Codes: campaign_<what>. Unknown members are refused. */
bool campaign_parse(const struct json *document, struct campaign *out, struct wn_error *err);
/* Class number of a choice by name; -1 abstains, -2 unknown. */
int campaign_class(const struct campaign *campaign, const char *choice);

#endif
