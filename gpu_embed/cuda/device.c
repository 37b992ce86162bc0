/* The host side of winnow_cuda.so: memory of the GPU, copies to and from it, and the order of the kernels. */
#include "gpu_embed/cuda/device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_embed/cuda/device_range.h"
#include "gpu_embed/cuda/kernels.h"

/* While one chunk is computed, the one before is copied back and the one behind is copied in. */
enum { SLOTS = 3, CHUNK_TEXTS = 16384, CHUNK_POINTS = 1 << 22, SLOT_LEAST = 1024 };

enum device_outcome device_failed(char *text, cudaError_t error, const char *doing)
{
	snprintf(text, DEVICE_TEXT_MAX, "%s: %s", doing, cudaGetErrorString(error));
	if (error == cudaErrorMemoryAllocation) {
		cudaGetLastError(); /* it is told once, not again by the next call */
		return DEVICE_FULL;
	}
	return error == cudaErrorNoDevice || error == cudaErrorInsufficientDriver ? DEVICE_ABSENT : DEVICE_LOST;
}

enum device_outcome device_look(struct device_about *out, char *text)
{
	struct cudaDeviceProp about;
	int count = 0, driver = 0;
	if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
		snprintf(text, DEVICE_TEXT_MAX, "there is no NVIDIA driver");
		return DEVICE_ABSENT;
	}
	CUDA_TRY(cudaGetDeviceCount(&count), text, "look for GPUs");
	if (count == 0) {
		snprintf(text, DEVICE_TEXT_MAX, "there is no GPU");
		return DEVICE_ABSENT;
	}
	CUDA_TRY(cudaGetDeviceProperties(&about, 0), text, "ask the GPU");
	snprintf(out->name, sizeof out->name, "%s", about.name);
	out->memory_bytes = about.totalGlobalMem;
	out->multiprocessors = about.multiProcessorCount;
	out->major = about.major;
	out->minor = about.minor;
	if (about.major < 8) {
		snprintf(text, DEVICE_TEXT_MAX, "%.128s is older than compute capability 8.0", about.name);
		return DEVICE_ABSENT;
	}
	return DEVICE_DONE;
}

/* One chunk's memory on the GPU, and its twin on the host for callers whose memory the GPU cannot reach. */
struct slot {
	cudaStream_t stream;
	size_t texts, points; /* for how many there is room; 0: none is there */
	struct sign_chunk chunk;
	uint32_t *points_in, *starts_in;
	struct {
		uint32_t *points, *starts, *shingles, *sizes;
		uint16_t *lanes;
		uint64_t *keys;
	} host;
	size_t first, count; /* the texts in it; count 0: none */
};

struct device {
	int multiprocessors;
	struct sign_factor *factors;
	struct slot slots[SLOTS];
};

static void slot_drop(struct slot *slot)
{
	cudaFree(slot->points_in);
	cudaFree(slot->starts_in);
	cudaFree(slot->chunk.lanes);
	cudaFree(slot->chunk.keys);
	cudaFree(slot->chunk.shingles);
	cudaFree(slot->chunk.sizes);
	cudaFree(slot->chunk.longer);
	cudaFree(slot->chunk.counters);
	cudaFreeHost(slot->host.points);
	cudaFreeHost(slot->host.starts);
	cudaFreeHost(slot->host.shingles);
	cudaFreeHost(slot->host.sizes);
	cudaFreeHost(slot->host.lanes);
	cudaFreeHost(slot->host.keys);
	*slot = (struct slot){.stream = slot->stream};
}

#define SLOT_TAKE(call) CUDA_TRY(call, text, "take memory of the GPU")

