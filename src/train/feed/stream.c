/* SPDX-License-Identifier: BSD-3-Clause */
#include "train/feed/stream.h"

#include "stream_reader.h"

#include "base/memory.h"

#include <string.h>

static size_t padded_bytes(size_t n)
{
    return (n + REAL_ALIGNMENT - 1) / REAL_ALIGNMENT * REAL_ALIGNMENT;
}

static size_t control_bytes(const struct communicator *comm)
{
    struct stream_control *control;
    return padded_bytes(sizeof *control + (size_t)comm->node_size * sizeof control->rank[0]);
}

static struct epoch_order plain_order(const struct stream *stream)
{
    return (struct epoch_order){stream->shape.n, stream->block, 0};
}

double stream_bytes(const struct dataset_shape *shape, size_t block, bool some)
{
    struct epoch_order order = {shape->n, block, 0};
    double window = (double)epoch_order_largest_window(&order) *
                    (double)(shape->n_inputs + shape->n_targets) * sizeof(real);
    return 2 * window + (some ? 8.0 * (double)shape->n : 0);
}

static status make_windows(struct stream *stream)
{
    const struct communicator *comm = stream->comm;
    const struct dataset_shape *shape = &stream->shape;
    size_t control = control_bytes(comm);
    size_t x = padded_bytes(2 * stream->largest * shape->n_inputs * sizeof(real));
    size_t y = padded_bytes(2 * stream->largest * shape->n_targets * sizeof(real));
    status outcome = shared_memory_create(comm, control + x + y, &stream->windows);
    if (outcome != STATUS_OK)
        return outcome;
    char *base = stream->windows.base;
    stream->control = stream->windows.base;
    void *x_place = base + control, *y_place = base + control + x;
    stream->x = x_place;
    stream->y = shape->n_targets ? y_place : NULL;
    if (comm->node_rank == 0)
        memset(base, 0, control);
    communicator_barrier(comm);
    return STATUS_OK;
}

status stream_create(const struct communicator *comm, const struct dataset_shape *shape,
                     size_t block, struct source *source, const struct scaler *scaler,
                     const uint64_t *rows, struct stream **out)
{
    struct stream *stream = NULL;
    status outcome = memory_alloc(out, 1, sizeof *stream, "a stream of samples");
    if (outcome == STATUS_OK) {
        stream = *out;
        stream->comm = comm;
        stream->shape = *shape;
        stream->shape.has_labels = stream->shape.has_weights = false;
        stream->block = block < shape->n ? block : shape->n;
        struct epoch_order order = plain_order(stream);
        stream->largest = epoch_order_largest_window(&order);
        outcome = epoch_blocks_init(&stream->blocks, &order);
        if (outcome == STATUS_OK)
            outcome = epoch_blocks_init(&stream->reader.blocks, &order);
    }
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    COTERIE_ASSERT(stream);
    /* The root's own source may be in use while the thread reads. */
    const struct host_readers readers = {.per_host = comm->node_size, .root_opens = true};
    outcome =
        host_source_open(comm, &stream->shape, readers, source, scaler, rows, &stream->reader.from);
    /* What fits into memory the kernel keeps there by itself. */
    if (outcome == STATUS_OK && stream->reader.from.source)
        source_read_directly(stream->reader.from.source, memory_available());
    return outcome == STATUS_OK ? make_windows(stream) : outcome;
}

void stream_release(struct stream **stream)
{
    struct stream *old = *stream;
    if (!old)
        return;
    /* Others may still wait for what this rank's thread reads. */
    if (old->control)
        communicator_barrier(old->comm);
    stream_reader_stop(old);
    shared_memory_release(&old->windows);
    host_source_release(&old->reader.from);
    epoch_blocks_release(&old->blocks);
    epoch_blocks_release(&old->reader.blocks);
    memory_free(stream);
}

const real *stream_x(const struct stream *stream)
{
    return stream->x;
}

const real *stream_y(const struct stream *stream)
{
    return stream->y;
}

void stream_follow(struct stream *stream, const struct sampler *sampler)
{
    /* Of an earlier sampler nothing is known any more: the next pass begins anew. */
    stream->sampler = sampler;
    stream->next.shuffled = stream->pass.shuffled = false;
    stream->position = stream->shape.n + 1;
}

static bool same_pass(const struct stream_pass *a, const struct stream_pass *b)
{
    return a->shuffled == b->shuffled &&
           (!a->shuffled || (a->epoch == b->epoch && a->order.seed == b->order.seed));
}

