/* The instructions of Hopper that CUDA C++ has no words for: wgmma, mbarrier, bulk copies. Only for sm_90a. */
#ifndef GPU_EMBED_CUDA_HOPPER_H
#define GPU_EMBED_CUDA_HOPPER_H

#include <stdint.h>

/* ---- barriers in shared memory that count arrivals and bytes ---- */

static __device__ __forceinline__ uint32_t hopper_address(const void *shared)
{
	return (uint32_t)__cvta_generic_to_shared(shared);
}

static __device__ __forceinline__ void barrier_init(uint64_t *barrier, uint32_t arrivals)
{
	asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(hopper_address(barrier)), "r"(arrivals));
}

/* Makes the inits above visible to copies. */
static __device__ __forceinline__ void barrier_init_end()
{
	asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
	asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

static __device__ __forceinline__ void barrier_arrive(uint64_t *barrier)
{
	asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(hopper_address(barrier)) : "memory");
}

/* One arrival, and so many bytes that a copy has yet to bring. */
static __device__ __forceinline__ void barrier_expect(uint64_t *barrier, uint32_t bytes)
{
	asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(hopper_address(barrier)), "r"(bytes)
		     : "memory");
}

/* Waits until the phase of this parity is over. */
static __device__ __forceinline__ void barrier_wait(uint64_t *barrier, uint32_t parity)
{
	asm volatile("{\n"
		     ".reg .pred done;\n"
		     "again:\n"
		     "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
		     "@done bra over;\n"
		     "bra again;\n"
		     "over:\n"
		     "}" ::"r"(hopper_address(barrier)),
		     "r"(parity)
		     : "memory");
}

/* A row of bytes from global to shared memory, by the copy engine; a multiple of 16, on addresses that are. */
static __device__ __forceinline__ void bulk_copy(void *target, const void *source, uint32_t bytes, uint64_t *barrier)
{
	asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
			     hopper_address(target)),
		     "l"(source), "r"(bytes), "r"(hopper_address(barrier))
		     : "memory");
}

/* ---- products of tiles ---- */

/*
 * Rows of 128 bytes, eight of them (1024 bytes) one after the other, 16-byte pieces of row r at the place of their
 * number xor r % 8: the 128-byte swizzle, K innermost. `shared` may be 32, 64 or 96 bytes into a tile: the next K.
 */
static __device__ __forceinline__ uint64_t tile_descriptor(const void *shared)
{
	uint64_t address = (hopper_address(shared) & 0x3ffff) >> 4;
	return address | (uint64_t)1 << 16 | (uint64_t)(1024 >> 4) << 32 | (uint64_t)1 << 62;
}

static __device__ __forceinline__ void tile_begin()
{
	asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

static __device__ __forceinline__ void tile_end()
{
	asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
	asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
}

/* Keeps the compiler from reading sums before tile_end(): it does not know that they change later. */
static __device__ __forceinline__ void tile_settle(int32_t (&sum)[64])
{
#pragma unroll
	for (int i = 0; i < 64; i++)
		asm volatile("" : "+r"(sum[i])::"memory");
}

/* 64 rows by 128 columns by 32 bytes; `more` 0: the sums start anew. */
static __device__ __forceinline__ void tile_multiply(int32_t (&sum)[64], uint64_t rows, uint64_t columns, int more)
{
	asm volatile("{\n"
		     ".reg .pred more;\n"
		     "setp.ne.b32 more, %66, 0;\n"
		     "wgmma.mma_async.sync.aligned.m64n128k32.s32.s8.s8 {"
		     "%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
		     "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
		     "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
		     "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
		     "%64, %65, more;\n"
		     "}"
		     : "+r"(sum[0]), "+r"(sum[1]), "+r"(sum[2]), "+r"(sum[3]), "+r"(sum[4]), "+r"(sum[5]), "+r"(sum[6]),
		     "+r"(sum[7]), "+r"(sum[8]), "+r"(sum[9]), "+r"(sum[10]), "+r"(sum[11]), "+r"(sum[12]),
		     "+r"(sum[13]), "+r"(sum[14]), "+r"(sum[15]), "+r"(sum[16]), "+r"(sum[17]), "+r"(sum[18]),
		     "+r"(sum[19]), "+r"(sum[20]), "+r"(sum[21]), "+r"(sum[22]), "+r"(sum[23]), "+r"(sum[24]),
		     "+r"(sum[25]), "+r"(sum[26]), "+r"(sum[27]), "+r"(sum[28]), "+r"(sum[29]), "+r"(sum[30]),
		     "+r"(sum[31]), "+r"(sum[32]), "+r"(sum[33]), "+r"(sum[34]), "+r"(sum[35]), "+r"(sum[36]),
		     "+r"(sum[37]), "+r"(sum[38]), "+r"(sum[39]), "+r"(sum[40]), "+r"(sum[41]), "+r"(sum[42]),
		     "+r"(sum[43]), "+r"(sum[44]), "+r"(sum[45]), "+r"(sum[46]), "+r"(sum[47]), "+r"(sum[48]),
		     "+r"(sum[49]), "+r"(sum[50]), "+r"(sum[51]), "+r"(sum[52]), "+r"(sum[53]), "+r"(sum[54]),
		     "+r"(sum[55]), "+r"(sum[56]), "+r"(sum[57]), "+r"(sum[58]), "+r"(sum[59]), "+r"(sum[60]),
		     "+r"(sum[61]), "+r"(sum[62]), "+r"(sum[63])
		     : "l"(rows), "l"(columns), "r"(more));
}

#endif
