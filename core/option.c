/* Options by name: tables of defaults, then a file, the environment and flags, each checked by the same row. */
#include "core/option.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPTIONS_MAX = 512,
	OPTION_NAME_MAX = 96,
	OPTION_VALUE_MAX = 4096,
	OPTION_LINES_MAX = 10000,
	OPTION_HELP_COLUMN = 34
};

struct option_slot {
	const struct option *row;
	char *value; /* owned; NULL: none */
};

struct options {
	struct option_slot slots[OPTIONS_MAX];
	int count;
};

static struct option_slot *option_find(const struct options *options, const char *name)
{
	for (int i = 0; i < options->count; i++)
		if (strcmp(options->slots[i].row->name, name) == 0)
			return (struct option_slot *)&options->slots[i];
	return NULL;
}

struct options *options_open(const struct option *const tables[])
{
	struct options *options = calloc(1, sizeof *options);
	wn_assert(options != NULL);
	for (int t = 0; tables[t]; t++)
		for (const struct option *row = tables[t]; row->name; row++) {
			wn_assert(options->count < OPTIONS_MAX);
			wn_assert(strlen(row->name) < OPTION_NAME_MAX);
			wn_assert(option_find(options, row->name) == NULL);
			options->slots[options->count++].row = row;
			/* A default that its own row refuses is our mistake. */
			struct wn_error err;
			if (row->otherwise)
				wn_assert(option_set(options, row->name, row->otherwise, &err));
		}
	return options;
}

void options_close(struct options *options)
{
	if (!options)
		return;
	for (int i = 0; i < options->count; i++)
		free(options->slots[i].value);
	free(options);
}

static int option_least(int a, int b)
{
	return a < b ? a : b;
}

