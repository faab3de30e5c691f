/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checkpoints: opened with all checks, by the library, which predicts with what it has opened, and,
 * as if their checksums were right, read.
 */
#include "fuzz.h"

#include "checkpoint/checkpoint.h"
#include "comm/communicator.h"
#include "predict/predictor.h"
#include "train/step/snapshot_gather.h"

static struct communicator comm;
static struct model model;
static struct snapshot snapshot;

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* The model of the seeds: seeds.py trains it. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const struct model_config config = {.n_inputs = 2,
                                        .n_outputs = 3,
                                        .n_experts = 2,
                                        .output = OUTPUT_SOFTMAX,
                                        .likelihood = LIKELIHOOD_CATEGORICAL,
                                        .error = ERROR_MIXTURE,
                                        .variance = 1};
    if (communicator_start(argc, argv, &comm) != STATUS_OK ||
        model_init(&model, &config, &comm, -1, 64) != STATUS_OK ||
        snapshot_init(&snapshot, &model, &comm, OPTIMIZER_MOMENTUM, true) != STATUS_OK)
        abort();
    return 0;
}

static void read_all(const char *path)
{
    struct hdf5_file *file = NULL;
    struct run_record record;
    if (hdf5_open(path, &file) != STATUS_OK)
        return;
    checkpoint_verify(file);
    checkpoint_read_record(file, &record);
    run_record_release(&record);
    checkpoint_read_state(file, &snapshot);
    checkpoint_read_networks(file, &snapshot.shape, true, &snapshot.best);
    hdf5_close(&file);
}

/* As coterie_model_open and coterie_predict do. */
static void predict(const char *path)
{
    struct predictor *predictor = NULL;
    struct predicted predicted;
    if (predictor_open(path, &predictor) != STATUS_OK)
        return;
    double *x = calloc(predictor_config(predictor)->n_inputs, sizeof *x);
    void *work = malloc(predictor_work_bytes(predictor, 1));
    if (!x || !work)
        abort();
    predictor_compute(predictor, 1, x, work, &predicted);
    free(x);
    free(work);
    predictor_destroy(&predictor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path = fuzz_file(data, size);
    struct hdf5_file *file = NULL;
    if (!fuzz_survives(path))
        return 0;
    if (checkpoint_open(path, &file) == STATUS_OK)
        hdf5_close(&file);
    predict(path);
    read_all(path);
    checkpoint_read_init(path, &snapshot.shape, &snapshot.current);
    return 0;
}
