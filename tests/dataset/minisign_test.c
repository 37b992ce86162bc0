/* minisign's formats against the stock tool, both ways, and every kind of damage. */
#include "tests/check.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dataset/version_folder.h"
#include "tests/dataset/version_sample.h"

SUITE("minisign")

static bool tool_missing(void)
{
	if (sample_shell_status("command -v minisign >/dev/null") == 0)
		return false;
	test_skip("the package minisign is not installed");
	return true;
}

TEST(the_stock_tool_takes_our_signature_and_nothing_else)
{
	struct version_sample sample;
	struct wn_error err = {0};
	struct wn_slice signature, file = WN_SLICE("{\"a\":1}");
	char key[MINISIGN_PUBLIC_ROOM], dir[SAMPLE_PATH_MAX];
	if (tool_missing())
		return;
	version_sample_init(&sample);
	snprintf(dir, sizeof dir, "%s/minisign", test_folder());
	sample_shell("mkdir -p %s", dir);
	minisign_public_write(&sample.public, key);
	CHECK_OK(minisign_sign(&sample.arena, &sample.manifest_key, file.data, file.bytes,
			 "timestamp:1\tfile:m.json\thashed \xc3\xa9", &signature, &err),
		err);
	sample_put(dir, "m.json", file);
	sample_put(dir, "m.json.minisig", signature);
	CHECK_INT(sample_shell_status("cd %s && minisign -Vm m.json -P %s >said 2>&1", dir, key), 0);
	CHECK_INT(sample_shell_status("cd %s && minisign -VHm m.json -P %s >said 2>&1", dir, key), 0);
	CHECK_INT(sample_shell_status("grep -q 'hashed' %s/said", dir), 0);
	/* The same key in a .pub file, whose comment shows the id that the tool computes. */
	sample_put(dir, "m.pub", wn_slice_of(wn_arena_printf(&sample.arena, "untrusted comment: ours\n%s\n", key)));
	CHECK_INT(sample_shell_status("cd %s && minisign -Vm m.json -p m.pub >said 2>&1", dir), 0);
	sample_put(dir, "m.json", WN_SLICE("{\"a\":2}"));
	CHECK_INT(sample_shell_status("cd %s && minisign -Vm m.json -P %s >said 2>&1", dir, key), 1);
	sample_put(dir, "m.json", file);
	sample_put(dir, "m.json.minisig", sample_replace(&sample.arena, signature, "timestamp:1", "timestamp:2"));
	CHECK_INT(sample_shell_status("cd %s && minisign -Vm m.json -P %s >said 2>&1", dir, key), 1);
	version_sample_free(&sample);
}

TEST(a_key_and_a_signature_that_the_stock_tool_made_are_taken)
{
	struct wn_arena arena;
	struct wn_error err = {0};
	struct minisign_public public, line;
	struct wn_slice comment, signature, text, file;
	char dir[SAMPLE_PATH_MAX], written[MINISIGN_PUBLIC_ROOM];
	if (tool_missing())
		return;
	sign_start();
	wn_arena_init(&arena, 16 << 20);
	snprintf(dir, sizeof dir, "%s/minisign-theirs", test_folder());
	sample_shell("mkdir -p %s && cd %s && head -c 100000 /dev/urandom >file && minisign -G -W -p key.pub -s "
		     "key.sec >said 2>&1 && "
		     "minisign -S -s key.sec -m file -c 'a comment' -t 'trusted: yes' >said 2>&1",
		dir, dir);
	text = sample_read(&arena, dir, "key.pub");
	file = sample_read(&arena, dir, "file");
	signature = sample_read(&arena, dir, "file.minisig");
	CHECK_OR_RETURN(minisign_public_read(&public, text.data, text.bytes));
	CHECK_OK(minisign_verify(&arena, &public, file.data, file.bytes, signature, &comment, &err), err);
	CHECK_TEXT(comment.data, "trusted: yes");
	/* The base64 line alone is the same key, and is written as they write it. */
	minisign_public_write(&public, written);
	CHECK(minisign_public_read(&line, written, strlen(written)));
	CHECK_BYTES(&line, sizeof line, &public, sizeof public);
	CHECK(memmem(text.data, text.bytes, written, strlen(written)) != NULL);
	/* Random id, so it is not the one that we would derive; the key is checked with its own. */
	struct minisign_public derived;
	minisign_public_of(&public.key, &derived);
	CHECK(!minisign_verify(&arena, &derived, file.data, file.bytes, signature, NULL, &err));
	CHECK_TEXT(err.code, "minisign_key");
	/* The old form is named, not taken. */
	sample_shell("cd %s && minisign -S -l -s key.sec -m file -x old.minisig >said 2>&1", dir);
	signature = sample_read(&arena, dir, "old.minisig");
	CHECK(!minisign_verify(&arena, &public, file.data, file.bytes, signature, NULL, &err));
	CHECK_TEXT(err.code, "minisign_algorithm");
	wn_arena_free(&arena);
}

