/* SPDX-License-Identifier: BSD-3-Clause */
#include "math/bf16.h"

#include "bf16_kernels.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    const char *word, *name;
    const struct bf16_kernels *kernels;
} makers[] = {
#if defined(__x86_64__) && defined(__GNUC__)
    [BF16_INSTRUCTION] = {"instruction", "AVX512-BF16", &bf16_instruction},
    [BF16_FUSED] = {"fused", "fused multiply-add", &bf16_fused},
#else
    [BF16_INSTRUCTION] = {"instruction", "AVX512-BF16", NULL},
    [BF16_FUSED] = {"fused", "fused multiply-add", NULL},
#endif
    [BF16_PLAIN] = {"plain", "double", &bf16_plain}};

/* The processor does not change while the program runs: so this is the same for all who ask. */
static enum bf16_maker chosen;
static const struct bf16_kernels *kernels;

bool bf16_has(enum bf16_maker maker)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (maker == BF16_INSTRUCTION)
        return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl");
    if (maker == BF16_FUSED)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return makers[maker].kernels != NULL;
}

void bf16_choose(enum bf16_maker maker)
{
    chosen = maker;
    kernels = makers[maker].kernels;
}

enum bf16_maker bf16_choice(void)
{
    const char *wanted = getenv("COTERIE_BF16");
    if (kernels)
        return chosen;
    enum bf16_maker maker = BF16_INSTRUCTION;
    while (!bf16_has(maker) ||
           (wanted && strcmp(wanted, makers[maker].word) != 0 && maker != BF16_PLAIN))
        maker++;
    bf16_choose(maker);
    return maker;
}

const char *bf16_maker_name(void)
{
    return makers[bf16_choice()].name;
}

void bf16_round_rows(size_t rows, size_t columns, const float *from, size_t ld_from, bf16_pair *to,
                     size_t ld_to)
{
    bf16_choice();
    if (ld_from == columns && ld_to * 2 == columns) {
        kernels->round_row(rows * columns, from, to);
        return;
    }
    for (size_t r = 0; r < rows; r++)
        kernels->round_row(columns, from + r * ld_from, to + r * ld_to);
}

void bf16_pair_rows(size_t rows, size_t columns, const float *from, size_t ld_from, bf16_pair *to,
                    size_t ld_to)
{
    bf16_choice();
    for (size_t r = 0; r < rows; r += 2)
        kernels->pair_row(columns, from + r * ld_from,
                          r + 1 < rows ? from + (r + 1) * ld_from : NULL, to + r / 2 * ld_to);
}

/* As many pairs of rows of B are read again and again while they are in the first-level cache. */
enum { PAIRS_AT_ONCE = 96 };

void bf16_multiply(const struct bf16_shape *shape, const bf16_pair *a, const bf16_pair *b, bool add,
                   float *c)
{
    struct bf16_shape part = *shape;
    bf16_choice();
    for (size_t column = 0; column < shape->n; column += BF16_COLUMNS) {
        part.n = shape->n - column < BF16_COLUMNS ? shape->n - column : BF16_COLUMNS;
        for (size_t p = 0; p < shape->pairs; p += PAIRS_AT_ONCE) {
            part.pairs = shape->pairs - p < PAIRS_AT_ONCE ? shape->pairs - p : PAIRS_AT_ONCE;
            kernels->multiply(&part, a + p, b + p * shape->ldb + column, add || p > 0, c + column);
        }
    }
}
