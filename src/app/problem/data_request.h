/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_DATA_REQUEST_H
#define COTERIE_APP_DATA_REQUEST_H

#include "app/options/options.h"
#include "data/source/source.h"

/* What the options ask of a data file. Targets may be missing unless they are named. Local. */
static inline struct source_request data_request(const struct options *options, const char *path)
{
    return (struct source_request){
        .path = path,
        .inputs = options->inputs,
        .exclude = options->exclude,
        .categories = options->categories,
        .targets = options->targets,
        .group = options->group,
        .weight = options->weight,
        .target_kind = options->targets ? TARGETS_AUTO : TARGETS_OPTIONAL,
    };
}

#endif
