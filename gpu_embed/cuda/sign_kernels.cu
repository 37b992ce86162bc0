/* Signatures on the GPU: a warp a text, a block of threads for the long ones; the integers of embed_spec.h. */
#include "gpu_embed/cuda/kernels.h"

#include "gpu_embed/embed_spec.h"

enum {
	SHORT_MAX = 256,    /* code points that a warp sorts in its registers, eight a thread */
	WARPS = 4,	    /* texts a block takes at a time; they do not wait for each other */
	LONG_THREADS = 256, /* for a text of up to EMBED_POINTS_MAX */
	LANES_A_THREAD = EMBED_LANES / 32,
	COUNT_MAX = 32, /* a thread's share of a long text's shingles: EMBED_POINTS_MAX / LONG_THREADS */
};
#define WARP_ALL 0xffffffffu

/* ---- a text in one warp ---- */

/* Compares over registers only, then over the threads of a warp. Element i of the sequence stands in thread i / R. */
template <int R> static __device__ __forceinline__ void exchange(uint32_t (&v)[R], int a, int b)
{
	uint32_t least = min(v[a], v[b]);
	v[b] = max(v[a], v[b]);
	v[a] = least;
}

/* Each element with its mirror image in its group of `size`, which registers hold. */
template <int R, int size> static __device__ __forceinline__ void mirror(uint32_t (&v)[R])
{
#pragma unroll
	for (int i = 0; i < R / 2; i++) {
		int group = i / (size / 2) * size, at = i % (size / 2);
		exchange<R>(v, group + at, group + size - 1 - at);
	}
}

template <int R, int first> static __device__ __forceinline__ void clean(uint32_t (&v)[R])
{
#pragma unroll
	for (int stride = first; stride > 0; stride /= 2)
#pragma unroll
		for (int i = 0; i < R / 2; i++) {
			int at = i / stride * 2 * stride + i % stride;
			exchange<R>(v, at, at + stride);
		}
}

/* Merges neighbours of `threads / 2` sorted threads each. */
template <int R> static __device__ __forceinline__ void merge(uint32_t (&v)[R], int lane, int threads)
{
	bool upper = lane & threads / 2;
	uint32_t other[R];
#pragma unroll
	for (int r = 0; r < R; r++)
		other[r] = __shfl_xor_sync(WARP_ALL, v[R - 1 - r], threads - 1);
#pragma unroll
	for (int r = 0; r < R; r++)
		v[r] = upper ? max(v[r], other[r]) : min(v[r], other[r]);
	for (int stride = threads / 4; stride > 0; stride /= 2) {
		upper = lane & stride;
#pragma unroll
		for (int r = 0; r < R; r++) {
			uint32_t across = __shfl_xor_sync(WARP_ALL, v[r], stride);
			v[r] = upper ? max(v[r], across) : min(v[r], across);
		}
	}
	clean<R, R / 2>(v);
}

