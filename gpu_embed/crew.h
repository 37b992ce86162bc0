/* Threads that do the parts of one piece of work side by side, while their caller does something else or waits. */
#ifndef GPU_EMBED_CREW_H
#define GPU_EMBED_CREW_H

#include "core/error.h"

enum { CREW_THREADS_MAX = 64 };

struct crew;
/* 1 to CREW_THREADS_MAX; one: the caller's own thread does the work, in crew_begin(). WN_FULL crew_threads, memory. */
bool crew_open(struct crew **out, unsigned threads, struct wn_error *err);
void crew_close(struct crew *crew); /* NULL is fine; between crew_begin() and crew_end() it waits */
unsigned crew_threads(const struct crew *crew);

/* Does part `part`; `thread` counts from 0: what belongs to it is used by nobody else meanwhile. */
typedef bool crew_work(void *context, unsigned thread, size_t part, struct wn_error *err);
void crew_begin(struct crew *crew, crew_work *work, void *context, size_t parts);
/* Waits until all parts are done. The failure of the least part is the one that is told, whatever the threads' order.
 */
bool crew_end(struct crew *crew, struct wn_error *err);

/* Threads worth having when nobody says how many: the processor's, at most `most`. */
unsigned crew_usual(unsigned most);

#endif
