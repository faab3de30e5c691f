/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The training step under SimGrid's SMPI, on a machine that is not there: src/train/step/step.c and
 * src/comm/exchange.c send their messages on a modelled network, while each computing phase only
 * lets the clock run on by what it was measured to take. Built by tests/bench/scaling; the linker
 * puts the phases below in place of the program's own (--wrap).
 *
 *     scaling_step B,D,H,O,E REPLICAS MICRO_BATCH ROOT_EXPERTS RATES
 *
 * RATES is a file of lines `name seconds`, in the units of struct cost_point for MICRO_BATCH.
 * Prints `name seconds` lines: the simulated step, the sum of gradients over replicas, and the
 * phases of the step on rank 0 (`root ...`) and on the last rank (`last ...`), waiting included.
 */
#include "comm/communicator_mpi.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/profile.h"
#include "comm/communicator.h"
#include "train/step/optimizer.h"
#include "train/step/step.h"

#include <simgrid/host.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum rate {
    DATA,
    GATE_FORWARD,
    GATE_BACKWARD,
    POSTERIOR,
    EXPERT_FORWARD,
    EXPERT_BACKWARD,
    COMBINE,
    COMBINE_ONCE,
    UPDATE,
    ADD,
    N_RATES
};

static const char *const rate_names[N_RATES] = {
    "data",    "gate_forward", "gate_backward", "posterior", "expert_forward", "expert_backward",
    "combine", "combine_once", "update",        "add"};
static double rates[N_RATES];

static void fail(const char *what)
{
    fprintf(stderr, "scaling_step: %s\n", what);
    exit(1);
}

static void read_rates(const char *path)
{
    FILE *file = fopen(path, "r");
    char name[64];
    double seconds;
    int n = 0;
    if (!file)
        fail("the file of rates cannot be read");
    while (fscanf(file, "%63s %lf", name, &seconds) == 2)
        for (int r = 0; r < N_RATES; r++)
            if (strcmp(name, rate_names[r]) == 0) {
                rates[r] = seconds;
                n++;
            }
    fclose(file);
    if (n != N_RATES)
        fail("the file of rates lacks some");
}

/* Lets so much time pass on this rank. */
static void work(double seconds)
{
    if (seconds > 0)
        smpi_execute_flops(seconds * sg_host_get_speed(sg_host_self()));
}

double __wrap_clock_seconds(void);

/* The profile of the step reads the clock of the simulation. */
double __wrap_clock_seconds(void)
{
    return MPI_Wtime();
}

/*
 * All large arrays of all ranks lie on one another: what is in them does not matter, and a thousand
 * ranks would not fit into memory otherwise.
 */
static const size_t large = 1 << 16, arena_bytes = (size_t)16 << 30;
static char *const arena = (char *)0x200000000000;

status __wrap_memory_alloc(void *out, size_t count, size_t size, const char *what);
void __wrap_memory_free(void *in_out);
status __real_memory_alloc(void *out, size_t count, size_t size, const char *what);
void __real_memory_free(void *in_out);

