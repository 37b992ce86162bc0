/* The client's side of HTTP on libcurl: one connection at a time, bounded in size and time, signed where a key is
 * given. */
#include "core/fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

enum {
	FETCH_URL_MAX = 4096,
	FETCH_AUTHORITY_MAX = 256,
	FETCH_SOCKET_MAX = 512,
	FETCH_CONNECT_MS = 5000,
	FETCH_TIMEOUT_MS = 20000, /* longer than a node lets a statement run (15 s): its 503 arrives */
	FETCH_FILE_TIMEOUT_MS = 3600 * 1000,
	FETCH_STALL_BYTES_S = 1,
	FETCH_STALL_S = 60,
	FETCH_HEADER_MAX = 8192,
	FETCH_HEADERS_MAX = 200,
	FETCH_REFUSAL_MAX = 65536,
	FETCH_PAUSE_LEAST_MS = 20,
	FETCH_PAUSE_MOST_MS = 1000,
	FETCH_RETRY_AFTER_MAX_S = 30
};

struct fetch {
	CURL *easy;
	char base_url[FETCH_AUTHORITY_MAX + 16]; /* scheme and authority, no slash at the end */
	char authority[FETCH_AUTHORITY_MAX];	 /* the Host field as it is sent and signed */
	int socket_folder;			 /* descriptor of the unix socket's folder, -1: TCP */
	char socket_path[64 + 256];		 /* through /proc/self/fd, so that a deep folder fits into 107 bytes */
	char curl_text[CURL_ERROR_SIZE];
	int patience_ms;
	const char *address_file;
};

/* What arrives while a transfer runs. */
struct fetch_transfer {
	struct wn_arena *arena;
	struct wn_text body; /* an answer for memory, or the refusal of a file */
	size_t body_max;
	int descriptor; /* -1: into body */
	int64_t file_bytes, file_max;
	CURL *easy;
	size_t header_count;
	struct fetch_answer *answer;
	bool too_large, no_memory, write_failed;
	int write_errno;
};

static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void fetch_start(void)
{
	wn_assert(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
}

/* "http://host:port" or "https://host:port", nothing behind it; a user name in it would travel in clear. */
static bool fetch_base(struct fetch *fetch, const char *base_url, struct wn_error *err)
{
	const char *authority = NULL;
	if (strncmp(base_url, "http://", 7) == 0)
		authority = base_url + 7;
	else if (strncmp(base_url, "https://", 8) == 0)
		authority = base_url + 8;
	if (!authority)
		return wn_fail(err, WN_INPUT, "fetch_url",
			"a node's address starts with http:// or https://, not \"%.80s\"", base_url);
	size_t bytes = strcspn(authority, "/?#");
	if (bytes == 0 || bytes >= sizeof fetch->authority || strcspn(authority, "@\\ \t\r\n") < bytes)
		return wn_fail(err, WN_INPUT, "fetch_url", "\"%.80s\" holds no usable host", base_url);
	if (authority[bytes] && strcmp(authority + bytes, "/") != 0)
		return wn_fail(err, WN_INPUT, "fetch_url",
			"a node's address ends with its host and port, not \"%.80s\"", authority + bytes);
	memcpy(fetch->authority, authority, bytes);
	fetch->authority[bytes] = '\0';
	snprintf(fetch->base_url, sizeof fetch->base_url, "%.*s%s", (int)(authority - base_url), base_url,
		fetch->authority);
	return true;
}

static bool fetch_socket(struct fetch *fetch, const char *path, struct wn_error *err)
{
	char folder[FETCH_SOCKET_MAX];
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	if (strlen(path) >= sizeof folder || strlen(name) == 0 || strlen(name) > 60)
		return wn_fail(err, WN_INPUT, "fetch_socket", "the path of the socket is too long: %.80s", path);
	snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
	fetch->socket_folder = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fetch->socket_folder < 0)
		return wn_fail(
			err, WN_DOWN, "fetch_unreachable", "open %s: %s; does the node run?", folder, strerror(errno));
	snprintf(fetch->socket_path, sizeof fetch->socket_path, "/proc/self/fd/%d/%s", fetch->socket_folder, name);
	return true;
}

bool fetch_open(struct fetch **out, const char *base_url, const char *unix_socket, struct wn_error *err)
{
	pthread_once(&fetch_once, fetch_start);
	struct fetch *fetch = calloc(1, sizeof *fetch);
	if (!fetch)
		return wn_fail(err, WN_FULL, "fetch_memory", "no memory for a client");
	fetch->socket_folder = -1;
	if (!fetch_base(fetch, base_url, err) || (unix_socket && !fetch_socket(fetch, unix_socket, err))) {
		fetch_close(fetch);
		return false;
	}
	fetch->easy = curl_easy_init();
	if (!fetch->easy) {
		fetch_close(fetch);
		return wn_fail(err, WN_FULL, "fetch_memory", "no memory for a client");
	}
	*out = fetch;
	return true;
}

