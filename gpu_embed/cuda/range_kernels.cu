/* Range search on the GPU: int8 products by Hopper's tensor cores with the threshold behind them, and a plain way. */
#include "gpu_embed/cuda/kernels.h"

#include "gpu_embed/cuda/hopper.h"
#include "gpu_embed/range_spec.h"

#if defined(__CUDA_ARCH_FEAT_SM90_ALL) || defined(RANGE_EMULATED)
#define RANGE_HOPPER 1
#else
#define RANGE_HOPPER 0
#endif

enum {
	PACK_THREADS = 256,
	PLAIN_SIDE = 64, /* queries and vectors of a block */
	PLAIN_THREADS = 256,
	GROUPS = 2, /* warpgroups that multiply, each half of the queries of a tile */
	GROUP_ROWS = RANGE_TILE_QUERIES / GROUPS,
	TENSOR_THREADS = GROUPS * 128 + 32, /* one warp more brings the vectors */
	STAGES_MAX = 8,
	SHARED_MAX = 232448 - 2048, /* of a block on Hopper, less what is static */
	PADDED_MAX = 512,	    /* for which a tile of queries and one of vectors fit */
};
#define WARP_ALL 0xffffffffu

static __host__ __device__ __forceinline__ size_t tile_offset(
	uint32_t row, uint32_t piece, uint32_t padded, uint32_t tile_rows)
{
	size_t tile = row / tile_rows, at = row % tile_rows, slab = piece / (RANGE_SLAB / 16);
	return tile * tile_rows * padded + slab * tile_rows * RANGE_SLAB + at * RANGE_SLAB +
	       ((piece % (RANGE_SLAB / 16)) ^ (at & 7)) * 16;
}

/* ---- packing: a warp a row ---- */

static __global__ void __launch_bounds__(PACK_THREADS) range_pack_rows(const __grid_constant__ struct range_pack pack)
{
	uint32_t lane = threadIdx.x % 32, from = blockIdx.x * (PACK_THREADS / 32) + threadIdx.x / 32;
	if (from >= pack.count)
		return;
	const uint4 *row = (const uint4 *)(pack.rows + (size_t)from * pack.dimensions);
	uint32_t to = pack.first + from, square = 0;
	for (uint32_t piece = lane; piece < pack.dimensions / 16; piece += 32) {
		uint4 four = row[piece];
		*(uint4 *)(pack.tiles + tile_offset(to, piece, pack.padded, pack.tile_rows)) = four;
		square = __dp4a((int)four.x, (int)four.x, (int)square);
		square = __dp4a((int)four.y, (int)four.y, (int)square);
		square = __dp4a((int)four.z, (int)four.z, (int)square);
		square = __dp4a((int)four.w, (int)four.w, (int)square);
	}
	square = __reduce_add_sync(WARP_ALL, square);
	if (lane != 0)
		return;
	pack.squares[to] = square;
	if (pack.roots && square > 0)
		atomicMin(&pack.roots[to / pack.tile_rows], range_root(square));
}

/* ---- what may be near ---- */

static __device__ __noinline__ void look_closer(
	const struct range_look &look, uint32_t query, uint32_t vector, int32_t dot)
{
	if (!range_near(dot, look.query_squares[query], look.vector_squares[vector], look.numerator, look.denominator))
		return;
	unsigned long long at = atomicAdd(look.count, 1ull);
	if (at < look.room) {
		struct range_device_hit hit = {query, vector, dot};
		look.hits[at] = hit;
	}
}

/* ---- the plain way: 64 queries by 64 vectors a block, 4 by 4 a thread ---- */