status __wrap_memory_alloc(void *out, size_t count, size_t size, const char *what)
{
    if (count * size < large)
        return __real_memory_alloc(out, count, size, what);
    if (count * size > arena_bytes)
        fail("an array is larger than the arena");
    void *at = mmap(arena, arena_bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    (void)at; /* fails for all ranks but the first, whose arena serves them too */
    *(void **)out = arena;
    return STATUS_OK;
}

void __wrap_memory_free(void *in_out)
{
    if (*(char **)in_out == arena)
        *(void **)in_out = NULL;
    else
        __real_memory_free(in_out);
}

void __wrap_batch_load(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                       size_t first, size_t n, double total);
void __wrap_gate_forward(struct gate *gate, const struct inputs *x);
void __wrap_gate_backward(struct gate *gate, const struct inputs *x, real keep);
void __wrap_experts_forward(struct experts *experts, const struct inputs *x, const real *d);
void __wrap_experts_backward(struct experts *experts, enum experts_residual residual,
                             const struct inputs *x, const real *d, const real *y,
                             const real *coefficient, real keep);
void __wrap_objective_mixture(size_t n_experts, size_t stride, const real *w, const real *log_g,
                              const real *g, const real *loglik, real *coefficient, real *d_logit,
                              double *log_sum);
void __real_exchange_combine(struct exchange *exchange, size_t stride, const real *g,
                             const struct exchange_term *terms, int n_terms);
void __wrap_exchange_combine(struct exchange *exchange, size_t stride, const real *g,
                             const struct exchange_term *terms, int n_terms);
void __wrap_optimizer_update(struct optimizer *optimizer, struct parameters *parameters,
                             double rate, double factor, uint64_t step);

/* A micro-batch that is smaller than the measured one is in proportion. */
static size_t measured_samples;

static double share(size_t stride)
{
    return (double)stride / (double)measured_samples;
}

void __wrap_batch_load(struct batch *batch, const struct dataset *dataset, const uint64_t *rows,
                       size_t first, size_t n, double total)
{
    (void)dataset, (void)rows, (void)first, (void)total;
    batch->n = n;
    batch->stride = batch->inputs.stride = real_padded(n);
    batch->has_targets = true;
    work(share(batch->stride) * rates[DATA]);
}

void __wrap_gate_forward(struct gate *gate, const struct inputs *x)
{
    work(share(x->stride) * (double)gate->n_experts * rates[GATE_FORWARD]);
}

void __wrap_gate_backward(struct gate *gate, const struct inputs *x, real keep)
{
    (void)keep;
    work(share(x->stride) * (double)gate->n_experts * rates[GATE_BACKWARD]);
}

void __wrap_experts_forward(struct experts *experts, const struct inputs *x, const real *d)
{
    (void)d;
    work(share(x->stride) * (double)experts->n_local * rates[EXPERT_FORWARD]);
}

void __wrap_experts_backward(struct experts *experts, enum experts_residual residual,
                             const struct inputs *x, const real *d, const real *y,
                             const real *coefficient, real keep)
{
    (void)residual, (void)d, (void)y, (void)coefficient, (void)keep;
    work(share(x->stride) * (double)experts->n_local * rates[EXPERT_BACKWARD]);
}

void __wrap_objective_mixture(size_t n_experts, size_t stride, const real *w, const real *log_g,
                              const real *g, const real *loglik, real *coefficient, real *d_logit,
                              double *log_sum)
{
    (void)w, (void)log_g, (void)g, (void)loglik, (void)coefficient, (void)d_logit, (void)log_sum;
    work(share(stride) * (double)n_experts * rates[POSTERIOR]);
}

/* The messages are the program's; of its products only those of no expert. */
void __wrap_exchange_combine(struct exchange *exchange, size_t stride, const real *g,
                             const struct exchange_term *terms, int n_terms)
{
    size_t n_local = exchange->n_local;
    work(share(stride) * ((double)n_local * rates[COMBINE] + rates[COMBINE_ONCE]));
    exchange->n_local = 0;
    __real_exchange_combine(exchange, stride, g, terms, n_terms);
    exchange->n_local = n_local;
}

void __wrap_optimizer_update(struct optimizer *optimizer, struct parameters *parameters,
                             double rate, double factor, uint64_t step)
{
    (void)optimizer, (void)rate, (void)factor, (void)step;
    work((double)(parameters->n_networks * parameters->stride) * rates[UPDATE]);
}

struct run {
    size_t batch, micro_batch;
    long root_experts;
    int n_replicas;
    struct model_config config;
    struct communicator world, group; /* all ranks; those of this replica */
    MPI_Comm peers;                   /* the same shard of all replicas */
    struct model model;
    struct step step;
};

/* Neighbours make a replica: its messages are many and small, those between replicas few. */
static void split_ranks(struct run *run)
{
    int size = run->world.size / run->n_replicas, replica = run->world.rank / size;
    if (size * run->n_replicas != run->world.size)
        fail("the ranks cannot be divided by the replicas");
    run->group = run->world;
    if (__real_memory_alloc(&run->group.mpi, 1, sizeof *run->group.mpi, "a group") != STATUS_OK)
        fail("no memory");
    *run->group.mpi = *run->world.mpi;
    MPI_Comm_split(run->world.mpi->world, replica, run->world.rank, &run->group.mpi->world);
    MPI_Comm_rank(run->group.mpi->world, &run->group.rank);
    MPI_Comm_size(run->group.mpi->world, &run->group.size);
    MPI_Comm_split(run->world.mpi->world, run->group.rank, replica, &run->peers);
}

/* Slices of the gradient to their owners, added in the order of the replicas, and back to all. */
static void sum_gradients(struct run *run)
{
    size_t reals = run->model.experts.n_local * run->model.experts.parameters.stride;
    if (run->model.has_gate)
        reals += run->model.gate.parameters.stride;
    if (run->n_replicas == 1)
        return;
    int slice = (int)(reals / (size_t)run->n_replicas) + 1;
    MPI_Alltoall(arena, slice, MPI_REAL_TYPE, arena, slice, MPI_REAL_TYPE, run->peers);
    work((double)(run->n_replicas - 1) * slice * rates[ADD]);
    MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, arena, slice, MPI_REAL_TYPE, run->peers);
}

