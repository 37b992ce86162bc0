/* Blocks that serve one unit of work each, and text that grows in them. */
#include "core/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

/* Address sanitizer then catches uses after a reset, which an arena would otherwise hide. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define ARENA_CLOSE(address, bytes) ASAN_POISON_MEMORY_REGION((address), (bytes))
#define ARENA_OPEN(address, bytes) ASAN_UNPOISON_MEMORY_REGION((address), (bytes))
#else
#define ARENA_CLOSE(address, bytes) ((void)(address), (void)(bytes))
#define ARENA_OPEN(address, bytes) ((void)(address), (void)(bytes))
#endif

/* Blocks double from the least to the most; a bigger allocation gets a block of its own. */
enum { ARENA_ALIGN = 16, ARENA_BLOCK_LEAST = 4096, ARENA_BLOCK_MOST = 1024 * 1024 };

struct wn_arena_block {
	struct wn_arena_block *next;
	size_t room_bytes, used_bytes;
	_Alignas(ARENA_ALIGN) unsigned char data[];
};

void wn_arena_init(struct wn_arena *arena, size_t ceiling_bytes)
{
	*arena = (struct wn_arena){.ceiling_bytes = ceiling_bytes};
}

static void arena_free_block(struct wn_arena_block *block)
{
	ARENA_OPEN(block->data, block->room_bytes);
	free(block);
}

void wn_arena_reset(struct wn_arena *arena)
{
	/* The biggest ordinary block stays, so that a steady load stops allocating after its first rounds. */
	struct wn_arena_block *kept = NULL;
	struct wn_arena_block *block = arena->first;
	while (block) {
		struct wn_arena_block *next = block->next;
		if (block->room_bytes <= ARENA_BLOCK_MOST && (!kept || block->room_bytes > kept->room_bytes)) {
			if (kept)
				arena_free_block(kept);
			kept = block;
		} else {
			arena_free_block(block);
		}
		block = next;
	}
	if (kept) {
		kept->next = NULL;
		kept->used_bytes = 0;
		ARENA_CLOSE(kept->data, kept->room_bytes);
	}
	arena->first = arena->current = kept;
	arena->used_bytes = 0;
}

void wn_arena_free(struct wn_arena *arena)
{
	for (struct wn_arena_block *block = arena->first, *next; block; block = next) {
		next = block->next;
		arena_free_block(block);
	}
	arena->first = arena->current = NULL;
	arena->used_bytes = 0;
}

static struct wn_arena_block *arena_add_block(struct wn_arena *arena, size_t bytes)
{
	size_t room_bytes = arena->current ? arena->current->room_bytes * 2 : ARENA_BLOCK_LEAST;
	if (room_bytes > ARENA_BLOCK_MOST)
		room_bytes = ARENA_BLOCK_MOST;
	if (room_bytes < bytes)
		room_bytes = bytes;
	struct wn_arena_block *block = malloc(sizeof *block + room_bytes);
	if (!block)
		return NULL;
	block->next = NULL;
	block->room_bytes = room_bytes;
	block->used_bytes = 0;
	ARENA_CLOSE(block->data, room_bytes);
	if (arena->current)
		arena->current->next = block;
	else
		arena->first = block;
	arena->current = block;
	return block;
}

void *wn_arena_alloc(struct wn_arena *arena, size_t bytes)
{
	if (bytes > SIZE_MAX - ARENA_ALIGN - sizeof(struct wn_arena_block))
		return NULL;
	size_t taken_bytes = bytes ? (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN : ARENA_ALIGN;
	if (arena->used_bytes > arena->ceiling_bytes || taken_bytes > arena->ceiling_bytes - arena->used_bytes)
		return NULL;
	struct wn_arena_block *block = arena->current;
	if (!block || block->room_bytes - block->used_bytes < taken_bytes) {
		block = arena_add_block(arena, taken_bytes);
		if (!block)
			return NULL;
	}
	void *memory = block->data + block->used_bytes;
	block->used_bytes += taken_bytes;
	arena->used_bytes += taken_bytes;
	ARENA_OPEN(memory, bytes ? bytes : 1);
	memset(memory, 0, bytes ? bytes : 1);
	return memory;
}

void *wn_arena_array(struct wn_arena *arena, size_t count, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(count, size, &bytes))
		return NULL;
	return wn_arena_alloc(arena, bytes);
}