/* The set of `all` shingles of the points in `words`, which then hold it; returns its size. */
template <int R>
static __device__ __forceinline__ uint32_t warp_set(uint32_t *words, uint32_t all, unsigned width, int lane)
{
	uint32_t v[R], kept = 0, before;
#pragma unroll
	for (int r = 0; r < R; r++) {
		uint32_t at = r * 32 + lane;
		v[r] = UINT32_MAX;
		if (at < all)
			v[r] = width == EMBED_SHINGLE ? embed_shingle(words + at, EMBED_SHINGLE)
						      : embed_shingle(words + at, EMBED_SHINGLE_WIDE);
	}
	mirror<R, 2>(v);
	if (R >= 4) {
		mirror<R, R >= 4 ? 4 : 2>(v);
		clean<R, 1>(v);
	}
	if (R >= 8) {
		mirror<R, R >= 8 ? 8 : 2>(v);
		clean<R, 2>(v);
	}
	for (int threads = 2; threads <= 32; threads *= 2)
		merge<R>(v, lane, threads);
	/* Of equal ones the first is kept; what fills up stands at the end, equal or not. */
	uint32_t left = __shfl_up_sync(WARP_ALL, v[R - 1], 1);
#pragma unroll
	for (int r = 0; r < R; r++) {
		uint32_t at = lane * R + r;
		bool keep = at < all && (at == 0 || v[r] != (r > 0 ? v[r - 1] : left));
		kept |= (uint32_t)keep << r;
	}
	before = __popc(kept);
#pragma unroll
	for (int step = 1; step < 32; step *= 2) {
		uint32_t lower = __shfl_up_sync(WARP_ALL, before, step);
		before += lane >= step ? lower : 0;
	}
	uint32_t size = __shfl_sync(WARP_ALL, before, 31);
	before -= __popc(kept);
	__syncwarp();
#pragma unroll
	for (int r = 0; r < R; r++)
		if (kept >> r & 1)
			words[before + __popc(kept & ((1u << r) - 1))] = v[r];
	__syncwarp();
	return size;
}

static __device__ __forceinline__ uint32_t lane_value(uint32_t a, uint32_t difference, uint32_t x)
{
	return a * x + difference * (x >> 16);
}

/* The keys of all bands of one text, by the first threads of a warp. */
static __device__ __forceinline__ void put_keys(
	const struct sign_chunk &chunk, uint32_t text, const uint16_t *lanes, int lane)
{
	if (lane < EMBED_BANDS)
		chunk.keys[(size_t)lane * chunk.count + text] = embed_band_key(lanes + lane * EMBED_ROWS, lane);
}

/* A thread's share of the lanes: their factors, and minima of nothing. */
static __device__ __forceinline__ void lanes_begin(const struct sign_chunk &chunk, int lane,
	uint32_t (&a)[LANES_A_THREAD], uint32_t (&difference)[LANES_A_THREAD], uint32_t (&least)[LANES_A_THREAD])
{
#pragma unroll
	for (int k = 0; k < LANES_A_THREAD; k++) {
		struct sign_factor factor = chunk.factors[LANES_A_THREAD * lane + k];
		a[k] = factor.a;
		difference[k] = factor.difference;
		least[k] = UINT32_MAX;
	}
}

static __device__ __forceinline__ unsigned warp_width(const uint32_t *points, uint32_t count, int lane)
{
	uint32_t wide = 0, blanks = 0;
	for (uint32_t i = lane; i < count; i += 32) {
		wide += embed_point_wide(points[i]);
		blanks += points[i] == ' ';
	}
	wide = __reduce_add_sync(WARP_ALL, wide);
	blanks = __reduce_add_sync(WARP_ALL, blanks);
	return 2 * wide > count - blanks ? EMBED_SHINGLE_WIDE : EMBED_SHINGLE;
}

