#!/usr/bin/env python3
"""A peer of the range search, for WINNOW_BENCH_RANGE_PEER: range_peer.py DIMENSIONS VECTORS QUERIES.

Prints its name and the CPU seconds of one search for all pairs with a cosine of at least 0.9, on one thread, over random
vectors of length one. FAISS where it is installed, else what FAISS's flat index comes to: a matrix product of numpy's
BLAS, and a comparison. Exits with 3 where neither is there.
"""
import os
import sys
import time

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
try:
    import numpy
except ImportError:
    sys.exit(3)
try:
    import faiss
except ImportError:
    faiss = None

BLOCK = 4096  # vectors whose products with all queries stay in the cache


def blas_search(vectors, queries):
    hits = 0
    for start in range(0, len(vectors), BLOCK):
        products = queries @ vectors[start : start + BLOCK].T
        hits += int((products >= 0.9).sum())
    return hits


def main():
    dimensions, count, query_count = map(int, sys.argv[1:4])
    random = numpy.random.default_rng(1)
    vectors = random.standard_normal((count, dimensions), dtype=numpy.float32)
    vectors /= numpy.linalg.norm(vectors, axis=1, keepdims=True)
    queries = vectors[:query_count].copy()
    if faiss:
        faiss.omp_set_num_threads(1)
        index = faiss.IndexFlatIP(dimensions)
        index.add(vectors)
        search = lambda: len(index.range_search(queries, 0.9)[1])
    else:
        search = lambda: blas_search(vectors, queries)
    search()
    start = time.process_time()
    hits = search()
    seconds = time.process_time() - start
    assert hits >= query_count, hits
    print("FAISS" if faiss else "numpy", f"{seconds:.6f}")


main()
