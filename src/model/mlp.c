#include "coterie/model/mlp.h"

#include "coterie/base/rng.h"
#include "coterie/math/blas.h"

#include <math.h>
#include <string.h>

status mlp_init(struct mlp *mlp, size_t n_inputs, const size_t *hidden, size_t n_hidden,
                size_t n_outputs, enum activation hidden_activation)
{
    memset(mlp, 0, sizeof *mlp);
    if (n_hidden > MLP_MAX_HIDDEN)
        return status_set(STATUS_USAGE, "%zu hidden layers are more than the %d that are possible",
                          n_hidden, MLP_MAX_HIDDEN);
    mlp->n_layers = (int)n_hidden + 1;
    mlp->hidden_activation = hidden_activation;
    mlp->width[0] = n_inputs;
    for (size_t l = 0; l < n_hidden; l++)
        mlp->width[l + 1] = hidden[l];
    mlp->width[mlp->n_layers] = n_outputs;
    for (int l = 0; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        if (in == 0 || out == 0)
            return status_set(STATUS_USAGE, "a layer with no units: every width must be 1 or more");
        mlp->weight_at[l] = mlp->extent;
        mlp->extent += real_padded(in * out);
        mlp->bias_at[l] = mlp->extent;
        mlp->extent += real_padded(out);
        mlp->n_parameters += in * out + out;
    }
    return STATUS_OK;
}

void mlp_draw(const struct mlp *mlp, uint64_t seed, int purpose, uint32_t id, real *parameters)
{
    for (int l = 0; l < mlp->n_layers; l++) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        double range = fmin(0.5, sqrt(3.0 / (double)in));
        struct rng rng;
        rng_init(&rng, seed, (enum rng_purpose)purpose, id, (uint32_t)l);
        for (size_t i = 0; i < in * out; i++)
            parameters[mlp->weight_at[l] + i] = (real)(range * (2 * rng_uniform(&rng) - 1));
        for (size_t i = 0; i < out; i++)
            parameters[mlp->bias_at[l] + i] = (real)(range * (2 * rng_uniform(&rng) - 1));
    }
}

/* Hidden layer l keeps a, and z before it where the derivative needs it. */
static size_t layer_memory(const struct mlp *mlp, int l, size_t stride)
{
    return mlp->width[l + 1] * stride * (activation_keeps_z(mlp->hidden_activation) ? 2 : 1);
}

size_t mlp_memory(const struct mlp *mlp, size_t stride)
{
    size_t reals = 0;
    for (int l = 0; l + 1 < mlp->n_layers; l++)
        reals += layer_memory(mlp, l, stride);
    return reals;
}

size_t mlp_scratch(const struct mlp *mlp, size_t stride)
{
    size_t widest = 0;
    for (int l = 1; l < mlp->n_layers; l++)
        widest = mlp->width[l] > widest ? mlp->width[l] : widest;
    return 2 * widest * stride;
}

/* z and a of the hidden layer that begins at `memory`. */
static real *layer_a(const struct mlp *mlp, int l, size_t stride, real *memory)
{
    return activation_keeps_z(mlp->hidden_activation) ? memory + mlp->width[l + 1] * stride
                                                      : memory;
}

/* z = W a; the first layer's a is x, one sample a row. */
static void multiply(const struct mlp *mlp, int l, const real *weight, size_t stride,
                     const real *input, real *z)
{
    size_t in = mlp->width[l], out = mlp->width[l + 1];
    if (l == 0)
        blas_gemm(BLAS_PLAIN, BLAS_TRANSPOSED, out, stride, in, weight, in, input, in, 0, z,
                  stride);
    else
        blas_gemm(BLAS_PLAIN, BLAS_PLAIN, out, stride, in, weight, in, input, stride, 0, z, stride);
}

void mlp_forward(const struct mlp *mlp, const real *parameters, size_t stride, const real *x,
                 real *memory, real *z)
{
    const real *input = x;
    int last = mlp->n_layers - 1;
    for (int l = 0; l < last; l++) {
        real *a = layer_a(mlp, l, stride, memory);
        multiply(mlp, l, parameters + mlp->weight_at[l], stride, input, memory);
        activation_forward(mlp->hidden_activation, mlp->width[l + 1], stride,
                           parameters + mlp->bias_at[l], memory, a);
        input = a;
        memory += layer_memory(mlp, l, stride);
    }
    multiply(mlp, last, parameters + mlp->weight_at[last], stride, input, z);
    activation_forward(ACTIVATION_IDENTITY, mlp->width[last + 1], stride,
                       parameters + mlp->bias_at[last], z, z);
}

/* dW = d a^T, db = sum of d over the samples */
static void layer_gradient(const struct mlp *mlp, int l, size_t stride, const real *input,
                           const real *d, real keep, real *gradient)
{
    size_t in = mlp->width[l], out = mlp->width[l + 1];
    real *weight = gradient + mlp->weight_at[l];
    if (l == 0)
        blas_gemm(BLAS_PLAIN, BLAS_PLAIN, out, in, stride, d, stride, input, in, keep, weight, in);
    else
        blas_gemm(BLAS_PLAIN, BLAS_TRANSPOSED, out, in, stride, d, stride, input, stride, keep,
                  weight, in);
    activation_row_sums(out, stride, d, keep, gradient + mlp->bias_at[l]);
}

void mlp_backward(const struct mlp *mlp, const real *parameters, size_t stride, const real *x,
                  const real *memory, const real *d_z, real keep, real *scratch, real *gradient)
{
    const real *d = d_z;
    real *spare[2] = {scratch, scratch + mlp_scratch(mlp, stride) / 2};
    const real *end = memory + mlp_memory(mlp, stride);
    for (int l = mlp->n_layers - 1; l > 0; l--) {
        size_t in = mlp->width[l], out = mlp->width[l + 1];
        const real *z = end - layer_memory(mlp, l - 1, stride);
        const real *a = activation_keeps_z(mlp->hidden_activation) ? z + in * stride : z;
        layer_gradient(mlp, l, stride, a, d, keep, gradient);
        real *d_input = spare[l % 2];
        blas_gemm(BLAS_TRANSPOSED, BLAS_PLAIN, in, stride, out, parameters + mlp->weight_at[l], in,
                  d, stride, 0, d_input, stride);
        activation_backward(mlp->hidden_activation, in, stride, z, a, d_input);
        d = d_input;
        end = z;
    }
    layer_gradient(mlp, 0, stride, x, d, keep, gradient);
}

double mlp_flops(const struct mlp *mlp)
{
    double flops = 0;
    for (int l = 0; l < mlp->n_layers; l++)
        flops += (l == 0 ? 4.0 : 6.0) * (double)mlp->width[l] * (double)mlp->width[l + 1];
    return flops;
}
