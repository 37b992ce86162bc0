/* The sample network: campaigns, policy and posts written for this project, and the rule by which its robots judge.
 * Pure. */
#ifndef CMD_SAMPLE_H
#define CMD_SAMPLE_H

#include "core/policy.h"

enum { SAMPLE_ROBOTS = 4 };
#define SAMPLE_CAMPAIGN "sample-kindness"
#define SAMPLE_MACHINE_CAMPAIGN "sample-machine"
/* What genesis grants each robot: 100 WIN. */
#define SAMPLE_ROBOT_UNITS 100000000000LL

/* Documents for POST /operator/campaigns. */
extern const char sample_campaign[], sample_machine_campaign[];
/* Texts that the sample network submits itself; ended by NULL. Some repeat others nearly, some deserve to be rejected.
 */
extern const char *const sample_posts[];
/* One-minute epochs, no stake or bond needed: a visitor judges at once. */
void sample_policy(struct policy *out);
bool sample_is_post(struct wn_slice text);
/*
 * The robots' rule for sample-kindness, told in `winnow robot --help`: a text with a link, a price or the words of an
 * offer is an advert; a text with a word of helping is a kindness; all else is off topic. Returns the class.
 */
int sample_judge(struct wn_slice text);
/* Their rule for sample-machine: 0 (broken) when every value of some channel is missing, else 1 (plausible). */
int sample_judge_window(const struct json *content);

#endif