static struct stream_pass wanted_pass(const struct stream *stream, bool shuffled)
{
    struct stream_pass pass = {.shuffled = shuffled, .order = plain_order(stream)};
    if (shuffled) {
        COTERIE_ASSERT(stream->sampler && stream->sampler->order.block == stream->block);
        pass.order = stream->sampler->order;
        pass.epoch = stream->sampler->epoch;
    }
    return pass;
}

/* After a pass in the order of the file come the batches of the epoch; or itself, without any. */
static struct stream_pass pass_after_plain(const struct stream *stream)
{
    return wanted_pass(stream, stream->sampler && stream->sampler->rows);
}

static void enter(struct stream *stream, const struct stream_pass *pass)
{
    stream->pass = *pass;
    stream->position = 0;
    if (pass->shuffled)
        epoch_blocks_shuffle(&stream->blocks, &pass->order, pass->epoch);
}

static struct epoch_window window_at(const struct stream *stream, size_t position)
{
    return epoch_window_at(&stream->pass.order, stream->pass.shuffled ? &stream->blocks : NULL,
                           position);
}

/*
 * What the threads do not read by themselves. Every rank counts on from a generation that lies
 * beyond all that can have been read; its thread begins there when it has seen that all ranks are
 * here. No rank can still want a window of which the old thread would have read a share: this rank
 * has waited for that window too.
 */
static void seek(struct stream *stream, const struct stream_pass *pass, size_t position)
{
    size_t n_windows = epoch_order_n_windows(&pass->order);
    if (stream->begun)
        stream->base += 2 * n_windows + 4;
    else
        stream->base = 2;
    stream->begun = true;
    enter(stream, pass);
    stream->next = pass_after_plain(stream);
    stream->window = window_at(stream, position);
    struct stream_reader *reader = &stream->reader;
    stream_reader_stop(stream);
    reader->pass = *pass;
    reader->next = stream->next;
    reader->window = stream->window.window;
    reader->generation = stream->base + stream->window.window;
    stream_reader_start(stream);
}

static void find_pass(struct stream *stream, bool shuffled, size_t first)
{
    struct stream_pass wanted = wanted_pass(stream, shuffled);
    size_t n_windows = epoch_order_n_windows(&wanted.order);
    if (stream->begun && same_pass(&wanted, &stream->pass) && first >= stream->position)
        return;
    struct stream_pass after = stream_pass_after(&stream->pass, &stream->next);
    bool at_end = stream->position <= stream->shape.n && stream->window.window + 1 == n_windows;
    if (stream->begun && at_end && same_pass(&wanted, &after) && first == 0) {
        stream->base += n_windows;
        enter(stream, &wanted);
    } else {
        seek(stream, &wanted, first);
    }
}

static void announce(struct stream *stream, uint64_t generation)
{
    atomic_store(&stream->control->rank[stream->comm->node_rank].generation, generation);
}

void stream_begin_batch(struct stream *stream, bool shuffled, size_t first)
{
    if (stream)
        find_pass(stream, shuffled, first);
}

void stream_end_batch(struct stream *stream, size_t first, size_t n)
{
    if (!stream || n == 0)
        return;
    stream->window = window_at(stream, first + n - 1);
    stream->position = first + n;
    announce(stream, stream->base + stream->window.window);
    stream_done(stream);
}

static bool is_filled(const struct stream *stream, uint64_t generation)
{
    bool filled = true;
    for (int r = 0; r < stream->comm->node_size; r++)
        filled = filled && atomic_load(&stream->control->rank[r].filled) > generation;
    return filled;
}

bool stream_next(struct stream *stream, bool shuffled, size_t first, size_t n,
                 struct stream_piece *piece)
{
    struct stream_control *control = stream->control;
    find_pass(stream, shuffled, first);
    stream->window = window_at(stream, first);
    size_t in_window = first - stream->window.first, left = stream->window.n - in_window;
    uint64_t generation = stream->base + stream->window.window;
    piece->n = n < left ? n : left;
    stream->position = first + piece->n;
    announce(stream, generation);
    long pause = 0;
    while (!is_filled(stream, generation)) {
        if (atomic_load(&control->failure) != STATUS_OK)
            return false;
        stream_pause(&pause);
    }
    piece->first = (generation % 2) * stream->largest + (shuffled ? 0 : in_window);
    piece->place = shuffled ? stream->sampler->place + (first - stream->sampler->first) : NULL;
    return true;
}

void stream_done(struct stream *stream)
{
    const struct epoch_window *window = &stream->window;
    if (stream->position == window->first + window->n)
        announce(stream, stream->base + window->window + 1);
}

status stream_status(const struct stream *stream)
{
    if (!stream || atomic_load(&stream->control->failure) == STATUS_OK)
        return STATUS_OK;
    return status_set((status)atomic_load(&stream->control->failure), "%s", stream->control->text);
}