static __global__ void __launch_bounds__(PLAIN_THREADS) range_plain(const __grid_constant__ struct range_look look)
{
	enum { STEP = 64, WORDS = STEP / 4, SHARE = PLAIN_SIDE / 16 };
	__shared__ int32_t queries[PLAIN_SIDE][WORDS + 1], vectors[PLAIN_SIDE][WORDS + 1];
	uint32_t first_vector = blockIdx.x * PLAIN_SIDE, first_query = blockIdx.y * PLAIN_SIDE;
	uint32_t across = threadIdx.x % 16, down = threadIdx.x / 16;
	int32_t sum[SHARE][SHARE] = {};
	for (uint32_t k = 0; k < look.padded; k += STEP) {
		uint32_t row = threadIdx.x / 4, piece = threadIdx.x % 4;
		uint4 a = *(const uint4 *)(look.queries + tile_offset(first_query + row, k / 16 + piece, look.padded,
								  RANGE_TILE_QUERIES));
		uint4 b = *(const uint4 *)(look.vectors + tile_offset(first_vector + row, k / 16 + piece, look.padded,
								  RANGE_TILE_VECTORS));
		int32_t *to_a = &queries[row][piece * 4], *to_b = &vectors[row][piece * 4];
		to_a[0] = (int)a.x, to_a[1] = (int)a.y, to_a[2] = (int)a.z, to_a[3] = (int)a.w;
		to_b[0] = (int)b.x, to_b[1] = (int)b.y, to_b[2] = (int)b.z, to_b[3] = (int)b.w;
		__syncthreads();
#pragma unroll
		for (int word = 0; word < WORDS; word++)
#pragma unroll
			for (int i = 0; i < SHARE; i++)
#pragma unroll
				for (int j = 0; j < SHARE; j++)
					sum[i][j] = __dp4a(queries[down + 16 * i][word], vectors[across + 16 * j][word],
						sum[i][j]);
		__syncthreads();
	}
	uint32_t root = look.roots[first_vector / RANGE_TILE_VECTORS];
#pragma unroll
	for (int i = 0; i < SHARE; i++) {
		uint32_t query = first_query + down + 16 * i;
		int32_t bound = range_bound(look.scales[query], root);
#pragma unroll
		for (int j = 0; j < SHARE; j++)
			if (sum[i][j] >= bound)
				look_closer(look, query, first_vector + across + 16 * j, sum[i][j]);
	}
}

/* ---- Hopper's tensor cores ---- */

/*
 * A block keeps 256 queries in shared memory and lets tiles of 128 vectors pass by, every `strides`-th of them, in a
 * ring of stages that one warp fills. Blocks of different queries and the same vectors run side by side, so that a tile
 * comes from memory once and from the second cache for the others. While one warpgroup looks at its sums, the other one
 * multiplies.
 */
template <int padded>
static __global__ void __launch_bounds__(TENSOR_THREADS, 1)
	range_hopper(const __grid_constant__ struct range_look look, uint32_t query_tiles, uint32_t strides, int stages)
{
#if RANGE_HOPPER
	enum {
		TILE_BYTES = RANGE_TILE_VECTORS * padded,
		QUERY_BYTES = RANGE_TILE_QUERIES * padded,
		HALVES = GROUP_ROWS / 64
	};
	extern __shared__ __align__(1024) uint8_t shared[];
	__shared__ uint64_t full[STAGES_MAX], empty[STAGES_MAX], ready;
	/* The swizzle counts from multiples of 1024. */
	uint8_t *queries = shared + ((1024 - hopper_address(shared) % 1024) % 1024), *ring = queries + QUERY_BYTES;
	uint32_t query_tile = blockIdx.x % query_tiles, first = blockIdx.x / query_tiles;
	uint32_t tiles = (look.vector_count + RANGE_TILE_VECTORS - 1) / RANGE_TILE_VECTORS;
	uint32_t warp = threadIdx.x / 32, lane = threadIdx.x % 32;
	if (threadIdx.x == 0) {
		for (int i = 0; i < stages; i++) {
			barrier_init(&full[i], 1);
			barrier_init(&empty[i], GROUPS * 4);
		}
		barrier_init(&ready, 1);
		barrier_init_end();
	}
	__syncthreads();
	if (warp == GROUPS * 4) {
		if (lane == 0) {
			barrier_expect(&ready, QUERY_BYTES);
			bulk_copy(queries, look.queries + (size_t)query_tile * QUERY_BYTES, QUERY_BYTES, &ready);
			uint32_t stage = 0, parity = 1; /* nothing has been read yet: the first round does not wait */
			for (uint32_t tile = first; tile < tiles; tile += strides) {
				barrier_wait(&empty[stage], parity);
				barrier_expect(&full[stage], TILE_BYTES);
				bulk_copy(ring + stage * TILE_BYTES, look.vectors + (size_t)tile * TILE_BYTES,
					TILE_BYTES, &full[stage]);
				if (++stage == (uint32_t)stages) {
					stage = 0;
					parity ^= 1;
				}
			}
		}
		return;
	}
	uint32_t group = warp / 4, row = group * GROUP_ROWS + warp % 4 * 16 + lane / 4;
	uint32_t query = query_tile * RANGE_TILE_QUERIES + row, column = lane % 4 * 2;
	uint32_t scale[HALVES][2];
#pragma unroll
	for (int half = 0; half < HALVES; half++)
#pragma unroll
		for (int lower = 0; lower < 2; lower++)
			scale[half][lower] = look.scales[query + 64 * half + 8 * lower];
	const uint8_t *mine = queries + group * GROUP_ROWS * RANGE_SLAB;
	barrier_wait(&ready, 0);
	uint32_t stage = 0, parity = 0;
	for (uint32_t tile = first; tile < tiles; tile += strides) {
		int32_t sum[HALVES][64];
		uint32_t root = look.roots[tile];
		const uint8_t *vectors = ring + stage * TILE_BYTES;
		barrier_wait(&full[stage], parity);
		tile_begin();
#pragma unroll
		for (int k = 0; k < padded / 32; k++) {
			uint64_t columns =
				tile_descriptor(vectors + k / 4 * (RANGE_TILE_VECTORS * RANGE_SLAB) + k % 4 * 32);
#pragma unroll
			for (int half = 0; half < HALVES; half++)
				tile_multiply(sum[half],
					tile_descriptor(mine + k / 4 * (RANGE_TILE_QUERIES * RANGE_SLAB) +
							half * (64 * RANGE_SLAB) + k % 4 * 32),
					columns, k > 0);
		}
		tile_end();
#pragma unroll
		for (int half = 0; half < HALVES; half++)
			tile_settle(sum[half]);
		if (lane == 0)
			barrier_arrive(&empty[stage]);
		if (++stage == (uint32_t)stages) {
			stage = 0;
			parity ^= 1;
		}
#pragma unroll
		for (int half = 0; half < HALVES; half++)
#pragma unroll
			for (int lower = 0; lower < 2; lower++) {
				int32_t bound = range_bound(scale[half][lower], root), most = INT32_MIN;
#pragma unroll
				for (int i = 0; i < 32; i++)
					most = max(most, sum[half][i / 2 * 4 + lower * 2 + i % 2]);
				if (most < bound)
					continue;
#pragma unroll
				for (int i = 0; i < 32; i++) {
					int32_t dot = sum[half][i / 2 * 4 + lower * 2 + i % 2];
					if (dot >= bound)
						look_closer(look, query + 64 * half + 8 * lower,
							tile * RANGE_TILE_VECTORS + i / 2 * 8 + column + i % 2, dot);
				}
			}
		__syncwarp();
	}
#endif
}

