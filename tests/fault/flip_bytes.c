/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Usage: flip_bytes FOLDER [STRIDE [FIRST]]
 *
 * Writes a small checkpoint and damages it in every way that one byte can be wrong, and at every
 * length that it can be cut to: each damaged file must be refused, or give exactly what was
 * written. STRIDE n, FIRST i: only bytes i, i+n, i+2n ...
 */
#include "base/memory.h"
#include "checkpoint/checkpoint.h"
#include "comm/communicator.h"
#include "train/step/schedule.h"
#include "train/step/snapshot_gather.h"

#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { SECONDS = 20 }; /* for one damaged file: more is a loop without end */

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s: %s\n", what, status_text());
    exit(1);
}

static void fill(real *values, size_t n, int seed)
{
    for (size_t i = 0; i < n; i++)
        values[i] = (real)sin((double)i + seed);
}

static void fill_networks(const struct model_shape *model, struct networks *networks, int seed)
{
    fill(networks->gate, parameters_stride(&model->gate), seed);
    fill(networks->experts, model->config.n_experts * parameters_stride(&model->expert), seed + 1);
    for (size_t e = 0; e < model->config.n_experts; e++)
        networks->dispersion[e] = (struct dispersion){.variance = 1 + (double)e};
}

static void fill_snapshot(struct snapshot *snapshot, const struct model_shape *model)
{
    fill_networks(model, &snapshot->current, 1);
    fill_networks(model, &snapshot->best, 3);
    for (int s = 0; s < snapshot->n_slots; s++)
        fill_networks(model, &snapshot->slot[s], 5 + 2 * s);
    snapshot->progress = (struct progress){.epoch = 7,
                                           .step = 21,
                                           .total_steps = 21,
                                           .recorded = 7,
                                           .best_start = -1,
                                           .best_start_error = INFINITY,
                                           .starts_finished = true,
                                           .seed = 1,
                                           .learning_rate_factor = 1,
                                           .due_best = {6, 18, 0.5},
                                           .last = MILESTONE_NONE};
    for (size_t e = 0; e < model->config.n_experts; e++)
        snapshot->use[e] = 1.0 / (double)(e + 1);
    for (int i = 0; i < 3; i++) {
        struct metrics_record record = {.epoch = i, .step = 3 * i};
        must(history_add(&snapshot->history, &record) == STATUS_OK, "history");
    }
}

static void fill_record(struct run_record *record)
{
    must(string_list_add_split(&record->config_keys, "epochs,seed") == STATUS_OK, "keys");
    must(string_list_add_split(&record->config_values, "20,1") == STATUS_OK, "values");
    must(string_list_add_split(&record->input_names, "a,b") == STATUS_OK, "names");
    must(string_list_add_split(&record->target_names, "t") == STATUS_OK, "names");
    must(string_list_add_split(&record->classes, "no,yes") == STATUS_OK, "classes");
    must(scaler_init(&record->scaler, 2, 0) == STATUS_OK, "scaler");
    for (int i = 0; i < 2; i++) {
        record->scaler.x_mean[i] = i;
        record->scaler.x_scale[i] = 2;
    }
    record->data_path = memory_strdup("data.csv");
    record->data_split = memory_strdup("all samples");
    record->data_n = 100;
    record->data_fingerprint = 0x123456789abcdef;
    record->target_variance = 1;
}

static bool equal_lists(const struct string_list *a, const struct string_list *b)
{
    bool same = a->n == b->n;
    for (size_t i = 0; i < a->n && same; i++)
        same = strcmp(a->item[i], b->item[i]) == 0;
    return same;
}

