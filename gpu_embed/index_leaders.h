/* Leaders, column by column: a segment in memory while it fills, an immutable file once it is full. */
#ifndef GPU_EMBED_INDEX_LEADERS_H
#define GPU_EMBED_INDEX_LEADERS_H

#include "gpu_embed/index_file.h"
#include "gpu_embed/linker.h"

/* Leaders of a segment, a power of two; a file never holds fewer: which leaders stand in which file follows from their
 * number. */
#ifdef WINNOW_FAILPOINTS
enum { INDEX_SEGMENT_LEADERS = 2 }; /* a crash test's handful of posts fills several */
#else
enum { INDEX_SEGMENT_LEADERS = 1 << 14 };
#endif

/* Columns that the sections of a file are, in this order; and of memory while it fills. */
struct leader_columns {
	struct item_id *items;
	struct sha256 *raws, *normals; /* of the content as kept, and normalised */
	uint64_t *campaigns, *digits;
	uint32_t *masks;  /* bits of the keys that lead to it: those of which fewer than LINKER_KEY_LEADERS_MAX led to
			     leaders before it */
	uint32_t *starts; /* one more than leaders: where their shingles start; a leader without shingles is compared
			     by its hashes only */
	uint16_t (*lanes)[EMBED_LANES];
	uint32_t *shingles;
};

struct leader_segment {
	struct leader_columns columns; /* of a file: mapped, and only to be read */
	uint32_t count, room;
	int64_t watermark; /* the linker's number of the last one */
	struct index_file *file;
	size_t shingles_room;
	uint8_t checked; /* by any thread, once */
};

/* In memory, for at most `room` leaders. WN_FULL memory. */
bool leader_segment_open(struct leader_segment **out, uint32_t room, struct wn_error *err);
void leader_segment_close(struct leader_segment *segment); /* NULL is fine */
/* There is room for one more. All or nothing. WN_FULL memory. */
bool leader_segment_add(
	struct leader_segment *segment, const struct linker_post *post, uint32_t mask, struct wn_error *err);

void leader_segment_name(uint32_t number, char out[INDEX_NAME_MAX]);
/* Writes a full segment; its memory stays as it is. */
bool leader_segment_write(const struct leader_segment *segment, int folder, uint32_t number, struct wn_error *err);
/* As index_file_open(); the content is checked later. */
bool leader_segment_map(struct leader_segment **out, int folder, uint32_t number, uint32_t room, struct wn_error *err);
/* Nothing of a mapped segment may be read before. WN_INPUT index_damaged. Any thread. */
bool leader_segment_check(struct leader_segment *segment, struct wn_error *err);

static inline uint32_t leader_segment_size(const struct leader_segment *segment, uint32_t at)
{
	return segment->columns.starts[at + 1] - segment->columns.starts[at];
}

#endif
