/* dlopen, a look at the version, and a look at the GPU. */
#include "gpu_embed/cuda_loader.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
	pthread_once_t once;
	const struct device_interface *interface;
	char why[BACKEND_ABOUT_MAX];
} loaded = {.once = PTHREAD_ONCE_INIT};

/* Beside the program, above a test's folder, or where packages put libraries that are no libraries for others. */
static void *loader_open(void)
{
	static const char *const places[] = {"winnow_cuda.so", "../winnow_cuda.so", "../lib/winnow/winnow_cuda.so"};
	char program[PATH_MAX], path[PATH_MAX + 32];
	ssize_t bytes = readlink("/proc/self/exe", program, sizeof program - 1);
	snprintf(loaded.why, sizeof loaded.why, "winnow_cuda.so is not beside the program");
	if (bytes <= 0)
		return NULL;
	program[bytes] = '\0';
	char *slash = strrchr(program, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		snprintf(path, sizeof path, "%s/%s", program, places[i]);
		if (access(path, R_OK) != 0)
			continue;
		void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (library)
			return library;
		snprintf(loaded.why, sizeof loaded.why, "%s", dlerror());
	}
	return NULL;
}

static void loader_load(void)
{
	struct device_about about;
	char text[DEVICE_TEXT_MAX];
	void *library = loader_open();
	device_function *function = library ? (device_function *)dlsym(library, DEVICE_SYMBOL) : NULL;
	if (!library)
		return;
	const struct device_interface *interface = function ? function() : NULL;
	if (!interface || interface->version != DEVICE_VERSION || interface->spec_version != EMBED_SPEC_VERSION) {
		snprintf(loaded.why, sizeof loaded.why, "winnow_cuda.so is of another version");
		dlclose(library);
		return;
	}
	if (interface->look(&about, text) != DEVICE_DONE) {
		snprintf(loaded.why, sizeof loaded.why, "%s", text);
		return; /* stays loaded: CUDA does not like to be taken out again */
	}
	loaded.interface = interface;
	snprintf(loaded.why, sizeof loaded.why, "%s, compute capability %d.%d, %zu MiB", about.name, about.major,
		about.minor, about.memory_bytes >> 20);
}

const struct device_interface *cuda_loader(const char **why)
{
	pthread_once(&loaded.once, loader_load);
	if (why)
		*why = loaded.why;
	return loaded.interface;
}

bool cuda_loader_fail(struct wn_error *err, enum device_outcome outcome, const char *text)
{
	return outcome == DEVICE_FULL ? wn_fail(err, WN_FULL, "gpu_memory", "%s", text)
				      : wn_fail(err, WN_DOWN, "gpu_lost", "%s", text);
}
