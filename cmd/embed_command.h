/* `winnow embed eval`: the part of the embed command that runs no node. */
#ifndef CMD_EMBED_COMMAND_H
#define CMD_EMBED_COMMAND_H

#include "core/option.h"

extern const struct option embed_eval_options[];
extern const char *const embed_eval_help[];
/* argv: the files. */
int embed_eval_run(const struct options *options, int argc, char **argv);

#endif
