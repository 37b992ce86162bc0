/* The texts that a node keeps, to learn weights from. */
#ifndef GPU_EMBED_IDF_STORE_H
#define GPU_EMBED_IDF_STORE_H

#include "core/db.h"

enum { IDF_STORE_PAGE = 1000 };

struct idf_item {
	int64_t seq;
	struct wn_slice canonical, content;
};
/* Texts behind `after`, in order of arrival, at most IDF_STORE_PAGE; erased ones are not among them. */
bool idf_store_items(struct db *db, struct wn_arena *arena, int64_t after, struct idf_item **out, size_t *count,
	struct wn_error *err);

#endif
