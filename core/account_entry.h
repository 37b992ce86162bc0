/* How an account is told: to its owner, to the journal. Pure. */
#ifndef CORE_ACCOUNT_ENTRY_H
#define CORE_ACCOUNT_ENTRY_H

#include "core/account.h"
#include "core/json.h"

/* "contributor", "validator", "lab", "operator", "curator"; false when no role is called so. */
bool account_role_read(const char *word, enum account_role *out);
/* Member "roles": the words of those that are set. */
void account_roles_put(struct json_writer *writer, int32_t roles);
/* Members did, roles, robot and commitment of an open object. */
void account_put(struct json_writer *writer, const struct account *account);
/* The journal's `account` entry as JSON text, for journal_append(). */
bool account_entry(struct wn_arena *arena, const struct account *account, int64_t now_ms, struct wn_slice *out,
	struct wn_error *err);

#endif
