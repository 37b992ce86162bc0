/* Kills this process where a crash test said, once. */
#include "core/failpoint.h"

#ifdef WINNOW_FAILPOINTS
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"

enum { FAILPOINT_NAME_MAX = 160, FAILPOINT_POINTS_MAX = 64, FAILPOINT_PATH_MAX = 1024 };

struct failpoint {
	char name[FAILPOINT_NAME_MAX];
	int hit; /* counted from 1 */
	atomic_int passed;
};

static struct failpoint failpoints[FAILPOINT_POINTS_MAX];
static int failpoint_count;
static const char *failpoint_folder;
static int failpoint_trace = -1;
static pthread_once_t failpoint_once = PTHREAD_ONCE_INIT;

static void failpoint_read(void)
{
	const char *text = getenv("FAILPOINT");
	char path[FAILPOINT_PATH_MAX];
	while (text && *text) {
		size_t bytes = strcspn(text, ",");
		const char *colon = memchr(text, ':', bytes);
		struct failpoint *point = &failpoints[failpoint_count++];
		wn_assert(failpoint_count <= FAILPOINT_POINTS_MAX);
		snprintf(point->name, sizeof point->name, "%.*s", (int)(colon ? (size_t)(colon - text) : bytes), text);
		point->hit = colon ? atoi(colon + 1) : 1;
		wn_assert(point->hit > 0);
		text += bytes + (text[bytes] == ',');
	}
	failpoint_folder = getenv("FAILPOINT_FOLDER");
	if (!failpoint_folder)
		return;
	snprintf(path, sizeof path, "%s/trace", failpoint_folder);
	failpoint_trace = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
}

/* False when this point killed somebody before. */
static bool failpoint_mark(const char *name)
{
	char path[FAILPOINT_PATH_MAX];
	if (!failpoint_folder)
		return true;
	int start = snprintf(path, sizeof path, "%s/", failpoint_folder);
	snprintf(path + start, sizeof path - (size_t)start, "%s", name);
	for (char *c = path + start; *c; c++)
		if (*c == '/')
			*c = '.';
	int mark = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (mark >= 0)
		close(mark);
	return mark >= 0;
}

void failpoint_pass(const char *file, const char *function, const char *place)
{
	char name[FAILPOINT_NAME_MAX + 1];
	const char *slash = strrchr(file, '/');
	file = slash ? slash + 1 : file;
	int bytes = snprintf(name, FAILPOINT_NAME_MAX, "%.*s/%s/%s", (int)strcspn(file, "."), file, function, place);
	wn_assert(bytes < FAILPOINT_NAME_MAX);
	for (char *c = name; *c; c++)
		if (*c == ' ')
			*c = '_';
	pthread_once(&failpoint_once, failpoint_read);
	if (failpoint_trace >= 0) {
		name[bytes] = '\n';
		wn_assert(write(failpoint_trace, name, (size_t)bytes + 1) == bytes + 1);
		name[bytes] = '\0';
	}
	for (int i = 0; i < failpoint_count; i++) {
		struct failpoint *point = &failpoints[i];
		if (strcmp(point->name, name) != 0 || atomic_fetch_add(&point->passed, 1) + 1 != point->hit ||
			!failpoint_mark(name))
			continue;
		kill(getpid(), SIGKILL);
		/* The signal ends all threads, this one perhaps not first: nothing may happen after the point. */
		for (;;)
			pause();
	}
}

bool failpoint_passed(bool done, const char *file, const char *function, const char *place)
{
	if (done)
		failpoint_pass(file, function, place);
	return done;
}
#endif
