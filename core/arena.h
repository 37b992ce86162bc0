/* Memory for one unit of work: allocations with a ceiling that all leave in one reset. Not thread-safe: one owner. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wn_arena {
	struct wn_arena_block *first, *current;
	size_t used_bytes;    /* handed out since the last reset */
	size_t ceiling_bytes; /* wn_arena_alloc() returns NULL above it */
};

void wn_arena_init(struct wn_arena *arena, size_t ceiling_bytes);
/* Frees everything that was handed out, keeps one block for the next unit of work. */
void wn_arena_reset(struct wn_arena *arena);
/* As reset, and gives all memory back. */
void wn_arena_free(struct wn_arena *arena);

/* Zeroed, aligned to 16 bytes; NULL when the ceiling or the machine's memory is reached. bytes may be 0. */
void *wn_arena_alloc(struct wn_arena *arena, size_t bytes);
/* count * size with overflow check. */
void *wn_arena_array(struct wn_arena *arena, size_t count, size_t size);
/* A copy with a NUL behind it; NULL at the ceiling. */
char *wn_arena_copy(struct wn_arena *arena, const void *bytes, size_t count);
char *wn_arena_printf(struct wn_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A view of bytes that somebody else owns. data may be NULL only when bytes == 0. */
struct wn_slice {
	const char *data;
	size_t bytes;
};
#define WN_SLICE(literal) ((struct wn_slice){(literal), sizeof(literal) - 1})
struct wn_slice wn_slice_of(const char *nul_terminated);
bool wn_slice_equal(struct wn_slice a, struct wn_slice b);

/* Text that grows in an arena. When the arena is full `full` is set and stays set; check it once at the end. */
struct wn_text {
	struct wn_arena *arena;
	char *data; /* always NUL-terminated once something was added; NULL before */
	size_t bytes, room_bytes;
	bool full;
};
void wn_text_init(struct wn_text *text, struct wn_arena *arena);
void wn_text_add(struct wn_text *text, const void *bytes, size_t count);
void wn_text_add_string(struct wn_text *text, const char *nul_terminated);
void wn_text_printf(struct wn_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