void fetch_close(struct fetch *fetch)
{
	if (!fetch)
		return;
	if (fetch->easy)
		curl_easy_cleanup(fetch->easy);
	if (fetch->socket_folder >= 0)
		close(fetch->socket_folder);
	free(fetch);
}

/* A value of the answer's header kept in the arena; the last one counts. */
static void fetch_keep(struct fetch_transfer *transfer, struct wn_slice *out, const char *value, size_t bytes)
{
	char *copy = wn_arena_copy(transfer->arena, value, bytes);
	if (!copy) {
		transfer->no_memory = true;
		return;
	}
	*out = (struct wn_slice){copy, bytes};
}

static bool fetch_header_is(const char *line, size_t colon, const char *name)
{
	return strlen(name) == colon && strncasecmp(line, name, colon) == 0;
}

static size_t fetch_on_header(char *line, size_t size, size_t count, void *context)
{
	struct fetch_transfer *transfer = context;
	size_t bytes = size * count, all = bytes;
	if (bytes > FETCH_HEADER_MAX || ++transfer->header_count > FETCH_HEADERS_MAX)
		return 0;
	const char *mark = memchr(line, ':', bytes);
	if (!mark || !transfer->answer)
		return all;
	size_t colon = (size_t)(mark - line);
	const char *value = mark + 1;
	bytes -= colon + 1;
	while (bytes && (*value == ' ' || *value == '\t')) {
		value++;
		bytes--;
	}
	while (bytes && (value[bytes - 1] == '\r' || value[bytes - 1] == '\n' || value[bytes - 1] == ' ' ||
				value[bytes - 1] == '\t'))
		bytes--;
	struct fetch_answer *answer = transfer->answer;
	if (fetch_header_is(line, colon, "content-type")) {
		fetch_keep(transfer, &answer->content_type, value, bytes);
	} else if (fetch_header_is(line, colon, "idempotency-replayed")) {
		fetch_keep(transfer, &answer->idempotency_replayed, value, bytes);
	} else if (fetch_header_is(line, colon, "retry-after")) {
		int seconds = 0;
		size_t i = 0;
		while (i < bytes && i < 6 && value[i] >= '0' && value[i] <= '9')
			seconds = seconds * 10 + (value[i++] - '0');
		answer->retry_after_s = i > 0 && i == bytes ? seconds : -1;
	}
	return transfer->no_memory ? 0 : all;
}

static size_t fetch_on_file(struct fetch_transfer *transfer, const char *bytes, size_t count)
{
	if (transfer->file_bytes + (int64_t)count > transfer->file_max) {
		transfer->too_large = true;
		return 0;
	}
	size_t written = 0;
	while (written < count) {
		ssize_t n = write(transfer->descriptor, bytes + written, count - written);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			transfer->write_failed = true;
			transfer->write_errno = n < 0 ? errno : ENOSPC;
			return 0;
		}
		written += (size_t)n;
	}
	transfer->file_bytes += (int64_t)count;
	return count;
}

static size_t fetch_on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct fetch_transfer *transfer = context;
	size_t room = size * count;
	long status = 0;
	if (room == 0)
		return 0;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	if (transfer->descriptor >= 0 && status == 200)
		return fetch_on_file(transfer, bytes, room);
	if (room > transfer->body_max - transfer->body.bytes) {
		transfer->too_large = true;
		return 0;
	}
	wn_text_add(&transfer->body, bytes, room);
	transfer->no_memory = transfer->body.full;
	return transfer->no_memory ? 0 : room;
}

static bool fetch_header_add(struct curl_slist **list, const char *name, struct wn_slice value, struct wn_error *err)
{
	char line[FETCH_HEADER_MAX];
	if (strlen(name) + value.bytes + 3 > sizeof line || memchr(value.data ? value.data : "", '\n', value.bytes) ||
		memchr(value.data ? value.data : "", '\r', value.bytes))
		return wn_fail(
			err, WN_INPUT, "fetch_header", "the value of %s is too long or holds a line break", name);
	/* Without a value: the colon alone takes a header out that curl would add. */
	snprintf(line, sizeof line, value.bytes ? "%s: %.*s" : "%s:", name, (int)value.bytes,
		value.data ? value.data : "");
	struct curl_slist *longer = curl_slist_append(*list, line);
	if (!longer)
		return wn_fail(err, WN_FULL, "fetch_memory", "no memory for a request");
	*list = longer;
	return true;
}