/* Edits between two names (Levenshtein), for "did you mean". */
static int option_distance(const char *a, const char *b)
{
	int row[OPTION_NAME_MAX + 1];
	int b_bytes = (int)strnlen(b, OPTION_NAME_MAX);
	for (int j = 0; j <= b_bytes; j++)
		row[j] = j;
	for (int i = 1; a[i - 1] && i < OPTION_NAME_MAX; i++) {
		int diagonal = row[0];
		row[0] = i;
		for (int j = 1; j <= b_bytes; j++) {
			int above = row[j];
			row[j] = option_least(option_least(above, row[j - 1]) + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_bytes];
}

static bool option_unknown(const struct options *options, const char *prefix, const char *name, struct wn_error *err)
{
	const char *nearest = NULL;
	int least = OPTION_NAME_MAX;
	for (int i = 0; i < options->count; i++) {
		const char *full = options->slots[i].row->name, *last = strrchr(full, '.');
		int distance = option_distance(name, full);
		/* People forget the folder's name: --port means --serve.port. */
		if (last)
			distance = option_least(distance, option_distance(name, last + 1) + 1);
		if (distance < least) {
			least = distance;
			nearest = full;
		}
	}
	/* A name that shares nothing with the one that was typed is no help. */
	if (nearest && least <= (int)strlen(name) / 2 + 1)
		return wn_fail(err, WN_INPUT, "option_unknown", "no option %s%.80s; did you mean %s%s?", prefix, name,
			prefix, nearest);
	return wn_fail(err, WN_INPUT, "option_unknown", "no option %s%.80s", prefix, name);
}

static bool option_read_bool(const char *value, bool *out)
{
	static const char *const words[2][4] = {{"false", "no", "off", "0"}, {"true", "yes", "on", "1"}};
	for (int truth = 0; truth < 2; truth++)
		for (int i = 0; i < 4; i++)
			if (strcmp(value, words[truth][i]) == 0) {
				*out = truth != 0;
				return true;
			}
	return false;
}

static bool option_read_integer(const char *value, int64_t *out)
{
	char *end;
	if (!isdigit((unsigned char)value[0]) && !(value[0] == '-' && isdigit((unsigned char)value[1])))
		return false;
	errno = 0;
	*out = strtoll(value, &end, 10);
	return *end == '\0' && errno == 0;
}

bool option_set(struct options *options, const char *name, const char *value, struct wn_error *err)
{
	struct option_slot *slot = option_find(options, name);
	if (!slot)
		return option_unknown(options, "", name, err);
	const struct option *row = slot->row;
	int64_t integer;
	bool truth;
	if (strlen(value) >= OPTION_VALUE_MAX)
		return wn_fail(err, WN_INPUT, "option_value", "%s: the value has more than %d bytes", name,
			OPTION_VALUE_MAX - 1);
	if (row->type == OPTION_BOOL && !option_read_bool(value, &truth))
		return wn_fail(err, WN_INPUT, "option_value", "%s is true or false, not \"%.80s\"", name, value);
	if (row->type == OPTION_INTEGER && !option_read_integer(value, &integer))
		return wn_fail(err, WN_INPUT, "option_value", "%s is a whole number, not \"%.80s\"", name, value);
	if (row->type == OPTION_INTEGER && (integer < row->least || integer > row->most))
		return wn_fail(err, WN_INPUT, "option_range", "%s is between %" PRId64 " and %" PRId64 ", not %s", name,
			row->least, row->most, value);
	char *copy = strdup(value);
	if (!copy)
		return wn_fail(err, WN_FULL, "option_memory", "no memory for the value of %s", name);
	free(slot->value);
	slot->value = copy;
	return true;
}

/* Cuts white space from both ends, in place. */
static char *option_trim(char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t bytes = strlen(text);
	while (bytes > 0 && isspace((unsigned char)text[bytes - 1]))
		text[--bytes] = '\0';
	return text;
}

static bool options_read_line(struct options *options, char *line, struct wn_error *err)
{
	char *name = option_trim(line);
	if (*name == '\0' || *name == '#')
		return true;
	char *equals = strchr(name, '=');
	if (!equals)
		return wn_fail(
			err, WN_INPUT, "option_line", "a line is \"name = value\" or a # comment, not \"%.80s\"", name);
	*equals = '\0';
	/* A # belongs to the value: conninfo strings and names may hold one. */
	return option_set(options, option_trim(name), option_trim(equals + 1), err);
}

bool options_read_file(struct options *options, const char *path, struct wn_error *err)
{
	if (!path)
		return true;
	FILE *file = fopen(path, "re");
	if (!file)
		return wn_fail(err, WN_INPUT, "option_file", "open %s: %s", path, strerror(errno));
	char line[OPTION_VALUE_MAX + OPTION_NAME_MAX + 16];
	int number = 0;
	bool done = true;
	while (done && fgets(line, sizeof line, file)) {
		number++;
		size_t bytes = strlen(line);
		if (number > OPTION_LINES_MAX)
			done = wn_fail(err, WN_INPUT, "option_file", "more than %d lines", OPTION_LINES_MAX);
		else if (bytes == sizeof line - 1 && line[bytes - 1] != '\n')
			done = wn_fail(
				err, WN_INPUT, "option_line", "the line has more than %zu bytes", sizeof line - 2);
		else
			done = options_read_line(options, line, err);
		if (!done)
			wn_while(err, "%s line %d", path, number);
	}
	if (done && ferror(file))
		done = wn_fail(err, WN_DOWN, "option_file", "read %s: %s", path, strerror(errno));
	fclose(file);
	return done;
}

bool options_read_environment(struct options *options, struct wn_error *err)
{
	for (int i = 0; i < options->count; i++) {
		const char *name = options->slots[i].row->name;
		char variable[OPTION_NAME_MAX + 16] = "WINNOW_";
		size_t bytes = strlen(variable);
		for (const char *c = name; *c; c++)
			variable[bytes++] = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
		variable[bytes] = '\0';
		const char *value = getenv(variable);
		if (value && !option_set(options, name, value, err))
			return wn_while(err, "environment variable %s", variable);
	}
	return true;
}

/* One flag; *taken becomes 2 when it used up the next word too. */
static bool options_read_flag(struct options *options, int left, char **words, int *taken, struct wn_error *err)
{
	const char *flag = words[0] + 2;
	const char *equals = strchr(flag, '=');
	size_t name_bytes = equals ? (size_t)(equals - flag) : strlen(flag);
	char name[OPTION_NAME_MAX];
	if (name_bytes >= sizeof name)
		return wn_fail(err, WN_INPUT, "option_unknown", "no option --%.80s", flag);
	memcpy(name, flag, name_bytes);
	name[name_bytes] = '\0';
	/* --dry-run for a row dry_run. */
	for (char *c = name; *c; c++)
		if (*c == '-')
			*c = '_';
	const struct option_slot *slot = option_find(options, name);
	if (!slot)
		return option_unknown(options, "--", name, err);
	if (equals)
		return option_set(options, name, equals + 1, err);
	if (slot->row->type == OPTION_BOOL)
		return option_set(options, name, "true", err);
	if (left < 2)
		return wn_fail(err, WN_INPUT, "option_value", "--%s needs a value: --%s=VALUE", name, name);
	*taken = 2;
	return option_set(options, name, words[1], err);
}

bool options_read_flags(struct options *options, int *argc, char **argv, struct wn_error *err)
{
	int kept = 0;
	for (int i = 0; i < *argc;) {
		if (strcmp(argv[i], "--") == 0) {
			for (i++; i < *argc; i++)
				argv[kept++] = argv[i];
			break;
		}
		if (strncmp(argv[i], "--", 2) != 0) {
			argv[kept++] = argv[i++];
			continue;
		}
		int taken = 1;
		if (!options_read_flag(options, *argc - i, argv + i, &taken, err))
			return false;
		i += taken;
	}
	*argc = kept;
	return true;
}

const char *option_text(const struct options *options, const char *name)
{
	const struct option_slot *slot = option_find(options, name);
	wn_assert(slot != NULL);
	return slot->value;
}

int64_t option_integer(const struct options *options, const char *name)
{
	const struct option_slot *slot = option_find(options, name);
	int64_t value = 0;
	wn_assert(slot != NULL);
	wn_assert(slot->row->type == OPTION_INTEGER);
	wn_assert(slot->value != NULL);
	wn_assert(option_read_integer(slot->value, &value));
	return value;
}

bool option_bool(const struct options *options, const char *name)
{
	const struct option_slot *slot = option_find(options, name);
	bool value = false;
	wn_assert(slot != NULL);
	wn_assert(slot->row->type == OPTION_BOOL);
	wn_assert(slot->value == NULL || option_read_bool(slot->value, &value));
	return value;
}

void options_print_help(const struct options *options, FILE *out)
{
	static const char *const kinds[] = {" TEXT", " N", ""};
	for (int i = 0; i < options->count; i++) {
		const struct option *row = options->slots[i].row;
		int column = fprintf(out, "  --%s%s", row->name, kinds[row->type]);
		/* A long name gets a line of its own, so that the sentences stay in one column. */
		if (column >= OPTION_HELP_COLUMN) {
			fputc('\n', out);
			column = 0;
		}
		fprintf(out, "%*s%s", OPTION_HELP_COLUMN - column, "", row->help);
		if (row->otherwise && row->type != OPTION_BOOL)
			fprintf(out, " (%s)", row->otherwise);
		fputc('\n', out);
	}
}
