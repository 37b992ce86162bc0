/* This machine as a sensor: its load and its free memory, a sample every two seconds, a window a minute. */
#include "ingest/source.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/json.h"
#include "ingest/decimal.h"
#include "ingest/item.h"

enum { MACHINE_SAMPLE_MS = 2000, MACHINE_WINDOW = 30, MACHINE_TEXT_MAX = 4096, MACHINE_LOAD_EXPONENT = -2 };

struct machine_sample {
	int64_t ms;
	int64_t load, memory_kib;
	bool has_load, has_memory;
};

struct machine {
	char device[SOURCE_DEVICE_ROOM];
	struct machine_sample samples[ITEM_SAMPLES_MAX]; /* oldest first; those not stored yet */
	size_t count;
	int64_t taken_ms; /* monotonic */
};

static bool machine_wanted(const struct source_setup *setup)
{
	/* A sample network has a sensor feed without being told. */
	return setup->sample || option_bool(setup->options, "ingest.machine");
}

static bool machine_open(void **state, const struct source_setup *setup, struct wn_error *err)
{
	struct machine *machine = calloc(1, sizeof *machine);
	if (!machine)
		return wn_fail(err, WN_FULL, "memory", "no room for samples");
	memcpy(machine->device, setup->device, sizeof machine->device);
	*state = machine;
	return true;
}

static void machine_close(void *state)
{
	free(state);
}

/* The file's first bytes as text; "" when it cannot be read, which is a reading that is missing. */
static void proc_read(const char *path, char out[MACHINE_TEXT_MAX])
{
	FILE *file = fopen(path, "re");
	size_t bytes = file ? fread(out, 1, MACHINE_TEXT_MAX - 1, file) : 0;
	out[bytes] = '\0';
	if (file)
		fclose(file);
}

static bool reading(const char *text, int exponent, int64_t *out)
{
	struct decimal decimal;
	size_t bytes = strcspn(text, " \n");
	return decimal_read(text, bytes, &decimal) && decimal_at(&decimal, exponent, out);
}

static void sample_take(struct machine_sample *sample)
{
	char text[MACHINE_TEXT_MAX];
	sample->ms = clock_wall_ms();
	proc_read("/proc/loadavg", text);
	sample->has_load = reading(text, MACHINE_LOAD_EXPONENT, &sample->load);
	proc_read("/proc/meminfo", text);
	const char *line = strstr(text, "MemAvailable:");
	sample->has_memory = line && reading(line + 13 + strspn(line + 13, " "), 0, &sample->memory_kib);
}

/* Samples up to the stored cursor are done with. */
static void samples_drop(struct machine *machine, size_t count)
{
	machine->count -= count;
	memmove(machine->samples, machine->samples + count, machine->count * sizeof *machine->samples);
}

static bool window_write(
	const struct machine *machine, struct wn_arena *arena, struct wn_slice *out, struct wn_error *err)
{
	struct json_writer writer;
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "source", "machine");
	json_open_object(&writer, "content");
	json_put_string(&writer, "device", machine->device);
	json_open_array(&writer, "channels");
	json_open_object(&writer, NULL);
	json_put_string(&writer, "name", "load1");
	json_put_string(&writer, "unit", "1");
	json_put_integer(&writer, "exponent", MACHINE_LOAD_EXPONENT);
	json_close_object(&writer);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "name", "memory_available");
	json_put_string(&writer, "unit", "KiB");
	json_put_integer(&writer, "exponent", 0);
	json_close_object(&writer);
	json_close_array(&writer);
	json_open_array(&writer, "samples");
	for (size_t i = 0; i < MACHINE_WINDOW; i++) {
		const struct machine_sample *sample = &machine->samples[i];
		json_open_array(&writer, NULL);
		json_put_integer(&writer, NULL, sample->ms);
		if (sample->has_load)
			json_put_integer(&writer, NULL, sample->load);
		else
			json_put_string(&writer, NULL, NULL);
		if (sample->has_memory)
			json_put_integer(&writer, NULL, sample->memory_kib);
		else
			json_put_string(&writer, NULL, NULL);
		json_close_array(&writer);
	}
	json_close_array(&writer);
	json_close_object(&writer);
	json_close_object(&writer);
	return json_end(&writer, out, err);
}

static bool machine_next(
	void *state, struct wn_arena *arena, const char *cursor, struct source_batch *out, struct wn_error *err)
{
	struct machine *machine = state;
	int64_t stored_ms = strtoll(cursor, NULL, 10), monotonic_ms = clock_monotonic_ms();
	size_t stored = 0;
	*out = (struct source_batch){.cursor = cursor};
	while (stored < machine->count && machine->samples[stored].ms <= stored_ms)
		stored++;
	samples_drop(machine, stored);
	if (machine->taken_ms == 0 || monotonic_ms - machine->taken_ms >= MACHINE_SAMPLE_MS) {
		/* While the database is away the newest samples are kept. */
		if (machine->count == ITEM_SAMPLES_MAX)
			samples_drop(machine, 1);
		struct machine_sample sample;
		sample_take(&sample);
		machine->taken_ms = monotonic_ms;
		/* A wall clock that was set back would break the order of a window: begin anew. */
		if (machine->count > 0 && sample.ms <= machine->samples[machine->count - 1].ms)
			machine->count = 0;
		if (sample.ms > stored_ms)
			machine->samples[machine->count++] = sample;
	}
	if (machine->count < MACHINE_WINDOW)
		return true;
	if (!window_write(machine, arena, &out->items[0], err))
		return wn_while(err, "write a window of this machine");
	out->count = 1;
	out->more = machine->count >= 2 * MACHINE_WINDOW;
	out->cursor = wn_arena_printf(arena, "%" PRId64, machine->samples[MACHINE_WINDOW - 1].ms);
	return out->cursor || wn_fail(err, WN_FULL, "memory", "no room for a cursor");
}

const struct source source_machine = {
	.name = "machine",
	.campaign = "ingest.machine_campaign",
	.wanted = machine_wanted,
	.open = machine_open,
	.next = machine_next,
	.close = machine_close,
};