TEST(every_damage_to_a_signature_has_its_word)
{
	static const struct {
		const char *what, *with, *code;
	} bad[] = {
		{"untrusted comment: ", "comment: ", "minisign_form"},
		{"\ntrusted comment: ", "\nbelieved comment: ", "minisign_form"},
		{"\n", "", "minisign_form"},
		{"\nR", "\n!", "minisign_form"},
		{"seen", "s\x1b[2Jeen", "minisign_form"},
		{"seen",
			"s\xff"
			"een",
			"minisign_form"},
		{"seen", "seer", "minisign_comment"},
		{"\nRU", "\nRW", "minisign_algorithm"},
		{"\nRU", "\nSU", "minisign_algorithm"},
	};
	struct version_sample sample;
	struct wn_error err = {0};
	struct wn_slice signature, file = WN_SLICE("abc");
	version_sample_init(&sample);
	CHECK_OK(minisign_sign(&sample.arena, &sample.manifest_key, file.data, file.bytes, "seen", &signature, &err),
		err);
	CHECK_OK(minisign_verify(&sample.arena, &sample.public, file.data, file.bytes, signature, NULL, &err), err);
	CHECK(minisign_is_ours(&sample.public, signature));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct wn_slice text = sample_replace(&sample.arena, signature, bad[i].what, bad[i].with);
		bool taken = minisign_verify(&sample.arena, &sample.public, file.data, file.bytes, text, NULL, &err);
		CHECK_TEXT(taken ? bad[i].with : err.code, bad[i].code);
	}
	CHECK(!minisign_verify(&sample.arena, &sample.public, "abd", 3, signature, NULL, &err));
	CHECK_TEXT(err.code, "minisign_signature");
	struct minisign_public other = sample.public;
	other.id[0] ^= 1;
	CHECK(!minisign_verify(&sample.arena, &other, file.data, file.bytes, signature, NULL, &err));
	CHECK_TEXT(err.code, "minisign_key");
	/* What the signature does not cover is still ours to demand. */
	CHECK(!minisign_is_ours(
		&sample.public, sample_replace(&sample.arena, signature, "manifest key", "manifest Key")));
	CHECK(!minisign_is_ours(&sample.public, (struct wn_slice){signature.data, signature.bytes - 1}));
	CHECK(!minisign_is_ours(&sample.public, sample_replace(&sample.arena, signature, "\ntrusted", "\r\ntrusted")));
	version_sample_free(&sample);
}

TEST(public_keys_are_read_strictly)
{
	struct version_sample sample;
	struct minisign_public public;
	char key[MINISIGN_PUBLIC_ROOM], text[256];
	version_sample_init(&sample);
	minisign_public_write(&sample.public, key);
	CHECK_INT(strlen(key), 56);
	CHECK(strncmp(key, "RW", 2) == 0);
	CHECK(minisign_public_read(&public, key, strlen(key)));
	CHECK(!minisign_public_read(&public, key, strlen(key) - 1));
	snprintf(text, sizeof text, "%s\n%s\n", key, key);
	CHECK(!minisign_public_read(&public, text, strlen(text)));
	snprintf(text, sizeof text, "untrusted comment: minisign public key\n%s\n", key);
	CHECK(minisign_public_read(&public, text, strlen(text)));
	key[1] = 'X';
	CHECK(!minisign_public_read(&public, key, strlen(key)));
	CHECK(!minisign_public_read(&public, "", 0));
	version_sample_free(&sample);
}
