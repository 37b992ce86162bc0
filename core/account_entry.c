/* Words of roles and members of an account, in one place for all who tell of it. */
#include "core/account_entry.h"

#include <string.h>

#include "core/journal.h"
#include "core/sign.h"

static const struct {
	const char *word;
	enum account_role role;
} account_roles[] = {
	{"contributor", ACCOUNT_CONTRIBUTOR},
	{"validator", ACCOUNT_VALIDATOR},
	{"lab", ACCOUNT_LAB},
	{"operator", ACCOUNT_OPERATOR},
	{"curator", ACCOUNT_CURATOR},
};
enum { ACCOUNT_ROLES = sizeof account_roles / sizeof account_roles[0] };

bool account_role_read(const char *word, enum account_role *out)
{
	for (int i = 0; word && i < ACCOUNT_ROLES; i++)
		if (strcmp(account_roles[i].word, word) == 0) {
			*out = account_roles[i].role;
			return true;
		}
	return false;
}

void account_roles_put(struct json_writer *writer, int32_t roles)
{
	json_open_array(writer, "roles");
	for (int i = 0; i < ACCOUNT_ROLES; i++)
		if (roles & account_roles[i].role)
			json_put_string(writer, NULL, account_roles[i].word);
	json_close_array(writer);
}

void account_put(struct json_writer *writer, const struct account *account)
{
	char did[DID_ROOM];
	did_write(did, &account->key);
	json_put_string(writer, "did", did);
	account_roles_put(writer, account->roles);
	json_put_bool(writer, "robot", account->robot);
	json_put_hex(writer, "commitment", account->commitment.bytes, ID_BYTES);
}

bool account_entry(struct wn_arena *arena, const struct account *account, int64_t now_ms, struct wn_slice *out,
	struct wn_error *err)
{
	struct json_writer entry;
	journal_entry_begin(&entry, arena, "account", now_ms);
	account_put(&entry, account);
	json_close_object(&entry);
	return json_end(&entry, out, err);
}
