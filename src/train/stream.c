#include "coterie/train/stream.h"

#include "stream_internal.h"

#include "coterie/base/memory.h"

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

/* What the root has opened, to the first rank of each host, which opens it too. */
static status open_source(struct stream *stream, struct source *source)
{
    const struct communicator *comm = stream->comm;
    struct source_request request = {0};
    char *text[3] = {NULL, NULL, NULL};
    status outcome = STATUS_OK;
    if (source) {
        const struct source_request *asked = source_asked(source);
        text[0] = (char *)asked->path, text[1] = (char *)asked->inputs;
        text[2] = (char *)asked->targets;
    }
    for (int i = 0; i < 3; i++) {
        status shared = communicator_broadcast_text(comm, &text[i]);
        outcome = status_first(outcome, shared);
    }
    request.path = text[0], request.inputs = text[1], request.targets = text[2];
    request.target_kind = stream->shape.n_targets ? TARGETS_NUMBERS : TARGETS_NONE;
    request.numbers_only = true;
    if (outcome == STATUS_OK && comm->node_rank == 0)
        outcome = source_open(&request, &stream->reader.source);
    if (outcome == STATUS_OK && comm->node_rank == 0) {
        const struct source_info *info = source_info(stream->reader.source);
        if (info->n_inputs != stream->shape.n_inputs || info->n_targets != stream->shape.n_targets)
            outcome = status_set(STATUS_USAGE,
                                 "%s: is another file on host %s; all hosts must see the same",
                                 request.path, comm->host);
    }
    for (int i = 0; i < 3 && !source; i++)
        memory_free(&text[i]);
    return communicator_agree(comm, outcome);
}

static status share_scaler(struct stream *stream, const struct scaler *scaler)
{
    const struct communicator *comm = stream->comm;
    struct scaler *own = &stream->reader.scaler;
    size_t n_inputs = stream->shape.n_inputs, n_targets = stream->shape.n_targets;
    status outcome = communicator_agree(comm, scaler_init(own, n_inputs, n_targets));
    if (outcome != STATUS_OK)
        return outcome;
    if (comm->rank == 0) {
        memcpy(own->x_mean, scaler->x_mean, n_inputs * sizeof(double));
        memcpy(own->x_scale, scaler->x_scale, n_inputs * sizeof(double));
        memcpy(own->y_mean, scaler->y_mean, n_targets * sizeof(double));
        memcpy(own->y_scale, scaler->y_scale, n_targets * sizeof(double));
    }
    communicator_broadcast(comm, own->x_mean, n_inputs * sizeof(double));
    communicator_broadcast(comm, own->x_scale, n_inputs * sizeof(double));
    communicator_broadcast(comm, own->y_mean, n_targets * sizeof(double));
    communicator_broadcast(comm, own->y_scale, n_targets * sizeof(double));
    return STATUS_OK;
}

static status share_rows(struct stream *stream, const uint64_t *rows)
{
    int some = rows != NULL;
    size_t bytes = stream->shape.n * sizeof *rows;
    communicator_broadcast(stream->comm, &some, sizeof some);
    if (!some)
        return STATUS_OK;
    status outcome = shared_memory_create(stream->comm, bytes, &stream->chosen);
    if (outcome != STATUS_OK)
        return outcome;
    if (stream->comm->rank == 0 && rows)
        memcpy(stream->chosen.base, rows, bytes);
    shared_memory_publish(stream->comm, &stream->chosen);
    stream->rows = stream->chosen.base;
    return STATUS_OK;
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
        if (outcome == STATUS_OK)
            outcome = memory_alloc(&stream->reader.rows, stream->block, sizeof(uint64_t),
                                   "a block of samples");
    }
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    COTERIE_ASSERT(stream && stream->reader.rows);
    outcome = open_source(stream, source);
    if (outcome == STATUS_OK)
        outcome = share_scaler(stream, scaler);
    if (outcome == STATUS_OK)
        outcome = share_rows(stream, rows);
    return outcome == STATUS_OK ? make_windows(stream) : outcome;
}

void stream_release(struct stream **stream)
{
    struct stream *old = *stream;
    if (!old)
        return;
    stream_reader_stop(old);
    shared_memory_release(&old->windows);
    shared_memory_release(&old->chosen);
    source_close(&old->reader.source);
    scaler_release(&old->reader.scaler);
    epoch_blocks_release(&old->blocks);
    epoch_blocks_release(&old->reader.blocks);
    memory_free(&old->reader.rows);
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
 * What the thread does not read by itself. Every rank counts on from a generation that lies beyond
 * all that can have been read; the thread begins there when it has seen that all ranks are here.
 * No rank can still want a window that the old thread would have read: the first rank has come here
 * through a step, for which every rank had loaded its samples.
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
    if (stream->comm->node_rank != 0)
        return;
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
    atomic_store(&control->rank[stream->comm->node_rank].generation, generation);
    while (atomic_load(&control->filled) <= generation) {
        if (atomic_load(&control->failure) != STATUS_OK)
            return false;
        stream_pause();
    }
    piece->first = (generation % 2) * stream->largest + (shuffled ? 0 : in_window);
    piece->place = shuffled ? stream->sampler->place + (first - stream->sampler->first) : NULL;
    return true;
}

void stream_done(struct stream *stream)
{
    const struct epoch_window *window = &stream->window;
    if (stream->position == window->first + window->n)
        atomic_store(&stream->control->rank[stream->comm->node_rank].generation,
                     stream->base + window->window + 1);
}

status stream_status(const struct stream *stream)
{
    if (!stream || atomic_load(&stream->control->failure) == STATUS_OK)
        return STATUS_OK;
    return status_set((status)atomic_load(&stream->control->failure), "%s", stream->control->text);
}