/* Returns the seconds that the sum over replicas took, waiting for the slowest included. */
static double train_step(struct run *run, struct optimizer *optimizer)
{
    size_t share_of_batch = run->batch / (size_t)run->n_replicas;
    const struct sample_run samples = {NULL, NULL, 0, share_of_batch, 1};
    for (size_t at = 0; at < share_of_batch; at += run->micro_batch) {
        step_load(&run->step, &samples, at, run->micro_batch);
        step_forward(&run->step);
        step_backward(&run->step, at > 0);
    }
    double before = MPI_Wtime();
    sum_gradients(run);
    double gradients = MPI_Wtime() - before;
    profile_enter(PHASE_UPDATE);
    if (run->model.has_gate)
        optimizer_update(optimizer, &run->model.gate.parameters, 1, 1, 1);
    optimizer_update(optimizer, &run->model.experts.parameters, 1, 1, 1);
    return gradients;
}

static void read_arguments(int argc, char **argv, struct run *run)
{
    unsigned long b, d, h, o, e;
    if (argc != 6 || sscanf(argv[1], "%lu,%lu,%lu,%lu,%lu", &b, &d, &h, &o, &e) != 5)
        fail("B,D,H,O,E REPLICAS MICRO_BATCH ROOT_EXPERTS RATES are wanted");
    run->batch = b;
    run->config = (struct model_config){.n_inputs = d,
                                        .n_outputs = o,
                                        .n_experts = e,
                                        .n_expert_hidden = h > 0,
                                        .expert_hidden = {h},
                                        .activation = ACTIVATION_TANH,
                                        .output = OUTPUT_IDENTITY,
                                        .likelihood = LIKELIHOOD_GAUSSIAN,
                                        .error = ERROR_MIXTURE,
                                        .variance = 1};
    run->n_replicas = atoi(argv[2]);
    run->micro_batch = strtoul(argv[3], NULL, 10);
    run->root_experts = atol(argv[4]);
    measured_samples = run->micro_batch;
    read_rates(argv[5]);
}

/* Collective. */
static void show_phases(const struct run *run, double step, double gradients)
{
    double seconds[N_PHASES], last[N_PHASES];
    int rank = run->world.rank, size = run->world.size;
    profile_read(seconds);
    memcpy(last, seconds, sizeof last);
    if (size > 1 && rank == size - 1)
        MPI_Send(seconds, N_PHASES, MPI_DOUBLE, 0, 0, MPI_COMM_WORLD);
    if (rank > 0)
        return;
    if (size > 1)
        MPI_Recv(last, N_PHASES, MPI_DOUBLE, size - 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    printf("step %.9g\ngradients %.9g\n", step, gradients);
    for (int p = 0; p < N_PHASES; p++)
        if (seconds[p] > 0 || last[p] > 0)
            printf("root %s %.9g\nlast %s %.9g\n", profile_name((enum phase)p), seconds[p],
                   profile_name((enum phase)p), last[p]);
}

int main(int argc, char **argv)
{
    struct run run = {0};
    struct optimizer optimizer = {0};
    read_arguments(argc, argv, &run);
    if (communicator_start(&argc, &argv, &run.world) != STATUS_OK)
        fail("MPI does not start");
    split_ranks(&run);
    size_t stride = real_padded(run.micro_batch);
    if (model_init(&run.model, &run.config, &run.group, run.root_experts, stride) != STATUS_OK ||
        step_init(&run.step, &run.model, &run.group, stride) != STATUS_OK)
        fail(status_text());
    if (step_looks_ahead(&run.config, &run.model.shard, run.batch / (size_t)run.n_replicas,
                         run.micro_batch) &&
        step_look_ahead(&run.step) != STATUS_OK)
        fail(status_text());
    /* One step is like the next: nothing here depends on what was computed. */
    MPI_Barrier(MPI_COMM_WORLD);
    double before = MPI_Wtime();
    profile_start(true);
    double gradients = train_step(&run, &optimizer);
    profile_enter(PHASE_OTHER);
    MPI_Barrier(MPI_COMM_WORLD);
    show_phases(&run, MPI_Wtime() - before, gradients);
    MPI_Finalize();
    return 0;
}
