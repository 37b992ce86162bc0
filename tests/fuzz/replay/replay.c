/* Stands in for the fuzzer: every file that is named goes through the entry once. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { REPLAY_BYTES_MAX = 1 << 20 };

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "re");
		uint8_t *data = malloc(REPLAY_BYTES_MAX);
		if (!file || !data) {
			perror(argv[i]);
			return 1;
		}
		size_t bytes = fread(data, 1, REPLAY_BYTES_MAX, file);
		fclose(file);
		LLVMFuzzerTestOneInput(data, bytes);
		free(data);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