static bool equal_doubles(const double *a, const double *b, size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

static bool equal_networks(const struct model_shape *model, const struct networks *a,
                           const struct networks *b)
{
    size_t n_experts = model->config.n_experts;
    return memcmp(a->gate, b->gate, parameters_stride(&model->gate) * sizeof(real)) == 0 &&
           memcmp(a->experts, b->experts,
                  n_experts * parameters_stride(&model->expert) * sizeof(real)) == 0 &&
           memcmp(a->dispersion, b->dispersion, n_experts * sizeof *a->dispersion) == 0;
}

static bool equal_milestones(const struct milestone *a, const struct milestone *b)
{
    return a->epoch == b->epoch && a->step == b->step && a->error == b->error;
}

/* All but the seconds, which are of no consequence, and in no checksum. */
static bool equal_progress(const struct progress *a, const struct progress *b)
{
    return a->epoch == b->epoch && a->step == b->step && a->total_steps == b->total_steps &&
           a->batch == b->batch && a->recorded == b->recorded && a->start == b->start &&
           a->best_start == b->best_start && a->best_start_error == b->best_start_error &&
           a->starts_finished == b->starts_finished && a->seed == b->seed &&
           a->learning_rate_factor == b->learning_rate_factor &&
           a->stale_epochs == b->stale_epochs && equal_milestones(&a->due_best, &b->due_best) &&
           equal_milestones(&a->last, &b->last) &&
           equal_doubles(a->running, b->running, METRICS_N_SUMS);
}

static bool equal_snapshots(const struct model_shape *model, const struct snapshot *a,
                            const struct snapshot *b)
{
    bool same =
        equal_networks(model, &a->current, &b->current) &&
        equal_networks(model, &a->best, &b->best) && equal_progress(&a->progress, &b->progress) &&
        equal_doubles(a->use, b->use, model->config.n_experts) && a->history.n == b->history.n;
    for (int s = 0; s < a->n_slots && same; s++)
        same = equal_networks(model, &a->slot[s], &b->slot[s]);
    for (size_t i = 0; i < a->history.n && same; i++)
        for (int c = 0; c < HISTORY_N_COLUMNS && same; c++) {
            double x = history_get(&a->history.record[i], c);
            double y = history_get(&b->history.record[i], c);
            same = memcmp(&x, &y, sizeof x) == 0;
        }
    return same;
}

static bool equal_records(const struct run_record *a, const struct run_record *b)
{
    return equal_lists(&a->config_keys, &b->config_keys) &&
           equal_lists(&a->config_values, &b->config_values) &&
           equal_lists(&a->input_names, &b->input_names) &&
           equal_lists(&a->target_names, &b->target_names) &&
           equal_lists(&a->classes, &b->classes) && a->scaler.n_inputs == b->scaler.n_inputs &&
           a->scaler.n_targets == b->scaler.n_targets &&
           equal_doubles(a->scaler.x_mean, b->scaler.x_mean, a->scaler.n_inputs) &&
           equal_doubles(a->scaler.x_scale, b->scaler.x_scale, a->scaler.n_inputs) &&
           strcmp(a->data_path, b->data_path) == 0 && strcmp(a->data_split, b->data_split) == 0 &&
           a->data_n == b->data_n && a->data_fingerprint == b->data_fingerprint &&
           a->target_variance == b->target_variance;
}

/* What a program that resumes would have read. */
struct loaded {
    struct snapshot snapshot;
    struct run_record record;
};

/* Of this process's own time, so that it may be stopped or kept waiting; 0: no limit. */
static void limit_time(int seconds)
{
    struct itimerval limit = {.it_value.tv_sec = seconds};
    setitimer(ITIMER_PROF, &limit, NULL);
}

static status load(const char *path, struct loaded *loaded)
{
    struct hdf5_file *file = NULL;
    memset(&loaded->record, 0, sizeof loaded->record);
    limit_time(SECONDS);
    status outcome = checkpoint_open(path, &file);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_record(file, &loaded->record);
    if (outcome == STATUS_OK)
        outcome = checkpoint_read_state(file, &loaded->snapshot);
    if (file)
        hdf5_close(&file);
    limit_time(0);
    return outcome;
}

struct counts {
    long refused, harmless, wrong;
};

static void try_file(const char *path, const struct loaded *original, struct loaded *found,
                     const char *what, size_t at, struct counts *counts)
{
    if (load(path, found) != STATUS_OK)
        counts->refused++;
    else if (equal_snapshots(&original->snapshot.shape, &original->snapshot, &found->snapshot) &&
             equal_records(&original->record, &found->record))
        counts->harmless++;
    else {
        counts->wrong++;
        printf("%s %zu: read without complaint, but not what was written\n", what, at);
    }
    run_record_release(&found->record);
}

static unsigned char *read_bytes(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    must(file && fseek(file, 0, SEEK_END) == 0, "cannot read the checkpoint");
    *size = (size_t)ftell(file);
    unsigned char *bytes = malloc(*size);
    rewind(file);
    must(bytes && fread(bytes, 1, *size, file) == *size, "cannot read the checkpoint");
    fclose(file);
    return bytes;
}

static void put_byte(const char *path, size_t at, unsigned char byte)
{
    int file = open(path, O_WRONLY);
    must(file >= 0 && pwrite(file, &byte, 1, (off_t)at) == 1, "cannot damage the checkpoint");
    close(file);
}

/* Every byte with all its bits turned, and with one of them. */
static struct counts flip_all(const char *path, const struct loaded *original, struct loaded *found,
                              size_t stride, size_t first)
{
    struct counts counts = {0};
    size_t size;
    unsigned char *bytes = read_bytes(path, &size);
    for (size_t at = first; at < size; at += stride) {
        unsigned char masks[2] = {0xff, (unsigned char)(1u << (at / stride % 8))};
        for (int m = 0; m < 2; m++) {
            put_byte(path, at, bytes[at] ^ masks[m]);
            try_file(path, original, found, "byte", at, &counts);
        }
        put_byte(path, at, bytes[at]);
    }
    free(bytes);
    return counts;
}

static struct counts cut_all(const char *path, const struct loaded *original, struct loaded *found,
                             size_t stride)
{
    struct counts counts = {0};
    size_t size;
    free(read_bytes(path, &size));
    for (size_t length = size; length-- > 0;) {
        if (length % stride != 0)
            continue;
        must(truncate(path, (off_t)length) == 0, "cannot cut the checkpoint");
        try_file(path, original, found, "length", length, &counts);
    }
    return counts;
}

/* The seal of the file lets nothing through, whether it matters or not. */
static int show(const char *what, struct counts counts)
{
    printf("%s: %ld refused, %ld without effect, %ld wrong\n", what, counts.refused,
           counts.harmless, counts.wrong);
    return counts.wrong + counts.harmless > 0;
}

int main(int argc, char **argv)
{
    struct communicator comm;
    must(communicator_start(&argc, &argv, &comm) == STATUS_OK, "MPI");
    must(argc > 1, "usage: flip_bytes FOLDER [STRIDE [FIRST]]");
    size_t stride = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    size_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/flip-%d.h5", argv[1], (int)getpid());
    struct model model;
    struct model_config config = {.n_inputs = 2,
                                  .n_outputs = 2,
                                  .n_experts = 2,
                                  .output = OUTPUT_SOFTMAX,
                                  .likelihood = LIKELIHOOD_CATEGORICAL,
                                  .error = ERROR_MIXTURE,
                                  .variance = 1};
    must(model_init(&model, &config, &comm, -1, 64) == STATUS_OK, "model");
    struct loaded written = {0}, original = {0}, found = {0};
    struct loaded *all[3] = {&written, &original, &found};
    for (int i = 0; i < 3; i++)
        must(snapshot_init(&all[i]->snapshot, &model, &comm, OPTIMIZER_MOMENTUM, true) == STATUS_OK,
             "snapshot");
    const struct model_shape shape = model_shape(&model);
    fill_snapshot(&written.snapshot, &shape);
    fill_record(&written.record);
    must(checkpoint_publish(path, &written.snapshot, &written.record) == STATUS_OK, "publish");
    /* What damaged files are compared with is what was read, which leaves no padding undefined. */
    must(load(path, &original) == STATUS_OK && load(path, &found) == STATUS_OK, "load");
    must(equal_snapshots(&shape, &original.snapshot, &found.snapshot) &&
             equal_records(&original.record, &found.record),
         "what is read from one file differs");
    run_record_release(&found.record);
    int wrong = show("flipped", flip_all(path, &original, &found, stride, first));
    must(load(path, &found) == STATUS_OK, "the file is as it was");
    run_record_release(&found.record);
    wrong += show("cut", cut_all(path, &original, &found, stride));
    unlink(path);
    run_record_release(&written.record);
    run_record_release(&original.record);
    for (int i = 0; i < 3; i++)
        snapshot_release(&all[i]->snapshot);
    model_release(&model);
    communicator_stop(&comm);
    return wrong > 0;
}
