/* Routes of datasets: the catalogue, versions and their files; the operator asks for a release. */
#ifndef DATASET_DATASET_API_H
#define DATASET_DATASET_API_H

#include "web/route.h"

extern const struct route dataset_routes[];

#endif