static __global__ void __launch_bounds__(WARPS * 32) sign_short(const __grid_constant__ struct sign_chunk chunk)
{
	__shared__ uint32_t words_all[WARPS][SHORT_MAX + 32];
	__shared__ __align__(8) uint16_t lanes_all[WARPS][EMBED_LANES];
	int lane = threadIdx.x % 32;
	uint32_t warp = threadIdx.x / 32, text = blockIdx.x * WARPS + warp;
	uint32_t *words = words_all[warp];
	uint16_t *lanes = lanes_all[warp];
	if (text >= chunk.count)
		return;
	uint32_t start = chunk.starts[text] - chunk.starts[0], count = chunk.starts[text + 1] - chunk.starts[text];
	if (count > SHORT_MAX) {
		if (lane == 0)
			chunk.longer[atomicAdd(&chunk.counters[0], 1)] = text;
		return;
	}
	for (uint32_t i = lane; i < count; i += 32)
		words[i] = chunk.points[start + i];
	__syncwarp();
	unsigned width = warp_width(words, count, lane);
	uint32_t all = count < width ? 0 : count - width + 1;
	uint32_t size = all <= 64    ? warp_set<2>(words, all, width, lane)
			: all <= 128 ? warp_set<4>(words, all, width, lane)
				     : warp_set<8>(words, all, width, lane);
	if (lane == 0)
		chunk.sizes[text] = size;
	uint32_t a[LANES_A_THREAD], difference[LANES_A_THREAD], least[LANES_A_THREAD];
	lanes_begin(chunk, lane, a, difference, least);
	/* A multiple of four, the last one again and again: it changes no minimum. */
	uint32_t filled = (size + 3) / 4 * 4;
	if (size > 0 && size + lane < filled)
		words[size + lane] = words[size - 1];
	__syncwarp();
	for (uint32_t i = lane; i < size; i += 32)
		chunk.shingles[start + i] = words[i];
	for (uint32_t i = 0; i < filled; i += 4) {
#pragma unroll
		for (uint32_t j = 0; j < 4; j++)
#pragma unroll
			for (int k = 0; k < LANES_A_THREAD; k++)
				least[k] = min(least[k], lane_value(a[k], difference[k], words[i + j]));
	}
#pragma unroll
	for (int k = 0; k < LANES_A_THREAD; k++)
		lanes[LANES_A_THREAD * lane + k] = (uint16_t)(least[k] >> 16);
	__syncwarp();
	/* Eight bytes a thread: a signature is 256 bytes in a row. */
	((uint64_t *)(chunk.lanes + (size_t)text * EMBED_LANES))[lane] = ((const uint64_t *)lanes)[lane];
	put_keys(chunk, text, lanes, lane);
}

/* ---- a text in a block of threads ---- */

/* Adds over the block; `room` has a word a warp. All threads get the sum, and what those before it have. */
static __device__ uint32_t block_add(uint32_t value, uint32_t *room, uint32_t *before)
{
	int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
	uint32_t sum = value, all = 0, lower = 0;
	for (int step = 1; step < 32; step *= 2) {
		uint32_t other = __shfl_up_sync(WARP_ALL, sum, step);
		sum += lane >= step ? other : 0;
	}
	if (lane == 31)
		room[warp] = sum;
	__syncthreads();
	for (int i = 0; i < LONG_THREADS / 32; i++) {
		lower += i < warp ? room[i] : 0;
		all += room[i];
	}
	__syncthreads();
	*before = lower + sum - value;
	return all;
}

/* Rising, by the same network, over words that all threads share; `count` is a power of two. */
static __device__ void block_sort(uint32_t *words, uint32_t count)
{
	for (uint32_t size = 2; size <= count; size *= 2) {
		for (uint32_t stride = size / 2; stride > 0; stride /= 2) {
			for (uint32_t i = threadIdx.x; i < count / 2; i += LONG_THREADS) {
				uint32_t low = i / stride * 2 * stride + i % stride;
				/* The first step of a merge is with the mirror image. */
				uint32_t high =
					stride == size / 2 ? low / size * size + size - 1 - low % size : low + stride;
				uint32_t x = words[low], y = words[high];
				words[low] = min(x, y);
				words[high] = max(x, y);
			}
			__syncthreads();
		}
	}
}

