/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/inference/basis.h"

#include "base/memory.h"
#include "math/moments.h"

#include <math.h>
#include <string.h>

/* The share of a unit's sum of squares that those before it must leave; inputs may be floats. */
static const double least_share = 1e-12;

/* One more row of the Cholesky factor of the kept units' moments: l (n), and the rest for unit j.
 */
static double next_row(const struct basis *basis, const double *gram, const double *factor,
                       size_t j, double *l)
{
    size_t width = basis->n_units;
    double rest = gram[moments_at(width, j, j)];
    for (size_t p = 0; p < basis->n; p++) {
        double sum = gram[moments_at(width, basis->unit[p], j)];
        for (size_t q = 0; q < p; q++)
            sum -= factor[p * width + q] * l[q];
        l[p] = sum / factor[p * width + p];
        rest -= l[p] * l[p];
    }
    return rest;
}

/* combination (n) = L^-T l */
static void solve_back(const struct basis *basis, const double *factor, const double *l,
                       double *combination)
{
    size_t width = basis->n_units;
    for (size_t p = basis->n; p-- > 0;) {
        double sum = l[p];
        for (size_t q = p + 1; q < basis->n; q++)
            sum -= factor[q * width + p] * combination[q];
        combination[p] = sum / factor[p * width + p];
    }
}

status basis_init(struct basis *basis, size_t n_units, const struct input_choice *seen,
                  const double *gram)
{
    double *factor = NULL;
    memset(basis, 0, sizeof *basis);
    basis->n_units = n_units;
    status outcome = memory_alloc(&basis->unit, n_units, sizeof(size_t), "inputs");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&basis->as_sum, n_units * n_units, sizeof(double), "inputs");
    if (outcome == STATUS_OK) /* one row more, for the unit that is looked at */
        outcome = memory_alloc(&factor, (n_units + 1) * n_units, sizeof(double), "inputs");
    for (size_t j = 0; j < n_units && outcome == STATUS_OK; j++) {
        if (j > 0 && !input_choice_has(seen, j - 1))
            continue;
        double *l = factor + basis->n * n_units;
        double rest = next_row(basis, gram, factor, j, l);
        double *as_sum = basis->as_sum + j * n_units;
        if (rest > least_share * gram[moments_at(n_units, j, j)]) {
            l[basis->n] = sqrt(rest);
            as_sum[basis->n] = 1;
            basis->unit[basis->n++] = j;
        } else {
            solve_back(basis, factor, l, as_sum);
        }
    }
    memory_free(&factor);
    return outcome;
}

void basis_release(struct basis *basis)
{
    memory_free(&basis->unit);
    memory_free(&basis->as_sum);
}

void basis_reduce(const struct basis *basis, const double *all, double *kept)
{
    memset(kept, 0, basis->n * sizeof *kept);
    for (size_t u = 0; u < basis->n_units; u++)
        for (size_t p = 0; p < basis->n; p++)
            kept[p] += all[u] * basis->as_sum[u * basis->n_units + p];
}
