/* TLS contexts out of certificate and key files (OpenSSL): 1.2 and 1.3, no protocol negotiation, so HTTP/1.1 only. */
#ifndef WEB_TLS_H
#define WEB_TLS_H

#include <openssl/ssl.h>

#include "core/error.h"

/* PEM files; the certificate file may hold the chain behind the certificate. WN_INPUT tls_* when they do not fit each
 * other. */
bool tls_context_open(SSL_CTX **out, const char *cert_path, const char *key_path, struct wn_error *err);
void tls_context_close(SSL_CTX *context); /* NULL is fine */

#endif
