/* RFC 9421 and RFC 9530 in winnow's profile: one signature, a least list of components, the bytes as they were
 * received. */
#include "core/httpsig.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "core/hash.h"

enum { HTTPSIG_COMPONENTS_MAX = 16, HTTPSIG_DIGITS_MAX = 15, HTTPSIG_DIGEST_ROOM = 64 };

static const char httpsig_label[] = "sig1=";

/* What the signature-input field says; all slices but `parameters` point into it. */
struct httpsig_input {
	struct wn_slice label;	    /* names the signature in both fields, and means nothing (RFC 9421, 7.2.5) */
	struct wn_slice parameters; /* the list and what follows, as a serializer writes it: goes into the base */
	struct wn_slice components[HTTPSIG_COMPONENTS_MAX];
	size_t component_count;
	struct wn_slice keyid, alg, tag;
	int64_t created_s, expires_s;
	bool created, expires;
};

static bool httpsig_memory(struct wn_error *err)
{
	return wn_fail(err, WN_FULL, "signature_memory", "the signature needs more memory than one request may use");
}

static bool httpsig_malformed(struct wn_error *err, const char *what)
{
	return wn_fail(err, WN_INPUT, "signature_malformed", "%s", what);
}

static bool field_named(const struct http_header *header, struct wn_slice name)
{
	return header->name.bytes == name.bytes && strncasecmp(header->name.data, name.data, name.bytes) == 0;
}

static struct wn_slice field_trim(struct wn_slice value)
{
	while (value.bytes && (value.data[0] == ' ' || value.data[0] == '\t')) {
		value.data++;
		value.bytes--;
	}
	while (value.bytes && (value.data[value.bytes - 1] == ' ' || value.data[value.bytes - 1] == '\t'))
		value.bytes--;
	return value;
}

/* All values of a field, trimmed and joined by ", " (RFC 9421, 2.1). *found tells whether the request has it at all. */
static bool field_value(struct wn_arena *arena, const struct http_request *request, struct wn_slice name,
	struct wn_slice *out, bool *found, struct wn_error *err)
{
	struct wn_text joined;
	wn_text_init(&joined, arena);
	size_t count = 0;
	*out = (struct wn_slice){"", 0};
	for (size_t i = 0; i < request->header_count; i++) {
		if (!field_named(&request->headers[i], name))
			continue;
		struct wn_slice value = field_trim(request->headers[i].value);
		if (count++ == 0) {
			*out = value;
			continue;
		}
		if (count == 2)
			wn_text_add(&joined, out->data, out->bytes);
		wn_text_add(&joined, ", ", 2);
		wn_text_add(&joined, value.data, value.bytes);
	}
	*found = count > 0;
	if (joined.full)
		return httpsig_memory(err);
	if (count > 1)
		*out = (struct wn_slice){joined.data, joined.bytes};
	return true;
}

/* The components that this request must cover, in the order in which we write them. */
static bool httpsig_components(struct wn_arena *arena, const struct http_request *request,
	struct wn_slice names[HTTPSIG_COMPONENTS_MAX], size_t *count, struct wn_error *err)
{
	static const char *const always[] = {"@method", "@authority", "@path", "@query"};
	static const char *const when_there[] = {"idempotency-key", "winnow-checkpoint"};
	*count = 0;
	for (int i = 0; i < 4; i++)
		names[(*count)++] = wn_slice_of(always[i]);
	if (request->body.bytes > 0) {
		names[(*count)++] = WN_SLICE("content-digest");
		names[(*count)++] = WN_SLICE("content-type");
	}
	for (int i = 0; i < 2; i++) {
		struct wn_slice name = wn_slice_of(when_there[i]), value;
		bool found;
		if (!field_value(arena, request, name, &value, &found, err))
			return false;
		if (found)
			names[(*count)++] = name;
	}
	return true;
}

