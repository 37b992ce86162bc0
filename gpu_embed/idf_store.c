/* Reads kept texts page by page. */
#include "gpu_embed/idf_store.h"

#include <string.h>

#include "sql_gpu_embed.h"

static struct wn_slice slice_copy(struct wn_arena *arena, struct wn_slice slice)
{
	return (struct wn_slice){wn_arena_copy(arena, slice.data, slice.bytes), slice.bytes};
}

bool idf_store_items(struct db *db, struct wn_arena *arena, int64_t after, struct idf_item **out, size_t *count,
	struct wn_error *err)
{
	struct db_args args;
	struct db_result *result;
	bool good = true;
	db_args_init(&args, arena);
	db_arg_int64(&args, after);
	db_arg_int32(&args, IDF_STORE_PAGE);
	if (!db_query(db, &SQL_GPU_EMBED_TEXTS, &args, &result, err))
		return wn_while(err, "read texts");
	*count = db_rows(result);
	*out = wn_arena_array(arena, *count, sizeof **out);
	for (size_t i = 0; *out && good && i < *count; i++) {
		struct idf_item *item = &(*out)[i];
		item->seq = db_int64(result, i, 0);
		item->canonical = slice_copy(arena, db_slice(result, i, 1));
		item->content = slice_copy(arena, db_slice(result, i, 2));
		good = item->canonical.data && item->content.data;
	}
	good = good && *out;
	db_done(result);
	return good || wn_fail(err, WN_FULL, "memory", "no room for a page of texts");
}