static bool fetch_idempotency(struct wn_arena *arena, const char *key, struct wn_slice *out, struct wn_error *err)
{
	for (const char *c = key; *c; c++)
		if (*c < 0x20 || *c > 0x7e || *c == '"' || *c == '\\')
			return wn_fail(
				err, WN_INPUT, "fetch_header", "an Idempotency-Key is printable ASCII without quotes");
	char *quoted = wn_arena_printf(arena, "\"%s\"", key);
	if (!quoted)
		return wn_fail(err, WN_FULL, "fetch_memory", "no memory for a request");
	*out = wn_slice_of(quoted);
	return true;
}

/* The header list of a request, with its signature where a key is given. The caller frees *list in every case. */
static bool fetch_headers(const struct fetch *fetch, struct wn_arena *arena, const struct fetch_request *request,
	struct curl_slist **list, struct wn_error *err)
{
	struct http_header headers[3];
	struct http_request signed_request = {
		.method = wn_slice_of(request->method),
		.authority = wn_slice_of(fetch->authority),
		.target = wn_slice_of(request->target),
		.headers = headers,
		.body = request->body,
	};
	/* curl asks for leave before a large body (Expect) only to wait for it: the node reads what is within its
	 * limit. */
	if (!fetch_header_add(list, "Host", signed_request.authority, err) ||
		!fetch_header_add(list, "Expect", (struct wn_slice){0}, err))
		return false;
	if (request->content_type)
		headers[signed_request.header_count++] =
			(struct http_header){WN_SLICE("content-type"), wn_slice_of(request->content_type)};
	if (request->idempotency_key) {
		struct wn_slice quoted;
		if (!fetch_idempotency(arena, request->idempotency_key, &quoted, err))
			return false;
		headers[signed_request.header_count++] = (struct http_header){WN_SLICE("idempotency-key"), quoted};
	}
	if (request->checkpoint)
		headers[signed_request.header_count++] =
			(struct http_header){WN_SLICE("winnow-checkpoint"), wn_slice_of(request->checkpoint)};
	/* A body that curl would send as a form gets no type of its own. */
	if (!request->content_type && !fetch_header_add(list, "Content-Type", (struct wn_slice){0}, err))
		return false;
	for (size_t i = 0; i < signed_request.header_count; i++)
		if (!fetch_header_add(list, headers[i].name.data, headers[i].value, err))
			return false;
	if (!request->key)
		return true;
	struct httpsig_fields fields;
	int64_t now_ms = request->now_ms ? request->now_ms : clock_wall_ms();
	if (!httpsig_sign(arena, &signed_request, request->tag, now_ms / 1000, request->key, &fields, err))
		return wn_while(err, "sign %s %s", request->method, request->target);
	return (fields.content_digest.bytes == 0 ||
		       fetch_header_add(list, "Content-Digest", fields.content_digest, err)) &&
	       fetch_header_add(list, "Signature-Input", fields.signature_input, err) &&
	       fetch_header_add(list, "Signature", fields.signature, err);
}

/* What went wrong below HTTP, in words that say what to do. */
static bool fetch_failed(const struct fetch *fetch, const struct fetch_transfer *transfer, CURLcode code,
	const char *target, struct wn_error *err)
{
	if (transfer->no_memory)
		return wn_fail(err, WN_FULL, "fetch_memory", "%s%s: no room for the answer", fetch->base_url, target);
	if (transfer->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return wn_fail(err, WN_FULL, "fetch_large", "%s%s: the answer is larger than %lld bytes",
			fetch->base_url, target,
			(long long)(transfer->descriptor >= 0 ? transfer->file_max : (int64_t)transfer->body_max));
	if (transfer->write_failed)
		return wn_fail(err, transfer->write_errno == ENOSPC ? WN_FULL : WN_DOWN, "fetch_write",
			"write what %s%s sends: %s", fetch->base_url, target, strerror(transfer->write_errno));
	return wn_fail(err, WN_DOWN, "fetch_unreachable", "%s%s: %s", fetch->base_url, target,
		fetch->curl_text[0] ? fetch->curl_text : curl_easy_strerror(code));
}

static void fetch_settings(
	struct fetch *fetch, struct fetch_transfer *transfer, const char *url, struct curl_slist *headers)
{
	CURL *easy = fetch->easy;
	/* A reset keeps the open connections: the next request to the same node costs no handshake. */
	curl_easy_reset(easy);
	fetch->curl_text[0] = '\0';
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, fetch->curl_text);
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* what is signed is what is sent */
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	/* An empty proxy keeps http_proxy and its kin from redirecting signed requests. */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)FETCH_CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "winnow/" WINNOW_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, fetch_on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, fetch_on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	if (fetch->socket_folder >= 0)
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, fetch->socket_path);
	/* The certificates that this machine trusts, or those that the usual variable names (a node with its own
	 * authority). */
	const char *authorities = getenv("SSL_CERT_FILE");
	if (authorities && *authorities)
		curl_easy_setopt(easy, CURLOPT_CAINFO, authorities);
}

