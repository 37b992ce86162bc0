/* Timing by events, and ways to lose a GPU, straight on the CUDA runtime and on the kernels of winnow_cuda.so. */
#include "tests/gpu_embed/cuda/gpu_measure.h"

#include <stdio.h>

#include "gpu_embed/cuda/kernels.h"
#include "gpu_embed/range_spec.h"

enum { HOG_PIECES_MAX = 4096, FILL_THREADS = 256 };

static bool said(cudaError_t error, const char *doing)
{
	if (error != cudaSuccess)
		printf("%s: %s\n", doing, cudaGetErrorString(error));
	return error == cudaSuccess;
}
#define DO(call) said((call), #call)

/* Memory of one measurement: taken in order, given back together. */
struct room {
	void *pieces[16];
	int count;
};

static void *room_take(struct room *room, size_t bytes)
{
	void *memory = NULL;
	if (!DO(cudaMalloc(&memory, bytes)))
		return NULL;
	room->pieces[room->count++] = memory;
	return memory;
}

static void room_give(struct room *room)
{
	while (room->count > 0)
		cudaFree(room->pieces[--room->count]);
}

template <typename Run> static bool turns(struct measure *out, Run run)
{
	cudaEvent_t before, after;
	bool good = DO(cudaEventCreate(&before)) && DO(cudaEventCreate(&after)) && run();
	for (int i = 0; i < MEASURE_TURNS && good; i++) {
		float milliseconds = 0;
		good = DO(cudaEventRecord(before)) && run() && DO(cudaEventRecord(after)) &&
		       DO(cudaEventSynchronize(after)) && DO(cudaEventElapsedTime(&milliseconds, before, after));
		out->seconds[i] = milliseconds / 1e3;
	}
	cudaEventDestroy(before);
	cudaEventDestroy(after);
	return good;
}

extern "C" bool measure_copy(size_t bytes, struct measure *out)
{
	struct room room = {};
	void *source = room_take(&room, bytes), *target = room_take(&room, bytes);
	bool good = source && target && DO(cudaMemset(source, 1, bytes)) &&
		    turns(out, [&] { return DO(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToDevice)); });
	room_give(&room);
	return good;
}

extern "C" bool measure_link(size_t bytes, bool to_device, struct measure *out)
{
	struct room room = {};
	void *device = room_take(&room, bytes), *host = NULL;
	bool good = device && DO(cudaMallocHost(&host, bytes)) && turns(out, [&] {
		return to_device ? DO(cudaMemcpyAsync(device, host, bytes, cudaMemcpyHostToDevice))
				 : DO(cudaMemcpyAsync(host, device, bytes, cudaMemcpyDeviceToHost));
	});
	cudaFreeHost(host);
	room_give(&room);
	return good;
}

extern "C" bool measure_sign(const struct embed_texts *texts, struct measure *out)
{
	struct room room = {};
	struct sign_factor factors[EMBED_LANES];
	struct sign_chunk chunk = {};
	size_t count = texts->count, points = texts->starts[count];
	cudaDeviceProp about;
	for (unsigned lane = 0; lane < EMBED_LANES; lane++) {
		uint16_t a, c;
		embed_lane_factors(lane, &a, &c);
		factors[lane].a = a;
		factors[lane].difference = (uint32_t)(uint16_t)(c - a) << 16;
	}
	void *points_in = room_take(&room, points * sizeof(uint32_t));
	void *starts_in = room_take(&room, (count + 1) * sizeof(uint32_t));
	void *factors_in = room_take(&room, sizeof factors);
	chunk.count = (uint32_t)count;
	chunk.points = (const uint32_t *)points_in;
	chunk.starts = (const uint32_t *)starts_in;
	chunk.factors = (const struct sign_factor *)factors_in;
	chunk.lanes = (uint16_t *)room_take(&room, count * EMBED_LANES * sizeof(uint16_t));
	chunk.keys = (uint64_t *)room_take(&room, count * EMBED_BANDS * sizeof(uint64_t));
	chunk.shingles = (uint32_t *)room_take(&room, points * sizeof(uint32_t));
	chunk.sizes = (uint32_t *)room_take(&room, count * sizeof(uint32_t));
	chunk.longer = (uint32_t *)room_take(&room, count * sizeof(uint32_t));
	chunk.counters = (uint32_t *)room_take(&room, 2 * sizeof(uint32_t));
	bool good = room.count == 9 && DO(cudaGetDeviceProperties(&about, 0)) &&
		    DO(cudaMemcpy(points_in, texts->points, points * sizeof(uint32_t), cudaMemcpyHostToDevice)) &&
		    DO(cudaMemcpy(starts_in, texts->starts, (count + 1) * sizeof(uint32_t), cudaMemcpyHostToDevice)) &&
		    DO(cudaMemcpy(factors_in, factors, sizeof factors, cudaMemcpyHostToDevice)) &&
		    turns(out, [&] { return DO(sign_launch(&chunk, about.multiProcessorCount, 0)); });
	room_give(&room);
	return good;
}

/* -16 to 15: about as long as normalised vectors of 256 dimensions, and as many bits of them change. */
static __global__ void fill(int8_t *rows, size_t bytes)
{
	size_t stride = (size_t)gridDim.x * blockDim.x;
	for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < bytes / 8; i += stride) {
		uint64_t drawn = embed_mix64(i * 0x9e3779b97f4a7c15u + 1), eight = 0;
		for (int j = 0; j < 8; j++)
			eight |= (uint64_t)(uint8_t)(int8_t)((int)(drawn >> (8 * j) & 31) - 16) << (8 * j);
		((uint64_t *)rows)[i] = eight;
	}
}

