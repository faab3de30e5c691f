/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_source.h"

#include "base/memory.h"
#include "data/formats/formats.h"

#include <string.h>
#include <xxhash.h>

enum { N_TEXTS = 7 };

/* Lists of names, NULL or not; off the root into `names`. */
static status share_names(const struct communicator *comm, const struct string_list **list,
                          struct string_list *names)
{
    char *joined = NULL;
    status outcome = *list ? string_list_joined(*list, &joined) : STATUS_OK;
    status shared = communicator_broadcast_text(comm, &joined);
    outcome = status_first(outcome, shared);
    if (outcome == STATUS_OK && joined && comm->rank != 0) {
        outcome = string_list_add_split(names, joined);
        *list = names;
    }
    memory_free(&joined);
    return outcome;
}

/* What the root's source was asked for. The texts are allocated, but for those of the root. */
static status share_request(const struct communicator *comm, const struct source *source,
                            struct source_request *request, struct string_list names[2])
{
    const char **text[N_TEXTS] = {&request->path,      &request->inputs, &request->targets,
                                  &request->group,     &request->weight, &request->exclude,
                                  &request->categories};
    memset(request, 0, sizeof *request);
    if (source)
        *request = *source_asked(source);
    status outcome = STATUS_OK;
    for (int i = 0; i < N_TEXTS; i++) {
        char *copy = (char *)*text[i];
        status shared = communicator_broadcast_text(comm, &copy);
        *text[i] = copy;
        outcome = status_first(outcome, shared);
    }
    status shared = share_names(comm, &request->model_inputs, &names[0]);
    outcome = status_first(outcome, shared);
    shared = share_names(comm, &request->gap_columns, &names[1]);
    outcome = status_first(outcome, shared);
    communicator_broadcast(comm, &request->target_kind, sizeof request->target_kind);
    communicator_broadcast(comm, &request->gaps, sizeof request->gaps);
    communicator_broadcast(comm, &request->codes_gaps, sizeof request->codes_gaps);
    communicator_broadcast(comm, &request->exclude_if_there, sizeof request->exclude_if_there);
    return outcome;
}

static void release_request(struct source_request *request)
{
    const char *text[N_TEXTS] = {request->path,      request->inputs, request->targets,
                                 request->group,     request->weight, request->exclude,
                                 request->categories};
    for (int i = 0; i < N_TEXTS; i++) {
        char *copy = (char *)text[i];
        memory_free(&copy);
    }
}

/* Labels, groups and weights come from the root: of an HDF5 file they are not even read. */
static status open_own(const struct communicator *comm, const struct dataset_shape *shape,
                       bool in_parts, size_t n, struct source_request *request, struct source **own)
{
    if (in_parts) {
        request->target_kind = shape->n_targets ? TARGETS_NUMBERS : TARGETS_NONE;
        request->numbers_only = true;
    }
    status outcome = source_open(request, own);
    if (outcome != STATUS_OK)
        return comm->rank == 0 ? outcome
                               : status_set(outcome,
                                            "%s; every host reads the data by itself, so all must "
                                            "see the file{ (with @read root only that of rank 0 "
                                            "must, if the data are not streamed)}",
                                            status_text());
    const struct source_info *info = source_info(*own);
    if (info->n != n || info->n_inputs != shape->n_inputs ||
        (shape->n_targets && info->n_targets != shape->n_targets))
        outcome =
            status_set(STATUS_USAGE, "%s: is another file on host %s; all hosts must see the same",
                       request->path, comm->host);
    return outcome;
}

/* Collective; the returned status may differ between ranks. The hash of the first rank of each host
 * against the root's. */
static status compare(const struct communicator *comm, uint64_t own, const char *path)
{
    uint64_t root = own;
    communicator_broadcast(comm, &root, sizeof root);
    if (comm->node_rank != 0 || own == root)
        return STATUS_OK;
    return status_set(STATUS_USAGE,
                      "%s: holds other samples on host %s than on the host of rank 0; bring the "
                      "same file to all hosts",
                      path, comm->host);
}

enum { ROWS_COMPARED = 8 };