static enum device_outcome slot_take(struct slot *slot, size_t texts, size_t points, char *text)
{
	SLOT_TAKE(cudaMalloc((void **)&slot->points_in, points * sizeof(uint32_t)));
	SLOT_TAKE(cudaMalloc((void **)&slot->starts_in, (texts + 1) * sizeof(uint32_t)));
	SLOT_TAKE(cudaMalloc((void **)&slot->chunk.lanes, texts * EMBED_LANES * sizeof(uint16_t)));
	SLOT_TAKE(cudaMalloc((void **)&slot->chunk.keys, texts * EMBED_BANDS * sizeof(uint64_t)));
	SLOT_TAKE(cudaMalloc((void **)&slot->chunk.shingles, points * sizeof(uint32_t)));
	SLOT_TAKE(cudaMalloc((void **)&slot->chunk.sizes, texts * sizeof(uint32_t)));
	SLOT_TAKE(cudaMalloc((void **)&slot->chunk.longer, texts * sizeof(uint32_t)));
	SLOT_TAKE(cudaMalloc((void **)&slot->chunk.counters, 2 * sizeof(uint32_t)));
	/* Behind each set stands what no kernel writes and the copy takes along. */
	SLOT_TAKE(cudaMemsetAsync(slot->chunk.shingles, 0, points * sizeof(uint32_t), slot->stream));
	slot->texts = texts;
	slot->points = points;
	return DEVICE_DONE;
}

static enum device_outcome slot_take_host(struct slot *slot, char *text)
{
	if (slot->host.keys)
		return DEVICE_DONE;
	SLOT_TAKE(cudaMallocHost((void **)&slot->host.points, slot->points * sizeof(uint32_t)));
	SLOT_TAKE(cudaMallocHost((void **)&slot->host.starts, (slot->texts + 1) * sizeof(uint32_t)));
	SLOT_TAKE(cudaMallocHost((void **)&slot->host.shingles, slot->points * sizeof(uint32_t)));
	SLOT_TAKE(cudaMallocHost((void **)&slot->host.sizes, slot->texts * sizeof(uint32_t)));
	SLOT_TAKE(cudaMallocHost((void **)&slot->host.lanes, slot->texts * EMBED_LANES * sizeof(uint16_t)));
	SLOT_TAKE(cudaMallocHost((void **)&slot->host.keys, slot->texts * EMBED_BANDS * sizeof(uint64_t)));
	return DEVICE_DONE;
}

static size_t room_of(size_t needed)
{
	size_t room = SLOT_LEAST;
	while (room < needed)
		room *= 2;
	return room;
}

static enum device_outcome slot_reserve(struct slot *slot, size_t texts, size_t points, bool direct, char *text)
{
	enum device_outcome outcome;
	if (slot->texts < texts || slot->points < points) {
		slot_drop(slot);
		outcome = slot_take(slot, room_of(texts), room_of(points), text);
		if (outcome != DEVICE_DONE) {
			slot_drop(slot);
			return outcome;
		}
	}
	return direct ? DEVICE_DONE : slot_take_host(slot, text);
}

enum device_outcome device_open(struct device **out, char *text)
{
	struct device_about about;
	struct sign_factor factors[EMBED_LANES];
	enum device_outcome outcome = device_look(&about, text);
	if (outcome != DEVICE_DONE)
		return outcome;
	CUDA_TRY(cudaSetDevice(0), text, "use the GPU");
	struct device *device = calloc(1, sizeof *device);
	if (!device) {
		snprintf(text, DEVICE_TEXT_MAX, "no memory");
		return DEVICE_FULL;
	}
	device->multiprocessors = about.multiprocessors;
	for (unsigned lane = 0; lane < EMBED_LANES; lane++) {
		uint16_t a, c;
		embed_lane_factors(lane, &a, &c);
		factors[lane] = (struct sign_factor){.a = a, .difference = (uint32_t)(uint16_t)(c - a) << 16};
	}
	cudaError_t error = cudaMalloc((void **)&device->factors, sizeof factors);
	if (error == cudaSuccess)
		error = cudaMemcpy(device->factors, factors, sizeof factors, cudaMemcpyHostToDevice);
	for (int i = 0; i < SLOTS && error == cudaSuccess; i++)
		error = cudaStreamCreateWithFlags(&device->slots[i].stream, cudaStreamNonBlocking);
	if (error != cudaSuccess) {
		outcome = device_failed(text, error, "open the GPU");
		device_close(device);
		return outcome;
	}
	*out = device;
	return DEVICE_DONE;
}

