/* Connections of the command line to a node, and amounts as people write them. */
#include "cmd/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CLIENT_TOKEN_DECIMALS = 9 };
#define CLIENT_TOKEN_UNITS ((int64_t)1000000000)

const char *client_url(const struct options *options, char out[CLIENT_URL_MAX])
{
	static struct node node;
	struct wn_error err = {0};
	const char *given = option_text(options, "node");
	if (given && *given)
		snprintf(out, CLIENT_URL_MAX, "%s", given);
	else if (!node_paths(&node, options, &err) || !node_address(&node, out))
		snprintf(out, CLIENT_URL_MAX, "http://127.0.0.1:8080");
	return out;
}

bool client_open(struct client *client, const struct options *options, const char *key, struct wn_error *err)
{
	char url[CLIENT_URL_MAX];
	memset(client, 0, sizeof *client);
	sign_start();
	if (key && access(key, F_OK) != 0)
		return wn_fail(err, WN_INPUT, "key_file", "%s is not there; make a key with: winnow key %s", key, key);
	if (key && !key_file_read(key, &client->keys, err))
		return false;
	if (!fetch_open(&client->fetch, client_url(options, url), NULL, err))
		return false;
	wn_arena_init(&client->arena, CLIENT_ARENA_MAX);
	client->vote = (struct vote_client){.fetch = client->fetch, .view = &client->view, .keys = &client->keys};
	if (node_view_read(client->fetch, &client->arena, &client->view, err))
		return true;
	client_close(client);
	return wn_while(err, "%s", url);
}

void client_close(struct client *client)
{
	fetch_close(client->fetch);
	wn_arena_free(&client->arena);
	sign_forget(&client->keys.key);
	client->fetch = NULL;
}

bool client_get(struct client *client, const char *target, const struct json **out, struct wn_error *err)
{
	struct fetch_request request = {.method = "GET", .target = target};
	return fetch_json(client->fetch, &client->arena, &request, out, err);
}

const char *answer_text(const struct json *object, const char *name, const char *otherwise)
{
	const char *text = json_member_string(object, name, otherwise);
	return text ? text : otherwise;
}

void text_show(FILE *out, struct wn_slice text)
{
	for (size_t i = 0; i < text.bytes; i++) {
		unsigned char c = (unsigned char)text.data[i],
			      next = i + 1 < text.bytes ? (unsigned char)text.data[i + 1] : 0;
		/* U+0080 to U+009F are control characters of two bytes in UTF-8. */
		bool wide = c == 0xc2 && next >= 0x80 && next <= 0x9f;
		bool control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f || wide;
		fputc(control ? '?' : c, out);
		i += wide;
	}
}

bool operator_send(const struct options *options, struct wn_arena *arena, const char *target, const char *body,
	const struct json **out, struct wn_error *err)
{
	static struct node node;
	char socket[NODE_PATH_MAX];
	struct fetch *fetch;
	if (!node_paths(&node, options, err))
		return false;
	node_path(&node, socket, "run/operator.sock");
	if (access(socket, F_OK) != 0)
		return wn_fail(err, WN_DOWN, "operator_socket",
			"no node runs on the state folder %s (winnow up starts one; --node.state names another)",
			node.state_dir);
	if (!fetch_open(&fetch, "http://localhost", socket, err))
		return false;
	struct fetch_request request = {.method = body ? "POST" : "GET", .target = target};
	if (body && *body) {
		request.content_type = "application/json";
		request.body = wn_slice_of(body);
	}
	bool done = fetch_json(fetch, arena, &request, out, err);
	fetch_close(fetch);
	return done;
}

bool amount_read(const char *text, int64_t *units)
{
	int64_t whole = 0, part = 0, scale = CLIENT_TOKEN_UNITS;
	const char *c = text;
	if (*c < '0' || *c > '9')
		return false;
	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, *c - '0', &whole))
			return false;
	if (*c == '.') {
		const char *first = ++c;
		for (; *c >= '0' && *c <= '9' && c - first < CLIENT_TOKEN_DECIMALS; c++) {
			scale /= 10;
			part += (*c - '0') * scale;
		}
		if (c == first)
			return false;
	}
	if (strcmp(c, "") != 0 && strcmp(c, " WIN") != 0 && strcmp(c, "WIN") != 0)
		return false;
	return !__builtin_mul_overflow(whole, CLIENT_TOKEN_UNITS, &whole) &&
	       !__builtin_add_overflow(whole, part, units);
}

const char *amount_write(char out[32], int64_t units)
{
	int64_t part = units % CLIENT_TOKEN_UNITS;
	int bytes = snprintf(out, 32, "%s%" PRId64 ".%09" PRId64, units < 0 ? "-" : "",
		units < 0 ? -(units / CLIENT_TOKEN_UNITS) : units / CLIENT_TOKEN_UNITS, part < 0 ? -part : part);
	while (out[bytes - 1] == '0')
		out[--bytes] = '\0';
	if (out[bytes - 1] == '.')
		out[--bytes] = '\0';
	return out;
}
