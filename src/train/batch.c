#include "coterie/train/batch.h"

#include "coterie/base/memory.h"

#include <string.h>

status batch_init(struct batch *batch, size_t n_inputs, size_t n_outputs, size_t max_stride)
{
    memset(batch, 0, sizeof *batch);
    batch->max_stride = max_stride;
    batch->n_outputs = n_outputs;
    status outcome = inputs_init(&batch->inputs, n_inputs, max_stride);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&batch->d, max_stride * n_outputs, sizeof(real), "a micro-batch");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&batch->weight, max_stride, sizeof(real), "a micro-batch");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&batch->w, max_stride, sizeof(real), "a micro-batch");
    return outcome;
}

void batch_release(struct batch *batch)
{
    inputs_release(&batch->inputs);
    memory_free(&batch->d);
    memory_free(&batch->weight);
    memory_free(&batch->w);
}

static size_t sample(const uint64_t *rows, size_t first, size_t i)
{
    return rows ? (size_t)rows[i] : first + i;
}

static void load_inputs(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                        size_t first)
{
    size_t width = batch->inputs.n_inputs;
    real *x = batch->inputs.x;
    for (size_t i = 0; i < batch->n; i++)
        memcpy(x + i * width, dataset->x + sample(rows, first, i) * width, width * sizeof(real));
    memset(x + batch->n * width, 0, (batch->stride - batch->n) * width * sizeof(real));
    inputs_set(&batch->inputs, batch->stride);
}

static void load_targets(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                         size_t first)
{
    size_t width = batch->n_outputs, stride = batch->stride;
    memset(batch->d, 0, width * stride * sizeof(real));
    for (size_t i = 0; i < batch->n; i++) {
        size_t n = sample(rows, first, i);
        if (dataset->y)
            for (size_t k = 0; k < width; k++)
                batch->d[k * stride + i] = dataset->y[n * width + k];
        else if (width == 1)
            batch->d[i] = (real)dataset->label[n];
        else
            batch->d[(size_t)dataset->label[n] * stride + i] = 1;
    }
}

static void load_weights(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                         size_t first, double total)
{
    for (size_t i = 0; i < batch->stride; i++) {
        double weight = i >= batch->n     ? 0
                        : dataset->weight ? (double)dataset->weight[sample(rows, first, i)]
                                          : 1;
        batch->weight[i] = (real)weight;
        /* A batch whose weights are all 0 has no gradient. */
        batch->w[i] = (real)(total > 0 ? weight / total : 0);
    }
}

void batch_load(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                size_t first, size_t n, double total)
{
    if (!rows && batch->loaded.dataset == dataset && batch->loaded.first == first &&
        batch->loaded.n == n && batch->loaded.total == total)
        return;
    batch->n = n;
    batch->stride = real_padded(n);
    COTERIE_ASSERT(batch->stride <= batch->max_stride);
    batch->has_targets = dataset->y || dataset->label;
    load_inputs(batch, dataset, rows, first);
    if (batch->has_targets)
        load_targets(batch, dataset, rows, first);
    load_weights(batch, dataset, rows, first, total);
    batch->loaded.dataset = rows ? NULL : dataset;
    batch->loaded.first = first;
    batch->loaded.n = n;
    batch->loaded.total = total;
}

double batch_total(const struct dataset *dataset, const uint64_t *rows, size_t first, size_t n)
{
    if (!dataset->weight)
        return (double)n;
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += (double)dataset->weight[sample(rows, first, i)];
    return total;
}