void device_close(struct device *device)
{
	if (!device)
		return;
	/* After a loss all of these fail, and the memory went with what was lost. */
	cudaSetDevice(0);
	for (int i = 0; i < SLOTS; i++) {
		slot_drop(&device->slots[i]);
		if (device->slots[i].stream)
			cudaStreamDestroy(device->slots[i].stream);
	}
	cudaFree(device->factors);
	free(device);
}

/* ---- signing ---- */

struct signing {
	struct device *device;
	const struct embed_texts *texts;
	const struct embed_signatures *out;
	bool direct; /* the GPU reaches the caller's memory itself */
};

static bool reaches(const void *memory)
{
	struct cudaPointerAttributes about;
	if (cudaPointerGetAttributes(&about, memory) == cudaSuccess)
		return about.type == cudaMemoryTypeHost;
	cudaGetLastError();
	return false;
}

#define SIGN_TRY(call) CUDA_TRY(call, text, "sign on the GPU")

static enum device_outcome slot_start(
	const struct signing *signing, struct slot *slot, size_t first, size_t count, char *text)
{
	const struct embed_texts *texts = signing->texts;
	const struct embed_signatures *out = signing->out;
	size_t start = texts->starts[first], points = texts->starts[first + count] - start;
	const uint32_t *points_from = texts->points + start, *starts_from = texts->starts + first;
	struct sign_chunk *chunk = &slot->chunk;
	enum device_outcome outcome = slot_reserve(slot, count, points, signing->direct, text);
	if (outcome != DEVICE_DONE)
		return outcome;
	if (!signing->direct) {
		memcpy(slot->host.points, points_from, points * sizeof(uint32_t));
		memcpy(slot->host.starts, starts_from, (count + 1) * sizeof(uint32_t));
		points_from = slot->host.points;
		starts_from = slot->host.starts;
	}
	SIGN_TRY(cudaMemcpyAsync(
		slot->points_in, points_from, points * sizeof(uint32_t), cudaMemcpyHostToDevice, slot->stream));
	SIGN_TRY(cudaMemcpyAsync(
		slot->starts_in, starts_from, (count + 1) * sizeof(uint32_t), cudaMemcpyHostToDevice, slot->stream));
	chunk->count = (uint32_t)count;
	chunk->points = slot->points_in;
	chunk->starts = slot->starts_in;
	chunk->factors = signing->device->factors;
	SIGN_TRY(sign_launch(chunk, signing->device->multiprocessors, slot->stream));
	uint16_t *lanes = signing->direct ? out->lanes + first * EMBED_LANES : slot->host.lanes;
	uint64_t *keys = signing->direct ? out->keys + first : slot->host.keys;
	uint32_t *shingles = signing->direct ? out->shingles + start : slot->host.shingles;
	uint32_t *sizes = signing->direct ? out->sizes + first : slot->host.sizes;
	size_t pitch = (signing->direct ? texts->count : count) * sizeof(uint64_t), row = count * sizeof(uint64_t);
	SIGN_TRY(cudaMemcpyAsync(
		lanes, chunk->lanes, count * EMBED_LANES * sizeof(uint16_t), cudaMemcpyDeviceToHost, slot->stream));
	SIGN_TRY(cudaMemcpy2DAsync(
		keys, pitch, chunk->keys, row, row, EMBED_BANDS, cudaMemcpyDeviceToHost, slot->stream));
	SIGN_TRY(cudaMemcpyAsync(
		shingles, chunk->shingles, points * sizeof(uint32_t), cudaMemcpyDeviceToHost, slot->stream));
	SIGN_TRY(cudaMemcpyAsync(sizes, chunk->sizes, count * sizeof(uint32_t), cudaMemcpyDeviceToHost, slot->stream));
	slot->first = first;
	slot->count = count;
	return DEVICE_DONE;
}

