/* SPDX-License-Identifier: BSD-3-Clause */
#include "stream_reader.h"

#include "base/thread.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void stream_pause(long *pause)
{
    const long least = 50000, most = 1000000; /* nanoseconds */
    long doubled = 2 * *pause;
    *pause = doubled < least ? least : doubled < most ? doubled : most;
    nanosleep(&(struct timespec){.tv_nsec = *pause}, NULL);
}

struct stream_pass stream_pass_after(const struct stream_pass *pass, const struct stream_pass *next)
{
    struct stream_pass after = *next;
    if (pass->shuffled) {
        after = *pass;
        after.epoch++;
    }
    return after;
}

/* All ranks of the host are done with the half that this generation goes to. */
static bool wait_for_room(struct stream *stream, uint64_t generation)
{
    struct stream_control *control = stream->control;
    long pause = 0;
    for (;;) {
        bool room = true;
        for (int r = 0; r < stream->comm->node_size; r++)
            room = room && atomic_load(&control->rank[r].generation) + 1 >= generation;
        if (room || atomic_load(&stream->reader.stop))
            return room;
        stream_pause(&pause);
    }
}

static status fill_block(struct stream *stream, uint64_t block, size_t at)
{
    struct stream_reader *reader = &stream->reader;
    size_t first = (size_t)block * stream->block, left = stream->shape.n - first;
    struct dataset part = {.shape = stream->shape};
    part.shape.n = left < stream->block ? left : stream->block;
    part.x = stream->x + at * stream->shape.n_inputs;
    part.y = stream->y ? stream->y + at * stream->shape.n_targets : NULL;
    return dataset_fill(&part, reader->from.source, &reader->from.scaler, reader->from.rows, first);
}

/* The blocks of a window are dealt to the threads of the host. */
static status fill_window(struct stream *stream, const struct stream_pass *pass, size_t window,
                          size_t half)
{
    struct stream_reader *reader = &stream->reader;
    size_t n_blocks = epoch_order_n_blocks(&pass->order), begin = window * EPOCH_WINDOW_BLOCKS;
    size_t at = half * stream->largest;
    status outcome = STATUS_OK;
    for (size_t b = begin; b < n_blocks && b < begin + EPOCH_WINDOW_BLOCKS; b++) {
        uint64_t block = pass->shuffled ? reader->blocks.block[b] : b;
        if (outcome != STATUS_OK || atomic_load(&reader->stop))
            break;
        if ((b - begin) % (size_t)stream->comm->node_size == (size_t)stream->comm->node_rank)
            outcome = fill_block(stream, block, at);
        at +=
            block + 1 == n_blocks ? stream->shape.n - (size_t)block * stream->block : stream->block;
    }
    return outcome;
}

/* The first failure on this host is the one that is told. */
static void fail(struct stream_control *control, status outcome, const char *text)
{
    if (atomic_exchange(&control->fails, true))
        return;
    snprintf(control->text, sizeof control->text, "%s", text);
    atomic_store(&control->failure, (int)outcome);
}

static void *read_ahead(void *context)
{
    struct stream *stream = context;
    struct stream_reader *reader = &stream->reader;
    struct stream_control *control = stream->control;
    struct stream_pass pass = reader->pass;
    size_t window = reader->window, n_windows = epoch_order_n_windows(&pass.order);
    if (pass.shuffled)
        epoch_blocks_shuffle(&reader->blocks, &pass.order, pass.epoch);
    for (uint64_t generation = reader->generation; wait_for_room(stream, generation);
         generation++) {
        status outcome = fill_window(stream, &pass, window, generation % 2);
        if (atomic_load(&reader->stop))
            return NULL;
        if (outcome != STATUS_OK) {
            fail(control, outcome, status_text());
            return NULL;
        }
        atomic_store(&control->rank[stream->comm->node_rank].filled, generation + 1);
        if (++window == n_windows) {
            window = 0;
            pass = stream_pass_after(&pass, &reader->next);
            if (pass.shuffled)
                epoch_blocks_shuffle(&reader->blocks, &pass.order, pass.epoch);
        }
    }
    return NULL;
}

void stream_reader_start(struct stream *stream)
{
    struct stream_reader *reader = &stream->reader;
    atomic_store(&reader->stop, false);
    atomic_store(&stream->control->rank[stream->comm->node_rank].filled, reader->generation);
    reader->runs = thread_start(&reader->thread, read_ahead, stream);
    if (!reader->runs)
        fail(stream->control, STATUS_FAILED,
             "a thread that reads the data cannot be started: there are too many (ulimit -u)");
}

void stream_reader_stop(struct stream *stream)
{
    struct stream_reader *reader = &stream->reader;
    if (!reader->runs)
        return;
    atomic_store(&reader->stop, true);
    pthread_join(reader->thread, NULL);
    reader->runs = false;
}