static bool fetch_url(const struct fetch *fetch, const char *target, char url[FETCH_URL_MAX], struct wn_error *err)
{
	int bytes = snprintf(url, FETCH_URL_MAX, "%s%s", fetch->base_url, target);
	if (target[0] != '/' || bytes >= FETCH_URL_MAX || strpbrk(target, " \t\r\n#"))
		return wn_fail(err, WN_INPUT, "fetch_target",
			"a target is a path of at most %d bytes without blanks: %.80s", FETCH_URL_MAX / 2, target);
	return true;
}

bool fetch_send(struct fetch *fetch, struct wn_arena *arena, const struct fetch_request *request,
	struct fetch_answer *answer, struct wn_error *err)
{
	char url[FETCH_URL_MAX];
	struct curl_slist *headers = NULL;
	struct fetch_transfer transfer = {
		.arena = arena, .body_max = FETCH_BODY_MAX, .descriptor = -1, .easy = fetch->easy, .answer = answer};
	wn_text_init(&transfer.body, arena);
	*answer = (struct fetch_answer){.retry_after_s = -1};
	if (!fetch_url(fetch, request->target, url, err))
		return false;
	if (!fetch_headers(fetch, arena, request, &headers, err)) {
		curl_slist_free_all(headers);
		return false;
	}
	fetch_settings(fetch, &transfer, url, headers);
	CURL *easy = fetch->easy;
	curl_easy_setopt(
		easy, CURLOPT_TIMEOUT_MS, (long)(request->timeout_ms ? request->timeout_ms : FETCH_TIMEOUT_MS));
	if (request->body.bytes > 0 || strcmp(request->method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1L);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data ? request->body.data : "");
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.bytes);
	} else if (strcmp(request->method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	}
	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	CURLcode code = curl_easy_perform(easy);
	curl_slist_free_all(headers);
	if (code != CURLE_OK)
		return fetch_failed(fetch, &transfer, code, request->target, err);
	long status = 0;
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	answer->status = (int)status;
	answer->body = (struct wn_slice){transfer.body.data, transfer.body.bytes};
	return true;
}

/* The problem document's code and detail as `err`; any other body says only its status. */
static bool fetch_refused(const struct fetch *fetch, struct wn_arena *arena, const char *method, const char *target,
	const struct fetch_answer *answer, struct wn_error *err)
{
	enum wn_blame blame = WN_INPUT;
	if (answer->status == 429 || answer->status == 503)
		blame = WN_BUSY;
	else if (answer->status >= 500)
		blame = WN_DOWN;
	const struct json *problem;
	struct wn_error ignored;
	static const char kind[] = "application/problem+json", prefix[] = "/problems/";
	if (answer->content_type.bytes >= sizeof kind - 1 &&
		memcmp(answer->content_type.data, kind, sizeof kind - 1) == 0 &&
		json_parse(arena, answer->body.data, answer->body.bytes, &problem, &ignored)) {
		const char *type = json_member_string(problem, "type", NULL);
		const char *code =
			type && strncmp(type, prefix, sizeof prefix - 1) == 0 ? type + sizeof prefix - 1 : "";
		const char *detail = json_member_string(problem, "detail", json_member_string(problem, "title", ""));
		if (*code)
			return wn_fail(err, strcmp(code, "idempotency_running") == 0 ? WN_BUSY : blame, code, "%s",
				detail && *detail ? detail : code);
	}
	char code[WN_CODE_MAX];
	snprintf(code, sizeof code, "http_%d", answer->status);
	return wn_fail(err, blame, code, "%s %s%s was answered with status %d", method, fetch->base_url, target,
		answer->status);
}

void fetch_be_patient(struct fetch *fetch, int patience_ms, const char *address_file)
{
	fetch->patience_ms = patience_ms;
	fetch->address_file = address_file;
}

