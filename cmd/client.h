/* What a command that talks to a node holds: connection, who the node is, the user's key, an arena. */
#ifndef CMD_CLIENT_H
#define CMD_CLIENT_H

#include "cmd/command.h"
#include "core/fetch.h"
#include "vote/vote_client.h"

enum { CLIENT_ARENA_MAX = 64 * 1024 * 1024, CLIENT_URL_MAX = 512 };

struct client {
	struct fetch *fetch;
	struct node_view view;
	struct key_file keys;
	struct vote_client vote; /* points at the three above */
	struct wn_arena arena;
};

/* Rows for a command's table: where the node is, which key signs. */
#define CLIENT_OPTION_NODE                                                                                             \
	{                                                                                                              \
		"node", OPTION_TEXT, NULL, 0, 0,                                                                       \
			"address of the node (default: the one of --node.state, else http://127.0.0.1:8080)"           \
	}
#define CLIENT_OPTION_KEY                                                                                              \
	{                                                                                                              \
		"key", OPTION_TEXT, NULL, 0, 0, "key file (winnow key FILE makes one)"                                 \
	}

/* The option "node", else the address that a node on this machine wrote, else port 8080 here. */
const char *client_url(const struct options *options, char out[CLIENT_URL_MAX]);
/* Asks the node who it is; key NULL: nothing can be signed. Then client_close() is due. */
bool client_open(struct client *client, const struct options *options, const char *key, struct wn_error *err);
void client_close(struct client *client);
/* Unsigned GET, parsed, in the client's arena. */
bool client_get(struct client *client, const char *target, const struct json **out, struct wn_error *err);
/* A text of an answer, `otherwise` when the node gives none or something else. Never NULL. */
const char *answer_text(const struct json *object, const char *name, const char *otherwise);
/* Somebody else's text for a terminal: control characters, which could move the cursor or rename the window, become
 * '?'. */
void text_show(FILE *out, struct wn_slice text);
/* Over the operator's socket of the node whose state lies on this machine; body NULL: GET. */
bool operator_send(const struct options *options, struct wn_arena *arena, const char *target, const char *body,
	const struct json **out, struct wn_error *err);

/* "12.5" or "12.5 WIN" as units; at most nine decimals. False for all else. */
bool amount_read(const char *text, int64_t *units);
/* Units as tokens: "12.5". out has room for 32. */
const char *amount_write(char out[32], int64_t units);

#endif
