/* Registering a key with its roles; who signed the request is who is registered. */
#include "web/account_api.h"

#include <string.h>

#include "core/account_entry.h"
#include "core/journal.h"

enum { ACCOUNT_ROLES_MAX = 8, ACCOUNT_BODY_MAX = 4096 };

struct registration {
	int32_t roles;
	bool robot;
	bool has_terms, has_salt;
	struct sha256 terms;
	struct salt salt;
};

/* False when refused; the problem is written then. Operators and curators are named by genesis. */
static bool registration_role(struct exchange *exchange, const char *name, struct registration *registration)
{
	enum account_role role;
	if (!account_role_read(name, &role)) {
		exchange_problem(exchange, 400, "role_unknown", "roles names contributor, validator or lab.");
		return false;
	}
	if (role == ACCOUNT_OPERATOR || role == ACCOUNT_CURATOR) {
		exchange_problem(exchange, 403, "role_not_open",
			"The role %s is given by the network's operator, not taken by registering.", name);
		return false;
	}
	registration->roles |= role;
	return true;
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
	struct wn_slice text, entry;
	if (!exchange_json(exchange, &body, &answered, err))
		return answered;
	if (!registration_read(exchange, body, &registration))
		return true;
	if (!db_begin(exchange->db, err) ||
		!account_insert(exchange->db, exchange->arena, &exchange->node->network, &exchange->signature.key,
			registration.roles, registration.robot, registration.has_terms ? &registration.terms : NULL,
			registration.has_salt ? &registration.salt : NULL, exchange->now_ms, &account, &changed, err))
		return false;
	/* Roles are only ever added, but the last terms stand: an earlier request that somebody sends once more must
	 * not bring its terms back. */
	if (changed && exchange->has_account && registration.has_terms && !exchange->idempotency_key.data)
		return exchange_problem(exchange, 400, "idempotency_missing",
			"This key is registered: send new terms with an Idempotency-Key of your own.");
	/* Who was there already and asks for nothing new gets an answer, and the journal no entry. */
	if (changed && (!account_entry(exchange->arena, &account, exchange->now_ms, &entry, err) ||
			       !journal_append(exchange->db, exchange->arena, entry, &leaf, err)))
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