static __global__ void set_scales(
	uint32_t *scales, const uint32_t *squares, uint32_t count, uint32_t numerator, uint32_t denominator)
{
	uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
	if (i < count)
		scales[i] = range_scale(squares[i], numerator, denominator);
}

extern "C" bool measure_range(size_t vectors, size_t queries, unsigned dimensions, bool tensor, struct measure *out)
{
	struct room room = {};
	struct range_look look = {};
	cudaDeviceProp about;
	size_t tiles = (vectors + RANGE_TILE_VECTORS - 1) / RANGE_TILE_VECTORS;
	size_t query_rows = (queries + RANGE_TILE_QUERIES - 1) / RANGE_TILE_QUERIES * RANGE_TILE_QUERIES;
	uint32_t padded = (dimensions + RANGE_SLAB - 1) / RANGE_SLAB * RANGE_SLAB;
	size_t tile_bytes = (size_t)RANGE_TILE_VECTORS * padded, hits = 1 << 20;
	int8_t *rows = (int8_t *)room_take(&room, vectors * dimensions);
	int8_t *packed = (int8_t *)room_take(&room, tiles * tile_bytes);
	int8_t *asked = (int8_t *)room_take(&room, query_rows * padded);
	uint32_t *squares = (uint32_t *)room_take(&room, tiles * RANGE_TILE_VECTORS * sizeof(uint32_t));
	uint32_t *roots = (uint32_t *)room_take(&room, tiles * sizeof(uint32_t));
	uint32_t *query_squares = (uint32_t *)room_take(&room, query_rows * sizeof(uint32_t));
	uint32_t *scales = (uint32_t *)room_take(&room, query_rows * sizeof(uint32_t));
	look.hits = (struct range_device_hit *)room_take(&room, hits * sizeof *look.hits);
	look.count = (unsigned long long *)room_take(&room, sizeof *look.count);
	bool good = room.count == 9 && DO(cudaGetDeviceProperties(&about, 0)) &&
		    DO(cudaMemset(packed, 0, tiles * tile_bytes)) && DO(cudaMemset(asked, 0, query_rows * padded)) &&
		    DO(cudaMemset(squares, 0, tiles * RANGE_TILE_VECTORS * sizeof(uint32_t))) &&
		    DO(cudaMemset(roots, 0xff, tiles * sizeof(uint32_t))) &&
		    DO(cudaMemset(query_squares, 0, query_rows * sizeof(uint32_t)));
	if (good) {
		struct range_pack pack = {
			rows, (uint32_t)vectors, 0, dimensions, padded, RANGE_TILE_VECTORS, packed, squares, roots};
		struct range_pack ask = {
			rows, (uint32_t)queries, 0, dimensions, padded, RANGE_TILE_QUERIES, asked, query_squares, NULL};
		fill<<<4096, FILL_THREADS>>>(rows, vectors * dimensions);
		good = DO(range_pack_launch(&pack, 0)) && DO(range_pack_launch(&ask, 0));
		look.numerator = 81;
		look.denominator = 100;
		set_scales<<<(unsigned)(query_rows / FILL_THREADS), FILL_THREADS>>>(
			scales, query_squares, (uint32_t)query_rows, look.numerator, look.denominator);
		look.vectors = packed;
		look.queries = asked;
		look.vector_count = (uint32_t)vectors;
		look.query_count = (uint32_t)queries;
		look.padded = padded;
		look.vector_squares = squares;
		look.query_squares = query_squares;
		look.roots = roots;
		look.scales = scales;
		look.room = hits;
		good = good && DO(cudaDeviceSynchronize()) &&
		       (!tensor || range_tensor(padded, about.major, about.minor)) &&
		       turns(out,
			       [&] {
				       return DO(cudaMemsetAsync(look.count, 0, sizeof *look.count)) &&
					      DO(range_launch(&look, tensor, about.multiProcessorCount, 0));
			       }) &&
		       DO(cudaMemcpy(&out->hits, look.count, sizeof out->hits, cudaMemcpyDeviceToHost));
	}
	room_give(&room);
	return good;
}

/* ---- losing it ---- */

static void *hog_pieces[HOG_PIECES_MAX];
static int hog_count;

extern "C" bool measure_hog(void)
{
	for (size_t bytes = (size_t)64 << 30; bytes >= 1 << 16; bytes /= 2)
		while (hog_count < HOG_PIECES_MAX && cudaMalloc(&hog_pieces[hog_count], bytes) == cudaSuccess)
			hog_count++;
	cudaGetLastError();
	return hog_count > 0;
}

extern "C" void measure_release(void)
{
	while (hog_count > 0)
		cudaFree(hog_pieces[--hog_count]);
}

static __global__ void trap_later(unsigned after_us)
{
	uint64_t start, now;
	asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
	do
		asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
	while (now - start < (uint64_t)after_us * 1000);
	asm volatile("trap;");
}

extern "C" bool measure_trap(unsigned after_us)
{
	cudaStream_t stream;
	if (!DO(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)))
		return false;
	trap_later<<<1, 1, 0, stream>>>(after_us);
	return DO(cudaGetLastError());
}
