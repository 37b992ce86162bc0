/* Options from tables: default, then file, then environment, then flag; the help text comes from the same table. */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include <stdint.h>
#include <stdio.h>
#include "core/error.h"

enum option_type { OPTION_TEXT, OPTION_INTEGER, OPTION_BOOL };

/* One row: `name` "serve.port" is WINNOW_SERVE_PORT in the environment and --serve.port as a flag. */
struct option {
	const char *name;
	enum option_type type;
	const char *otherwise; /* default, as text; NULL: no value */
	int64_t least, most;   /* OPTION_INTEGER */
	const char *help;      /* one line */
};

struct options; /* owns its values; read-only once file, environment and flags were read */

/* `tables` ends with NULL, each table with a row whose name is NULL. */
struct options *options_open(const struct option *const tables[]);
void options_close(struct options *options);
/* File lines "name = value", # comments; unknown names, bad values: WN_INPUT option_*. NULL path: no file. */
bool options_read_file(struct options *options, const char *path, struct wn_error *err);
bool options_read_environment(struct options *options, struct wn_error *err);
/*
 * Takes --name value, --name=value and bare --name for OPTION_BOOL out of argv; what is left (positional words) is
 * moved to the front and *argc set. "--" ends options. Unknown flags: WN_INPUT option_unknown with the nearest name.
 */
bool options_read_flags(struct options *options, int *argc, char **argv, struct wn_error *err);
bool option_set(struct options *options, const char *name, const char *value, struct wn_error *err);

const char *option_text(const struct options *options, const char *name); /* NULL when it has no value */
int64_t option_integer(const struct options *options, const char *name);
bool option_bool(const struct options *options, const char *name);
void options_print_help(const struct options *options, FILE *out);

#endif
