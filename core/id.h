/* The ids of the system, each its own type so that the compiler tells them apart. All are 32 bytes, hex in text. */
#ifndef CORE_ID_H
#define CORE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ID_BYTES = 32, ID_HEX_ROOM = 65 };

struct sha256 {
	uint8_t bytes[ID_BYTES];
};
struct network_id {
	uint8_t bytes[ID_BYTES];
}; /* SHA-256 of journal entry 0 */
struct item_id {
	uint8_t bytes[ID_BYTES];
};
struct account_key {
	uint8_t bytes[ID_BYTES];
}; /* an Ed25519 public key */
struct salt {
	uint8_t bytes[ID_BYTES];
};

/* 0 to 15, either case; -1 for every other character. */
int hex_digit(char c);
/* Lower-case hex of any bytes, NUL-terminated; out has room for 2 * count + 1. Returns out. */
char *hex_write(char *out, const void *bytes, size_t count);
/* Reads exactly count bytes from exactly 2 * count hex digits (either case); false otherwise. */
bool hex_read(void *bytes, size_t count, const char *hex, size_t hex_bytes);
/* Standard base64 with padding. out has room for base64_room(count). Returns the length without NUL. */
size_t base64_room(size_t count);
size_t base64_write(char *out, const void *bytes, size_t count);
/* Strict: padding and canonical bits are required. False when malformed or longer than room. */
bool base64_read(void *bytes, size_t room, size_t *count, const char *text, size_t text_bytes);
/* Orders by unsigned bytes, as memcmp over 32 bytes; for qsort. */
int id_compare(const void *a, const void *b);

#endif