/*
 * Lower case, and without :80 or :443: the scheme that the client saw is unknown behind a proxy that ends TLS, and no
 * client sends its scheme's default port.
 */
static void base_authority(struct wn_text *base, struct wn_slice authority)
{
	size_t bytes = authority.bytes;
	if (bytes > 3 && memcmp(authority.data + bytes - 3, ":80", 3) == 0)
		bytes -= 3;
	else if (bytes > 4 && memcmp(authority.data + bytes - 4, ":443", 4) == 0)
		bytes -= 4;
	for (size_t i = 0; i < bytes; i++) {
		char c = authority.data[i];
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		wn_text_add(base, &c, 1);
	}
}

static void base_target(struct wn_text *base, struct wn_slice target, bool query)
{
	const char *mark = target.bytes ? memchr(target.data, '?', target.bytes) : NULL;
	size_t path_bytes = mark ? (size_t)(mark - target.data) : target.bytes;
	if (query && mark)
		wn_text_add(base, mark, target.bytes - path_bytes);
	else if (query)
		wn_text_add(base, "?", 1);
	else if (path_bytes)
		wn_text_add(base, target.data, path_bytes);
	else
		wn_text_add(base, "/", 1);
}

/* A line feed inside a value would let one component pretend to be two. */
static bool base_line_ok(const struct wn_text *base, size_t start)
{
	for (size_t i = start; i < base->bytes; i++) {
		unsigned char c = (unsigned char)base->data[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

/* The signature base (RFC 9421, 2.5). `digest` stands for content-digest where the request does not carry it yet. */
static bool httpsig_base(struct wn_arena *arena, const struct http_request *request, const struct wn_slice names[],
	size_t count, struct wn_slice parameters, const struct wn_slice *digest, struct wn_slice *out,
	struct wn_error *err)
{
	struct wn_text base;
	wn_text_init(&base, arena);
	for (size_t i = 0; i < count; i++) {
		struct wn_slice name = names[i];
		wn_text_printf(&base, "\"%.*s\": ", (int)name.bytes, name.data);
		size_t start = base.bytes;
		if (wn_slice_equal(name, WN_SLICE("@method"))) {
			wn_text_add(&base, request->method.data, request->method.bytes);
		} else if (wn_slice_equal(name, WN_SLICE("@authority"))) {
			base_authority(&base, request->authority);
		} else if (wn_slice_equal(name, WN_SLICE("@path"))) {
			base_target(&base, request->target, false);
		} else if (wn_slice_equal(name, WN_SLICE("@query"))) {
			base_target(&base, request->target, true);
		} else if (digest && wn_slice_equal(name, WN_SLICE("content-digest"))) {
			wn_text_add(&base, digest->data, digest->bytes);
		} else {
			struct wn_slice value;
			bool found;
			if (!field_value(arena, request, name, &value, &found, err))
				return false;
			if (!found)
				return wn_fail(err, WN_INPUT, "signature_components",
					"the signature covers %.*s, which the request does not carry", (int)name.bytes,
					name.data);
			wn_text_add(&base, value.data, value.bytes);
		}
		if (base.full)
			return httpsig_memory(err);
		if (!base_line_ok(&base, start))
			return wn_fail(err, WN_INPUT, "signature_malformed", "%.*s holds a control character",
				(int)name.bytes, name.data);
		wn_text_add(&base, "\n", 1);
	}
	wn_text_add_string(&base, "\"@signature-params\": ");
	size_t start = base.bytes;
	wn_text_add(&base, parameters.data, parameters.bytes);
	if (base.full)
		return httpsig_memory(err);
	if (!base_line_ok(&base, start))
		return httpsig_malformed(err, "signature-input holds a control character");
	if (base.bytes > HTTPSIG_BASE_MAX)
		return wn_fail(err, WN_INPUT, "signature_malformed", "the signature base has more than %d bytes",
			HTTPSIG_BASE_MAX);
	*out = (struct wn_slice){base.data, base.bytes};
	return true;
}

/* A quoted string without escapes, which no value of this profile needs. Moves *text behind it. */
static bool input_string(struct wn_slice *text, struct wn_slice *out)
{
	if (text->bytes < 2 || text->data[0] != '"')
		return false;
	const char *end = memchr(text->data + 1, '"', text->bytes - 1);
	if (!end)
		return false;
	*out = (struct wn_slice){text->data + 1, (size_t)(end - text->data - 1)};
	if (memchr(out->data, '\\', out->bytes))
		return false;
	text->bytes -= (size_t)(end + 1 - text->data);
	text->data = end + 1;
	return true;
}

static bool input_skip(struct wn_slice *text, char c)
{
	if (text->bytes == 0 || text->data[0] != c)
		return false;
	text->data++;
	text->bytes--;
	return true;
}

static bool input_blanks(struct wn_slice *text)
{
	bool any = false;
	while (input_skip(text, ' '))
		any = true;
	return any;
}

/* The name of a member of a dictionary (RFC 8941, 3.1.2). */
static bool input_key(struct wn_slice *text, struct wn_slice *out)
{
	size_t count = 0;
	for (; count < text->bytes; count++) {
		char c = text->data[count];
		bool first = (c >= 'a' && c <= 'z') || c == '*';
		bool later = (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
		if (!first && (count == 0 || !later))
			break;
	}
	*out = (struct wn_slice){text->data, count};
	text->data += count;
	text->bytes -= count;
	return count > 0;
}

/* Digits of a time in seconds. With a zero in front a serializer would write the number otherwise than it came. */
static bool input_integer(struct wn_slice *text, int64_t *out)
{
	size_t count = 0;
	*out = 0;
	while (count < text->bytes && text->data[count] >= '0' && text->data[count] <= '9') {
		if (count == HTTPSIG_DIGITS_MAX || (count > 0 && *out == 0))
			return false;
		*out = *out * 10 + (text->data[count++] - '0');
	}
	text->data += count;
	text->bytes -= count;
	return count > 0;
}

static bool input_word(struct wn_slice *text, const char *word)
{
	size_t bytes = strlen(word);
	if (text->bytes < bytes || memcmp(text->data, word, bytes) != 0)
		return false;
	text->data += bytes;
	text->bytes -= bytes;
	return true;
}

/* "name=12", once. */
static bool input_time(struct wn_slice *text, int64_t *out, bool *seen)
{
	bool again = *seen;
	*seen = true;
	return !again && input_integer(text, out);
}

/* One "name=value". Unknown names are refused: a nonce that nobody remembers would only seem to protect. */
static bool input_parameter(struct wn_slice *text, struct httpsig_input *input)
{
	if (input_word(text, "created="))
		return input_time(text, &input->created_s, &input->created);
	if (input_word(text, "expires="))
		return input_time(text, &input->expires_s, &input->expires);
	struct wn_slice *target = NULL;
	if (input_word(text, "keyid="))
		target = &input->keyid;
	else if (input_word(text, "alg="))
		target = &input->alg;
	else if (input_word(text, "tag="))
		target = &input->tag;
	return target && !target->data && input_string(text, target);
}

/* The inner list: quoted names, apart by blanks. `canonical` gets it as a serializer writes it. */
static bool input_components(
	struct wn_slice *text, struct httpsig_input *input, struct wn_text *canonical, struct wn_error *err)
{
	if (!input_skip(text, '('))
		return httpsig_malformed(err, "signature-input: a list of components is expected behind the label");
	wn_text_add(canonical, "(", 1);
	for (;;) {
		struct wn_slice component;
		bool apart = input_blanks(text);
		if (input_skip(text, ')'))
			break;
		if ((input->component_count > 0 && !apart) || !input_string(text, &component))
			return httpsig_malformed(
				err, "signature-input: components are quoted names with a blank between them");
		if (input->component_count == HTTPSIG_COMPONENTS_MAX)
			return wn_fail(err, WN_INPUT, "signature_components",
				"signature-input covers more than %d components", HTTPSIG_COMPONENTS_MAX);
		if (input->component_count > 0)
			wn_text_add(canonical, " ", 1);
		wn_text_printf(canonical, "\"%.*s\"", (int)component.bytes, component.data);
		input->components[input->component_count++] = component;
	}
	wn_text_add(canonical, ")", 1);
	return true;
}

/*
 * label=("a" "b");created=1;keyid="...";alg="...";tag="..." and nothing behind it. The base holds what a serializer
 * makes of it (RFC 9421, 2.3), so blanks that a parser skips are not part of what was signed.
 */
static bool httpsig_input_read(
	struct wn_arena *arena, struct wn_slice field, struct httpsig_input *input, struct wn_error *err)
{
	struct wn_slice text = field;
	struct wn_text canonical;
	wn_text_init(&canonical, arena);
	*input = (struct httpsig_input){0};
	if (!input_key(&text, &input->label) || !input_skip(&text, '='))
		return httpsig_malformed(err, "signature-input holds one signature with a label: sig1=(...)");
	if (!input_components(&text, input, &canonical, err))
		return false;
	while (input_skip(&text, ';')) {
		input_blanks(&text);
		const char *start = text.data;
		if (!input_parameter(&text, input))
			return httpsig_malformed(err,
				"signature-input: the parameters are created, keyid, alg, tag and perhaps expires, "
				"each once");
		wn_text_add(&canonical, ";", 1);
		wn_text_add(&canonical, start, (size_t)(text.data - start));
	}
	if (text.bytes > 0)
		return httpsig_malformed(err, "signature-input holds exactly one signature");
	if (!input->created || !input->keyid.data || !input->alg.data || !input->tag.data)
		return httpsig_malformed(err, "signature-input: created, keyid, alg and tag are needed");
	if (!wn_slice_equal(input->alg, WN_SLICE("ed25519")))
		return httpsig_malformed(err, "signature-input: alg is \"ed25519\"");
	if (canonical.full)
		return httpsig_memory(err);
	input->parameters = (struct wn_slice){canonical.data, canonical.bytes};
	return true;
}

static bool httpsig_signature_read(
	struct wn_slice field, struct wn_slice label, struct signature *out, struct wn_error *err)
{
	struct wn_slice named;
	size_t count = 0;
	if (!input_key(&field, &named) || !wn_slice_equal(named, label) || !input_word(&field, "=:") ||
		field.bytes == 0 || field.data[field.bytes - 1] != ':' ||
		!base64_read(out->bytes, sizeof out->bytes, &count, field.data, field.bytes - 1) ||
		count != sizeof out->bytes)
		return httpsig_malformed(
			err, "signature is :<64 bytes in base64>: under signature-input's label, and nothing else");
	return true;
}

static bool slice_among(struct wn_slice one, const struct wn_slice list[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (wn_slice_equal(one, list[i]))
			return true;
	return false;
}

/* The name of a header field as components write it: in lower case. Of names with @ we take those of our list only. */
static bool component_is_field(struct wn_slice name)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	for (size_t i = 0; i < name.bytes; i++) {
		char c = name.data[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !memchr(marks, c, sizeof marks - 1))
			return false;
	}
	return name.bytes > 0;
}

/* Less than what this request calls for would leave parts free to be changed. More fields may be covered, in any order,
 * each once. */
static bool httpsig_covers(
	const struct httpsig_input *input, const struct wn_slice names[], size_t count, struct wn_error *err)
{
	bool good = true;
	for (size_t i = 0; i < count && good; i++)
		good = slice_among(names[i], input->components, input->component_count);
	for (size_t i = 0; i < input->component_count && good; i++)
		good = !slice_among(input->components[i], input->components, i) &&
		       (slice_among(input->components[i], names, count) || component_is_field(input->components[i]));
	if (good)
		return true;
	char wanted[WN_TEXT_MAX / 2] = "";
	size_t bytes = 0;
	for (size_t i = 0; i < count; i++) {
		wn_assert(bytes + names[i].bytes + 4 < sizeof wanted);
		wanted[bytes++] = i ? ' ' : '(';
		wanted[bytes++] = '"';
		memcpy(wanted + bytes, names[i].data, names[i].bytes);
		bytes += names[i].bytes;
		wanted[bytes++] = '"';
	}
	return wn_fail(err, WN_INPUT, "signature_components",
		"this request signs %s), and beside these only header fields that it carries, each once", wanted);
}

/* RFC 9530: the member sha-256 of a dictionary; members under other names are not ours to judge. */
static bool httpsig_digest_holds(struct wn_slice field, struct wn_slice body)
{
	struct sha256 said, is;
	bool found = false;
	while (field.bytes > 0) {
		const char *comma = memchr(field.data, ',', field.bytes);
		size_t bytes = comma ? (size_t)(comma - field.data) : field.bytes;
		struct wn_slice member = field_trim((struct wn_slice){field.data, bytes});
		if (input_word(&member, "sha-256=:")) {
			size_t count;
			if (found || member.bytes == 0 || member.data[member.bytes - 1] != ':' ||
				!base64_read(said.bytes, sizeof said.bytes, &count, member.data, member.bytes - 1) ||
				count != sizeof said.bytes)
				return false;
			found = true;
		}
		bytes += comma ? 1 : 0;
		field.data += bytes;
		field.bytes -= bytes;
	}
	sha256_of(body.data, body.bytes, &is);
	return found && id_compare(&said, &is) == 0;
}

static bool httpsig_fresh(const struct httpsig_input *input, int64_t now_ms, struct wn_error *err)
{
	int64_t age_s = now_ms / 1000 - input->created_s;
	if (input->expires && input->expires_s < now_ms / 1000)
		return wn_fail(err, WN_INPUT, "signature_stale",
			"the signature expired %" PRId64 " s before the node's clock (%" PRId64 "): sign again",
			now_ms / 1000 - input->expires_s, now_ms / 1000);
	if (age_s >= -HTTPSIG_FRESH_S && age_s <= HTTPSIG_FRESH_S)
		return true;
	return wn_fail(err, WN_INPUT, "signature_stale",
		"signed %" PRId64 " s %s the node's clock (%" PRId64 "): at most %d s are "
		"allowed; check this machine's clock and sign again",
		age_s < 0 ? -age_s : age_s, age_s < 0 ? "ahead of" : "before", now_ms / 1000, HTTPSIG_FRESH_S);
}

bool httpsig_verify(struct wn_arena *arena, const struct http_request *request, const char *tag, int64_t now_ms,
	struct httpsig *out, struct wn_error *err)
{
	struct wn_slice input_field, signature_field, digest_field;
	bool has_input, has_signature, has_digest;
	if (!field_value(arena, request, WN_SLICE("signature-input"), &input_field, &has_input, err) ||
		!field_value(arena, request, WN_SLICE("signature"), &signature_field, &has_signature, err) ||
		!field_value(arena, request, WN_SLICE("content-digest"), &digest_field, &has_digest, err))
		return false;
	if (!has_input || !has_signature)
		return wn_fail(err, WN_INPUT, "signature_missing", "this request must be signed: %s is missing",
			has_input ? "signature" : "signature-input");
	struct httpsig_input input;
	if (!httpsig_input_read(arena, input_field, &input, err) ||
		!httpsig_signature_read(signature_field, input.label, &out->signature, err))
		return false;
	if (!did_read(&out->key, input.keyid.data, input.keyid.bytes))
		return httpsig_malformed(err, "keyid is a did:key of an Ed25519 key");
	out->created_s = input.created_s;
	struct wn_slice names[HTTPSIG_COMPONENTS_MAX];
	size_t count;
	if (!httpsig_components(arena, request, names, &count, err) || !httpsig_covers(&input, names, count, err))
		return false;
	if (!wn_slice_equal(input.tag, wn_slice_of(tag)))
		return wn_fail(err, WN_INPUT, "signature_tag",
			"the signature is for another network: this one's tag is %s", tag);
	if (!httpsig_fresh(&input, now_ms, err))
		return false;
	/* Without a body too: who signed a digest and has no body here lost it on the way. */
	bool digested = request->body.bytes > 0 ||
			slice_among(WN_SLICE("content-digest"), input.components, input.component_count);
	if (digested && (!has_digest || !httpsig_digest_holds(digest_field, request->body)))
		return wn_fail(
			err, WN_INPUT, "signature_digest", "content-digest is not sha-256 of the body as it arrived");
	if (!httpsig_base(
		    arena, request, input.components, input.component_count, input.parameters, NULL, &out->base, err))
		return false;
	if (!sign_verify(&out->key, out->base.data, out->base.bytes, &out->signature))
		return wn_fail(
			err, WN_INPUT, "signature_wrong", "the signature does not belong to this request and key");
	return true;
}

/* A tag travels as a quoted string. */
static bool httpsig_tag_ok(const char *tag)
{
	for (const char *c = tag; *c; c++)
		if (*c < 0x20 || *c > 0x7e || *c == '"' || *c == '\\')
			return false;
	return *tag != '\0';
}

bool httpsig_sign(struct wn_arena *arena, const struct http_request *request, const char *tag, int64_t created_s,
	const struct sign_key *key, struct httpsig_fields *out, struct wn_error *err)
{
	*out = (struct httpsig_fields){0};
	if (!httpsig_tag_ok(tag))
		return httpsig_malformed(err, "a tag is printable ASCII without quotes");
	struct wn_slice names[HTTPSIG_COMPONENTS_MAX];
	size_t count;
	if (!httpsig_components(arena, request, names, &count, err))
		return false;
	if (request->body.bytes > 0) {
		struct sha256 hash;
		char coded[HTTPSIG_DIGEST_ROOM];
		sha256_of(request->body.data, request->body.bytes, &hash);
		base64_write(coded, hash.bytes, sizeof hash.bytes);
		char *digest = wn_arena_printf(arena, "sha-256=:%s:", coded);
		if (!digest)
			return httpsig_memory(err);
		out->content_digest = wn_slice_of(digest);
	}
	struct wn_text input;
	wn_text_init(&input, arena);
	wn_text_add_string(&input, httpsig_label);
	for (size_t i = 0; i < count; i++)
		wn_text_printf(&input, "%s\"%.*s\"", i ? " " : "(", (int)names[i].bytes, names[i].data);
	char did[DID_ROOM];
	did_write(did, &key->public_key);
	wn_text_printf(&input, ");created=%" PRId64 ";keyid=\"%s\";alg=\"ed25519\";tag=\"%s\"", created_s, did, tag);
	if (input.full)
		return httpsig_memory(err);
	out->signature_input = (struct wn_slice){input.data, input.bytes};
	size_t label_bytes = sizeof httpsig_label - 1;
	struct wn_slice base, parameters = {input.data + label_bytes, input.bytes - label_bytes};
	if (!httpsig_base(arena, request, names, count, parameters, &out->content_digest, &base, err))
		return false;
	struct signature signature;
	char coded[(SIGNATURE_BYTES + 2) / 3 * 4 + 1];
	sign_bytes(key, base.data, base.bytes, &signature);
	base64_write(coded, signature.bytes, sizeof signature.bytes);
	char *field = wn_arena_printf(arena, "sig1=:%s:", coded);
	if (!field)
		return httpsig_memory(err);
	out->signature = wn_slice_of(field);
	return true;
}
