/* SPDX-License-Identifier: BSD-3-Clause */
#include "trainer_internal.h"

#include "base/memory.h"
#include "base/profile.h"
#include "base/site.h"

#include <stdio.h>
#include <string.h>

/* What the gate's rank of each replica says of its share of a batch; the E mean g follow it. */
struct part {
    double sums[METRICS_N_SUMS];
    int64_t raised;
    char nonfinite[sizeof((struct trainer *)NULL)->nonfinite];
};

static size_t part_bytes(const struct trainer *trainer)
{
    return trainer->model->has_gate
               ? sizeof(struct part) + trainer->model->config.n_experts * sizeof(double)
               : 0;
}

status trainer_allocate_shares(struct trainer *trainer)
{
    size_t bytes = part_bytes(trainer), n = (size_t)trainer->replicas->n;
    if (n == 1 || bytes == 0)
        return STATUS_OK;
    status outcome = metrics_init(&trainer->share, trainer->model->config.n_experts);
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&trainer->part, bytes, 1, "metrics");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&trainer->parts, n * bytes, 1, "metrics");
    return outcome;
}

void trainer_release_shares(struct trainer *trainer)
{
    metrics_release(&trainer->share);
    memory_free(&trainer->part);
    memory_free(&trainer->parts);
}

static void add_metrics(struct metrics *metrics, const struct part *part)
{
    const double *use = (const double *)(part + 1);
    double sums[METRICS_N_SUMS];
    metrics_to_array(metrics, sums);
    for (int i = 0; i < METRICS_N_SUMS; i++)
        sums[i] += part->sums[i];
    metrics_from_array(metrics, sums);
    for (size_t e = 0; e < metrics->n_experts; e++)
        metrics->use[e] += use[e];
}

/* What this replica has to say, into trainer->part. */
static void fill_part(struct trainer *trainer, int64_t raised)
{
    struct part *part = (struct part *)trainer->part;
    metrics_to_array(&trainer->share, part->sums);
    part->raised = raised;
    memcpy(part->nonfinite, trainer->nonfinite, sizeof part->nonfinite);
    memcpy(part + 1, trainer->share.use, trainer->share.n_experts * sizeof(double));
}

void trainer_add_shares(struct trainer *trainer, int64_t raised, struct metrics *metrics)
{
    size_t bytes = part_bytes(trainer);
    if (bytes > 0)
        fill_part(trainer, raised);
    communicator_gather(&trainer->replicas->peers, trainer->part, trainer->parts, bytes);
    if (!trainer_is_root(trainer))
        return;
    trainer->raised = 0;
    for (int r = 0; r < trainer->replicas->n; r++) {
        const struct part *part = (const struct part *)(trainer->parts + (size_t)r * bytes);
        add_metrics(metrics, part);
        trainer->raised += part->raised;
        if (!trainer->nonfinite[0])
            memcpy(trainer->nonfinite, part->nonfinite, sizeof trainer->nonfinite);
    }
}

/* The peers' copy of what the first replica has. */
static void spread(const struct trainer *trainer, void *data, size_t bytes)
{
    communicator_broadcast(&trainer->replicas->peers, data, bytes);
}

void trainer_spread_networks(const struct trainer *trainer, const struct local_networks *networks)
{
    const struct model *model = trainer->model;
    const struct parameters *experts = &model->experts.parameters;
    if (trainer->replicas->n == 1)
        return;
    spread(trainer, networks->gate,
           model->has_gate ? model->gate.parameters.stride * sizeof(real) : 0);
    spread(trainer, networks->experts, experts->n_networks * experts->stride * sizeof(real));
    if (networks->dispersion)
        spread(trainer, networks->dispersion, experts->n_networks * sizeof(struct dispersion));
}

bool trainer_is_in_first_replica(const struct trainer *trainer)
{
    return trainer->replicas->own == 0;
}

void trainer_let_first_replica(enum site site, int n)
{
    for (int i = 0; i < n; i++) {
        site_enter(site, 0);
        site_leave();
    }
}
