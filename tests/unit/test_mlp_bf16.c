/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Passes of networks with bf16 products against plain loops: operands rounded where
 * docs/precision.md says, sums in the order of the inputs or samples, two at a time, each of them
 * fused. Bit by bit, whatever the tiles and blocks, and by each maker of products.
 */
#include "unit_test.h"

#include "base/memory.h"
#include "math/bf16.h"
#include "model/network/mlp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef COTERIE_DOUBLE
static float *numbers(size_t n, double scale)
{
    static unsigned seed = 1;
    float *values;
    assert_int_equal(memory_alloc(&values, n, sizeof(float), "a test"), STATUS_OK);
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525 + 1013904223;
        values[i] = (float)(scale * ((double)(seed >> 8) / (1 << 23) - 1));
    }
    return values;
}

/* To 8 bits, by the C library: nearest, ties to even. */
static float rounded(float x)
{
    int exponent;
    double part = frexp((double)x, &exponent);
    return (float)ldexp(rint(ldexp(part, 8)), exponent - 8);
}

/* c + sum_k a_k b_k of rounded numbers that are a_step and b_step apart: the second of two first.
 */
static float sum(size_t n, const float *a, size_t a_step, const float *b, size_t b_step, float c)
{
    for (size_t k = 0; k < n; k += 2) {
        if (k + 1 < n)
            c = fmaf(rounded(a[(k + 1) * a_step]), rounded(b[(k + 1) * b_step]), c);
        c = fmaf(rounded(a[k * a_step]), rounded(b[k * b_step]), c);
    }
    return c;
}

/* Blocks (units, stride) of one network in plain loops. */
struct plain {
    size_t stride;
    float *z[MLP_MAX_LAYERS], *a[MLP_MAX_LAYERS + 1], *d[MLP_MAX_LAYERS + 1];
    float *gradient;
};

static void plain_forward(const struct mlp *mlp, const float *parameters, struct plain *plain)
{
    size_t n = plain->stride;
    for (int l = 0; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        bool is_last = l + 1 == mlp->n_layers;
        for (size_t u = 0; u < out; u++)
            for (size_t i = 0; i < n; i++)
                plain->z[l][u * n + i] =
                    sum(in, parameters + mlp->weight_at[l] + u * in, 1, plain->a[l] + i, n, 0);
        activation_forward(is_last ? ACTIVATION_IDENTITY : mlp->hidden_activation, out, n,
                           parameters + mlp->bias_at[l], plain->z[l], plain->a[l + 1]);
    }
}

/* keep: the gradient of the first layer goes on from what was there, others are added to it. */
static void plain_backward(const struct mlp *mlp, const float *parameters, float keep,
                           struct plain *plain)
{
    size_t n = plain->stride;
    for (int l = mlp->n_layers - 1; l >= 0; l--) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        float *weight = plain->gradient + mlp->weight_at[l];
        for (size_t u = 0; u < out; u++)
            for (size_t i = 0; i < in; i++) {
                float before = keep != 0 ? weight[u * in + i] : 0;
                const float *d = plain->d[l + 1] + u * n, *a = plain->a[l] + i * n;
                weight[u * in + i] =
                    l == 0 ? sum(n, d, 1, a, 1, before) : before + sum(n, d, 1, a, 1, 0);
            }
        activation_row_sums(out, n, plain->d[l + 1], keep, plain->gradient + mlp->bias_at[l]);
        for (size_t i = 0; l > 0 && i < in; i++)
            for (size_t s = 0; s < n; s++)
                plain->d[l][i * n + s] =
                    sum(out, parameters + mlp->weight_at[l] + i, in, plain->d[l + 1] + s, n, 0);
        if (l > 0)
            activation_backward(mlp->hidden_activation, in, n, plain->z[l - 1], plain->a[l],
                                plain->d[l]);
    }
}

static void compare(const struct mlp *mlp, const struct plain *plain, const float *z,
                    const float *gradient)
{
    size_t n = plain->stride;
    assert_memory_equal(z, plain->a[mlp->n_layers], mlp->width[mlp->n_layers] * n * sizeof *z);
    for (int l = 0; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        assert_memory_equal(gradient + mlp->weight_at[l], plain->gradient + mlp->weight_at[l],
                            in * out * sizeof *gradient);
        for (size_t u = 0; u < out; u++) { /* of biases the order of sums is by tiles */
            double one = (double)gradient[mlp->bias_at[l] + u];
            double other = (double)plain->gradient[mlp->bias_at[l] + u];
            assert_true(fabs(one - other) <= 1e-6 * (fabs(other) + 0.1));
        }
    }
}