/* ---- starting them ---- */

extern "C" cudaError_t range_pack_launch(const struct range_pack *pack, cudaStream_t stream)
{
	const uint32_t rows = PACK_THREADS / 32;
	range_pack_rows<<<(pack->count + rows - 1) / rows, PACK_THREADS, 0, stream>>>(*pack);
	return cudaGetLastError();
}

extern "C" bool range_tensor(uint32_t padded, int major, int minor)
{
	return padded <= PADDED_MAX && major == 9 && minor == 0;
}

template <int padded>
static cudaError_t hopper_start(const struct range_look *look, int multiprocessors, cudaStream_t stream)
{
	const int query_bytes = RANGE_TILE_QUERIES * padded, tile_bytes = RANGE_TILE_VECTORS * padded;
	const uint32_t query_tiles = (look->query_count + RANGE_TILE_QUERIES - 1) / RANGE_TILE_QUERIES;
	const uint32_t tiles = (look->vector_count + RANGE_TILE_VECTORS - 1) / RANGE_TILE_VECTORS;
	int stages = (SHARED_MAX - query_bytes) / tile_bytes;
	stages = stages > STAGES_MAX ? STAGES_MAX : stages;
	uint32_t strides = (uint32_t)multiprocessors / query_tiles;
	strides = strides < 1 ? 1 : strides > tiles ? tiles : strides;
	int bytes = query_bytes + stages * tile_bytes + 1024;
	cudaError_t error =
		cudaFuncSetAttribute(range_hopper<padded>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes);
	if (error != cudaSuccess)
		return error;
	range_hopper<padded>
		<<<query_tiles * strides, TENSOR_THREADS, bytes, stream>>>(*look, query_tiles, strides, stages);
	return cudaGetLastError();
}

extern "C" cudaError_t range_launch(
	const struct range_look *look, bool tensor, int multiprocessors, cudaStream_t stream)
{
	if (tensor && look->padded == 128)
		return hopper_start<128>(look, multiprocessors, stream);
	if (tensor && look->padded == 256)
		return hopper_start<256>(look, multiprocessors, stream);
	if (tensor && look->padded == 384)
		return hopper_start<384>(look, multiprocessors, stream);
	if (tensor && look->padded == 512)
		return hopper_start<512>(look, multiprocessors, stream);
	dim3 grid(
		(look->vector_count + PLAIN_SIDE - 1) / PLAIN_SIDE, (look->query_count + PLAIN_SIDE - 1) / PLAIN_SIDE);
	range_plain<<<grid, PLAIN_THREADS, 0, stream>>>(*look);
	return cudaGetLastError();
}
