/* Parts are dealt out one by one, in order, to whoever is free. */
#include "gpu_embed/crew.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct crew_thread {
	struct crew *crew;
	unsigned number;
	pthread_t thread;
};

struct crew {
	unsigned threads, started;
	struct crew_thread all[CREW_THREADS_MAX];
	pthread_mutex_t lock;
	pthread_cond_t begun, ended;
	bool closing;
	/* The work that is being done. */
	crew_work *work;
	void *context;
	size_t parts, next, done, failed; /* `failed`: the least part that did; `parts`: none */
	struct wn_error err;
};

/* Under the lock. */
static void part_do(struct crew *crew, unsigned thread)
{
	size_t part = crew->next++;
	struct wn_error err = {0};
	pthread_mutex_unlock(&crew->lock);
	bool good = crew->work(crew->context, thread, part, &err);
	pthread_mutex_lock(&crew->lock);
	if (!good && part < crew->failed) {
		crew->failed = part;
		crew->err = err;
	}
	if (++crew->done == crew->parts)
		pthread_cond_signal(&crew->ended);
}

static void *crew_main(void *context)
{
	struct crew_thread *thread = context;
	struct crew *crew = thread->crew;
	pthread_setname_np(pthread_self(), "crew");
	pthread_mutex_lock(&crew->lock);
	for (;;) {
		while (!crew->closing && crew->next == crew->parts)
			pthread_cond_wait(&crew->begun, &crew->lock);
		if (crew->next == crew->parts)
			break;
		part_do(crew, thread->number);
	}
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

bool crew_open(struct crew **out, unsigned threads, struct wn_error *err)
{
	wn_assert(threads >= 1);
	wn_assert(threads <= CREW_THREADS_MAX);
	struct crew *crew = calloc(1, sizeof *crew);
	if (!crew)
		return wn_fail(err, WN_FULL, "memory", "no room for threads");
	crew->threads = threads;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->begun, NULL);
	pthread_cond_init(&crew->ended, NULL);
	while (threads > 1 && crew->started < threads) {
		struct crew_thread *thread = &crew->all[crew->started];
		*thread = (struct crew_thread){.crew = crew, .number = crew->started};
		int failed = pthread_create(&thread->thread, NULL, crew_main, thread);
		if (failed) {
			crew_close(crew);
			return wn_fail(err, WN_FULL, "crew_threads", "start a thread: %s", strerror(failed));
		}
		crew->started++;
	}
	*out = crew;
	return true;
}

void crew_close(struct crew *crew)
{
	if (!crew)
		return;
	pthread_mutex_lock(&crew->lock);
	crew->closing = true;
	pthread_cond_broadcast(&crew->begun);
	pthread_mutex_unlock(&crew->lock);
	for (unsigned i = 0; i < crew->started; i++)
		pthread_join(crew->all[i].thread, NULL);
	pthread_mutex_destroy(&crew->lock);
	pthread_cond_destroy(&crew->begun);
	pthread_cond_destroy(&crew->ended);
	free(crew);
}

unsigned crew_threads(const struct crew *crew)
{
	return crew->threads;
}

void crew_begin(struct crew *crew, crew_work *work, void *context, size_t parts)
{
	pthread_mutex_lock(&crew->lock);
	wn_assert(crew->done == crew->parts);
	crew->work = work;
	crew->context = context;
	crew->parts = crew->failed = parts;
	crew->next = crew->done = 0;
	pthread_cond_broadcast(&crew->begun);
	while (crew->threads == 1 && crew->next < crew->parts)
		part_do(crew, 0);
	pthread_mutex_unlock(&crew->lock);
}

bool crew_end(struct crew *crew, struct wn_error *err)
{
	pthread_mutex_lock(&crew->lock);
	while (crew->done < crew->parts)
		pthread_cond_wait(&crew->ended, &crew->lock);
	bool good = crew->failed == crew->parts;
	if (!good)
		*err = crew->err;
	pthread_mutex_unlock(&crew->lock);
	return good;
}

unsigned crew_usual(unsigned most)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	return processors < 1 ? 1 : processors < (long)most ? (unsigned)processors : most;
}
