/* The log: one JSON object a line to stderr, written with one call so that lines of several processes do not mix. */
#include "core/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/utf8.h"

enum { LOG_LINE_MAX = 4096, LOG_VALUE_MAX = 256, LOG_FAILURE_MAX = WN_TEXT_MAX };

static const char *log_on = "winnow";
static enum log_level log_least = LOG_INFO;

void log_start(const char *on, enum log_level least)
{
	log_on = on;
	log_least = least;
}

struct log_field log_integer(const char *name, int64_t value)
{
	return (struct log_field){.name = name, .integer = value};
}

struct log_field log_text(const char *name, const char *value)
{
	return (struct log_field){.name = name, .text = value ? value : ""};
}

struct log_line {
	char bytes[LOG_LINE_MAX];
	size_t count;
};

static void log_add(struct log_line *line, const char *bytes, size_t count)
{
	/* Two bytes stay free for the closing brace and the line feed. */
	if (count > sizeof line->bytes - 2 - line->count)
		return;
	memcpy(line->bytes + line->count, bytes, count);
	line->count += count;
}

/* A JSON string with at most `most` bytes of the value; what is not UTF-8 becomes a question mark. */
static void log_quote(struct log_line *line, const char *value, size_t most)
{
	size_t count = strnlen(value, most);
	/* Room for the worst case (every byte as \u00xx), so that a string is never cut inside an escape. */
	if (6 * count + 2 > sizeof line->bytes - 2 - line->count)
		count = (sizeof line->bytes - 4 - line->count) / 6;
	log_add(line, "\"", 1);
	for (size_t i = 0; i < count;) {
		unsigned char c = (unsigned char)value[i];
		size_t bytes = utf8_character(value + i, count - i);
		if (c == '"' || c == '\\') {
			char escaped[2] = {'\\', (char)c};
			log_add(line, escaped, 2);
		} else if (c < 0x20 || c == 0x7f) {
			char escaped[8];
			snprintf(escaped, sizeof escaped, "\\u%04x", c);
			log_add(line, escaped, 6);
		} else if (bytes == 0) {
			log_add(line, "?", 1);
		} else {
			log_add(line, value + i, bytes);
		}
		i += bytes ? bytes : 1;
	}
	log_add(line, "\"", 1);
}

static void log_name(struct log_line *line, const char *name)
{
	log_add(line, ",\"", 2);
	log_add(line, name, strlen(name));
	log_add(line, "\":", 2);
}

static void log_put(
	enum log_level level, const char *event, const struct log_field *fields, int count, size_t value_most)
{
	static const char *const levels[] = {"debug", "info", "warn", "error"};
	if (level < log_least)
		return;
	struct log_line line = {.count = 0};
	int64_t now_ms = clock_wall_ms();
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm parts;
	char stamp[64];
	gmtime_r(&seconds, &parts);
	size_t stamp_bytes = strftime(stamp, sizeof stamp, "{\"ts\":\"%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(stamp + stamp_bytes, sizeof stamp - stamp_bytes, ".%03dZ\"", (int)(now_ms % 1000));
	log_add(&line, stamp, strlen(stamp));
	log_name(&line, "level");
	log_quote(&line, levels[level], LOG_VALUE_MAX);
	log_name(&line, "on");
	log_quote(&line, log_on, LOG_VALUE_MAX);
	log_name(&line, "event");
	log_quote(&line, event, LOG_VALUE_MAX);
	for (int i = 0; i < count; i++) {
		if (!fields[i].name)
			break;
		/* A field that may not fit is left out whole: the line stays JSON. */
		if (line.count + strlen(fields[i].name) + 64 > sizeof line.bytes - 2)
			break;
		log_name(&line, fields[i].name);
		if (fields[i].text) {
			log_quote(&line, fields[i].text, value_most);
		} else {
			char number[24];
			snprintf(number, sizeof number, "%lld", (long long)fields[i].integer);
			log_add(&line, number, strlen(number));
		}
	}
	line.bytes[line.count++] = '}';
	line.bytes[line.count++] = '\n';
	ssize_t written;
	do {
		written = write(STDERR_FILENO, line.bytes, line.count);
	} while (written < 0 && errno == EINTR);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, int count)
{
	log_put(level, event, fields, count, LOG_VALUE_MAX);
}

void log_failure(const char *event, const struct wn_error *err)
{
	static const char *const blames[] = {"none", "input", "busy", "down", "full"};
	const struct log_field fields[] = {
		log_text("blame", blames[err->blame]),
		log_text("code", err->code),
		log_text("text", err->text),
	};
	log_put(err->blame == WN_BUSY ? LOG_WARN : LOG_ERROR, event, fields, 3, LOG_FAILURE_MAX);
}