/* Where the node says that it listens now; while it says nothing the old address stands. */
static void fetch_find(struct fetch *fetch)
{
	char line[sizeof fetch->base_url];
	struct wn_error ignored;
	FILE *file = fetch->address_file ? fopen(fetch->address_file, "re") : NULL;
	if (!file)
		return;
	if (fgets(line, sizeof line, file)) {
		line[strcspn(line, "\r\n")] = '\0';
		fetch_base(fetch, line, &ignored);
	}
	fclose(file);
}

/* fetch_send(), and again while the node asks for patience and there is some left. */
static bool fetch_send_patiently(struct fetch *fetch, struct wn_arena *arena, const struct fetch_request *request,
	struct fetch_answer *answer, struct wn_error *err)
{
	int64_t give_up_ms = clock_monotonic_ms() + fetch->patience_ms;
	int64_t pause_ms = FETCH_PAUSE_LEAST_MS;
	for (;;) {
		bool sent = fetch_send(fetch, arena, request, answer, err);
		bool wait = sent ? answer->status == 429 || answer->status == 503
				 : strcmp(err->code, "fetch_unreachable") == 0;
		int64_t wait_ms = pause_ms;
		if (sent && answer->retry_after_s > 0)
			wait_ms = 1000 * (answer->retry_after_s < FETCH_RETRY_AFTER_MAX_S ? answer->retry_after_s
											  : FETCH_RETRY_AFTER_MAX_S);
		if (!wait || clock_monotonic_ms() + wait_ms > give_up_ms)
			return sent;
		nanosleep(&(struct timespec){wait_ms / 1000, wait_ms % 1000 * 1000000L}, NULL);
		pause_ms = pause_ms * 2 < FETCH_PAUSE_MOST_MS ? pause_ms * 2 : FETCH_PAUSE_MOST_MS;
		if (!sent) {
			wn_error_reset(err);
			fetch_find(fetch);
		}
	}
}

bool fetch_json(struct fetch *fetch, struct wn_arena *arena, const struct fetch_request *request,
	const struct json **out, struct wn_error *err)
{
	struct fetch_answer answer;
	*out = NULL;
	if (!fetch_send_patiently(fetch, arena, request, &answer, err))
		return false;
	if (answer.status < 200 || answer.status >= 300)
		return fetch_refused(fetch, arena, request->method, request->target, &answer, err);
	if (answer.body.bytes == 0)
		return true;
	if (!json_parse(arena, answer.body.data, answer.body.bytes, out, err))
		return wn_while(err, "read the answer to %s %s", request->method, request->target);
	return true;
}

bool fetch_file(struct fetch *fetch, const char *target, int descriptor, int64_t max_bytes, int64_t *bytes,
	struct wn_error *err)
{
	char url[FETCH_URL_MAX];
	struct curl_slist *headers = NULL;
	struct wn_arena arena;
	wn_arena_init(&arena, 4 * FETCH_REFUSAL_MAX + 4 * FETCH_HEADER_MAX);
	struct fetch_answer answer = {.retry_after_s = -1};
	struct fetch_transfer transfer = {.arena = &arena,
		.body_max = FETCH_REFUSAL_MAX,
		.descriptor = descriptor,
		.file_max = max_bytes,
		.easy = fetch->easy,
		.answer = &answer};
	wn_text_init(&transfer.body, &arena);
	wn_assert(descriptor >= 0);
	bool done = fetch_url(fetch, target, url, err) &&
		    fetch_header_add(&headers, "Host", wn_slice_of(fetch->authority), err);
	if (done) {
		fetch_settings(fetch, &transfer, url, headers);
		/* A large file may take its time, but it must keep moving. */
		curl_easy_setopt(fetch->easy, CURLOPT_TIMEOUT_MS, (long)FETCH_FILE_TIMEOUT_MS);
		curl_easy_setopt(fetch->easy, CURLOPT_LOW_SPEED_LIMIT, (long)FETCH_STALL_BYTES_S);
		curl_easy_setopt(fetch->easy, CURLOPT_LOW_SPEED_TIME, (long)FETCH_STALL_S);
		CURLcode code = curl_easy_perform(fetch->easy);
		long status = 0;
		curl_easy_getinfo(fetch->easy, CURLINFO_RESPONSE_CODE, &status);
		answer.status = (int)status;
		answer.body = (struct wn_slice){transfer.body.data, transfer.body.bytes};
		if (code != CURLE_OK)
			done = fetch_failed(fetch, &transfer, code, target, err);
		else if (status != 200)
			done = fetch_refused(fetch, &arena, "GET", target, &answer, err);
	}
	curl_slist_free_all(headers);
	wn_arena_free(&arena);
	if (done)
		*bytes = transfer.file_bytes;
	return done;
}
