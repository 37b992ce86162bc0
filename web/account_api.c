/* Registering a key with its roles; who signed the request is who is registered. */
#include "web/account_api.h"

#include <string.h>

#include "core/journal.h"

enum { ACCOUNT_ROLES_MAX = 8, ACCOUNT_BODY_MAX = 4096 };

/* The roles by name; `open` ones anybody may take, the others are given at genesis. */
static const struct {
	const char *name;
	enum account_role role;
	bool open;
} account_role_names[] = {
	{"contributor", ACCOUNT_CONTRIBUTOR, true},
	{"validator", ACCOUNT_VALIDATOR, true},
	{"lab", ACCOUNT_LAB, true},
	{"operator", ACCOUNT_OPERATOR, false},
	{"curator", ACCOUNT_CURATOR, false},
};
enum { ACCOUNT_ROLE_NAMES = sizeof account_role_names / sizeof *account_role_names };

struct registration {
	int32_t roles;
	bool robot;
	bool has_terms, has_salt;
	struct sha256 terms;
	struct salt salt;
};

/* False when refused; the problem is written then. */
static bool registration_role(struct exchange *exchange, const char *name, struct registration *registration)
{
	for (int i = 0; name && i < ACCOUNT_ROLE_NAMES; i++) {
		if (strcmp(account_role_names[i].name, name) != 0)
			continue;
		if (account_role_names[i].open) {
			registration->roles |= account_role_names[i].role;
			return true;
		}
		exchange_problem(exchange, 403, "role_not_open",
			"The role %s is given by the network's operator, not taken by registering.", name);
		return false;
	}
	exchange_problem(exchange, 400, "role_unknown", "roles names contributor, validator or lab.");
	return false;
}

static bool registration_read(struct exchange *exchange, const struct json *body, struct registration *registration)
{
	static const char *const members[] = {"roles", "robot", "terms_sha256", "salt", NULL};
	struct wn_slice unknown;
	if (!json_only_members(body, members, &unknown)) {
		exchange_problem(exchange, 400, "unknown_member",
			"A registration knows roles, robot, terms_sha256 and salt, not %.*s.",
			(int)(unknown.bytes > 64 ? 64 : unknown.bytes), unknown.data ? unknown.data : "this");
		return false;
	}
	const struct json *roles = json_get(body, "roles"), *robot = json_get(body, "robot"),
			  *terms = json_get(body, "terms_sha256");
	if (!roles || roles->type != JSON_ARRAY || roles->count == 0 || roles->count > ACCOUNT_ROLES_MAX) {
		exchange_problem(exchange, 400, "roles_missing",
			"Name the roles: {\"roles\": [\"contributor\", \"validator\", \"lab\"]}.");
		return false;
	}
	for (size_t i = 0; i < roles->count; i++)
		if (!registration_role(exchange, json_string(roles->elements[i]), registration))
			return false;
	if (robot && robot->type != JSON_BOOL) {
		exchange_problem(exchange, 400, "robot", "robot is true or false.");
		return false;
	}
	registration->robot = robot && robot->truth;
	const char *hex = terms ? json_string(terms) : NULL;
	registration->has_terms = terms != NULL;
	if (terms && (!hex || !hex_read(registration->terms.bytes, ID_BYTES, hex, strlen(hex)))) {
		exchange_problem(exchange, 400, "terms_sha256", "terms_sha256 is 64 hex digits.");
		return false;
	}
	const struct json *salt = json_get(body, "salt");
	hex = salt ? json_string(salt) : NULL;
	registration->has_salt = salt != NULL;
	if (salt && (!hex || !hex_read(registration->salt.bytes, ID_BYTES, hex, strlen(hex)))) {
		exchange_problem(exchange, 400, "salt", "salt is 64 hex digits; left out, the node draws one.");
		return false;
	}
	return true;
}

static void account_put(struct json_writer *writer, const struct account *account)
{
	char did[DID_ROOM];
	did_write(did, &account->key);
	json_put_string(writer, "did", did);
	json_open_array(writer, "roles");
	for (int i = 0; i < ACCOUNT_ROLE_NAMES; i++)
		if (account->roles & account_role_names[i].role)
			json_put_string(writer, NULL, account_role_names[i].name);
	json_close_array(writer);
	json_put_bool(writer, "robot", account->robot);
	json_put_hex(writer, "commitment", account->commitment.bytes, ID_BYTES);
}

static bool account_entry(
	struct exchange *exchange, const struct account *account, struct sha256 *leaf, struct wn_error *err)
{
	struct json_writer entry;
	struct wn_slice body;
	json_begin(&entry, exchange->arena);
	json_open_object(&entry, NULL);
	json_put_string(&entry, "type", "account");
	json_put_integer(&entry, "time_ms", exchange->now_ms);
	account_put(&entry, account);
	json_close_object(&entry);
	return json_end(&entry, &body, err) && journal_append(exchange->db, exchange->arena, body, leaf, err);
}

static bool account_answer(struct exchange *exchange, const struct account *account, const struct sha256 *leaf,
	struct wn_slice *out, struct wn_error *err)
{
	struct json_writer answer;
	json_begin(&answer, exchange->arena);
	json_open_object(&answer, NULL);
	account_put(&answer, account);
	json_put_integer(&answer, "registered_ms", account->registered_ms);
	if (!exchange_receipt(exchange, &answer, leaf, err))
		return false;
	json_close_object(&answer);
	return json_end(&answer, out, err);
}

static bool account_register(struct exchange *exchange, struct wn_error *err)
{
	const struct json *body;
	bool answered, changed;
	struct registration registration = {0};
	struct account account;
	struct sha256 leaf;
	struct wn_slice text;
	if (!exchange_json(exchange, &body, &answered, err))
		return answered;
	if (!registration_read(exchange, body, &registration))
		return true;
	if (!db_begin(exchange->db, err) ||
		!account_insert(exchange->db, exchange->arena, &exchange->node->network, &exchange->signature.key,
			registration.roles, registration.robot, registration.has_terms ? &registration.terms : NULL,
			registration.has_salt ? &registration.salt : NULL, exchange->now_ms, &account, &changed, err))
		return false;
	/* Who was there already and asks for nothing new gets an answer, and the journal no entry. */
	if (changed && !account_entry(exchange, &account, &leaf, err))
		return false;
	int status = changed && !exchange->has_account ? 201 : 200;
	return account_answer(exchange, &account, changed ? &leaf : NULL, &text, err) &&
	       exchange_remember(exchange, status, text, err) && db_commit(exchange->db, err) &&
	       exchange_ok(exchange, status, text, err);
}

const struct route account_routes[] = {
	{.method = "POST",
		.pattern = "/v1/accounts",
		.access = ROUTE_SIGNED,
		.body_max = ACCOUNT_BODY_MAX,
		.handle = account_register,
		.summary = "Register the signing key as contributor, validator or lab, or add a role",
		.takes = "Registration",
		.gives = "200:Account,201:Account",
		.refuses = "403"},
	{.method = NULL},
};