static void check_network(size_t stride, size_t n_inputs, const size_t *hidden, size_t n_hidden,
                          size_t n_outputs, enum activation activation)
{
    struct mlp mlp;
    struct mlp_plan plan = {0};
    struct inputs x;
    struct plain plain = {.stride = stride};
    assert_int_equal(mlp_init(&mlp, n_inputs, hidden, n_hidden, n_outputs, activation), STATUS_OK);
    mlp.is_bf16 = true;
    mlp_plan_prepare(&plan, &mlp, stride);
    assert_int_equal(inputs_init(&x, n_inputs, stride), STATUS_OK);
    assert_int_equal(inputs_round(&x, stride), STATUS_OK);
    float *parameters = numbers(mlp.extent, 0.5), *memory = numbers(mlp_memory(&mlp, stride), 1);
    float *z = numbers(n_outputs * stride, 1), *scratch = numbers(mlp_scratch(&mlp, stride), 1);
    float *gradient = numbers(mlp.extent, 1);
    plain.gradient = numbers(mlp.extent, 1);
    for (int l = 0; l <= mlp.n_layers; l++) {
        plain.a[l] = numbers(mlp.width[l] * stride, 2);
        plain.d[l] = numbers(mlp.width[l] * stride, 0.01);
        if (l < mlp.n_layers)
            plain.z[l] = numbers(mlp.width[l + 1] * stride, 1);
    }
    for (size_t i = 0; i < stride; i++)
        for (size_t d = 0; d < n_inputs; d++)
            x.x[i * n_inputs + d] = plain.a[0][d * stride + i];
    const float *d_z = plain.d[mlp.n_layers];
    plain_forward(&mlp, parameters, &plain);
    for (int keep = 0; keep < 2; keep++) {
        plain_backward(&mlp, parameters, (float)keep, &plain);
        for (int maker = BF16_INSTRUCTION; maker <= BF16_PLAIN; maker++) {
            if (!bf16_has((enum bf16_maker)maker))
                continue;
            bf16_choose((enum bf16_maker)maker);
            inputs_set(&x, stride);
            /* The second pass goes on from the first, which made this gradient. */
            for (int pass = 0; pass <= keep; pass++) {
                mlp_forward(&mlp, &plan, parameters, &x, memory, scratch, z);
                mlp_backward(&mlp, &plan, parameters, &x, memory, d_z, (float)pass, scratch,
                             gradient);
            }
            compare(&mlp, &plain, z, gradient);
        }
    }
    inputs_release(&x);
    float **all[] = {&parameters, &memory, &z, &scratch, &gradient, &plain.gradient};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        memory_free(all[i]);
    for (int l = 0; l <= mlp.n_layers; l++) {
        memory_free(&plain.a[l]);
        memory_free(&plain.d[l]);
        if (l < mlp.n_layers)
            memory_free(&plain.z[l]);
    }
}

/* Odd widths, blocks of units that are not whole, last tiles that are narrower. */
static void passes_are_plain_loops(void **state)
{
    (void)state;
    check_network(16, 1, NULL, 0, 1, ACTIVATION_TANH);
    check_network(208, 90, NULL, 0, 7, ACTIVATION_TANH);
    check_network(144, 5, (size_t[]){3}, 1, 1, ACTIVATION_TANH);
    check_network(80, 100, (size_t[]){67}, 1, 10, ACTIVATION_TANH);
    check_network(208, 70, (size_t[]){130}, 1, 3, ACTIVATION_GELU);
    check_network(112, 65, (size_t[]){9, 21}, 2, 4, ACTIVATION_RELU);
    check_network(96, 90, (size_t[]){66, 5, 17}, 3, 33, ACTIVATION_TANH);
    check_network(160, 66, (size_t[]){7, 65, 40}, 3, 2, ACTIVATION_LOGISTIC);
}
#else
/* Such networks are coterie's: see model_config_check. */
static void passes_are_plain_loops(void **state)
{
    (void)state;
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(passes_are_plain_loops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
