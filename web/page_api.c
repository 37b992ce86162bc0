/* The page's files with validators and the headers that keep foreign code out of them. */
#include "web/page_api.h"

#include <pthread.h>
#include <string.h>

#include "core/hash.h"
#include "page_files.h"
#include "web/file_answer.h"

enum { PAGE_FILES = sizeof page_files / sizeof *page_files };

static char page_etags[PAGE_FILES][ID_HEX_ROOM];
static pthread_once_t page_once = PTHREAD_ONCE_INIT;

const char *page_type(const char *name)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".mjs", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".ico", "image/x-icon"},
		{".json", "application/json"},
		{".webmanifest", "application/manifest+json"},
		{".txt", "text/plain; charset=utf-8"},
		{".woff2", "font/woff2"},
		{".wasm", "application/wasm"},
	};
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
		if (strcmp(dot, types[i].ending) == 0)
			return types[i].type;
	return "application/octet-stream";
}

static void page_start(void)
{
	for (int i = 0; page_files[i].name; i++) {
		struct sha256 digest;
		sha256_of(page_files[i].bytes, page_files[i].count, &digest);
		hex_write(page_etags[i], digest.bytes, ID_BYTES);
	}
}

static bool page_send(struct exchange *exchange, struct wn_slice name, struct wn_error *err)
{
	int i = 0;
	pthread_once(&page_once, page_start);
	while (page_files[i].name && !wn_slice_equal(name, wn_slice_of(page_files[i].name)))
		i++;
	if (!page_files[i].name)
		return exchange_problem(exchange, 404, "file_unknown", "The page has no such file.");
	/* The page keeps keys: no script, style or picture from elsewhere, no frame around it, nothing sent to other
	 * servers. */
	exchange_header(exchange, "Content-Security-Policy",
		WN_SLICE("default-src 'self'; connect-src 'self'; img-src 'self' data:; "
			 "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"));
	exchange_header(exchange, "X-Content-Type-Options", WN_SLICE("nosniff"));
	exchange_header(exchange, "Referrer-Policy", WN_SLICE("no-referrer"));
	/* Kept, but asked for each time: a new program brings a new page. */
	exchange_header(exchange, "Cache-Control", WN_SLICE("no-cache"));
	return exchange_memory(exchange, (struct wn_slice){(const char *)page_files[i].bytes, page_files[i].count},
		page_etags[i], page_type(page_files[i].name), err);
}

static bool page_index(struct exchange *exchange, struct wn_error *err)
{
	return page_send(exchange, WN_SLICE("index.html"), err);
}

static bool page_file(struct exchange *exchange, struct wn_error *err)
{
	return page_send(exchange, exchange->params[0], err);
}

const struct route page_routes[] = {
	{.method = "GET",
		.pattern = "/",
		.needs = ROUTE_NOTHING,
		.handle = page_index,
		.summary = "The page",
		.gives = "200:text/html,304"},
	{.method = "GET",
		.pattern = "/page/{name}",
		.needs = ROUTE_NOTHING,
		.handle = page_file,
		.summary = "A file of the page",
		.gives = "200:*/*,304"},
	{.method = NULL},
};
