/* A recorded campaign in a folder: posts, the votes that were cast, the document, known answers. Pure but for reading
 * its files. */
#ifndef CMD_RECORDING_H
#define CMD_RECORDING_H

#include "core/campaign.h"

enum {
	RECORDING_POSTS_MAX = 100000,
	RECORDING_WORKERS_MAX = 10000,
	RECORDING_VOTES_MAX = 4000000,
	RECORDING_FILE_MAX = 256 * 1024 * 1024
};

struct recording_vote {
	uint32_t worker;
	int8_t class;
};

struct recording_post {
	const char *id;
	struct wn_slice text;
	struct recording_vote *votes; /* those that do not abstain, in file order, one a worker */
	uint32_t vote_count;
	int8_t truth; /* class; -1: not known, or it abstains */
};

struct recording {
	const struct json *document;
	struct campaign campaign;
	struct recording_post *posts;
	size_t post_count;
	const char **workers;
	size_t worker_count;
	int64_t vote_count, abstained,
		repeated; /* usable; left out because they abstain; second votes of one worker on one post */
	bool has_truth;
};

/*
 * Reads posts.ndjson (id, text), votes.csv (post, worker, choice), campaign.json and, where it is there, truth.csv
 * (post, choice). Everything lies in the arena. Codes recording_<what> with file and line.
 */
bool recording_read(struct wn_arena *arena, const char *folder, struct recording *out, struct wn_error *err);
/* Share of known answers, in millionths, that the plain majority of each post's first `most` votes hits; ties to the
 * lowest class. */
int64_t recording_majority_ppm(const struct recording *recording, uint32_t most);

#endif