/* Of some samples, from the first to the last: of what is streamed nobody sees all at the start. */
static status hash_some(const struct dataset_shape *shape, struct source *source, uint64_t *hash)
{
    size_t n = source_info(source)->n;
    double *row = NULL;
    status outcome =
        memory_alloc(&row, shape->n_inputs + shape->n_targets, sizeof *row, "a sample");
    for (size_t i = 0; i < ROWS_COMPARED && outcome == STATUS_OK; i++) {
        size_t at = (n - 1) / (ROWS_COMPARED - 1) * i;
        outcome = source_read(source, i + 1 == ROWS_COMPARED ? n - 1 : at, 1, row,
                              shape->n_targets ? row + shape->n_inputs : NULL);
        if (outcome == STATUS_OK)
            *hash = XXH3_64bits_withSeed(row, (shape->n_inputs + shape->n_targets) * sizeof *row,
                                         *hash);
    }
    memory_free(&row);
    return outcome;
}

/* `own`: what this rank reads from; NULL if it does not read. */
static status compare_some(const struct communicator *comm, const struct dataset_shape *shape,
                           struct source *own)
{
    uint64_t hash = 0;
    status outcome = own ? hash_some(shape, own, &hash) : STATUS_OK;
    outcome = communicator_agree(comm, outcome);
    if (outcome == STATUS_OK)
        outcome = communicator_agree(comm, compare(comm, hash, own ? source_info(own)->path : ""));
    return outcome;
}

static status open_source(const struct communicator *comm, const struct dataset_shape *shape,
                          struct host_readers readers, struct source *source,
                          struct host_source *out)
{
    struct source_request request;
    struct string_list names[2] = {0};
    struct {
        bool in_parts;
        size_t n;
    } file = {false, 0};
    if (source) {
        file.in_parts = source_info(source)->format->can_stream;
        file.n = source_info(source)->n;
    }
    status outcome = share_request(comm, source, &request, names);
    communicator_broadcast(comm, &file, sizeof file);
    int most = file.in_parts ? readers.per_host : 1;
    out->only_root = readers.on_root_host_only && !readers.root_opens && most == 1;
    out->n_readers = most < comm->node_size ? most : comm->node_size;
    if (readers.on_root_host_only && comm->node != 0)
        out->n_readers = 0;
    bool opens = comm->node_rank < out->n_readers && (comm->rank != 0 || readers.root_opens);
    if (outcome == STATUS_OK && opens)
        outcome = open_own(comm, shape, file.in_parts, file.n, &request, &out->source);
    if (!source)
        release_request(&request);
    string_list_release(&names[0]);
    string_list_release(&names[1]);
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK || comm->n_nodes == 1 || readers.on_root_host_only)
        return outcome;
    struct source *own = out->source ? out->source : source;
    return compare_some(comm, shape, comm->node_rank == 0 ? own : NULL);
}

static status share_scaler(const struct communicator *comm, const struct dataset_shape *shape,
                           const struct scaler *scaler, struct scaler *own)
{
    size_t n_inputs = shape->n_inputs, n_targets = shape->n_targets;
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

static status share_rows(const struct communicator *comm, size_t n, const uint64_t *rows,
                         struct host_source *out)
{
    int some = rows != NULL;
    size_t bytes = n * sizeof *rows;
    communicator_broadcast(comm, &some, sizeof some);
    if (!some)
        return STATUS_OK;
    status outcome = shared_memory_create(comm, bytes, &out->chosen);
    if (outcome != STATUS_OK)
        return outcome;
    if (comm->rank == 0 && rows)
        memcpy(out->chosen.base, rows, bytes);
    shared_memory_publish(comm, &out->chosen);
    out->rows = out->chosen.base;
    return STATUS_OK;
}

status host_source_open(const struct communicator *comm, const struct dataset_shape *shape,
                        struct host_readers readers, struct source *source,
                        const struct scaler *scaler, const uint64_t *rows, struct host_source *out)
{
    memset(out, 0, sizeof *out);
    status outcome = open_source(comm, shape, readers, source, out);
    if (outcome != STATUS_OK || out->only_root)
        return outcome;
    outcome = share_scaler(comm, shape, scaler, &out->scaler);
    return outcome == STATUS_OK ? share_rows(comm, shape->n, rows, out) : outcome;
}

void host_source_release(struct host_source *own)
{
    shared_memory_release(&own->chosen);
    source_close(&own->source);
    scaler_release(&own->scaler);
    own->rows = NULL;
}

status host_source_compare(const struct communicator *comm, const struct dataset *dataset,
                           const char *path)
{
    uint64_t hash = comm->node_rank == 0 ? dataset_numbers_hash(dataset) : 0;
    return communicator_agree(comm, compare(comm, hash, path));
}
