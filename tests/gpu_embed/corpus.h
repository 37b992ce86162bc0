/* Made-up posts for the tests of the duplicate check: many scripts, shared words, and edits whose size is chosen. */
#ifndef TESTS_GPU_EMBED_CORPUS_H
#define TESTS_GPU_EMBED_CORPUS_H

#include "gpu_embed/linker.h"
#include "gpu_embed/signer.h"

enum { CORPUS_POST_ROOM = 1024, CORPUS_SCRIPTS = 6 };

/* A post of `words` words of one script's vocabulary; returns its bytes. Frequent words are shared by many posts. */
size_t corpus_post(uint64_t *random, unsigned script, unsigned words, char out[CORPUS_POST_ROOM]);
/* `text` with one more random edit: a word replaced, dropped, put in front or behind, or letters' case and blanks
 * changed. */
size_t corpus_edit(uint64_t *random, unsigned script, const char *text, char out[CORPUS_POST_ROOM]);
/* Characters from everywhere: hostile to normalisation, valid UTF-8. */
size_t corpus_noise(uint64_t *random, unsigned characters, char out[CORPUS_POST_ROOM]);

/* A thing that the linker takes, made of a signed content; ids are made of `number`. */
void corpus_id(uint64_t number, struct item_id *out);
struct linker_post corpus_linker_post(const struct signed_content *content, uint64_t number);

/* Jaccard counted over the shingles themselves, letter by letter, not over their hashes: slow, and in no way like the
 * linker. */
struct corpus_set;
struct corpus_set *corpus_set_open(const char *text, size_t bytes);
void corpus_set_close(struct corpus_set *set);
int corpus_set_size(const struct corpus_set *set);
void corpus_set_jaccard(const struct corpus_set *a, const struct corpus_set *b, int *common, int *either);

#endif
