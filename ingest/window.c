/* Checks a window member by member; every number stays the text that the source wrote until it is an integer. */
#include "ingest/window.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEVICE_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-"
#define CHANNEL_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

static enum item_result window_channels(const struct json *channels, char detail[ITEM_DETAIL_MAX])
{
	static const char *const members[] = {"name", "unit", "exponent", NULL};
	struct wn_slice unknown;
	if (!channels || channels->type != JSON_ARRAY || channels->count < 1 || channels->count > ITEM_CHANNELS_MAX) {
		snprintf(
			detail, ITEM_DETAIL_MAX, "channels lists 1 to %d of {name, unit, exponent}", ITEM_CHANNELS_MAX);
		return ITEM_WINDOW_CHANNEL;
	}
	for (size_t i = 0; i < channels->count; i++) {
		const struct json *channel = channels->elements[i];
		const char *name = json_string(json_get(channel, "name")),
			   *unit = json_string(json_get(channel, "unit"));
		int64_t exponent;
		if (!json_only_members(channel, members, &unknown) || !name || !unit) {
			snprintf(detail, ITEM_DETAIL_MAX, "channels[%zu] is {name, unit, exponent}", i);
			return ITEM_WINDOW_CHANNEL;
		}
		size_t name_bytes = strlen(name), unit_bytes = strlen(unit);
		if (name_bytes < 1 || name_bytes > ITEM_NAME_MAX || strspn(name, CHANNEL_LETTERS) != name_bytes) {
			snprintf(detail, ITEM_DETAIL_MAX, "the name of channels[%zu] is 1 to %d of a-z, 0-9 and _", i,
				ITEM_NAME_MAX);
			return ITEM_WINDOW_CHANNEL;
		}
		if (unit_bytes < 1 || unit_bytes > ITEM_UNIT_MAX) {
			snprintf(detail, ITEM_DETAIL_MAX,
				"the unit of channels[%zu] has 1 to %d bytes (\"Cel\", \"%%RH\", \"1\")", i,
				ITEM_UNIT_MAX);
			return ITEM_WINDOW_CHANNEL;
		}
		if (!json_integer(json_get(channel, "exponent"), &exponent) || exponent < -ITEM_EXPONENT_MAX ||
			exponent > ITEM_EXPONENT_MAX) {
			snprintf(detail, ITEM_DETAIL_MAX,
				"the exponent of channels[%zu] is a whole number from %d to %d", i, -ITEM_EXPONENT_MAX,
				ITEM_EXPONENT_MAX);
			return ITEM_WINDOW_CHANNEL;
		}
		for (size_t j = 0; j < i; j++)
			if (strcmp(name, json_string(json_get(channels->elements[j], "name"))) == 0) {
				snprintf(detail, ITEM_DETAIL_MAX, "two channels are called %s", name);
				return ITEM_WINDOW_CHANNEL;
			}
	}
	return ITEM_DONE;
}

static enum item_result window_sample(
	const struct json *sample, size_t index, size_t channels, int64_t *ms, char detail[ITEM_DETAIL_MAX])
{
	int64_t value;
	if (sample->type != JSON_ARRAY || sample->count != channels + 1) {
		snprintf(detail, ITEM_DETAIL_MAX, "samples[%zu] holds a time in milliseconds and %zu reading%s", index,
			channels, channels == 1 ? "" : "s");
		return ITEM_WINDOW_SAMPLE;
	}
	if (!json_integer(sample->elements[0], ms) || *ms < 0) {
		snprintf(detail, ITEM_DETAIL_MAX,
			"samples[%zu] does not start with Unix milliseconds as a whole number", index);
		return ITEM_WINDOW_SAMPLE;
	}
	for (size_t i = 1; i < sample->count; i++)
		if (sample->elements[i]->type != JSON_NULL && !json_integer(sample->elements[i], &value)) {
			snprintf(detail, ITEM_DETAIL_MAX,
				"samples[%zu][%zu] is neither null nor a whole number: write 21.53 as 2153 with "
				"exponent -2",
				index, i);
			return ITEM_WINDOW_SAMPLE;
		}
	return ITEM_DONE;
}

static enum item_result window_samples(
	const struct json *samples, size_t channels, struct window_summary *out, char detail[ITEM_DETAIL_MAX])
{
	if (!samples || samples->type != JSON_ARRAY || samples->count < 1 || samples->count > ITEM_SAMPLES_MAX) {
		snprintf(detail, ITEM_DETAIL_MAX, "samples holds 1 to %d of [ms, reading, ...]", ITEM_SAMPLES_MAX);
		return ITEM_WINDOW_SAMPLES;
	}
	for (size_t i = 0; i < samples->count; i++) {
		int64_t ms = 0;
		enum item_result result = window_sample(samples->elements[i], i, channels, &ms, detail);
		if (result != ITEM_DONE)
			return result;
		if (i > 0 && ms <= out->last_ms) {
			snprintf(detail, ITEM_DETAIL_MAX,
				"samples[%zu] is not later than the one before it; sort them and drop repeats", i);
			return ITEM_WINDOW_ORDER;
		}
		if (i == 0)
			out->first_ms = ms;
		out->last_ms = ms;
	}
	out->samples = samples->count;
	return ITEM_DONE;
}

enum item_result window_check(const struct json *content, struct window_summary *out, char detail[ITEM_DETAIL_MAX])
{
	static const char *const members[] = {"device", "channels", "samples", NULL};
	struct wn_slice unknown;
	*out = (struct window_summary){0};
	if (!json_only_members(content, members, &unknown)) {
		snprintf(detail, ITEM_DETAIL_MAX, "a window has device, channels and samples, not \"%.*s\"",
			unknown.bytes < 60 ? (int)unknown.bytes : 60, unknown.data);
		return ITEM_WINDOW_SHAPE;
	}
	out->device = json_string(json_get(content, "device"));
	size_t bytes = out->device ? strlen(out->device) : 0;
	if (bytes < 1 || bytes > ITEM_DEVICE_MAX || strspn(out->device, DEVICE_LETTERS) != bytes) {
		snprintf(detail, ITEM_DETAIL_MAX, "device is a pseudonym of 1 to %d letters, digits and . _ : -",
			ITEM_DEVICE_MAX);
		return ITEM_WINDOW_DEVICE;
	}
	const struct json *channels = json_get(content, "channels");
	enum item_result result = window_channels(channels, detail);
	return result == ITEM_DONE ? window_samples(json_get(content, "samples"), channels->count, out, detail)
				   : result;
}