char *wn_arena_copy(struct wn_arena *arena, const void *bytes, size_t count)
{
	if (count == SIZE_MAX)
		return NULL;
	char *copy = wn_arena_alloc(arena, count + 1);
	if (copy && count)
		memcpy(copy, bytes, count);
	return copy;
}

char *wn_arena_printf(struct wn_arena *arena, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int count = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (count < 0)
		return NULL;
	char *text = wn_arena_alloc(arena, (size_t)count + 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	vsnprintf(text, (size_t)count + 1, format, arguments);
	va_end(arguments);
	return text;
}

struct wn_slice wn_slice_of(const char *nul_terminated)
{
	return (struct wn_slice){nul_terminated, strlen(nul_terminated)};
}

bool wn_slice_equal(struct wn_slice a, struct wn_slice b)
{
	return a.bytes == b.bytes && (a.bytes == 0 || memcmp(a.data, b.data, a.bytes) == 0);
}

void wn_text_init(struct wn_text *text, struct wn_arena *arena)
{
	*text = (struct wn_text){.arena = arena};
}

/* Makes the last allocation of the arena bigger where it stands; false when something lies behind it. */
static bool text_extend(struct wn_text *text, size_t room_bytes)
{
	struct wn_arena *arena = text->arena;
	struct wn_arena_block *block = arena->current;
	if (!text->data || !block)
		return false;
	size_t old_bytes = (text->room_bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	size_t new_bytes = (room_bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if ((unsigned char *)text->data + old_bytes != block->data + block->used_bytes)
		return false;
	size_t more_bytes = new_bytes - old_bytes;
	if (more_bytes > block->room_bytes - block->used_bytes || more_bytes > arena->ceiling_bytes - arena->used_bytes)
		return false;
	ARENA_OPEN(text->data, room_bytes);
	block->used_bytes += more_bytes;
	arena->used_bytes += more_bytes;
	text->room_bytes = room_bytes;
	return true;
}

/* Room for `count` more bytes and the NUL. */
static bool text_reserve(struct wn_text *text, size_t count)
{
	enum { TEXT_ROOM_LEAST = 64 };
	if (text->full)
		return false;
	if (count < text->room_bytes - text->bytes)
		return true;
	size_t least_bytes;
	if (__builtin_add_overflow(text->bytes + 1, count, &least_bytes) || least_bytes > SIZE_MAX / 2) {
		text->full = true;
		return false;
	}
	size_t room_bytes = text->room_bytes * 2 > TEXT_ROOM_LEAST ? text->room_bytes * 2 : TEXT_ROOM_LEAST;
	if (room_bytes < least_bytes)
		room_bytes = least_bytes;
	if (text_extend(text, room_bytes))
		return true;
	char *data = wn_arena_alloc(text->arena, room_bytes);
	if (!data) {
		/* Doubling may miss a ceiling that the text itself still fits. */
		room_bytes = least_bytes;
		if (text_extend(text, room_bytes))
			return true;
		data = wn_arena_alloc(text->arena, room_bytes);
	}
	if (!data) {
		text->full = true;
		return false;
	}
	if (text->bytes)
		memcpy(data, text->data, text->bytes);
	text->data = data;
	text->room_bytes = room_bytes;
	return true;
}

void wn_text_add(struct wn_text *text, const void *bytes, size_t count)
{
	if (!text_reserve(text, count))
		return;
	if (count)
		memcpy(text->data + text->bytes, bytes, count);
	text->bytes += count;
	text->data[text->bytes] = '\0';
}

void wn_text_add_string(struct wn_text *text, const char *nul_terminated)
{
	wn_text_add(text, nul_terminated, strlen(nul_terminated));
}

void wn_text_printf(struct wn_text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int count = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	wn_assert(count >= 0);
	if (!text_reserve(text, (size_t)count))
		return;
	va_start(arguments, format);
	vsnprintf(text->data + text->bytes, (size_t)count + 1, format, arguments);
	va_end(arguments);
	text->bytes += (size_t)count;
}
