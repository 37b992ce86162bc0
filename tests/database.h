/* Servers of a test's own, for tests of the server's life itself; everybody else calls test_database() of
 * tests/check.h. */
#ifndef TESTS_DATABASE_H
#define TESTS_DATABASE_H

#include "core/cluster.h"

enum { TEST_CLUSTERS_MAX = 16 };

/* Plans a cluster in a fresh folder; however the tests end, its server is stopped and the folder removed. Starts
 * nothing. */
bool test_cluster(struct cluster *out, struct wn_error *err);

#endif
