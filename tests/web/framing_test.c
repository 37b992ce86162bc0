/* Heads that can be read in two ways. */
#include "tests/check.h"

#include <string.h>

#include "web/framing.h"

SUITE("framing")

static enum framing_verdict check(const char *head)
{
	return framing_check(head, strlen(head), 1);
}

TEST(sound_heads_pass)
{
	CHECK_INT(check("GET / HTTP/1.1\r\nhost: a\r\n\r\n"), FRAMING_OK);
	CHECK_INT(check("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), FRAMING_OK);
	CHECK_INT(check("POST / HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc"), FRAMING_OK);
	CHECK_INT(check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), FRAMING_OK);
	CHECK_INT(check("GET / HTTP/1.1\r\nHost: a\r\nX-Host: b\r\nHostess: c\r\n\r\n"), FRAMING_OK);
	CHECK_INT(framing_check("GET / HTTP/1.0\r\n\r\n", 18, 0), FRAMING_OK);
}

TEST(what_stands_in_the_body_is_not_looked_at)
{
	CHECK_INT(check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\nHost: b\r\nContent-Length: "
			"1\r\nTransfer-Encoding: chunked\r\n"),
		FRAMING_OK);
}

TEST(heads_with_two_meanings_are_told)
{
	CHECK_INT(check("GET / HTTP/1.1\r\n\r\n"), FRAMING_HOST_MISSING);
	CHECK_INT(check("GET / HTTP/1.1\r\nHost: a\r\nhOsT: b\r\n\r\n"), FRAMING_HOST_TWICE);
	CHECK_INT(check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\ncontent-length: 4\r\n\r\n"),
		FRAMING_LENGTH_TWICE);
	CHECK_INT(check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\n"),
		FRAMING_LENGTH_TWICE);
	CHECK_INT(check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"),
		FRAMING_LENGTH_AND_CHUNKED);
	CHECK_INT(check("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
		FRAMING_CODING);
	CHECK_INT(check("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded\r\n\r\n"), FRAMING_FOLDED);
	static const char old[] = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
	CHECK_INT(framing_check(old, sizeof old - 1, 0), FRAMING_CODING);
}

TEST(every_verdict_has_words)
{
	for (int verdict = FRAMING_OK + 1; verdict <= FRAMING_CODING; verdict++)
		CHECK(strlen(framing_text(verdict)) > 10);
}

static enum framing_first first(const char *data)
{
	return framing_first(data, strlen(data));
}

TEST(a_request_line_is_known_however_it_comes_and_nothing_else_is)
{
	static const char *const lines[] = {"GET / HTTP/1.1\r\n", "\r\nPOST /a?b HTTP/1.0\n", "OPTIONS * HTTP/1.1\r\n",
		"PRI \xc3\xa4 HTTP/1.9\r\n"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		size_t bytes = strlen(lines[i]);
		for (size_t part = 0; part < bytes; part++)
			CHECK_INT(framing_first(lines[i], part), FRAMING_FIRST_PART);
		CHECK_INT(framing_first(lines[i], bytes), FRAMING_FIRST_HTTP);
	}
	CHECK_INT(first("GET / HTTP/1.1\r\nHost"), FRAMING_FIRST_HTTP);
	CHECK_INT(first("nonsense\r\n"), FRAMING_FIRST_NONE);
	CHECK_INT(first("\r\n\r\nGET / HTTP/1.1\r\n"), FRAMING_FIRST_NONE);
	CHECK_INT(first("GET /\r\n"), FRAMING_FIRST_NONE);
	CHECK_INT(first("GET  / HTTP/1.1\r\n"), FRAMING_FIRST_NONE);
	CHECK_INT(first(" GET / HTTP/1.1\r\n"), FRAMING_FIRST_NONE);
	CHECK_INT(first("GET / HTTP/1.1 \r\n"), FRAMING_FIRST_NONE);
	CHECK_INT(first("GET / HTTP/x"), FRAMING_FIRST_NONE);
	CHECK_INT(first("GET / HTTP/1.x"), FRAMING_FIRST_NONE);
	CHECK_INT(first("GET / ICY/1.1\r\n"), FRAMING_FIRST_NONE);
	CHECK_INT(first("\x01\x02\x03"), FRAMING_FIRST_NONE);
	CHECK_INT(first("EHLO me\r\n"), FRAMING_FIRST_NONE);
	CHECK_INT(framing_first("\0", 1), FRAMING_FIRST_NONE);
	CHECK_INT(first("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), FRAMING_FIRST_HTTP_2);
	CHECK_INT(first("\x16\x03\x01"), FRAMING_FIRST_TLS);
	CHECK(strstr(framing_first_text(FRAMING_FIRST_TLS), "TLS") != NULL);
	CHECK(strstr(framing_first_text(FRAMING_FIRST_HTTP_2), "HTTP/2") != NULL);
}
