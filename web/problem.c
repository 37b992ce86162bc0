/* Problem documents: one table from stable codes to HTTP status. */
#include "web/problem.h"

#include <string.h>

#include "core/json.h"

enum { PROBLEM_RETRY_BUSY_S = 1, PROBLEM_RETRY_DOWN_S = 2 };

/* Codes that any route may meet. Refusals of one folder carry their status where they are refused. */
const struct problem_row problem_rows[] = {
	{"signature_missing", 401, NULL},
	{"signature_malformed", 401, NULL},
	{"signature_components", 401, NULL},
	{"signature_tag", 401, NULL},
	{"signature_stale", 401, NULL},
	{"signature_digest", 401, NULL},
	{"signature_wrong", 401, NULL},
	{"account_unknown", 403, NULL},
	{"role_missing", 403, NULL},
	{"operator_only", 403, NULL},
	{"route_unknown", 404, NULL},
	{"method_not_allowed", 405, NULL},
	{"checkpoint_malformed", 400, NULL},
	{"checkpoint_unknown", 409, NULL},
	{"idempotency_running", 409, NULL},
	{"idempotency_mismatch", 422, NULL},
	{"idempotency_missing", 400, NULL},
	{"body_large", 413, NULL},
	{"headers_large", 431, NULL},
	{"json_syntax", 400, NULL},
	{"json_utf8", 400, NULL},
	{"json_surrogate", 400, NULL},
	{"json_depth", 400, NULL},
	{"json_duplicate", 400, NULL},
	{"json_string_long", 400, NULL},
	{"json_elements", 400, NULL},
	{"json_number", 400, NULL},
	{"json_memory", 413, "The request needs more memory than one request may use: send it in smaller parts."},
	{"db_unique", 409, "Something like it is there already."},
	{"db_foreign", 409, "It names something that is not there."},
	{"db_check", 409, "It would leave the books in a state that they must not be in; nothing was changed."},
	{"db_data", 400, "It holds a value that the node's database cannot take."},
	{"db_denied", 500, "The node may not do in its database what this request needs; its operator has been told."},
	{"db_aborted", 500,
		"The node went on after a failure that it should have ended at; its operator has been told."},
	{"db_error", 503, "The node's database failed at this request; its operator has been told."},
	{"db_busy", 503, "Other requests hold what this one needs: send it again."},
	{"db_down", 503, "The node's database does not answer at the moment: send the request again in a few seconds."},
	{"db_unsafe", 503,
		"The node's database is not set up to keep what it acknowledges; its operator has been told."},
	{"db_full", 503, "The node's disk is full; nothing was changed."},
	{"db_commit_unknown", 503,
		"The connection to the database broke while the change was written. Send the same request again: it "
		"takes effect once."},
	{"not_http", 400, NULL},
	{"request_slow", 408, NULL},
	{"address_share", 429, NULL},
	{"address_queue", 429, NULL},
	{"overloaded", 503, NULL},
	{"queue_full", 503, NULL},
	{"deadline", 503, NULL},
	{"stopping", 503, NULL},
	{NULL, 0, NULL},
};

const struct problem_row *problem_row(const char *code)
{
	for (const struct problem_row *row = problem_rows; row->code; row++)
		if (strcmp(row->code, code) == 0)
			return row;
	return NULL;
}

const char *problem_title(int status)
{
	static const struct {
		int status;
		const char *title;
	} titles[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{206, "Partial Content"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{402, "Payment Required"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{415, "Unsupported Media Type"},
		{416, "Range Not Satisfiable"},
		{417, "Expectation Failed"},
		{422, "Unprocessable Content"},
		{425, "Too Early"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{507, "Insufficient Storage"},
	};
	for (size_t i = 0; i < sizeof titles / sizeof *titles; i++)
		if (titles[i].status == status)
			return titles[i].title;
	return status < 400 ? "OK" : "Error";
}

int problem_status(const struct wn_error *err)
{
	const struct problem_row *row = problem_row(err->code);
	if (row)
		return row->status;
	size_t bytes = strlen(err->code);
	if (bytes > 6 && strcmp(err->code + bytes - 6, "_large") == 0)
		return 413;
	return err->blame == WN_INPUT ? 400 : 503;
}

int problem_retry_s(int status, enum wn_blame blame)
{
	if (status != 503 && status != 429 && status != 409)
		return 0;
	if (status == 409)
		return blame == WN_BUSY ? PROBLEM_RETRY_BUSY_S : 0;
	return blame == WN_BUSY ? PROBLEM_RETRY_BUSY_S : PROBLEM_RETRY_DOWN_S;
}

struct wn_slice problem_write(struct wn_arena *arena, int status, const char *code, const char *detail)
{
	struct json_writer writer;
	struct wn_slice out;
	struct wn_error ignored;
	char type[WN_CODE_MAX + 16] = "/problems/";
	strncat(type, code, WN_CODE_MAX);
	json_begin(&writer, arena);
	json_open_object(&writer, NULL);
	json_put_string(&writer, "type", type);
	json_put_string(&writer, "title", problem_title(status));
	json_put_integer(&writer, "status", status);
	if (detail)
		json_put_string(&writer, "detail", detail);
	json_close_object(&writer);
	if (!json_end(&writer, &out, &ignored))
		return (struct wn_slice){0};
	return out;
}