/* Waits for the chunk of a slot, and puts what it gave to the caller's. */
static enum device_outcome slot_finish(const struct signing *signing, struct slot *slot, char *text)
{
	const struct embed_signatures *out = signing->out;
	size_t first = slot->first, count = slot->count, all = signing->texts->count;
	if (count == 0)
		return DEVICE_DONE;
	slot->count = 0;
	SIGN_TRY(cudaStreamSynchronize(slot->stream));
	if (signing->direct)
		return DEVICE_DONE;
	uint32_t start = signing->texts->starts[first], points = signing->texts->starts[first + count] - start;
	memcpy(out->lanes + first * EMBED_LANES, slot->host.lanes, count * EMBED_LANES * sizeof(uint16_t));
	for (size_t band = 0; band < EMBED_BANDS; band++)
		memcpy(out->keys + band * all + first, slot->host.keys + band * count, count * sizeof(uint64_t));
	memcpy(out->shingles + start, slot->host.shingles, points * sizeof(uint32_t));
	memcpy(out->sizes + first, slot->host.sizes, count * sizeof(uint32_t));
	return DEVICE_DONE;
}

/* How many texts from `first` make a chunk. */
static size_t chunk_count(const struct embed_texts *texts, size_t first)
{
	size_t count = texts->count - first;
	if (count > CHUNK_TEXTS)
		count = CHUNK_TEXTS;
	while (count > 1 && texts->starts[first + count] - texts->starts[first] > CHUNK_POINTS)
		count = (count + 1) / 2;
	return count;
}

static enum device_outcome sign_chunks(const struct signing *signing, char *text)
{
	enum device_outcome outcome = DEVICE_DONE;
	struct slot *slots = signing->device->slots;
	size_t turn = 0;
	for (size_t first = 0, count; first < signing->texts->count; first += count, turn++) {
		struct slot *slot = &slots[turn % SLOTS];
		count = chunk_count(signing->texts, first);
		outcome = slot_finish(signing, slot, text);
		if (outcome == DEVICE_DONE)
			outcome = slot_start(signing, slot, first, count, text);
		if (outcome != DEVICE_DONE)
			return outcome;
	}
	for (size_t i = 0; i < SLOTS && outcome == DEVICE_DONE; i++, turn++)
		outcome = slot_finish(signing, &slots[turn % SLOTS], text);
	return outcome;
}

static enum device_outcome device_sign(
	struct device *device, const struct embed_texts *texts, const struct embed_signatures *out, char *text)
{
	struct signing signing = {.device = device, .texts = texts, .out = out};
	if (texts->count == 0)
		return DEVICE_DONE;
	SIGN_TRY(cudaSetDevice(0));
	signing.direct = reaches(texts->points) && reaches(texts->starts) && reaches(out->lanes) &&
			 reaches(out->keys) && reaches(out->shingles) && reaches(out->sizes);
	enum device_outcome outcome = sign_chunks(&signing, text);
	if (outcome != DEVICE_DONE)
		/* Nothing may write into the caller's memory once we have returned. */
		for (int i = 0; i < SLOTS; i++) {
			cudaStreamSynchronize(device->slots[i].stream);
			device->slots[i].count = 0;
		}
	return outcome;
}

static void *device_take(size_t bytes)
{
	void *memory;
	if (cudaSetDevice(0) == cudaSuccess && cudaMallocHost(&memory, bytes) == cudaSuccess)
		return memory;
	cudaGetLastError();
	return NULL;
}

static void device_give(void *memory)
{
	cudaFreeHost(memory);
}

/* ---- the table ---- */

__attribute__((visibility("default"))) const struct device_interface *winnow_cuda(void)
{
	static const struct device_interface interface = {
		.version = DEVICE_VERSION,
		.spec_version = EMBED_SPEC_VERSION,
		.look = device_look,
		.open = device_open,
		.close = device_close,
		.sign = device_sign,
		.take = device_take,
		.give = device_give,
		.range_open = device_range_open,
		.range_close = device_range_close,
		.range_add = device_range_add,
		.range_search = device_range_search,
	};
	return &interface;
}
