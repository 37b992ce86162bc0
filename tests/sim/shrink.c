/* Delta debugging (Zeller's ddmin, complements only): the operations that stay are what a reader has to follow. */
#include "tests/sim/shrink.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/error.h"

static double now_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

uint32_t kept_count(const struct kept *kept, uint32_t operations)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < operations; i++)
		count += kept->all || kept->flags[i];
	return count;
}

/* Places of those that are kept. */
static uint32_t kept_list(const struct kept *kept, uint32_t end, uint32_t *places)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < end; i++)
		if (kept->flags[i])
			places[count++] = i;
	return count;
}

void shrink(struct kept *kept, uint32_t operations, uint32_t end, int runs_most, int seconds, shrink_breaks *breaks,
	void *context)
{
	uint32_t *places = calloc((size_t)operations + 1, sizeof *places);
	double until = now_seconds() + seconds;
	int runs = 0;
	wn_assert(places != NULL);
	wn_assert(runs_most <= SHRINK_RUNS_MAX);
	kept->all = false;
	memset(kept->flags, 0, operations);
	memset(kept->flags, 1, end);
	uint32_t count = kept_list(kept, end, places), chunk = count / 2;
	while (chunk > 0 && runs < runs_most && now_seconds() < until) {
		bool less = false;
		for (uint32_t at = 0; at < count && runs < runs_most && now_seconds() < until; runs++) {
			uint32_t stop = at + chunk < count ? at + chunk : count;
			for (uint32_t i = at; i < stop; i++)
				kept->flags[places[i]] = 0;
			if (breaks(context, kept)) {
				count = kept_list(kept, end, places);
				less = true;
				continue;
			}
			for (uint32_t i = at; i < stop; i++)
				kept->flags[places[i]] = 1;
			at = stop;
		}
		/* Single ones once more, as long as that helps: what was needed may have been needed by another. */
		chunk = chunk > 1 ? (chunk + 1) / 2 : less ? 1 : 0;
	}
	free(places);
}

void kept_print(const struct kept *kept, uint32_t operations, FILE *file)
{
	const char *comma = "";
	for (uint32_t i = 0; i < operations; i++) {
		uint32_t last = i;
		if (!kept->all && !kept->flags[i])
			continue;
		while (last + 1 < operations && (kept->all || kept->flags[last + 1]))
			last++;
		fprintf(file, last > i ? "%s%u-%u" : "%s%u", comma, i, last);
		comma = ",";
		i = last;
	}
}

static bool ranges_read(FILE *file, struct kept *kept, uint32_t operations)
{
	unsigned first, last;
	int between;
	while (fscanf(file, "%u", &first) == 1) {
		last = first;
		between = fgetc(file);
		if (between == '-' && (fscanf(file, "%u", &last) != 1 || last < first))
			return false;
		if (between == '-')
			between = fgetc(file);
		for (unsigned i = first; i <= last && i < operations; i++)
			kept->flags[i] = 1;
		if (between != ',')
			return between == EOF || between == '\n';
	}
	return false;
}

bool kept_read(const char *text, struct kept *kept, uint32_t operations)
{
	FILE *file = isdigit((unsigned char)*text) ? fmemopen((char *)(uintptr_t)text, strlen(text), "r")
						   : fopen(text, "re");
	kept->all = false;
	memset(kept->flags, 0, operations);
	bool ok = file && ranges_read(file, kept, operations);
	if (file)
		fclose(file);
	return ok;
}
