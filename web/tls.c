/* One place for what this server asks of TLS. */
#include "web/tls.h"

#include <openssl/err.h>

/* The first thing that OpenSSL says of a failure; its queue is empty afterwards. */
static const char *tls_reason(void)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;
	ERR_clear_error();
	return reason ? reason : "unknown reason";
}

bool tls_context_open(SSL_CTX **out, const char *cert_path, const char *key_path, struct wn_error *err)
{
	ERR_clear_error();
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (!context)
		return wn_fail(err, WN_FULL, "tls_context", "make a TLS context: %s", tls_reason());
	/* The library takes a renegotiation for an attack and closes; refusing it here says so politely. */
	SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1) {
		wn_fail(err, WN_DOWN, "tls_version", "ask for TLS 1.2 or newer: %s", tls_reason());
	} else if (SSL_CTX_use_certificate_chain_file(context, cert_path) != 1) {
		wn_fail(err, WN_INPUT, "tls_certificate", "read the certificate %s (serve.tls_cert): %s", cert_path,
			tls_reason());
	} else if (SSL_CTX_use_PrivateKey_file(context, key_path, SSL_FILETYPE_PEM) != 1) {
		wn_fail(err, WN_INPUT, "tls_key", "read the key %s (serve.tls_key): %s", key_path, tls_reason());
	} else if (SSL_CTX_check_private_key(context) != 1) {
		wn_fail(err, WN_INPUT, "tls_key", "the key %s does not belong to the certificate %s: %s", key_path,
			cert_path, tls_reason());
	} else {
		*out = context;
		return true;
	}
	SSL_CTX_free(context);
	return false;
}

void tls_context_close(SSL_CTX *context)
{
	SSL_CTX_free(context);
}