static __device__ void sign_one_long(const struct sign_chunk &chunk, uint32_t text, uint32_t *words, uint32_t *room,
	uint32_t *least_all, uint16_t *lanes)
{
	uint32_t start = chunk.starts[text] - chunk.starts[0], count = chunk.starts[text + 1] - chunk.starts[text];
	const uint32_t *points = chunk.points + start;
	uint32_t wide = 0, blanks = 0, before, rounded = LONG_THREADS;
	for (uint32_t i = threadIdx.x; i < count; i += LONG_THREADS) {
		wide += embed_point_wide(points[i]);
		blanks += points[i] == ' ';
	}
	wide = block_add(wide, room, &before);
	blanks = block_add(blanks, room, &before);
	unsigned width = 2 * wide > count - blanks ? EMBED_SHINGLE_WIDE : EMBED_SHINGLE;
	uint32_t all = count - width + 1; /* longer than SHORT_MAX, so than any shingle */
	while (rounded < all)
		rounded *= 2;
	for (uint32_t i = threadIdx.x; i < rounded; i += LONG_THREADS)
		words[i] = i < all ? embed_shingle(points + i, width) : UINT32_MAX;
	for (uint32_t i = threadIdx.x; i < EMBED_LANES; i += LONG_THREADS)
		least_all[i] = UINT32_MAX;
	__syncthreads();
	block_sort(words, rounded);
	/* Each thread has a stretch of neighbours, and a bit for each that is not equal to the one before it. */
	uint32_t share = rounded / LONG_THREADS, first = threadIdx.x * share, kept = 0;
	for (uint32_t i = 0; i < share; i++) {
		uint32_t at = first + i;
		bool keep = at < all && (at == 0 || words[at] != words[at - 1]);
		kept |= (uint32_t)keep << i;
	}
	uint32_t size = block_add(__popc(kept), room, &before);
	for (uint32_t i = 0; i < share; i++)
		if (kept >> i & 1)
			chunk.shingles[start + before++] = words[first + i];
	if (threadIdx.x == 0)
		chunk.sizes[text] = size;
	/* Repeated ones change no minimum. Each warp takes every eighth shingle through all lanes. */
	int lane = threadIdx.x % 32;
	uint32_t a[LANES_A_THREAD], difference[LANES_A_THREAD], least[LANES_A_THREAD];
	lanes_begin(chunk, lane, a, difference, least);
	for (uint32_t i = threadIdx.x / 32; i < all; i += LONG_THREADS / 32)
#pragma unroll
		for (int k = 0; k < LANES_A_THREAD; k++)
			least[k] = min(least[k], lane_value(a[k], difference[k], words[i]));
#pragma unroll
	for (int k = 0; k < LANES_A_THREAD; k++)
		atomicMin(&least_all[LANES_A_THREAD * lane + k], least[k]);
	__syncthreads();
	for (uint32_t i = threadIdx.x; i < EMBED_LANES; i += LONG_THREADS) {
		lanes[i] = (uint16_t)(least_all[i] >> 16);
		chunk.lanes[(size_t)text * EMBED_LANES + i] = lanes[i];
	}
	__syncthreads();
	if (threadIdx.x < 32)
		put_keys(chunk, text, lanes, lane);
}

static __global__ void __launch_bounds__(LONG_THREADS) sign_long(const __grid_constant__ struct sign_chunk chunk)
{
	__shared__ uint32_t words[EMBED_POINTS_MAX];
	__shared__ uint32_t room[LONG_THREADS / 32], least_all[EMBED_LANES], taken;
	__shared__ uint16_t lanes[EMBED_LANES];
	static_assert(EMBED_POINTS_MAX / LONG_THREADS <= COUNT_MAX, "a thread's share has a bit each");
	for (;;) {
		__syncthreads();
		if (threadIdx.x == 0)
			taken = atomicAdd(&chunk.counters[1], 1);
		__syncthreads();
		if (taken >= chunk.counters[0])
			return;
		sign_one_long(chunk, chunk.longer[taken], words, room, least_all, lanes);
	}
}

/* ---- starting them ---- */

extern "C" cudaError_t sign_launch(const struct sign_chunk *chunk, int multiprocessors, cudaStream_t stream)
{
	cudaError_t error = cudaMemsetAsync(chunk->counters, 0, 2 * sizeof *chunk->counters, stream);
	if (error != cudaSuccess)
		return error;
	sign_short<<<(chunk->count + WARPS - 1) / WARPS, WARPS * 32, 0, stream>>>(*chunk);
	sign_long<<<2 * multiprocessors, LONG_THREADS, 0, stream>>>(*chunk);
	return cudaGetLastError();
}
