/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/source_internal.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static size_t bytes_of(const struct source *source, size_t width)
{
    size_t bytes = 0;
    bool fits = !__builtin_mul_overflow(source->info.n, width * sizeof(double), &bytes);
    return fits ? bytes : SIZE_MAX;
}

/* Where there is no memory all is as it was. */
static void keep(const struct source *source, size_t width, double **number, size_t *left)
{
    size_t bytes = bytes_of(source, width);
    if (bytes == 0 || bytes > *left)
        return;
    *number = malloc(bytes);
    *left -= *number ? bytes : 0;
}

void source_keep(struct source *source, bool inputs, size_t most)
{
    source_forget(source);
    if (!source->info.format->can_stream)
        return;
    keep(source, source->info.n_targets, &source->kept.y, &most);
    if (inputs)
        keep(source, source->info.n_inputs, &source->kept.x, &most);
}

void source_forget(struct source *source)
{
    memory_free(&source->kept.x);
    memory_free(&source->kept.y);
    source->kept = (struct source_kept){0};
}

static bool has_all_of(const double *number, size_t n, const struct source *source)
{
    return number && n == source->info.n;
}

bool source_kept_all(const struct source *source)
{
    const struct source_kept *kept = &source->kept;
    return has_all_of(kept->x, kept->n_x, source) &&
           (source->info.n_targets == 0 || has_all_of(kept->y, kept->n_y, source));
}

void source_kept_take(const struct source *source, size_t first, size_t n, double **x, double **y)
{
    const struct source_kept *kept = &source->kept;
    const struct source_info *info = &source->info;
    if (*x && has_all_of(kept->x, kept->n_x, source)) {
        memcpy(*x, kept->x + first * info->n_inputs, n * info->n_inputs * sizeof **x);
        *x = NULL;
    }
    if (*y && has_all_of(kept->y, kept->n_y, source)) {
        memcpy(*y, kept->y + first * info->n_targets, n * info->n_targets * sizeof **y);
        *y = NULL;
    }
}

static void add(double *number, size_t *n_kept, size_t width, size_t first, size_t n,
                const double *from)
{
    if (!number || !from || first != *n_kept)
        return;
    memcpy(number + first * width, from, n * width * sizeof *number);
    *n_kept += n;
}

void source_kept_add(struct source *source, size_t first, size_t n, const double *x,
                     const double *y)
{
    struct source_kept *kept = &source->kept;
    add(kept->x, &kept->n_x, source->info.n_inputs, first, n, x);
    add(kept->y, &kept->n_y, source->info.n_targets, first, n, y);
}
